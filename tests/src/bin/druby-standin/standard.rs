//! `ut_drb.rb`: the server of most tests, a little of everything.

use crate::{
    ext_serv::front,
    hash::{Hash, XArray2, xarray},
};
use drb::{Context, Either, Exception, Object, Symbol, Value, prelude::*};
use std::{sync::Arc, time::Duration};

/// The front object.
pub(crate) struct Standard;

/// An Integer, or an object elsewhere that becomes one when it is asked.
type Number = Either<i64, Object>;

async fn to_i(number: Number) -> drb::Result<i64> {
    match number {
        Either::Value(number) => Ok(number),
        Either::Remote(object) => object.call("to_i", ()).await,
    }
}

/// A class that the suite doesn't know.
#[derive(DrbDumped)]
#[drb(class = "DRbTests::Unknown2")]
pub(crate) struct Unknown {
    foo: String,
}

/// A class within a class that the suite doesn't know.
#[derive(DrbDumped)]
#[drb(class = "DRbTests::DRbEx::FooBar")]
pub(crate) struct UnknownWithin {
    foo: String,
}

/// An exception that the suite doesn't know.
#[derive(Debug, thiserror::Error, DrbError)]
#[error("DRbTests::DRbEx::UError")]
#[drb(class = "DRbTests::DRbEx::UError")]
pub(crate) struct UnknownError;

#[drb::service(class = "DRbTests::DRbEx")]
impl Standard {
    pub fn hello(&self) -> &str {
        "hello"
    }

    pub async fn sample(&self, a: Number, b: Number, c: Number) -> drb::Result<i64> {
        Ok(to_i(a).await? + to_i(b).await? + to_i(c).await?)
    }

    pub async fn sum(&self, #[drb(rest)] numbers: Vec<Number>) -> drb::Result<i64> {
        let mut sum = 0;
        for number in numbers {
            sum += to_i(number).await?;
        }
        Ok(sum)
    }

    /// The object takes two seconds, and isn't given so long.
    pub async fn do_timeout(&self, sleeper: Object) -> drb::Result<Value> {
        sleeper.call("sleep", (2,)).deadline(Duration::from_millis(100)).await
    }

    pub fn unknown_class(&self) -> Unknown {
        Unknown { foo: "unknown2".to_owned() }
    }

    pub fn unknown_module(&self) -> UnknownWithin {
        UnknownWithin { foo: "bar".to_owned() }
    }

    pub fn unknown_error(&self) -> Result<(), UnknownError> {
        Err(UnknownError)
    }

    /// In Ruby an exception that holds an object which cannot be copied.
    pub fn remote_no_method_error(&self) -> Result<(), Exception> {
        let message = "undefined method 'invoke_no_method' for #<DRbTests::DRbEx>";
        Err(Exception::remote("NoMethodError", message))
    }

    pub fn basic_object(&self) -> Basic {
        Basic
    }

    /// An Array that holds this object, and so cannot be copied.
    pub fn to_a(&self, #[drb(context)] call: &Context) -> Objects {
        Objects(vec![front(call.uri())])
    }

    pub async fn echo_yield(
        &self,
        #[drb(rest)] values: Vec<Value>,
        block: Block<Vec<Value>>,
    ) -> drb::Result<()> {
        block.call(values).await
    }

    pub async fn echo_yield_0(&self, block: Block) -> drb::Result<()> {
        block.call(()).await
    }

    pub async fn echo_yield_1(&self, one: Value, block: Block<(Value,)>) -> drb::Result<()> {
        block.call((one,)).await
    }

    pub async fn echo_yield_2(
        &self,
        one: Value,
        two: Value,
        block: Block<(Value, Value)>,
    ) -> drb::Result<()> {
        block.call((one, two)).await
    }

    pub async fn xarray_each(&self, block: Block<(Value,)>) -> drb::Result<()> {
        block.call((xarray(),)).await
    }

    pub fn simple_hash(&self) -> Hash<Symbol> {
        Hash::simple()
    }

    pub fn xarray2_hash(&self) -> Hash<Arc<XArray2>> {
        Hash::of_arrays()
    }

    #[drb(name = "[]")]
    pub fn named(&self, key: String) -> String {
        key
    }

    pub fn keyword_test1(&self, #[drb(keyword)] a: Value) -> Value {
        a
    }

    pub fn keyword_test2(
        &self,
        #[drb(keyword, default = Value::from("default"))] b: Value,
    ) -> Value {
        b
    }

    pub fn keyword_test3(&self, #[drb(keywords)] options: Vec<(String, Value)>) -> Value {
        options.into_iter().map(|(name, value)| (Value::symbol(&name), value)).collect()
    }
}

/// What the suite calls as `uri?foo`: a String, by reference.
pub(crate) struct Text(pub(crate) &'static str);

#[drb::service(class = "String")]
impl Text {
    pub fn size(&self) -> usize {
        self.0.chars().count()
    }
}

/// A BasicObject. Its other methods are protected and private.
#[derive(DrbUndumped)]
pub(crate) struct Basic;

#[drb::service(class = "DRbTests::DRbEx::BO")]
impl Basic {
    pub fn foo(&self) -> i64 {
        1
    }
}

/// An Array of objects.
#[derive(DrbUndumped)]
pub(crate) struct Objects(Vec<Object>);

#[drb::service(class = "Array")]
impl Objects {
    #[drb(name = "[]")]
    pub fn at(&self, index: usize) -> Option<Object> {
        self.0.get(index).cloned()
    }
}
