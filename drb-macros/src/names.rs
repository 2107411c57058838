//! Names of Ruby's, and the way from a name of Rust's to one of them.

use crate::report::Report;
use proc_macro2::Span;
use quote::ToTokens;
use syn::{Ident, LitStr, ext::IdentExt};

/// The ways in which `rename_all` writes names.
#[derive(Clone, Copy)]
pub(crate) enum Case {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

const CASES: [(&str, Case); 8] = [
    ("lowercase", Case::Lower),
    ("UPPERCASE", Case::Upper),
    ("PascalCase", Case::Pascal),
    ("camelCase", Case::Camel),
    ("snake_case", Case::Snake),
    ("SCREAMING_SNAKE_CASE", Case::ScreamingSnake),
    ("kebab-case", Case::Kebab),
    ("SCREAMING-KEBAB-CASE", Case::ScreamingKebab),
];

impl Case {
    /// Reads the value of `rename_all`.
    pub(crate) fn read(text: Option<&LitStr>, report: &mut Report) -> Option<Self> {
        let text = text?;
        let found = CASES.iter().find(|(name, _)| *name == text.value());
        if found.is_none() {
            let names: Vec<_> = CASES.iter().map(|(name, _)| format!("`{name}`")).collect();
            report.at(text, format!("unknown case, there is {}", names.join(", ")));
        }
        found.map(|(_, case)| *case)
    }

    /// Writes a name of Rust's in this case.
    pub(crate) fn apply(self, name: &Ident) -> String {
        let words = words(&name.unraw().to_string());
        let join = |separator| words.join(separator);
        match self {
            Self::Lower => join(""),
            Self::Upper => join("").to_uppercase(),
            Self::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Self::Camel => {
                let capitalize = |(i, word): (usize, &String)| match i {
                    0 => word.clone(),
                    _ => capitalized(word),
                };
                words.iter().enumerate().map(capitalize).collect()
            }
            Self::Snake => join("_"),
            Self::ScreamingSnake => join("_").to_uppercase(),
            Self::Kebab => join("-"),
            Self::ScreamingKebab => join("-").to_uppercase(),
        }
    }
}

/// The words of a name in snake case or Pascal case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut begin = true;
    for c in name.chars() {
        if c == '_' {
            begin = true;
            continue;
        }
        if begin || c.is_uppercase() {
            words.push(String::new());
            begin = false;
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    words
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// Checks the name of a Ruby class: `Foo` or `Foo::Bar`.
pub(crate) fn check_class(name: &str, tokens: impl ToTokens, report: &mut Report) {
    let constant = |part: &str| is_identifier(part) && part.starts_with(char::is_uppercase);
    if !name.split("::").all(constant) {
        report.at(
            tokens,
            format!(
                "`{name}` is not the name of a Ruby class, which begins with a capital letter: \
                 write `class = \"Foo\"` or `class = \"Foo::Bar\"`"
            ),
        );
    }
}

/// Checks the name of a field that becomes an instance variable or a member of a Struct.
pub(crate) fn check_member(name: &str, tokens: impl ToTokens, report: &mut Report) {
    if !is_identifier(name) {
        report.at(
            tokens,
            format!(
                "`{name}` cannot be the name of an instance variable in Ruby; write it with \
                 letters, digits and `_`, or put `#[drb(as_hash)]` on the struct"
            ),
        );
    }
}

pub(crate) fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first == '_' || first.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

/// Ruby's methods whose names are signs.
const OPERATORS: &[&str] = &[
    "[]", "[]=", "+", "-", "*", "/", "%", "**", "==", "!=", "<", "<=", ">", ">=", "<=>", "===",
    "=~", "!~", "!", "~", "+@", "-@", "<<", ">>", "&", "|", "^", "`",
];

/// Methods of Ruby's that run whatever the caller names, and those by which Ruby asks what can be
/// called.
const REFUSED: &[&str] = &[
    "__send__",
    "class_eval",
    "class_exec",
    "define_method",
    "define_singleton_method",
    "instance_eval",
    "instance_exec",
    "instance_variable_get",
    "instance_variable_set",
    "method_missing",
    "module_eval",
    "module_exec",
    "public_send",
    "respond_to?",
    "respond_to_missing?",
    "send",
    "singleton_method_added",
];

/// Checks the name that a method has on the wire.
pub(crate) fn check_method(name: &str, tokens: impl ToTokens, report: &mut Report) {
    let word = name.strip_suffix(['?', '!', '=']).unwrap_or(name);
    if !is_identifier(word) && !OPERATORS.contains(&name) {
        report.at(
            tokens,
            format!(
                "`{name}` is not the name of a Ruby method: write a word such as `get`, `empty?`, \
                 `inc!` or `size=`, or an operator such as `[]`"
            ),
        );
    } else if matches!(name, "respond_to?" | "respond_to_missing?") {
        report.at(
            tokens,
            format!("`{name}` is answered by drb from the list of exposed methods; leave it out"),
        );
    } else if REFUSED.contains(&name) {
        report.at(
            tokens,
            format!(
                "`{name}` is never exposed, because in Ruby it runs whatever the caller names; \
                 write `#[drb(name = \"…\")]` with another name, or `#[drb(skip)]`"
            ),
        );
    }
}

/// A name of Rust's as it is on the wire, without `r#`.
pub(crate) fn plain(name: &Ident) -> String {
    name.unraw().to_string()
}

/// A name for what is generated, with a span whose hygiene keeps it apart from the user's.
pub(crate) fn generated(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        let name = |case: Case, name: &str| case.apply(&Ident::new(name, Span::call_site()));
        assert_eq!(name(Case::Snake, "TooMany"), "too_many");
        assert_eq!(name(Case::Camel, "last_access_time"), "lastAccessTime");
        assert_eq!(name(Case::Pascal, "last_access"), "LastAccess");
        assert_eq!(name(Case::ScreamingKebab, "last_access"), "LAST-ACCESS");
        assert_eq!(name(Case::Lower, "LastAccess"), "lastaccess");
        assert_eq!(name(Case::Upper, "last_access"), "LASTACCESS");
        assert_eq!(name(Case::Kebab, "LastAccess"), "last-access");
        assert_eq!(name(Case::ScreamingSnake, "LastAccess"), "LAST_ACCESS");
    }

    #[test]
    fn names_of_ruby_methods() {
        let accepted = |name: &str| {
            let mut report = Report::default();
            check_method(name, Ident::new("here", Span::call_site()), &mut report);
            report.is_empty()
        };
        for name in ["get", "[]", "[]=", "inc!", "empty?", "size=", "+", "<=>", "größe", "_x"] {
            assert!(accepted(name), "{name}");
        }
        for name in ["", "a b", "1st", "a?!", "[]?", "send", "__send__", "respond_to?", "a.b"] {
            assert!(!accepted(name), "{name}");
        }
    }
}
