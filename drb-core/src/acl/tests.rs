//! The tables are those of Ruby's own tests of `ACL`: the same hosts, lists and expectations.

use super::*;
use crate::TlsIdentity;

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

type Who = (Peer, Identity);

fn unix(uid: u32, gid: u32) -> Who {
    (Peer::Unix, Identity::Unix { uid, gid, pid: Some(1) })
}

fn tcp(address: &str) -> Peer {
    Peer::Tcp((address.parse::<IpAddr>().unwrap(), 1).into())
}

fn tls(names: &[&str], first: u8) -> Who {
    let mut fingerprint = [0xab; 32];
    fingerprint[0] = first;
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    (tcp("192.0.2.1"), Identity::Tls(TlsIdentity::new(names, fingerprint)))
}

#[test]
fn what_is_known_of_a_peer_beyond_its_address() {
    let plain = (tcp("192.0.2.1"), Identity::Anonymous);
    let named = (Peer::Named("backup".into()), Identity::Anonymous);
    let ab = "ab".repeat(31);
    let colons = format!("sha256:5A{}", ":AB".repeat(31));
    let bare = format!("sha256:5a{ab}");
    let table: &[(&str, &[Who], &[Who])] = &[
        ("all", &[unix(1, 1), tls(&[], 0), plain.clone(), named.clone()], &[]),
        ("user:1000", &[unix(1000, 1)], &[unix(1, 1000), plain.clone(), named.clone()]),
        ("user:*", &[unix(0, 0), unix(1000, 1)], &[plain.clone(), tls(&["a"], 0)]),
        ("group:50", &[unix(1, 50)], &[unix(50, 1), plain.clone()]),
        ("tls:ruby.example", &[tls(&["x", "Ruby.Example"], 0)], &[tls(&["a.ruby.example"], 0)]),
        ("tls:*.example", &[tls(&["a.b.example"], 0)], &[tls(&["example"], 0), plain.clone()]),
        ("tls:*", &[tls(&["localhost"], 0)], &[tls(&[], 0), plain.clone(), unix(1, 1)]),
        ("tls:ada@mail.example", &[tls(&["ada@mail.example"], 0)], &[tls(&["mail.example"], 0)]),
        (&colons, &[tls(&[], 0x5a)], &[tls(&[], 0x5b), plain.clone()]),
        (&bare, &[tls(&["a"], 0x5a)], &[tls(&[], 0x5b), unix(1, 1)]),
        (
            "name:backup",
            std::slice::from_ref(&named),
            &[(Peer::Named("b".into()), Identity::Anonymous)],
        ),
        ("192.0.2.0/24", &[plain.clone(), tls(&["a"], 0)], &[unix(1, 1), named.clone()]),
        ("192.*", std::slice::from_ref(&plain), &[unix(1, 1), named.clone()]),
        ("*.example.com", &[], &[unix(1, 1), plain.clone()]),
    ];
    for (pattern, matching, others) in table {
        let acl = Acl::deny_all().allow(pattern).unwrap();
        for (peer, identity) in *matching {
            assert!(acl.allows_peer(peer, identity), "{pattern} matches {peer}, {identity}");
            assert!(acl.may_allow(peer), "{pattern} may match {peer}");
        }
        for (peer, identity) in *others {
            assert!(!acl.allows_peer(peer, identity), "{pattern} doesn't match {peer}, {identity}");
        }
        assert!(acl.allows_peer(&Peer::Local, &Identity::Anonymous), "this process may");
    }
}

/// Of whom it isn't known, he may not.
#[test]
fn what_is_not_known_counts_against_a_peer() {
    let anonymous = (Peer::Unix, Identity::Anonymous);
    for list in ["deny all allow user:1", "deny user:1", "deny group:1", "deny user:*"] {
        let acl = Acl::parse(list).unwrap();
        assert!(!acl.allows_peer(&anonymous.0, &anonymous.1), "{list}");
        assert_ne!(acl.allows_peer(&tcp("192.0.2.1"), &Identity::Anonymous), list.contains("all"));
    }
    let (peer, identity) = unix(7, 7);
    for list in ["deny all allow user:ada", "deny user:ada", "deny group:ada"] {
        let acl = Acl::parse(list).unwrap();
        assert!(!acl.allows_peer(&peer, &identity), "{list}");
        let number = |number| move |name: &str| (name == "ada").then_some(number);
        let it_is = acl.clone().resolve(number(7), number(7)).unwrap();
        assert_eq!(it_is.allows_peer(&peer, &identity), list.contains("all"), "{list}");
        let another = acl.clone().resolve(number(8), number(8)).unwrap();
        assert_eq!(another.allows_peer(&peer, &identity), !list.contains("all"), "{list}");
        let pattern = if list.contains("group") { "group:ada" } else { "user:ada" }.to_owned();
        let nobody = acl.resolve(|_| None, |_| None);
        assert_eq!(nobody, Err(AclError::Unknown { pattern }));
    }
}

/// Where a handshake can still make a difference, the address alone doesn't decide.
#[test]
fn before_a_handshake_only_the_address_counts() {
    let table = [
        ("deny all allow tls:*", true, true),
        ("deny all allow 10.* allow tls:a", true, true),
        ("deny 192.0.2.1 allow tls:a", true, true),
        ("deny all allow 10.*", false, false),
        ("deny tls:a", true, true),
        ("deny *.example.com", false, true),
        ("deny all allow user:1", false, true),
        ("allow 192.0.2.1 deny all", true, false),
    ];
    for (list, over_tcp, over_unix) in table {
        let acl = Acl::parse(list).unwrap();
        assert_eq!(acl.may_allow(&tcp("192.0.2.1")), over_tcp, "{list}");
        assert_eq!(acl.may_allow(&Peer::Unix), over_unix, "{list}");
    }
    let both = Acl::parse("deny tls:a allow 192.*").unwrap().with_order(AclOrder::AllowDeny);
    assert!(both.may_allow(&tcp("192.0.2.1")) && !both.may_allow(&tcp("10.0.0.1")));
    let (peer, identity) = tls(&["a"], 0);
    assert!(!both.allows_peer(&peer, &identity));
}

#[test]
fn marked_patterns_are_checked() {
    let short = format!("sha256:{}", "ab".repeat(31));
    let long = format!("sha256:{}", "ab".repeat(33));
    let signed = format!("sha256:+a{}", "ab".repeat(31));
    let table = [
        "user:",
        "user:a*",
        "user:4294967296",
        "group:*",
        "group:",
        "tls:",
        "tls:a..b",
        "tls:a*",
        "sha256:",
        &short,
        &long,
        &signed,
        "sha256:é",
        "name:",
        "uid:1",
    ];
    for pattern in table {
        let refused = AclError::Pattern { pattern: pattern.to_owned() };
        assert_eq!(Acl::default().allow(pattern), Err(refused), "{pattern}");
    }
}
