//! Exceptions on the wire: objects with `mesg`, `bt` and instance variables.

use super::Exception;
use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Value, value::Object};
use std::borrow::Cow;

/// The instance variable that says that the method has not run.
const REFUSED: &str = "@drb_not_executed";

impl Exception {
    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.field(name)?.as_str()
    }

    /// What a value means that came where an exception belongs.
    fn from_value(value: &Value) -> Self {
        match value {
            Value::Object(object) if !object.is_struct() => Self::from_object(object),
            // A Ruby that couldn't load an exception passes it on wrapped up.
            Value::Dumped(dumped) if dumped.class() == "DRb::DRbUnknownError" => {
                let unknown = dumped.unwrap().and_then(|unknown| match unknown {
                    Value::Dumped(dumped) => dumped.unwrap(),
                    other => Some(other),
                });
                match unknown {
                    Some(Value::Object(object)) => Self::from_object(&object),
                    _ => Self::new("DRb::DRbUnknownError", "an exception of an unknown class"),
                }
            }
            // A Ruby raises nothing else, but its drb sends whatever it has rescued.
            other => Self::new(other.class().into_owned(), text(other)),
        }
    }

    fn from_object(object: &Object) -> Self {
        let mut exception = Self::new(object.class().as_str().to_owned(), "");
        let mut message = None;
        for (name, value) in object.fields() {
            match name.as_str() {
                "mesg" => message = Some(value),
                "bt" => {
                    let lines = value.as_array().unwrap_or_default();
                    exception.backtrace = lines.iter().map(text).collect();
                }
                // The backtrace once more.
                "bt_locations" => {}
                REFUSED => exception.refused = *value == Value::Bool(true),
                name => {
                    let name = name.strip_prefix('@').unwrap_or(name).to_owned();
                    exception.fields.push((Cow::Owned(name), value.clone()));
                }
            }
        }
        exception.message = match message {
            // Ruby's message is then the name of the class.
            None | Some(Value::Nil) => exception.class.clone().into_owned(),
            Some(message) => text(message),
        };
        exception
    }
}

/// The text of whatever stands where a text belongs.
fn text(value: &Value) -> String {
    match value {
        Value::Str(text) => match text.to_text() {
            Some(text) => text.into_owned(),
            None => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        },
        Value::Symbol(name) => name.as_str().to_owned(),
        // What Ruby's NameError has for a message.
        Value::Dumped(dumped) => String::from_utf8_lossy(dumped.payload()).into_owned(),
        other => other.to_string(),
    }
}

impl Dump for Exception {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let backtrace = self.backtrace.iter().map(|line| Value::from(line.as_str()));
        // Without `bt`, or with another one than an Array, Ruby's client comes upon an error of its
        // own.
        let known = [
            (Cow::Borrowed("mesg"), Value::from(self.message.as_str())),
            (Cow::Borrowed("bt"), Value::Array(backtrace.collect())),
        ];
        let fields =
            self.fields.iter().map(|(name, value)| (Cow::Owned(format!("@{name}")), value.clone()));
        let refused = self.refused.then(|| (Cow::Borrowed(REFUSED), Value::Bool(true)));
        let all = known.into_iter().chain(fields).chain(refused);
        let all = all.map(|(name, value)| (name.into_owned(), value));
        dumper.value(&Value::from(Object::new(self.class.clone().into_owned(), all)))
    }
}

impl Load for Exception {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        loader.value().map(|value| Self::from_value(&value))
    }
}
