//! What a method yields to a block, and what of it the closure gets.

use crate::{Load, LoadError, Outbound, Outgoing, dispatch::Args};

/// What a [`Block`](super::Block) is called with: a tuple of what can cross the wire, or a `Vec` for
/// any number of the same type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be yielded to a block",
    label = "neither a tuple nor a `Vec`",
    note = "a block with one argument is `Block<(T,)>`"
)]
pub trait YieldArgs {
    /// What the closure takes.
    type Arrives: Yielded;

    /// How many they are.
    fn count(&self) -> usize;

    /// Writes them.
    fn write(self, call: &mut Outgoing);
}

/// What arrives at a block.
pub trait Yielded: Sized {
    /// Loads it, with the rules that Ruby has for the arguments of a proc: one array for several
    /// parameters is taken apart, what is missing is nil, what is too much is left out.
    ///
    /// # Errors
    /// See [`LoadError`].
    fn load(args: &mut Args<'_>) -> Result<Self, LoadError>;
}

/// A closure that takes the elements of a tuple as its parameters.
pub trait Takes<A, O> {
    /// Calls it.
    fn take(&mut self, arguments: A) -> O;
}

/// A closure that takes a tuple, or a `Vec`, as it is.
#[derive(Debug)]
pub struct Whole<F>(pub F);

impl<F: FnMut(A) -> O, A, O> Takes<A, O> for Whole<F> {
    fn take(&mut self, arguments: A) -> O {
        (self.0)(arguments)
    }
}

impl<T: Outbound> YieldArgs for Vec<T> {
    type Arrives = Vec<T::Arrives>;

    fn count(&self) -> usize {
        self.len()
    }

    fn write(self, call: &mut Outgoing) {
        let alone = self.len() == 1;
        for item in self {
            call.yields(item, alone);
        }
    }
}

impl<T: Load> Yielded for Vec<T> {
    fn load(args: &mut Args<'_>) -> Result<Self, LoadError> {
        let count = args.len();
        let mut args = args.of_proc(1)?;
        (0..count).map(|_| args.take()).collect()
    }
}

impl<F: FnMut(Vec<T>) -> O, T, O> Takes<Vec<T>, O> for F {
    fn take(&mut self, arguments: Vec<T>) -> O {
        self(arguments)
    }
}

macro_rules! tuples {
    ($(($($name:ident)*) $count:literal;)+) => {$(
        impl<$($name: Outbound),*> YieldArgs for ($($name,)*) {
            type Arrives = ($($name::Arrives,)*);

            fn count(&self) -> usize {
                $count
            }

            #[allow(non_snake_case, unused_variables)]
            fn write(self, call: &mut Outgoing) {
                let ($($name,)*) = self;
                $(call.yields($name, $count == 1);)*
            }
        }

        impl<$($name: Load),*> Yielded for ($($name,)*) {
            #[allow(unused_mut, unused_variables)]
            fn load(args: &mut Args<'_>) -> Result<Self, LoadError> {
                let mut args = args.of_proc($count)?;
                Ok(($(args.take::<$name>()?,)*))
            }
        }

        impl<__F: FnMut($($name),*) -> __O, $($name,)* __O> Takes<($($name,)*), __O> for __F {
            #[allow(non_snake_case)]
            fn take(&mut self, ($($name,)*): ($($name,)*)) -> __O {
                self($($name),*)
            }
        }
    )+};
}

tuples! {
    () 0;
    (A) 1;
    (A B) 2;
    (A B C) 3;
    (A B C D) 4;
    (A B C D E) 5;
    (A B C D E F) 6;
    (A B C D E F G) 7;
    (A B C D E F G H) 8;
}
