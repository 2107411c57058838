//! What is known of the conversations besides the capture: where ours differ on purpose, with the
//! reason and with what is expected instead; and what was not recorded.

use crate::{
    vectors,
    wire::{CLIENT, dump},
};
use drb::{
    ObjectId, Reference, Value,
    value::{Encoding, Str},
};

/// A message of ours that is not Ruby's.
pub struct Differs {
    pub session: &'static str,
    /// Which of the messages of its kind, counted from 0.
    pub index: usize,
    pub reason: &'static str,
    /// The message, as text.
    pub expected: &'static str,
}

/// A call of an object that the server has given away: a Ruby client makes it past the proxy.
pub struct Unrecorded {
    pub session: &'static str,
    method: &'static str,
    arguments: &'static [i64],
    /// The id of the block at the client, if there is one.
    block: Option<i64>,
    /// The reply of our server, as text.
    pub reply: &'static str,
    /// The reply of Ruby's, in the form of the file.
    answer: [&'static str; 2],
}

/// Conversations that concern neither a server nor a client, and why.
pub const NEITHER: [(&str, &str); 2] = [
    ("dup_inspect", "Ruby's DRbObject answers these itself; nothing is sent"),
    ("dup_remote_methods", "it only looks at the proxy's own id; nothing is sent"),
];

const NO_PRIVATE: &str = "a method is exposed or isn't there; nobody is told which others exist";
const NO_INSIDES: &str = "instance variables of our objects are not for others";
const REASON: &str = "Ruby closes without a word; here the client is told why";
const IN_ARRAY: &str = "an array of references travels as one, without a DRbArray around it; a \
                        Ruby client gets the same array";
const NO_NIL: &str = "a message always travels; without one, Ruby says the name of the class";
const LIMIT: &str = "our own clients are told which limit it is";
const TAG: &str = "Ruby fills the tag in when it reads the message; here it is filled in already";
const INERT: &str = "what is of an unknown class is data here, and can be looked at";
const WHICH: &str = "it is said which connection, and whether the method can have run";

const fn differs(
    session: &'static str,
    index: usize,
    reason: &'static str,
    expected: &'static str,
) -> Differs {
    Differs { session, index, reason, expected }
}

/// Replies of our servers.
pub const REPLIES: [Differs; 22] = [
    differs("call_block_stopiter", 0, NO_NIL, r#"false #<StopIteration mesg="StopIteration">"#),
    differs(
        "call_block_throw",
        0,
        TAG,
        r#"false #<UncaughtThrowError mesg="uncaught throw :t", tag=:t, value=1>"#,
    ),
    differs(
        "reply_private",
        0,
        NO_PRIVATE,
        r#"false #<NoMethodError mesg="undefined method 'priv' for #<Front>", @drb_not_executed=true>"#,
    ),
    differs(
        "reply_protected",
        0,
        NO_PRIVATE,
        r#"false #<NoMethodError mesg="undefined method 'prot' for #<Front>", @drb_not_executed=true>"#,
    ),
    differs(
        "reply_undefined",
        0,
        NO_INSIDES,
        r#"false #<NoMethodError mesg="undefined method 'undefined_thing' for #<Front>", @drb_not_executed=true>"#,
    ),
    differs(
        "reply___send__",
        0,
        REASON,
        r#"false #<DRb::DRbConnError mesg="insecure method '__send__'", @drb_not_executed=true>"#,
    ),
    differs("reply_secerr", 0, REASON, r#"false #<SecurityError mesg="sec">"#),
    differs("reply_nomem", 0, REASON, r#"false #<NoMemoryError mesg="mem">"#),
    differs(
        "reply_throw",
        0,
        TAG,
        r#"false #<UncaughtThrowError mesg="uncaught throw :xyz", tag=:xyz, value=5>"#,
    ),
    differs(
        "reply_to_ary",
        0,
        IN_ARRAY,
        r#"true [1, #<DRb::DRbObject @uri="druby://127.0.0.1:18787", @ref=…>, #<DRb::DRbObject @uri="druby://127.0.0.1:18787", @ref=…>]"#,
    ),
    differs(
        "splat_to_ary",
        1,
        IN_ARRAY,
        r#"true [1, #<DRb::DRbObject @uri="druby://127.0.0.1:18787", @ref=…>, #<DRb::DRbObject @uri="druby://127.0.0.1:18787", @ref=…>]"#,
    ),
    differs(
        "unknown_arg",
        0,
        "what came goes back as it was; a Ruby client gets its object with or without the \
         DRbUnknown around it",
        "true #<CliOnly @z=1>",
    ),
    differs("respond_to_priv", 0, NO_PRIVATE, "true false"),
    differs(
        "ref_8_nil",
        0,
        "8 is the id of nil, which Ruby's drb takes for an exported object; here nobody was given it",
        r#"false #<RangeError mesg="invalid reference", @drb_not_executed=true>"#,
    ),
    differs(
        "ut_fail_callback",
        0,
        "an exception that a callback raises goes back as it was; a Ruby client raises it with or \
         without the DRbUnknownError around it",
        r#"false #<DRbTests::FailOnecky::OneckyError mesg="3">"#,
    ),
    differs(
        "ut_timeout",
        0,
        "a deadline says how long it was",
        r#"false #<Timeout::Error mesg="no result within 500ms (the method may have run)">"#,
    ),
    differs(
        "ut_unknown_error",
        0,
        NO_NIL,
        r#"false #<DRbTests::DRbEx::UError mesg="DRbTests::DRbEx::UError">"#,
    ),
    differs("ut_respond", 1, NO_PRIVATE, "true false"),
    differs(
        "ut_too_many",
        0,
        LIMIT,
        r#"false #<DRb::DRbConnError mesg="too many arguments", @limit="arguments", @drb_not_executed=true>"#,
    ),
    differs(
        "ut_too_large",
        0,
        LIMIT,
        r#"false #<DRb::DRbConnError mesg="too large packet 4108", @limit="frame", @drb_not_executed=true>"#,
    ),
    differs(
        "ut_private",
        0,
        NO_PRIVATE,
        r#"false #<NoMethodError mesg="undefined method 'call_private_method' for #<DRbTests::DRbEx>", @drb_not_executed=true>"#,
    ),
    differs(
        "ut_undefined",
        0,
        NO_INSIDES,
        r#"false #<NoMethodError mesg="undefined method 'undefined_method_test' for #<DRbTests::DRbEx>", @drb_not_executed=true>"#,
    ),
];

/// Replies of our clients to callbacks.
pub const CALLBACKS: [Differs; 2] = [
    differs("call_block_stopiter", 0, NO_NIL, r#"false #<StopIteration mesg="StopIteration">"#),
    differs(
        "call_block_throw",
        0,
        TAG,
        r#"false #<UncaughtThrowError mesg="uncaught throw :t", tag=:t, value=1>"#,
    ),
];

/// What the programs of our clients see.
pub const SEEN: [Differs; 9] = [
    differs("reply_unknown_exc", 0, INERT, r#"raised SrvOnlyError: "mystery""#),
    differs(
        "reply_nomethod_args",
        0,
        INERT,
        r#"raised NoMethodError: "undefined method 'nope' for #<Ref>""#,
    ),
    differs("reply___send__", 0, WHICH, LOST),
    differs("reply_secerr", 0, WHICH, LOST),
    differs("reply_nomem", 0, WHICH, LOST),
    differs("reply_unknown", 0, INERT, r#"returned #<SrvOnly @foo="bar">"#),
    differs("unknown_in_ary", 0, INERT, r#"returned [1, #<SrvOnly @foo="bar">]"#),
    differs("ut_unknown_module", 0, INERT, r#"returned #<DRbTests::DRbEx::FooBar @foo="bar">"#),
    differs(
        "ut_unknown_error",
        0,
        INERT,
        r#"raised DRbTests::DRbEx::UError: "DRbTests::DRbEx::UError""#,
    ),
];

const LOST: &str = "raised DRb::DRbConnError: \"connection to druby://127.0.0.1:18787 lost (the \
                    method may have run): connection closed\"";

/// In the order in which they are made.
pub const UNRECORDED: [Unrecorded; 6] = [
    Unrecorded {
        session: "ut_to_a_idx",
        method: "[]",
        arguments: &[0],
        block: None,
        reply: r#"true #<DRb::DRbObject @uri="druby://127.0.0.1:18787", @ref=nil>"#,
        answer: [
            "T",
            r#"u:\x13DRb::DRbObject)\x04\x08[\x07I"\x1cdruby://127.0.0.1:18787\x06:\x06ET0"#,
        ],
    },
    Unrecorded {
        session: "ut_yield_pair",
        method: "each",
        arguments: &[],
        block: Some(220),
        reply: "true nil",
        answer: ["T", "0"],
    },
    Unrecorded {
        session: "ut_yield_undumped",
        method: "each",
        arguments: &[],
        block: Some(260),
        reply: "true nil",
        answer: ["T", "0"],
    },
    Unrecorded {
        session: "ut_basic_object",
        method: "foo",
        arguments: &[],
        block: None,
        reply: "true 1",
        answer: ["T", r"i\x06"],
    },
    Unrecorded {
        session: "ut_basic_object",
        method: "prot",
        arguments: &[],
        block: None,
        reply: r#"false #<NoMethodError mesg="undefined method 'prot' for #<DRbTests::DRbEx::BO>", @drb_not_executed=true>"#,
        answer: [
            "F",
            r#"o:\x12NoMethodError\x07:\x09mesg"Qprotected method 'prot' called for #<DRbTests::DRbEx::BO:0x00007f9a28717298>:\x07bt[\x00"#,
        ],
    },
    Unrecorded {
        session: "ut_basic_object",
        method: "priv",
        arguments: &[],
        block: None,
        reply: r#"false #<NoMethodError mesg="undefined method 'priv' for #<DRbTests::DRbEx::BO>", @drb_not_executed=true>"#,
        answer: [
            "F",
            r#"o:\x12NoMethodError\x07:\x09mesg"Oprivate method 'priv' called for #<DRbTests::DRbEx::BO:0x00007f9a28717298>:\x07bt[\x00"#,
        ],
    },
];

/// What a list says of a conversation's message.
pub fn find(list: &'static [Differs], session: &str, index: usize) -> Option<&'static Differs> {
    list.iter().find(|differs| differs.session == session && differs.index == index)
}

/// The calls of a conversation that were not recorded.
pub fn unrecorded(session: &str) -> Vec<&'static Unrecorded> {
    UNRECORDED.iter().filter(|call| call.session == session).collect()
}

impl Unrecorded {
    /// The request of a Ruby client.
    pub fn request(&self, target: Vec<u8>) -> Vec<Vec<u8>> {
        let method = Value::from(Str::new(self.method, Encoding::UsAscii));
        let mut request = vec![target, dump(method)];
        request.push(dump(i64::try_from(self.arguments.len()).unwrap()));
        request.extend(self.arguments.iter().map(|argument| dump(*argument)));
        let block = |id| Value::from(Reference::new(CLIENT, ObjectId::Number(id)));
        request.push(dump(self.block.map(block)));
        request
    }

    pub fn answer(&self) -> Vec<Vec<u8>> {
        self.answer.iter().map(|stream| vectors::stream(stream)).collect()
    }
}
