//! What is known of the conversations besides the capture: where ours differ on purpose, with the
//! reason and with what is expected instead; and what was not recorded.

/// About a server of ours.
#[derive(Clone, Copy)]
pub struct Server {
    /// Replies, counted from 0, that are not Ruby's.
    pub differs: &'static [Differs],
    /// Calls of the object that the first reply gives: a Ruby client makes them past the proxy.
    pub unrecorded: &'static [Unrecorded],
}

/// A reply, the reason why it isn't Ruby's, and what it is instead, as text.
pub type Differs = (usize, &'static str, &'static str);

/// A call of an object that the server has given away.
pub struct Unrecorded {
    pub method: &'static str,
    pub arguments: &'static [i64],
    /// The id of the block at the client, if there is one.
    pub block: Option<i64>,
    /// The reply, as text.
    pub reply: &'static str,
}

const NO_PRIVATE: &str = "a method is exposed or isn't there; nobody is told which others exist";
const REASON: &str = "Ruby closes without a word; here the client is told why";
const IN_ARRAY: &str = "an array of references is one, without Ruby's DRbArray around it; a client \
                        gets the same";
const NO_NIL: &str = "a message always travels; without one Ruby's client says the class's name";

/// What is known of a conversation for our servers; `None` if none is concerned.
pub fn server(session: &str) -> Option<Server> {
    let differs: &'static [Differs] = match session {
        // Nothing is sent.
        "dup_inspect" | "dup_remote_methods" => return None,
        "call_block_stopiter" => &[(0, NO_NIL, "false #<StopIteration mesg=\"StopIteration\">")],
        "call_block_throw" => &[(
            0,
            "the tag stands in the message, so that Rust sees it too",
            "false #<UncaughtThrowError mesg=\"uncaught throw :t\", tag=:t, value=1>",
        )],
        "reply_throw" => &[(
            0,
            "the tag stands in the message, so that Rust sees it too",
            "false #<UncaughtThrowError mesg=\"uncaught throw :xyz\", tag=:xyz, value=5>",
        )],
        "reply_private" => &[(
            0,
            NO_PRIVATE,
            "false #<NoMethodError mesg=\"undefined method 'priv' for #<Front>\", \
             @drb_not_executed=true>",
        )],
        "reply_protected" => &[(
            0,
            NO_PRIVATE,
            "false #<NoMethodError mesg=\"undefined method 'prot' for #<Front>\", \
             @drb_not_executed=true>",
        )],
        "reply_undefined" => &[(
            0,
            "the object's instance variables and the arguments are not for others",
            "false #<NoMethodError mesg=\"undefined method 'undefined_thing' for #<Front>\", \
             @drb_not_executed=true>",
        )],
        "ut_private" => &[(
            0,
            NO_PRIVATE,
            "false #<NoMethodError mesg=\"undefined method 'call_private_method' for \
             #<DRbTests::DRbEx>\", @drb_not_executed=true>",
        )],
        "ut_undefined" => &[(
            0,
            "the object's instance variables are not for others",
            "false #<NoMethodError mesg=\"undefined method 'undefined_method_test' for \
             #<DRbTests::DRbEx>\", @drb_not_executed=true>",
        )],
        "reply___send__" => &[(
            0,
            REASON,
            "false #<DRb::DRbConnError mesg=\"insecure method '__send__'\", \
             @drb_not_executed=true>",
        )],
        "reply_secerr" => &[(0, REASON, "false #<SecurityError mesg=\"sec\">")],
        "reply_nomem" => &[(0, REASON, "false #<NoMemoryError mesg=\"mem\">")],
        "reply_to_ary" => &[(
            0,
            IN_ARRAY,
            "true [1, #<DRb::DRbObject @uri=\"druby://127.0.0.1:18787\", @ref=…>, \
             #<DRb::DRbObject @uri=\"druby://127.0.0.1:18787\", @ref=…>]",
        )],
        "splat_to_ary" => &[(
            1,
            IN_ARRAY,
            "true [1, #<DRb::DRbObject @uri=\"druby://127.0.0.1:18787\", @ref=…>, \
             #<DRb::DRbObject @uri=\"druby://127.0.0.1:18787\", @ref=…>]",
        )],
        "unknown_arg" => &[(
            0,
            "what came goes back as it was; Ruby's client gets the same object with or without \
             the DRbUnknown around it",
            "true #<CliOnly @z=1>",
        )],
        "respond_to_priv" => &[(0, NO_PRIVATE, "true false")],
        "ut_respond" => &[(1, NO_PRIVATE, "true false")],
        "ref_8_nil" => &[(
            0,
            "8 is the id of nil in Ruby 2.2.4 of drb, by mistake; here it is the id of nothing",
            "false #<RangeError mesg=\"invalid reference\", @drb_not_executed=true>",
        )],
        "ut_fail_callback" => &[(
            0,
            "an exception that a callback raises goes back as it was; Ruby's client raises the \
             same with or without the DRbUnknownError around it",
            "false #<DRbTests::FailOnecky::OneckyError mesg=\"3\">",
        )],
        "ut_timeout" => &[(
            0,
            "the text is that of a deadline",
            "false #<Timeout::Error mesg=\"no result within 100ms (the method may have run)\">",
        )],
        "ut_unknown_error" => {
            &[(0, NO_NIL, "false #<DRbTests::DRbEx::UError mesg=\"DRbTests::DRbEx::UError\">")]
        }
        "ut_too_many" => &[(
            0,
            "the limit is named",
            "false #<DRb::DRbConnError mesg=\"too many arguments\", @limit=\"arguments\", \
             @drb_not_executed=true>",
        )],
        "ut_too_large" => &[(
            0,
            "the limit is named",
            "false #<DRb::DRbConnError mesg=\"too large packet 4108\", @limit=\"frame\", \
             @drb_not_executed=true>",
        )],
        _ => &[],
    };
    let unrecorded: &'static [Unrecorded] = match session {
        "ut_to_a_idx" => &[Unrecorded {
            method: "[]",
            arguments: &[0],
            block: None,
            reply: "true #<DRb::DRbObject @uri=\"druby://127.0.0.1:18787\", @ref=nil>",
        }],
        "ut_yield_pair" => {
            &[Unrecorded { method: "each", arguments: &[], block: Some(220), reply: "true nil" }]
        }
        "ut_yield_undumped" => {
            &[Unrecorded { method: "each", arguments: &[], block: Some(260), reply: "true nil" }]
        }
        "ut_basic_object" => &[
            Unrecorded { method: "foo", arguments: &[], block: None, reply: "true 1" },
            Unrecorded {
                method: "prot",
                arguments: &[],
                block: None,
                reply: "false #<NoMethodError mesg=\"undefined method 'prot' for \
                        #<DRbTests::DRbEx::BO>\", @drb_not_executed=true>",
            },
            Unrecorded {
                method: "priv",
                arguments: &[],
                block: None,
                reply: "false #<NoMethodError mesg=\"undefined method 'priv' for \
                        #<DRbTests::DRbEx::BO>\", @drb_not_executed=true>",
            },
        ],
        _ => &[],
    };
    Some(Server { differs, unrecorded })
}
