//! Types as a reader would write them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// The tokens as text: `Vec<u8>`, not `Vec < u8 >`.
pub(crate) fn text(tokens: impl ToTokens) -> String {
    let mut text = String::new();
    write(&mut text, tokens.to_token_stream());
    text
}

fn write(text: &mut String, tokens: TokenStream) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(text, group.stream());
                // Behind the comma of a tuple of one.
                text.truncate(text.trim_end().len());
                text.push_str(close);
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                ',' | ';' => text.extend([punct.as_char(), ' ']),
                '+' | '=' => text.extend([' ', punct.as_char(), ' ']),
                // The end of an arrow.
                '>' if text.ends_with('-') => {
                    text.pop();
                    text.push_str(" -> ");
                }
                other => text.push(other),
            },
            word => {
                if text.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                    text.push(' ');
                }
                text.push_str(&word.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    #[test]
    fn types_read_as_written() {
        let cases = [
            (quote!(Vec<u8>), "Vec<u8>"),
            (quote!(&'a str), "&'a str"),
            (quote!(&mut dyn Foo), "&mut dyn Foo"),
            (quote!(Result<Option<u64>, ()>), "Result<Option<u64>, ()>"),
            (quote!([u8; 4]), "[u8; 4]"),
            (quote!(fn(u8) -> u8), "fn(u8) -> u8"),
            (quote!(::a::B<dyn C + Send>), "::a::B<dyn C + Send>"),
            (quote!(Block<(u8,), (u8, u8)>), "Block<(u8,), (u8, u8)>"),
        ];
        for (tokens, text) in cases {
            assert_eq!(super::text(tokens), text);
        }
    }
}
