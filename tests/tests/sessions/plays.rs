//! What the captured clients do, as Rust does it; and what its program then sees, in the words that
//! the capture has for it.

use crate::front::FrontProxy;
use drb::{
    Client, Error, Exception, MethodError, Object, ObjectId, Proxy, Reference, Symbol, Value,
    by_ref, keywords,
    prelude::*,
    value::{self, Module, ModuleKind},
};
use std::{ops::ControlFlow, sync::Arc, time::Duration};

/// An object that stays here.
#[derive(DrbUndumped)]
struct Ref;

#[drb::service]
impl Ref {
    pub fn hi(&self) -> Symbol {
        Symbol::from("hi_from_client")
    }

    /// Ruby's is a number that cannot be had.
    pub fn to_i(&self) -> Result<i64, Exception> {
        Err(Exception::new("DRbTests::FailOnecky::OneckyError", "3"))
    }

    pub async fn sleep(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    pub fn call(&self) {}
}

/// A value of a class that the server doesn't know.
#[derive(Debug, PartialEq, DrbDumped)]
struct CliOnly {
    z: i64,
}

/// What a program sees of a result.
type Seen<T = Value> = Result<T, Error>;

/// Does what the client of a conversation does.
pub async fn play(name: &str, server: &str) -> String {
    let client = &Client::new();
    let front: &Object = &client.connect(server).await.unwrap();
    let other = |id| Object::from_remote(client.remote(Reference::new(server, id)));
    let seen = match name {
        _ if name.starts_with("call_block") => blocks(name, front).await,
        _ if name.starts_with("ut_") => suite(name, front).await,
        "call_args" => front.call("echo", (1, "a", Symbol::from("b"), (), [2.5])).await,
        "call_noargs" => front.call("to_s", ()).await,
        "call_uri_option" => {
            let named: Object = client.connect(&format!("{server}?foo")).await.unwrap();
            named.call("size", ()).await
        }
        "call_kwargs" => front.call("kw", (1, keywords([("b", 2), ("c", 3)]))).await,
        "call_hash_positional" => front.call("one", (options([("b", 2)]),)).await,
        "call_undumped_arg" => front.call("call_ref", (by_ref(Ref),)).await,
        "call_each2" => {
            let mut seen = Vec::new();
            let block = |all: Vec<Value>| {
                seen.push(Value::from(all.iter().map(plain_array).collect::<Vec<_>>()));
            };
            front.call_with::<Value, _, _, _, _>("each2", (), block).await.map(|_| seen.into())
        }
        "call_proc_arg" => {
            let own = Arc::new(Ref);
            let back: Seen<Object> = front.call("one", (by_ref(Arc::clone(&own)),)).await;
            back.map(|back| Value::from(Arc::ptr_eq(&own, &back.local::<Ref>().unwrap())))
        }
        "reply_shared_exc" => {
            let of = |error: &Exception| {
                vec![class(&error.class), error.field("code").cloned().into(), text(&error.message)]
            };
            raised(front.call("raise_shared", ()).await, of)
        }
        "reply_cause" => {
            let of = |error: &Exception| {
                let cause: Exception = error.field("cause").unwrap().to().unwrap();
                let cause = value::Object::new(format!("{}: {}", cause.class, cause.message), NONE);
                vec![class(&error.class), text(&error.message), cause.into()]
            };
            raised(front.call("raise_cause", ()).await, of)
        }
        "reply_keyerror" => {
            let of = |error: &Exception| {
                let key = error.field("key").cloned();
                vec![class(&error.class), text(&error.message), key.into()]
            };
            raised(front.call("raise_keyerr", ()).await, of)
        }
        "reply_errno" => {
            let of = |error: &Exception| {
                let number = error.field("errno").cloned();
                vec![class(&error.class), text(&error.message), number.into()]
            };
            raised(front.call("raise_errno", ()).await, of)
        }
        "reply_nomethod" => front.call("no_meth", ()).await,
        "reply_nomethod_args" => front.call("nomethod_ref", ()).await,
        "reply_private" => front.call("priv", ()).await,
        "reply_protected" => front.call("prot", ()).await,
        "reply_undefined" => front.call("undefined_thing", (1,)).await,
        "reply_argerror" => front.call("one", ()).await,
        "reply___send__" => front.call("__send__", (Symbol::from("to_s"),)).await,
        "reply_multi" => front.call("multi", ()).await,
        "reply_to_ary" => front.call("to_ary", ()).await.map(|parts| plain_array(&parts)),
        "splat_to_ary" => {
            let asked = front.call("respond_to?", (Symbol::from("to_ary"), true)).await;
            assert_eq!(asked, Ok(true));
            let parts: Seen<(i64, Object, Object)> = front.call("to_ary", ()).await;
            parts.map(|_| vec![class("Integer"), class(OBJECT), class(OBJECT)].into())
        }
        "reply_ref" => {
            let object: Seen<Object> = front.call("v", (Symbol::from("ref"),)).await;
            object.map(|object| match object.reference().id() {
                ObjectId::Number(_) => class("Integer"),
                other => panic!("{other:?}"),
            })
        }
        "reply_unknown" => front.call("v", (Symbol::from("unknown_cls"),)).await,
        "unknown_in_ary" => front.call("v", (Symbol::from("unknown_in_ary"),)).await,
        "unknown_arg" => {
            let back: Seen<CliOnly> = front.call("one", (CliOnly { z: 1 },)).await;
            back.map(|back| {
                assert_eq!(back, CliOnly { z: 1 });
                class("CliOnly")
            })
        }
        "respond_to" => {
            let mut answers: Vec<Value> = Vec::new();
            for name in ["echo", "nope"] {
                answers.push(front.call("respond_to?", (Symbol::from(name), false)).await.unwrap());
            }
            Ok(Value::from(answers))
        }
        "respond_to_priv" => front.call("respond_to?", (Symbol::from("priv"), true)).await,
        "dead_ref" => other(ObjectId::Number(123_456_789)).call("hi", ()).await,
        "ref_8_nil" => other(ObjectId::Number(8)).call("to_a", ()).await,
        "ref_string" => {
            let id: &[u8] = b"\x04\x08I\"\x08abc\x06:\x06ET";
            other(ObjectId::Opaque(id.into())).call("to_a", ()).await
        }
        "keepalive" => {
            let first: Seen = front.call("one", (1,)).await;
            assert_eq!(first, Ok(Value::from(1)));
            front.call("one", (2,)).await
        }
        "self_arg" => {
            let object: Seen<Object> = front.call("one", (front,)).await;
            object.map(|object| {
                assert_eq!(object, *front);
                class(OBJECT)
            })
        }
        // Methods that do nothing but fail.
        _ => {
            let method = match name.strip_prefix("reply_").unwrap() {
                "runtimeerror" => "raise_rt".to_owned(),
                "unknown_exc" => "raise_unknown".to_owned(),
                "undump_exc" => "raise_undump".to_owned(),
                rest => format!("raise_{rest}"),
            };
            front.call(&method, ()).await
        }
    };
    words(seen)
}

/// Those that are also played through the proxy of the service that stands for Ruby's object.
pub const TYPED: [&str; 18] = [
    "call_args",
    "call_noargs",
    "call_kwargs",
    "call_hash_positional",
    "call_block",
    "call_block_two",
    "call_block_none",
    "call_block_next",
    "call_block_raise",
    "call_block_lambda",
    "call_block_symproc",
    "call_block_lambda_return",
    "reply_runtimeerror",
    "reply_undump_exc",
    "reply_nomethod",
    "reply_throw",
    "reply_int",
    "reply_multi",
];

/// Does what the client of one of [`TYPED`] does.
pub async fn play_typed(name: &str, server: &str) -> String {
    let front = &FrontProxy::connect(server).await.unwrap();
    let map3 = |fails: Exception| front.map3(move |_| Err::<Value, _>(fails.clone()));
    words(match name {
        "call_args" => {
            let values = [1.into(), "a".into(), Value::symbol("b"), Value::Nil, vec![2.5].into()];
            front.echo(values).await.map(Value::from)
        }
        "call_noargs" => front.to_s().await.map(Value::from),
        "call_kwargs" => {
            let all = front.kw(1, 2, [("c", 3)]).await;
            all.map(|(a, b, others)| vec![a, b, others].into())
        }
        "call_hash_positional" => front.one(options([("b", 2)])).await,
        "call_block" => front.blk([7], |all: Vec<Value>| all[0].as_i64().unwrap() + 1).await,
        "call_block_two" => front.blk([1, 2], |all: Vec<Value>| all).await,
        "call_block_none" => front.blk(Vec::<Value>::new(), |all: Vec<Value>| all).await,
        "call_block_next" => front.map3(|x| if x == 2 { 99 } else { x }).await.map(Value::from),
        "call_block_raise" => map3(Exception::new("ArgumentError", "blk")).await.map(Value::from),
        "call_block_lambda" => front.map3(|x| x * 2).await.map(Value::from),
        "call_block_symproc" => front.map3(async |x| x + 1).await.map(Value::from),
        "call_block_lambda_return" => front.map3(|_| 5).await.map(Value::from),
        "reply_runtimeerror" => own(front.raise_rt().await),
        "reply_undump_exc" => own(front.raise_undump().await),
        "reply_nomethod" => own(front.no_meth().await),
        "reply_throw" => own(front.raise_throw().await),
        "reply_int" => own(front.raise_int().await),
        "reply_multi" => {
            let all = front.multi().await;
            all.map(|(a, b, c)| vec![Value::from(a), b.into(), c.into()].into())
        }
        other => panic!("{other}"),
    })
}

/// What a method's own error is in the words of the capture.
fn own(result: Result<(), CallError<Exception>>) -> Seen {
    match result {
        Ok(()) => Ok(Value::Nil),
        Err(CallError::Method(exception)) => Err(Error::from_exception(exception)),
        Err(CallError::Drb(error)) => Err(error),
    }
}

async fn blocks(name: &str, front: &Object) -> Seen {
    /// Calls `map3` with a block for the integer that it yields.
    macro_rules! map3 {
        ($block:expr) => {
            front.call_with::<Value, _, _, _, _>("map3", (), $block).await
        };
    }
    type One = (i64,);
    let fails = |exception: Exception| move |_: One| Err::<i64, _>(exception.clone());
    match name {
        "call_block" => front.call_with("blk", (7,), |(x,): One| x + 1).await,
        "call_block_two" => {
            front.call_with("blk", (1, 2), |(a, b): (Value, Value)| vec![a, b]).await
        }
        "call_block_array" => {
            front.call_with("blk", ([1, 2],), |(a, b): (Value, Value)| vec![a, b]).await
        }
        "call_block_none" => front.call_with("blk", (), |all: Vec<Value>| all).await,
        "call_block_arysub" => {
            let array = Value::from_marshal(b"\x04\x08C:\x0aMyAry[\x06i\x06").unwrap();
            front.call_with("blk", (array,), |all: Vec<Value>| all).await
        }
        "call_block_break" => map3!(|(x,): One| match x {
            2 => ControlFlow::Break(Value::symbol("out")),
            _ => ControlFlow::Continue(x),
        }),
        "call_block_next" => map3!(|(x,): One| if x == 2 { 99 } else { x }),
        "call_block_raise" => map3!(fails(Exception::new("ArgumentError", "blk"))),
        "call_block_stopiter" => map3!(fails(Exception::new("StopIteration", "StopIteration"))),
        // Rust has neither; these are what Ruby makes of them.
        "call_block_return" => {
            let exception = Exception::new("LocalJumpError", "unexpected return");
            let exception = exception.with("exit_value", Value::symbol("ret"));
            map3!(fails(exception.with("reason", Value::symbol("return"))))
        }
        "call_block_throw" => {
            let exception = Exception::new("UncaughtThrowError", "uncaught throw :t");
            map3!(fails(exception.with("tag", Value::symbol("t")).with("value", 1)))
        }
        "call_block_lambda" => map3!(|(x,): One| x * 2),
        "call_block_symproc" => map3!(|(x,): One| x + 1),
        "call_block_lambda_return" => map3!(|_: One| 5),
        other => panic!("{other}"),
    }
}

/// The conversations of the test suite of Ruby's drb.
async fn suite(name: &str, front: &Object) -> Seen {
    match name {
        "ut_to_a" => {
            let object: Seen<Object> = front.call("to_a", ()).await;
            object.map(|_| class(OBJECT))
        }
        "ut_to_a_idx" => {
            let object: Object = front.call("to_a", ()).await?;
            let element: Object = object.call("[]", (0,)).await?;
            // The program asks for its id.
            Ok(match element.reference().id() {
                ObjectId::Front => Value::Nil,
                other => panic!("{other:?}"),
            })
        }
        "ut_fail_callback" => front.call("sample", (by_ref(Ref), 1, 2)).await,
        "ut_timeout" => front.call("do_timeout", (by_ref(Ref),)).await,
        "ut_yield_pair" => {
            let hash: Object = front.call("simple_hash", ()).await?;
            let mut pairs: Vec<Value> = Vec::new();
            let block = |(key, value): (Value, Value)| {
                pairs.push(vec![key, value].into());
                pairs.clone()
            };
            hash.call_with::<Value, _, _, _, _>("each", (), block).await?;
            Ok(pairs.into())
        }
        "ut_yield_undumped" => {
            let hash: Object = front.call("xarray2_hash", ()).await?;
            // One class, so that Ruby's wire has it once.
            let class = class(OBJECT);
            let mut pairs: Vec<Value> = Vec::new();
            let block = |(key, _): (Value, Object)| {
                pairs.push(vec![key, class.clone()].into());
                pairs.clone()
            };
            hash.call_with::<Value, _, _, _, _>("each", (), block).await?;
            Ok(pairs.into())
        }
        "ut_xarray_each" => {
            let mut seen = Value::Nil;
            let block = |(array,): (Value,)| {
                seen = class(&array.class());
                seen.clone()
            };
            let given: Value = front.call_with("xarray_each", (), block).await?;
            assert!(given.is_nil());
            Ok(seen)
        }
        "ut_remote_nme" => front.call("remote_no_method_error", ()).await,
        "ut_too_many" => front.call("sum", [1; 9]).await,
        "ut_too_large" => front.call("sum", ("1".repeat(4096),)).await,
        "ut_private" => front.call("call_private_method", ()).await,
        "ut_undefined" => front.call("undefined_method_test", ()).await,
        "ut_basic_object" => {
            let object: Object = front.call("basic_object", ()).await?;
            let mut seen = vec![object.call("foo", ()).await?];
            for method in ["prot", "priv"] {
                let error = object.call::<Value>(method, ()).await.unwrap_err();
                assert!(matches!(error, Error::NoMethod(_)), "{error:?}");
                seen.push(text(&error.exception().unwrap().message));
            }
            Ok(seen.into())
        }
        "ut_respond" => {
            let mut seen: Vec<Value> = vec![front.call("respond_to?", ("sum", false)).await?];
            for all in [true, false] {
                seen.push(front.call("respond_to?", (Symbol::from("eval"), all)).await?);
            }
            Ok(seen.into())
        }
        "ut_kw" => front.call("keyword_test3", keywords([("a", 42), ("b", 42)])).await,
        "ut_kw2" => front.call("keyword_test2", ()).await,
        _ => front.call(name.strip_prefix("ut_").unwrap(), ()).await,
    }
}

/// Ruby's name of what a reference is.
const OBJECT: &str = "DRb::DRbObject";

/// No instance variables.
const NONE: [(&str, Value); 0] = [];

/// A class, as Ruby shows it.
fn class(name: &str) -> Value {
    Module::new(ModuleKind::Class, name).into()
}

fn text(text: &str) -> Value {
    text.into()
}

fn options<const N: usize>(pairs: [(&str, i64); N]) -> Value {
    pairs.into_iter().map(|(name, value)| (Symbol::from(name), value)).collect()
}

/// An array that Ruby's drb has wrapped, without that.
fn plain_array(value: &Value) -> Value {
    match value {
        Value::Dumped(_) => Value::from(value.as_array().unwrap().to_vec()),
        other => other.clone(),
    }
}

/// What a program makes of an exception that it rescues.
fn raised(result: Seen, of: impl FnOnce(&Exception) -> Vec<Value>) -> Seen {
    match result {
        Err(error) => Ok(of(error.exception().unwrap()).into()),
        Ok(value) => Ok(value),
    }
}

/// In the words of the capture.
fn words(seen: Seen) -> String {
    match seen {
        Ok(value) => format!("returned {value}"),
        Err(error) => {
            let exception = error.raise();
            let reason = exception.field("reason");
            let reason = reason.map_or_else(String::new, |reason| format!(" reason={reason}"));
            format!("raised {}: {:?}{reason}", exception.class, exception.message)
        }
    }
}
