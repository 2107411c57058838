//! The tables are those of Ruby's own tests of `ACL`: the same hosts, lists and expectations.

use super::*;

/// Name in the tables, address, name as a reverse lookup would give it.
const HOSTS: [(&str, &str, &str); 9] = [
    ("localhost", "127.0.0.1", "localhost"),
    ("x68k", "192.168.1.1", "x68k.linux.or.jp"),
    ("lc630", "192.168.1.2", "lc630.macos.or.jp"),
    ("lib30", "192.168.1.3", "lib30.win32.or.jp"),
    ("ns00", "192.168.1.4", "ns00.linux.or.jp"),
    ("yum", "192.168.1.5", "yum.macos.or.jp"),
    ("ipv6", "::ffff:192.168.1.5", "ipv6.macos.or.jp"),
    ("too", "::192.168.1.5", "too.yumipv6.macos.or.jp"),
    ("comstarz", "192.168.1.254", "comstarz.foo.or.jp"),
];

const EVERYONE: [&str; 9] =
    ["localhost", "x68k", "lc630", "lib30", "ns00", "yum", "ipv6", "too", "comstarz"];

fn allows(acl: &Acl, host: &str) -> bool {
    let (_, address, name) = HOSTS.iter().find(|(key, ..)| *key == host).unwrap();
    acl.allows_host(address.parse().unwrap(), name)
}

/// Patterns (any of which may match), hosts that match, hosts that don't.
#[test]
fn ruby_patterns() {
    let table: &[(&[&str], &[&str], &[&str])] = &[
        (&["*"], &EVERYONE, &[]),
        (&["all"], &EVERYONE, &[]),
        (&["::ffff:192.0.0.0/104"], &["yum", "ipv6"], &["localhost", "too"]),
        (&["192.0.0.0/8"], &["yum"], &["localhost"]),
        (&["192.168.1.0/255.255.255.0"], &["yum", "x68k"], &["localhost"]),
        (&["192.168.1.0/24"], &["yum", "x68k"], &["localhost"]),
        (&["92.0.0.0/8"], &[], &["localhost", "yum", "x68k"]),
        (&["127.0.0.0/255.0.0.0"], &["localhost"], &["yum", "x68k"]),
        (&["*.jp"], &["yum"], &["localhost"]),
        (&["yum.*.jp"], &["yum"], &["lc630"]),
        (&["*.macos.or.jp"], &["yum", "lc630"], &["lib30"]),
        (&["localhost", "127.0.0.0/8", "yum.*", "*"], &EVERYONE, &[]),
        (
            &["192.168.1.0/255.255.255.252", "yum.*.jp"],
            &["x68k", "lc630", "lib30", "yum"],
            &["ns00"],
        ),
        (&["*.linux.or.jp"], &["x68k"], &["yum", "lc630"]),
    ];
    for (patterns, matching, others) in table {
        let acl = patterns
            .iter()
            .try_fold(Acl::new(AclOrder::AllowDeny), |acl, pattern| acl.allow(pattern))
            .unwrap();
        for host in *matching {
            assert!(allows(&acl, host), "{patterns:?} matches {host}");
        }
        for host in *others {
            assert!(!allows(&acl, host), "{patterns:?} doesn't match {host}");
        }
    }
}

#[test]
fn ruby_lists() {
    use AclOrder::{AllowDeny, DenyAllow};
    let table: &[(&str, AclOrder, &[&str], &[&str])] = &[
        ("", DenyAllow, &EVERYONE, &[]),
        ("", AllowDeny, &[], &EVERYONE),
        ("deny all allow localhost allow x68k.*", DenyAllow, &["x68k", "localhost"], &["lc630"]),
        (
            "deny 192.0.0.0/8 allow localhost allow x68k.*",
            AllowDeny,
            &["localhost"],
            &["x68k", "lc630"],
        ),
    ];
    for (list, order, allowed, denied) in table {
        let acl = Acl::parse(list).unwrap().with_order(*order);
        for host in *allowed {
            assert!(allows(&acl, host), "{list:?} in {order:?} allows {host}");
        }
        for host in *denied {
            assert!(!allows(&acl, host), "{list:?} in {order:?} denies {host}");
        }
    }
}

#[test]
fn addresses() {
    let table: &[(&str, &[&str], &[&str])] = &[
        ("192.168.1.*", &["192.168.1.0", "::ffff:192.168.1.255"], &["192.168.11.1", "::1"]),
        ("192.*", &["192.168.1.1"], &["193.0.0.1", "1.192.0.0"]),
        ("*.1", &["10.0.0.1"], &["10.0.0.11", "1.0.0.2"]),
        ("10.*.7", &["10.1.2.7", "10.7.7.7"], &["10.1.2.8", "11.1.2.7"]),
        ("*.*.*.*", &["10.0.0.1"], &["::1"]),
        ("::ffff:10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"], &["10.0.0.2", "::10.0.0.1"]),
        ("10.0.0.1", &["::ffff:10.0.0.1"], &["::10.0.0.1"]),
        ("::/0", &["10.0.0.1", "::1", "2001:db8::1"], &[]),
        ("0.0.0.0/0", &["10.0.0.1", "::ffff:10.0.0.1"], &["::1"]),
        ("2001:db8::/32", &["2001:db8:1::1"], &["2001:db9::1", "10.0.0.1"]),
        ("2001:db8::/ffff:ffff::", &["2001:db8:1::1"], &["2001:db9::1"]),
        ("10.1.2.3/8", &["10.200.0.1"], &["11.1.2.3"]),
        ("::1", &["::1"], &["127.0.0.1"]),
    ];
    for (pattern, matching, others) in table {
        let acl = Acl::deny_all().allow(pattern).unwrap();
        for address in *matching {
            assert!(acl.allows(address.parse().unwrap()), "{pattern} matches {address}");
        }
        for address in *others {
            assert!(!acl.allows(address.parse().unwrap()), "{pattern} doesn't match {address}");
        }
    }
}

#[test]
fn a_name_counts_against_a_peer_of_which_only_the_address_is_known() {
    let address = "192.0.2.1".parse().unwrap();
    assert!(!Acl::deny_all().allow("*.example.com").unwrap().allows(address));
    assert!(!Acl::default().deny("*.example.com").unwrap().allows(address));
    assert!(Acl::default().deny("*.example.com").unwrap().allows_host(address, "example.org"));
    assert!(!Acl::default().deny("*.example.com").unwrap().allows_host(address, "A.EXAMPLE.com"));
}

#[test]
fn a_wildcard_address_does_not_match_a_name() {
    let acl = Acl::deny_all().allow("192.168.1.*").unwrap();
    assert!(!acl.allows_host("203.0.113.9".parse().unwrap(), "192.168.1.evil"));
    assert!(acl.allows_host("192.168.1.9".parse().unwrap(), "nine.example.com"));
}

#[test]
fn a_star_in_the_middle_stretches() {
    let acl = Acl::deny_all().allow("a.*.b.*.c").unwrap();
    let allows = |name| acl.allows_host("192.0.2.1".parse().unwrap(), name);
    assert!(allows("a.x.b.y.c"));
    assert!(allows("a.b.b.b.c"));
    assert!(allows("a.x.b.b.c.y.c"));
    assert!(!allows("a.b.c"));
    assert!(!allows("a.x.b.c"));
    assert!(!allows("a.x.b.y.c.d"));
}

#[test]
fn text_may_have_lines_and_comments() {
    let acl = Acl::parse("# ours\nDENY all\n\n\tallow 10.*  # the office\nallow ::1").unwrap();
    assert_eq!(acl, Acl::deny_all().allow("10.*").unwrap().allow("::1").unwrap());
    assert_eq!("deny all".parse(), Ok(Acl::deny_all()));
}

#[test]
fn a_bad_entry_is_named() {
    let prefix = |pattern: &str, max| AclError::Prefix { pattern: pattern.to_owned(), max };
    let pattern = |pattern: &str| AclError::Pattern { pattern: pattern.to_owned() };
    let table = [
        ("permit all", AclError::Permission { word: "permit".into() }),
        ("allow", AclError::Incomplete { permission: "allow".into() }),
        ("deny all Allow", AclError::Incomplete { permission: "Allow".into() }),
        ("allow 192.168.0.0/33", prefix("192.168.0.0/33", 32)),
        ("allow 192.168.0.0/255.255.0.255", prefix("192.168.0.0/255.255.0.255", 32)),
        ("allow 192.168.0.0/", prefix("192.168.0.0/", 32)),
        ("allow 192.168.0.0/-1", prefix("192.168.0.0/-1", 32)),
        ("allow 192.168.0.0/ffff::", prefix("192.168.0.0/ffff::", 32)),
        ("allow ::/129", prefix("::/129", 128)),
        ("allow 192.168.0", pattern("192.168.0")),
        ("allow 192.168.0.256", pattern("192.168.0.256")),
        ("allow 192.168.0.256.*", pattern("192.168.0.256.*")),
        ("allow 192.168.256.*", pattern("192.168.256.*")),
        ("allow 192.168.01.*", pattern("192.168.01.*")),
        ("allow 1.2.3.4.*", pattern("1.2.3.4.*")),
        ("allow 192.168.1*", pattern("192.168.1*")),
        ("allow web*.example.com", pattern("web*.example.com")),
        ("allow fe80:*", pattern("fe80:*")),
        ("allow fe80::1%eth0", pattern("fe80::1%eth0")),
        ("allow example.com/24", pattern("example.com/24")),
        ("allow a..b", pattern("a..b")),
    ];
    for (text, error) in table {
        assert_eq!(Acl::parse(text), Err(error), "{text}");
    }
    let text = Acl::parse("allow 192.168.0.0/33").unwrap_err().to_string();
    assert!(text.contains("`192.168.0.0/33`") && text.contains("0 to 32"), "{text}");
}
