//! Whatever a peer sends where a type is declared. The first byte chooses the type.
#![no_main]

use drb_core::{
    Dump, DumpError, Dumper, Field, Form, Limits, Load, LoadError, Loader, Shape, Symbol, Value,
};
use libfuzzer_sys::fuzz_target;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    time::{Duration, SystemTime},
};

/// A struct as `#[derive(DrbDumped)]` makes it, which can contain itself.
#[derive(Debug, PartialEq)]
struct Tree {
    name: String,
    size: Option<i64>,
    leaves: Vec<Tree>,
    rest: Value,
}

static TREE: Shape = Shape {
    class: "Tree",
    form: Form::Object,
    fields: &[
        Field { name: "name", ivar: "@name" },
        Field { name: "size", ivar: "@size" },
        Field { name: "leaves", ivar: "@leaves" },
        Field { name: "rest", ivar: "@rest" },
    ],
};

impl Dump for Tree {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        dumper.object(&TREE)?;
        dumper.field(&TREE, 0)?;
        self.name.dump(dumper)?;
        dumper.field(&TREE, 1)?;
        self.size.dump(dumper)?;
        dumper.field(&TREE, 2)?;
        self.leaves.dump(dumper)?;
        dumper.field(&TREE, 3)?;
        self.rest.dump(dumper)?;
        dumper.end();
        Ok(())
    }
}

impl Load for Tree {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut tree = Self {
            name: String::new(),
            size: None,
            leaves: Vec::new(),
            rest: Value::Nil,
        };
        let mut fields = loader.object(&TREE)?;
        while let Some(position) = loader.field(&TREE, &mut fields)? {
            match position {
                0 => tree.name = Load::load(loader)?,
                1 => tree.size = Load::load(loader)?,
                2 => tree.leaves = Load::load(loader)?,
                _ => tree.rest = Load::load(loader)?,
            }
        }
        loader.end()?;
        Ok(tree)
    }
}

/// What loads as a `T` dumps, and that loads as the same.
fn check<T: Load + Dump + PartialEq + std::fmt::Debug>(bytes: &[u8]) {
    let Ok(mut loader) = Loader::marshal(bytes, &Limits::default(), None) else { return };
    let Ok(value) = T::load(&mut loader) else { return };
    let mut dumped = Vec::new();
    let mut dumper = Dumper::marshal(&mut dumped, &Limits::default(), None);
    match value.dump(&mut dumper).and_then(|()| dumper.finish()) {
        Ok(()) => {}
        // What was linked is written out, and may then be too large.
        Err(DumpError::Limit { .. } | DumpError::Dangling) => return,
        Err(error) => panic!("{value:?} was loaded but cannot be dumped: {error}"),
    }
    let limits = Limits { nodes: usize::MAX, memory: usize::MAX, ..Limits::default() };
    let mut loader = Loader::marshal(&dumped, &limits, None).expect("a version");
    match T::load(&mut loader) {
        Ok(again) => assert_eq!(again, value),
        Err(error) => match error.kind() {
            drb_core::LoadErrorKind::Limit { .. } => {}
            _ => panic!("{value:?} was dumped but cannot be loaded: {error}"),
        },
    }
}

/// Floats that are not numbers are not equal.
fn check_floats(bytes: &[u8]) {
    if let Ok(mut loader) = Loader::marshal(bytes, &Limits::default(), None) {
        let _ = Vec::<f64>::load(&mut loader);
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    match choice % 16 {
        0 => check::<Vec<i64>>(bytes),
        1 => check::<Vec<String>>(bytes),
        2 => check::<Tree>(bytes),
        3 => check::<Vec<Tree>>(bytes),
        4 => check::<BTreeMap<String, Value>>(bytes),
        5 => check::<HashMap<Value, Vec<Value>>>(bytes),
        6 => check::<(Value, Value, Option<bool>)>(bytes),
        7 => check::<Vec<u8>>(bytes),
        8 => check::<(u128, i128, u8, char)>(bytes),
        9 => check::<BTreeSet<String>>(bytes),
        10 => check::<HashSet<Value>>(bytes),
        11 => check::<Range<i32>>(bytes),
        12 => check::<Vec<SystemTime>>(bytes),
        13 => check::<Vec<Symbol>>(bytes),
        14 => check_floats(bytes),
        _ => check::<Vec<(Duration, [Option<Box<Vec<()>>>; 2])>>(bytes),
    }
});
