//! The objects of the captured servers, as services here: each method does what Ruby's did.

use drb::{Block, DrbUndumped, Either, Exception, Object, Symbol, Value, value};
use std::{
    sync::{Arc, Weak},
    time::Duration,
};

/// The object of the first 57 conversations.
pub struct Front;

#[drb::service]
impl Front {
    pub fn to_s(&self) -> &str {
        "FRONT"
    }

    pub fn echo(&self, #[drb(rest)] values: Vec<Value>) -> Vec<Value> {
        values
    }

    pub fn one(&self, value: Value) -> Value {
        value
    }

    pub fn kw(
        &self,
        a: Value,
        #[drb(keyword)] b: Value,
        #[drb(keywords)] others: Vec<(String, Value)>,
    ) -> (Value, Value, Value) {
        (a, b, with_symbols(others))
    }

    pub async fn call_ref(&self, object: Object) -> drb::Result<Value> {
        object.call("hi", ()).await
    }

    pub async fn blk(
        &self,
        #[drb(rest)] values: Vec<Value>,
        block: Block<Vec<Value>, Value>,
    ) -> drb::Result<Value> {
        block.call(values).await
    }

    pub async fn each2(&self, block: Block<Vec<Value>>) -> drb::Result<Symbol> {
        let array = |items: &[i64]| Value::from(items.to_vec());
        let of_a_class = Value::from_marshal(b"\x04\x08C:\x0aMyAry[\x06i\x06").unwrap();
        let map = [(Symbol::from("a"), 1)].into_iter().collect();
        for values in [
            vec![array(&[1, 2])],
            vec![3.into(), 4.into()],
            vec![5.into()],
            vec![],
            vec![Value::Nil],
            vec![vec![array(&[6, 7])].into()],
            vec![array(&[8]), 9.into()],
            vec![of_a_class],
            vec![array(&[])],
            vec![map],
        ] {
            block.call(values).await?;
        }
        Ok(Symbol::from("end"))
    }

    pub async fn map3(&self, block: Block<(i64,), Value>) -> drb::Result<Vec<Value>> {
        let mut given = Vec::new();
        for number in 1..=3 {
            given.push(block.call((number,)).await?);
        }
        Ok(given)
    }

    pub fn v(&self, name: Symbol) -> Either<Value, Part> {
        let unknown = value::Object::new("SrvOnly", [("@foo", Value::from("bar"))]).into();
        match name.as_str() {
            "ref" => Either::Remote(Part),
            "unknown_cls" => Either::Value(unknown),
            "unknown_in_ary" => Either::Value(vec![Value::from(1), unknown].into()),
            other => panic!("{other}"),
        }
    }

    pub fn multi(&self) -> (i64, &str, Symbol) {
        (1, "b", Symbol::from("c"))
    }

    pub fn to_ary(&self) -> (i64, Part, Part) {
        (1, Part, Part)
    }

    pub fn raise_rt(&self) -> Result<(), Exception> {
        Err(Exception::new("RuntimeError", "boom"))
    }

    pub fn raise_unknown(&self) -> Result<(), Exception> {
        Err(Exception::new("SrvOnlyError", "mystery"))
    }

    pub fn raise_shared(&self) -> Result<(), Exception> {
        Err(Exception::new("SharedError", "sh").with("code", 42))
    }

    /// Ruby's holds a proc, and so becomes another one on the way.
    pub fn raise_undump(&self) -> Result<(), Exception> {
        Err(Exception::remote("UnDumpErr", "has a proc"))
    }

    pub fn no_meth(&self) -> Result<(), Exception> {
        let message = "undefined method 'nope_nope' for #<Front:0x0000 @keep=[]>";
        Err(no_method(message, "nope_nope", Vec::new(), true))
    }

    pub fn nomethod_ref(&self) -> Result<(), Exception> {
        let front = value::Object::new("Front", [("@keep", Value::from(Vec::<Value>::new()))]);
        let message = "undefined method 'nope' for #<Ref:0x0000>";
        Err(no_method(message, "nope", vec![front.into()], false))
    }

    pub fn raise_secerr(&self) -> Result<(), Exception> {
        Err(Exception::new("SecurityError", "sec"))
    }

    pub fn raise_nomem(&self) -> Result<(), Exception> {
        Err(Exception::new("NoMemoryError", "mem"))
    }

    pub fn raise_throw(&self) -> Result<(), Exception> {
        let exception = Exception::new("UncaughtThrowError", "uncaught throw :xyz");
        Err(exception.with("tag", Value::symbol("xyz")).with("value", 5))
    }

    pub fn raise_stop(&self) -> Result<(), Exception> {
        Err(Exception::new("StopIteration", "fin"))
    }

    pub fn raise_int(&self) -> Result<(), Exception> {
        Err(Exception::new("Interrupt", "sig").with("signo", 2))
    }

    pub fn raise_cause(&self) -> Result<(), Exception> {
        let inner = Exception::new("RuntimeError", "inner").with("cause", ());
        let inner = Value::from_dump(&inner).unwrap();
        Err(Exception::new("ArgumentError", "outer").with("cause", inner))
    }

    pub fn raise_keyerr(&self) -> Result<(), Exception> {
        let exception = Exception::new("KeyError", "key not found: :q");
        let nothing: Value = Vec::<(Value, Value)>::new().into_iter().collect();
        Err(exception.with("key", Value::symbol("q")).with("receiver", nothing))
    }

    pub fn raise_errno(&self) -> Result<(), Exception> {
        let message = "No such file or directory - some/path";
        Err(Exception::new("Errno::ENOENT", message).with("errno", 2))
    }
}

/// A map with symbols for keys.
fn with_symbols(options: Vec<(String, Value)>) -> Value {
    options.into_iter().map(|(name, value)| (Symbol::from(name), value)).collect()
}

fn no_method(message: &str, name: &str, args: Vec<Value>, private: bool) -> Exception {
    Exception::new("NoMethodError", message)
        .with("name", Value::symbol(name))
        .with("args", args)
        .with("private_call?", private)
}

/// An object that stays here.
#[derive(DrbUndumped)]
pub struct Part;

#[drb::service]
impl Part {}

/// The object that was called at the server's address with `?foo` behind it.
pub struct Named;

#[drb::service]
impl Named {
    pub fn size(&self) -> u64 {
        7
    }
}

/// The object of the other conversations: that of the test suite of Ruby's drb.
#[derive(DrbUndumped)]
pub struct DRbEx {
    me: Weak<Self>,
}

impl DRbEx {
    pub fn shared() -> Arc<Self> {
        Arc::new_cyclic(|me| Self { me: Weak::clone(me) })
    }
}

#[drb::service(class = "DRbTests::DRbEx")]
impl DRbEx {
    /// In Ruby an array that can't be dumped since its one element can't.
    pub fn to_a(&self) -> Row {
        Row { element: Weak::clone(&self.me) }
    }

    pub async fn sample(&self, a: Object, b: i64, c: i64) -> drb::Result<i64> {
        Ok(a.call::<i64>("to_i", ()).await? + b + c)
    }

    pub async fn do_timeout(&self, object: Object) -> drb::Result<Value> {
        object.call("sleep", (2,)).deadline(Duration::from_millis(500)).await
    }

    pub fn sum(&self, #[drb(rest)] numbers: Vec<i64>) -> i64 {
        numbers.iter().sum()
    }

    pub fn simple_hash(&self) -> Table {
        Table
    }

    pub fn xarray2_hash(&self) -> TableOfObjects {
        TableOfObjects
    }

    pub async fn xarray_each(&self, block: Block<(Value,)>) -> drb::Result<()> {
        let array = b"\x04\x08C:\x15DRbTests::XArray[\x06i\x00";
        block.call((Value::from_marshal(array).unwrap(),)).await
    }

    pub fn unknown_module(&self) -> Value {
        value::Object::new("DRbTests::DRbEx::FooBar", [("@foo", Value::from("bar"))]).into()
    }

    pub fn unknown_error(&self) -> Result<(), Exception> {
        Err(Exception::new("DRbTests::DRbEx::UError", "DRbTests::DRbEx::UError"))
    }

    pub fn remote_no_method_error(&self) -> Result<(), Exception> {
        let message = "undefined method 'invoke_no_method' for #<DRbTests::DRbEx:0x0000 \
                       @xary2_hash={\"a\"=>[0], \"b\"=>[1]}, @hash={\"a\"=>:a, \"b\"=>:b}, \
                       @hello=\"hello\">";
        Err(Exception::remote("NoMethodError", message))
    }

    pub fn missing(&self) -> bool {
        true
    }

    pub fn basic_object(&self) -> Basic {
        Basic
    }

    pub fn keyword_test2(
        &self,
        #[drb(keyword, default = "default".to_owned())] b: String,
    ) -> String {
        b
    }

    pub fn keyword_test3(&self, #[drb(keywords)] options: Vec<(String, Value)>) -> Value {
        with_symbols(options)
    }
}

/// An array with the front in it.
#[derive(DrbUndumped)]
pub struct Row {
    element: Weak<DRbEx>,
}

#[drb::service(class = "Array")]
impl Row {
    #[drb(name = "[]")]
    pub fn at(&self, index: i64) -> Option<Arc<DRbEx>> {
        self.element.upgrade().filter(|_| index == 0)
    }
}

/// A map that stays here.
#[derive(DrbUndumped)]
pub struct Table;

#[drb::service(class = "Hash")]
impl Table {
    pub async fn each(&self, block: Block<((String, Symbol),)>) -> drb::Result<()> {
        block.call((("a".to_owned(), Symbol::from("a")),)).await?;
        block.call((("b".to_owned(), Symbol::from("b")),)).await
    }
}

/// A map with objects for values.
#[derive(DrbUndumped)]
pub struct TableOfObjects;

#[drb::service(class = "Hash")]
impl TableOfObjects {
    pub async fn each(&self, block: Block<((String, Part),)>) -> drb::Result<()> {
        block.call((("a".to_owned(), Part),)).await?;
        block.call((("b".to_owned(), Part),)).await
    }
}

/// An object of a class that is derived from BasicObject in Ruby.
#[derive(DrbUndumped)]
pub struct Basic;

#[drb::service(class = "DRbTests::DRbEx::BO")]
impl Basic {
    pub fn foo(&self) -> i64 {
        1
    }
}
