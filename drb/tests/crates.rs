//! What drb brings into a program that depends on it: how many crates, and under which licences. `deny/run`
//! looks at more.

use std::{collections::BTreeSet, process::Command};

/// Who depends on drb alone gets fewer crates than this, drb included.
const MOST: usize = 60;

/// As in `deny.toml`.
const ALLOWED: [&str; 7] =
    ["Apache-2.0", "BSD-3-Clause", "ISC", "MIT", "NCSA", "Unicode-3.0", "Zlib"];

fn crates(arguments: &[&str], form: &str) -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["tree", "--locked", "--prefix", "none"]);
    let output = cargo.args(arguments).args(["--format", form]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    // Each member of the workspace has its own part.
    let lines = lines.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
}

#[test]
fn there_are_few_of_them_by_default() {
    let found = crates(&["-p", "drb", "-e", "normal"], "{p}");
    assert!(found.iter().any(|one| one.starts_with("drb-core ")), "{found:?}");
    assert!(found.len() < MOST, "{} crates: {found:#?}", found.len());
    let without_tls = ["rustls ", "ring ", "russh "];
    assert!(!found.iter().any(|one| without_tls.iter().any(|heavy| one.starts_with(heavy))));
}

#[test]
fn each_has_a_licence_that_is_allowed() {
    let found = crates(&["--workspace", "--all-features"], "{p}\t{l}");
    assert!(found.len() > MOST, "{found:#?}");
    for one in found {
        let (name, licence) = one.split_once('\t').unwrap();
        assert!(allows(licence), "{name}: {licence}");
    }
}

/// Whether an expression of licences, as SPDX has them, can be met with those that are allowed. A slash is
/// an older `OR`.
fn allows(licence: &str) -> bool {
    let spaced = licence.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &words[..];
    either(&mut rest) && rest.is_empty()
}

fn either(words: &mut &[&str]) -> bool {
    let mut allowed = both(words);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        allowed |= both(words);
    }
    allowed
}

fn both(words: &mut &[&str]) -> bool {
    let mut allowed = one(words);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut &[&str]) -> bool {
    let [first, rest @ ..] = *words else { return false };
    *words = rest;
    if *first == "(" {
        let allowed = either(words);
        let [")", rest @ ..] = *words else { return false };
        *words = rest;
        return allowed;
    }
    // What is allowed in addition takes nothing away.
    if let ["WITH", _, rest @ ..] = *words {
        *words = rest;
    }
    ALLOWED.contains(first)
}

#[test]
fn expressions_of_licences() {
    for allowed in [
        "MIT",
        "MIT/Apache-2.0",
        "GPL-3.0 OR MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        "MIT OR GPL-3.0 AND AGPL-3.0",
    ] {
        assert!(allows(allowed), "{allowed}");
    }
    for refused in
        ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT OR Apache-2.0) AND GPL-3.0", "MIT MIT", "(MIT"]
    {
        assert!(!allows(refused), "{refused}");
    }
}
