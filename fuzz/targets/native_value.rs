//! Whatever a peer sends as a value of the native wire. The first byte chooses the type that is declared,
//! if any is.
#![no_main]

mod types;

use drb_core::{
    Budget, Dump, DumpError, Dumper, Form, Limits, Load, LoadErrorKind, Loader, Value,
    native::Tables,
};
use libfuzzer_sys::fuzz_target;
use std::{fmt::Debug, sync::LazyLock};
use types::Check;

/// What the peer has said of its structs: the one that is known here, the same after a change, and
/// others.
static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let tables = Tables::new();
    let define = |class: &str, form, fields: &[&str]| {
        tables.define(
            class.to_owned(),
            form,
            fields.iter().map(|&field| field.to_owned()).collect(),
        );
    };
    define("Tree", Form::Object, &["@name", "@size", "@leaves", "@rest"]);
    define("Tree", Form::Object, &["@rest", "@colour", "@leaves", "@name"]);
    define("Pair", Form::Struct, &["one", "two"]);
    define("", Form::Hash, &["one", "two"]);
    tables
});

struct Native;

impl Check for Native {
    fn check<T: Load + Dump + PartialEq + Debug>(bytes: &[u8]) {
        let limits = Limits::default();
        let mut loader = Loader::native(bytes, &TABLES, Budget::new(&limits, bytes.len()), None);
        let Ok(value) = T::load(&mut loader) else { return };
        let (here, there) = (Tables::new(), Tables::new());
        let mut dumped = Vec::new();
        let mut dumper = Dumper::native(&mut dumped, &limits, &here, None);
        let written = value.dump(&mut dumper);
        let shapes = dumper.shapes();
        match written.and_then(|()| dumper.finish()) {
            Ok(()) => {}
            Err(DumpError::Limit { .. } | DumpError::Dangling) => return,
            // Those of a connection have no meaning elsewhere.
            Err(DumpError::Custom(text)) if text.contains("of another connection") => return,
            // Nor have they a name in Ruby's form, in which what contains itself goes as a whole.
            Err(DumpError::Custom(text)) if text.contains("has no name elsewhere") => return,
            Err(error) => panic!("{value:?} was loaded but cannot be dumped: {error}"),
        }
        for number in 0..shapes {
            let (class, form, fields) = here.own(number).expect("a shape that is needed");
            let fields = fields.into_iter().map(str::to_owned).collect();
            there.define(class.to_owned(), form, fields);
        }
        let limits = Limits { nodes: usize::MAX, memory: usize::MAX, ..limits };
        let budget = Budget::new(&limits, dumped.len());
        match T::load(&mut Loader::native(&dumped, &there, budget, None)) {
            Ok(again) if again == value => {}
            // In Ruby's form, in which what contains itself goes as a whole, there is but one NaN.
            Ok(_) if format!("{value:?}").contains("NaN") => {}
            Ok(again) => panic!("{value:?} came back as {again:?}"),
            Err(error) => match error.kind() {
                LoadErrorKind::Limit { .. } => {}
                _ => panic!("{value:?} was dumped but cannot be loaded: {error}"),
            },
        }
    }

    fn load<T: Load>(bytes: &[u8]) {
        let budget = Budget::new(&Limits::default(), bytes.len());
        let _ = T::load(&mut Loader::native(bytes, &TABLES, budget, None));
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    match choice {
        0..=0x7f => types::check::<Native>(*choice, bytes),
        _ => Native::check::<Value>(bytes),
    }
});
