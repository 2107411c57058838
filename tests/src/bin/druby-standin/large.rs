//! `ut_large.rb`: arrays with many elements.

use drb::{
    Dump, DumpError, Dumper, Either, Exception, Kind, LoadError, Loader, Object, Outbound,
    prelude::*,
};
use num_bigint::BigInt;

pub(crate) struct Large;

/// What the suite's arrays hold.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    Number(i64),
    Text(String),
}

impl Load for Element {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        match loader.kind()? {
            Kind::Str => String::load(loader).map(Self::Text),
            _ => loader.i64().map(Self::Number),
        }
    }
}

impl Dump for Element {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        match self {
            Self::Number(number) => dumper.int(*number),
            Self::Text(text) => dumper.str(text),
        }
    }
}

impl Outbound for Element {
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

#[drb::service(class = "DRbTests::DRbLarge")]
impl Large {
    /// An array of what cannot be copied isn't copied either.
    pub async fn size(&self, elements: Either<Vec<Element>, Object>) -> drb::Result<usize> {
        match elements {
            Either::Value(elements) => Ok(elements.len()),
            Either::Remote(array) => array.call("size", ()).await,
        }
    }

    /// Of texts, all of them in one.
    pub fn sum(&self, elements: Vec<Element>) -> Result<Option<Element>, Exception> {
        let mut elements = elements.into_iter();
        let Some(mut sum) = elements.next() else { return Ok(None) };
        for element in elements {
            match (&mut sum, element) {
                (Element::Number(sum), Element::Number(number)) => *sum += number,
                (Element::Text(sum), Element::Text(text)) => sum.push_str(&text),
                (Element::Number(_), _) => return Err(not_a("Integer")),
                (Element::Text(_), _) => return Err(not_a("String")),
            }
        }
        Ok(Some(sum))
    }

    pub fn multiply(&self, elements: Vec<Element>) -> Result<Option<BigInt>, Exception> {
        let numbers = numbers(&elements)?;
        Ok((!numbers.is_empty()).then(|| numbers.into_iter().map(BigInt::from).product()))
    }

    pub fn avg(&self, elements: Vec<Element>) -> Result<Option<f64>, Exception> {
        Ok(average(&numbers(&elements)?))
    }

    pub fn median(&self, elements: Vec<Element>) -> Result<Option<f64>, Exception> {
        let mut numbers = numbers(&elements)?;
        numbers.sort_unstable();
        let middle = numbers.len().saturating_sub(1) / 2..=numbers.len() / 2;
        Ok(numbers.get(middle).and_then(average))
    }

    pub fn arg_test(&self, #[drb(rest)] _arguments: Vec<drb::Value>) {}
}

fn numbers(elements: &[Element]) -> Result<Vec<i64>, Exception> {
    let number = |element: &Element| match element {
        Element::Number(number) => Ok(*number),
        Element::Text(_) => Err(not_a("Integer")),
    };
    elements.iter().map(number).collect()
}

fn average(numbers: &[i64]) -> Option<f64> {
    let sum: i64 = numbers.iter().sum();
    (!numbers.is_empty()).then(|| sum as f64 / numbers.len() as f64)
}

fn not_a(class: &str) -> Exception {
    Exception::new("TypeError", format!("no implicit conversion into {class}"))
}
