//! Whatever a peer sends where a type is declared. The first byte chooses the type.
#![no_main]

mod types;

use drb_core::{Dump, DumpError, Dumper, Limits, Load, Loader};
use libfuzzer_sys::fuzz_target;
use std::fmt::Debug;
use types::Check;

struct Marshal;

impl Check for Marshal {
    fn check<T: Load + Dump + PartialEq + Debug>(bytes: &[u8]) {
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

    fn load<T: Load>(bytes: &[u8]) {
        if let Ok(mut loader) = Loader::marshal(bytes, &Limits::default(), None) {
            let _ = T::load(&mut loader);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    types::check::<Marshal>(*choice, bytes);
});
