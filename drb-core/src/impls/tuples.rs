//! Tuples: arrays of a fixed length.

use crate::{Dump, DumpError, Dumper, Load, LoadError, Loader, Outbound};

macro_rules! tuple {
    ($len:literal: $($name:ident $index:tt),*) => {
        impl<$($name: Dump),*> Dump for ($($name,)*) {
            fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.array($len)?;
                $(self.$index.dump(dumper)?;)*
                dumper.end();
                Ok(())
            }
        }

        impl<$($name: Load),*> Load for ($($name,)*) {
            fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
                let len = loader.array()?;
                if len != $len {
                    return Err(wrong_length($len, len));
                }
                let tuple = ($($name::load(loader).map_err(|error| error.at($index))?,)*);
                loader.end()?;
                Ok(tuple)
            }
        }

        impl<$($name: Outbound),*> Outbound for ($($name,)*) {
            type Arrives = ($($name::Arrives,)*);

            fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
                dumper.array($len)?;
                $(self.$index.send(dumper)?;)*
                dumper.end();
                Ok(())
            }
        }
    };
}

#[cold]
fn wrong_length(expected: usize, given: usize) -> LoadError {
    LoadError::custom(format!("expected an Array of {expected} elements, got one of {given}"))
}

tuple!(1: A 0);
tuple!(2: A 0, B 1);
tuple!(3: A 0, B 1, C 2);
tuple!(4: A 0, B 1, C 2, D 3);
tuple!(5: A 0, B 1, C 2, D 3, E 4);
tuple!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
