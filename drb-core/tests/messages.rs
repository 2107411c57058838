//! Every captured message of Ruby's is read, whatever pieces it comes in, and written again byte for
//! byte.

use drb_core::{
    Dump, Exception, Limits, Load, Loader, Reference, Value,
    ruby::{ReplyReader, RequestReader, frame, reply, request},
};

struct Message {
    name: &'static str,
    note: &'static str,
    bytes: Vec<u8>,
}

fn messages(kind: &str) -> Vec<Message> {
    let lines = include_str!("golden/messages.tsv").lines().filter(|line| !line.starts_with('#'));
    let columns = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    let digit = |digit: &u8| char::from(*digit).to_digit(16).expect("a digit") as u8;
    columns
        .filter(|columns| columns[1] == kind)
        .map(|columns| Message {
            name: columns[0],
            note: columns[2],
            bytes: columns[3]
                .as_bytes()
                .chunks(2)
                .map(|pair| digit(&pair[0]) << 4 | digit(&pair[1]))
                .collect(),
        })
        .collect()
}

fn value(bytes: &[u8]) -> Value {
    Value::from_marshal(bytes).expect("a value")
}

#[test]
fn requests() {
    let limits = Limits::default();
    let requests = messages("request");
    assert_eq!(requests.len(), 123);
    for Message { name, note, bytes } in requests {
        let mut whole = RequestReader::new(&limits);
        let head = whole.advance(&bytes).expect(name).expect(name);
        assert_eq!(format!("{} {}", head.method, head.args.len()), note, "{name}");
        assert_eq!(head.len, bytes.len(), "{name}");

        let mut in_pieces = RequestReader::new(&limits);
        for len in 0..bytes.len() {
            assert_eq!(in_pieces.advance(&bytes[..len]), Ok(None), "{name}: {len} bytes");
            assert!(in_pieces.needs() > len, "{name}: {len} bytes");
        }
        assert_eq!(in_pieces.advance(&bytes).as_ref(), Ok(&Some(head)), "{name}");
        // It is ready for the next one.
        let head = in_pieces.advance(&bytes).expect(name).expect(name);

        let mut again = Vec::new();
        let reference = Reference::new("druby://localhost:1", head.target);
        request::begin(&mut again, &reference, &head.method, head.args.len(), &limits).unwrap();
        for part in head.args.iter().chain([&head.block]) {
            let part = value(&bytes[part.clone()]);
            frame::write(&mut again, &limits, None, |dumper| part.dump(dumper)).unwrap();
        }
        assert_eq!(again, bytes, "{name}");
    }
}

#[test]
fn replies() {
    let limits = Limits::default();
    let replies = messages("reply");
    assert_eq!(replies.len(), 86);
    for Message { name, note, bytes } in replies {
        let head = ReplyReader::new(&limits).advance(&bytes).expect(name).expect(name);
        let mut in_pieces = ReplyReader::new(&limits);
        for len in 0..bytes.len() {
            assert_eq!(in_pieces.advance(&bytes[..len]), Ok(None), "{name}: {len} bytes");
        }
        assert_eq!(in_pieces.advance(&bytes).as_ref(), Ok(&Some(head)), "{name}");
        let head = ReplyReader::new(&limits).advance(&bytes).expect(name).expect(name);

        let body = &bytes[head.body];
        if head.success {
            assert_eq!(note, "true", "{name}");
            let mut again = Vec::new();
            let result = value(body);
            reply::success(&mut again, &limits, None, |dumper| result.dump(dumper)).unwrap();
            assert_eq!(again, bytes, "{name}");
        } else {
            let exception = exception(body);
            // An exception that the Ruby in the middle didn't know arrives as what it was.
            let class = match note.strip_prefix("false ").expect(name) {
                "DRb::DRbUnknownError" => "DRbTests::FailOnecky::OneckyError",
                class => class,
            };
            assert_eq!(exception.class, class, "{name}");
            assert!(!exception.message.is_empty(), "{name}");
            assert!(!exception.refused, "{name}");
        }
    }
}

fn exception(body: &[u8]) -> Exception {
    let mut loader = Loader::marshal(body, &Limits::default(), None).expect("a stream");
    Exception::load(&mut loader).expect("an exception")
}

#[test]
fn exceptions_arrive_as_they_were_sent() {
    let mut sent = Exception::new("Foo::BarError", "möglich").with("code", 5).with("of", "me");
    sent.backtrace.push("here:1".to_owned());
    for refused in [false, true] {
        sent.refused = refused;
        let mut bytes = Vec::new();
        reply::failure(&mut bytes, &Limits::default(), None, &sent);
        let head = ReplyReader::new(&Limits::default()).advance(&bytes).unwrap().unwrap();
        assert!(!head.success);
        assert_eq!(exception(&bytes[head.body.clone()]), sent);
        // What Ruby's client needs.
        let object = value(&bytes[head.body]);
        assert!(matches!(object.get("bt"), Some(Value::Array(_))), "{object:?}");
    }
}

#[test]
fn what_is_no_exception_is_still_told() {
    for (sent, class, message) in [
        (Value::from("oh"), "String", "oh"),
        (Value::symbol("oh"), "Symbol", "oh"),
        (Value::Nil, "NilClass", "nil"),
        (Value::from(vec![1]), "Array", "[1]"),
    ] {
        let exception = exception(&sent.to_marshal().unwrap());
        assert_eq!((&*exception.class, &*exception.message), (class, message));
    }
}

#[test]
fn what_cannot_be_dumped_does_not_keep_an_exception_back() {
    // A field that is larger than a message may be.
    let limits = Limits { message: 200, ..Limits::default() };
    let sent = Exception::new("FooError", "too much").with("data", "x".repeat(300));
    let mut bytes = Vec::new();
    reply::failure(&mut bytes, &limits, None, &sent);
    let head = ReplyReader::new(&limits).advance(&bytes).unwrap().unwrap();
    assert_eq!(exception(&bytes[head.body]), Exception::new("FooError", "too much"));
}

#[test]
fn a_long_message_is_cut() {
    let limits = Limits::default();
    // Of the characters, which have two bytes, the last one doesn't fit as a whole.
    let text = format!("x{}", "ß".repeat(limits.error_text / 2));
    for (len, kept) in [(limits.error_text - 1, limits.error_text - 1), (text.len(), 8191)] {
        let mut bytes = Vec::new();
        let sent = Exception::new("FooError", &text[..len]).with("code", 5);
        reply::failure(&mut bytes, &limits, None, &sent);
        let head = ReplyReader::new(&limits).advance(&bytes).unwrap().unwrap();
        let exception = exception(&bytes[head.body]);
        assert_eq!(exception.message, text[..kept]);
        assert_eq!(exception.field("code"), Some(&Value::from(5)));
    }
}
