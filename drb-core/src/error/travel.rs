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
    pub(super) fn from_value(value: &Value) -> Self {
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
                    let plain = name.strip_prefix('@').unwrap_or(name);
                    if plain == name && !is_bare(&exception.class, name) {
                        exception.bare.get_or_insert_default().insert(name.to_owned());
                    }
                    exception.fields.push((Cow::Owned(plain.to_owned()), value.clone()));
                }
            }
        }
        exception.message = match message {
            // Ruby's message is then the name of the class.
            None | Some(Value::Nil) => exception.class.clone().into_owned(),
            Some(message) if exception.class == UNCAUGHT => exception.filled_in(&text(message)),
            Some(message) => text(message),
        };
        exception
    }

    /// The message of [`UNCAUGHT`], in which `%p` stands for the tag. (Once, in Ruby's own: a few
    /// bytes are not to become a long text.)
    fn filled_in(&self, message: &str) -> String {
        let tag = self.field("tag").map_or_else(String::new, Value::to_string);
        match message.split_once("%p") {
            Some((before, after)) if !before.ends_with('%') => format!("{before}{tag}{after}"),
            _ => message.replace("%%", "%"),
        }
    }

    /// The instance variable in which Ruby looks for a field.
    fn ivar(&self, name: &str) -> String {
        let bare = is_bare(&self.class, name)
            || self.bare.as_ref().is_some_and(|bare| bare.contains(name));
        if bare { name.to_owned() } else { format!("@{name}") }
    }
}

/// The class whose message is a format string when Ruby reads it.
const UNCAUGHT: &str = "UncaughtThrowError";

/// Whether it is a field of Ruby's own classes, which keep theirs without an `@`.
fn is_bare(class: &str, name: &str) -> bool {
    match name {
        "cause" => true,
        "key" => matches!(class, "KeyError" | "NoMatchingPatternKeyError"),
        "receiver" => class == "KeyError",
        "matchee" => class == "NoMatchingPatternKeyError",
        "name" => matches!(class, "NameError" | "NoMethodError"),
        "args" | "private_call?" => class == "NoMethodError",
        "tag" | "value" => class == UNCAUGHT,
        "result" => class == "StopIteration",
        "status" => class == "SystemExit",
        "signo" => matches!(class, "SignalException" | "Interrupt"),
        "errno" => class == "SystemCallError" || class.starts_with("Errno::"),
        _ => false,
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
        let message = match &*self.class {
            UNCAUGHT => Value::from(self.message.replace('%', "%%")),
            _ => Value::from(self.message.as_str()),
        };
        let known = [
            (Cow::Borrowed("mesg"), message),
            (Cow::Borrowed("bt"), Value::Array(backtrace.collect())),
        ];
        let fields =
            self.fields.iter().map(|(name, value)| (Cow::Owned(self.ivar(name)), value.clone()));
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the instance variables of an exception are called after it was dumped.
    fn names(exception: &Exception) -> Vec<String> {
        let value = Value::from_dump(exception).unwrap();
        let fields = value.as_object().unwrap().fields().iter();
        fields
            .map(|(name, _)| name.to_string())
            .filter(|name| name != "mesg" && name != "bt")
            .collect()
    }

    #[test]
    fn fields_are_where_ruby_looks_for_them() {
        let exception = Exception::new("KeyError", "no").with("key", 1).with("shelf", 2);
        assert_eq!(names(&exception), ["key", "@shelf"]);
        let exception = Exception::new("Shelf::Error", "no").with("key", 1).with("cause", ());
        assert_eq!(names(&exception), ["@key", "cause"]);
    }

    /// A class of a Ruby program that is derived from KeyError.
    #[test]
    fn fields_that_are_passed_on_keep_their_names() {
        let fields = [("mesg", Value::from("no")), ("key", Value::from(1)), ("@shelf", 2.into())];
        let value = Value::from(Object::new("Shelf::Missing", fields));
        let exception: Exception = value.to().unwrap();
        assert_eq!(exception.field("key"), Some(&Value::from(1)));
        assert_eq!(names(&exception), ["key", "@shelf"]);
    }

    /// `UncaughtThrowError#to_s` takes the message for a format string.
    #[test]
    fn a_message_that_ruby_fills_in() {
        let text = |message: &str| {
            let fields = [("mesg", Value::from(message)), ("tag", Value::symbol("t"))];
            let value = Value::from(Object::new(UNCAUGHT, fields));
            value.to::<Exception>().unwrap().message
        };
        assert_eq!(text("uncaught throw %p"), "uncaught throw :t");
        assert_eq!(text("50%% of it"), "50% of it");
        let dumped = Value::from_dump(&Exception::new(UNCAUGHT, "50% of it")).unwrap();
        assert_eq!(dumped.get("mesg"), Some(&Value::from("50%% of it")));
    }
}
