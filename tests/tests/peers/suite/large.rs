//! What is large, and the arithmetic on it.

use super::There;
use drb::{DrbUndumped, Error, Object, Value, by_ref, value::BigInt};

const HELLO: &str = "Hello, World";

async fn start() -> (There, Object) {
    let there = There::start("large").await;
    let object = there.object().await;
    (there, object)
}

fn type_error(result: Result<Value, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.exception().map(|e| &*e.class), Some("TypeError"), "{error:?}");
}

#[tokio::test]
async fn large_arrays_of_numbers() {
    let (_there, large) = start().await;
    let list = vec![2; 10240];
    assert_eq!(large.call::<usize>("size", (&list,)).await, Ok(10240));
    assert_eq!(large.call::<u64>("sum", (&list,)).await, Ok(20480));
    let product: Value = large.call("product", (&list,)).await.unwrap();
    // 2¹⁰²⁴⁰: a one behind 1280 bytes of zeros.
    let magnitude: Vec<u8> = [vec![0; 1280], vec![1]].concat();
    assert_eq!(product, Value::from(BigInt::new(false, &magnitude)));
    assert_eq!(large.call::<Value>("product", ([&product],)).await, Ok(product));
    assert_eq!(large.call::<f64>("mean", (&list,)).await, Ok(2.0));
    assert_eq!(large.call::<f64>("middle", (&list,)).await, Ok(2.0));
}

#[tokio::test]
async fn large_arrays_of_texts() {
    let (_there, large) = start().await;
    let list = vec![HELLO; 5000];
    assert_eq!(large.call::<usize>("size", (&list,)).await, Ok(5000));
    assert_eq!(large.call::<String>("sum", (&list,)).await.unwrap(), HELLO.repeat(5000));
    for method in ["product", "mean", "middle"] {
        type_error(large.call(method, (&list,)).await);
    }
}

/// A list that stays here: Ruby asks it for its size.
#[derive(DrbUndumped)]
struct Pile(usize);

#[drb::service]
impl Pile {
    pub fn size(&self) -> usize {
        self.0
    }
}

#[tokio::test]
async fn a_list_that_stays_here() {
    let (_there, large) = start().await;
    assert_eq!(large.call::<usize>("size", (by_ref(Pile(10240)),)).await, Ok(10240));
    let missing = large.call::<Value>("sum", (by_ref(Pile(3)),)).await.unwrap_err();
    let exception = missing.exception().unwrap();
    assert_eq!(exception.class, "NoMethodError");
    assert_eq!(exception.message, "undefined method 'inject' for #<Pile>");
}

#[tokio::test]
async fn what_is_too_large() {
    let (_there, large) = start().await;
    let error = large.call::<Value>("any", [1; 10]).await.unwrap_err();
    assert_eq!(error.exception().map(|e| &*e.message), Some("too many arguments"), "{error:?}");
    let error = large.call::<Value>("size", (vec![HELLO; 102_400],)).await.unwrap_err();
    let exception = error.exception().unwrap_or_else(|| panic!("{error:?}"));
    assert!(exception.message.starts_with("too large packet"), "{exception}");
    assert_eq!(large.call::<usize>("size", ([1],)).await, Ok(1));
}

#[tokio::test]
async fn numbers() {
    let (_there, large) = start().await;
    let list = [1, 50, 3, 844, 7, 45, 23];
    assert_eq!(large.call::<u64>("sum", (list,)).await, Ok(973));
    assert_eq!(large.call::<u64>("product", (list,)).await, Ok(917_217_000));
    assert_eq!(large.call::<f64>("mean", (list,)).await, Ok(139.0));
    assert_eq!(large.call::<f64>("middle", (list,)).await, Ok(23.0));
    assert_eq!(large.call::<f64>("middle", ([1, 2, 3, 4],)).await, Ok(2.5));
    assert_eq!(large.call::<f64>("mean", ([50],)).await, Ok(50.0));
    assert_eq!(large.call::<usize>("size", ([0; 0],)).await, Ok(0));
    for method in ["sum", "product", "mean", "middle"] {
        let nothing = large.call::<Option<f64>>(method, ([0; 0],)).await;
        assert_eq!(nothing, Ok(None), "{method}");
    }
}
