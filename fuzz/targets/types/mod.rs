//! The types of which one is declared where bytes arrive.

use drb_core::{
    Dump, DumpError, Dumper, Field, Form, Load, LoadError, Loader, Shape, Symbol, Value,
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt::Debug,
    ops::Range,
    time::{Duration, SystemTime},
};

/// What is done with bytes and a type.
pub trait Check {
    /// What loads as a `T` dumps, and that loads as the same.
    fn check<T: Load + Dump + PartialEq + Debug>(bytes: &[u8]);

    /// What loads as a `T` does no harm. (Floats that are not numbers are not equal.)
    fn load<T: Load>(bytes: &[u8]);
}

/// Checks the bytes as the type that a number stands for.
pub fn check<C: Check>(choice: u8, bytes: &[u8]) {
    match choice % 16 {
        0 => C::check::<Vec<i64>>(bytes),
        1 => C::check::<Vec<String>>(bytes),
        2 => C::check::<Tree>(bytes),
        3 => C::check::<Vec<Tree>>(bytes),
        4 => C::check::<BTreeMap<String, Value>>(bytes),
        5 => C::check::<HashMap<Value, Vec<Value>>>(bytes),
        6 => C::check::<(Value, Value, Option<bool>)>(bytes),
        7 => C::check::<Vec<u8>>(bytes),
        8 => C::check::<(u128, i128, u8, char)>(bytes),
        9 => C::check::<BTreeSet<String>>(bytes),
        10 => C::check::<HashSet<Value>>(bytes),
        11 => C::check::<Range<i32>>(bytes),
        12 => C::check::<Vec<SystemTime>>(bytes),
        13 => C::check::<Vec<Symbol>>(bytes),
        14 => C::load::<Vec<f64>>(bytes),
        _ => C::check::<Vec<(Duration, [Option<Box<Vec<()>>>; 2])>>(bytes),
    }
}

/// A struct as `#[derive(DrbDumped)]` makes it, which can contain itself.
#[derive(Debug, PartialEq)]
pub struct Tree {
    name: String,
    size: Option<i64>,
    leaves: Vec<Tree>,
    rest: Value,
}

pub static TREE: Shape = Shape {
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
        let mut tree =
            Self { name: String::new(), size: None, leaves: Vec::new(), rest: Value::Nil };
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
