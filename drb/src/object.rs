//! Calls without a contract, as in Ruby.

use crate::{
    Call, Client, Closing, Dump, DumpError, Dumper, Error, Load, LoadError, Loaded, Loader,
    Outbound, Outgoing, Proxy, Reference, Remote, Yielding, Yields,
    dispatch::{Anything, Whole, Yielded},
};

/// An object elsewhere of which nothing is known but where it is. Its methods are called by name.
///
/// ```no_run
/// # async fn example() -> Result<(), drb::Error> {
/// let object = drb::Object::connect("druby://localhost:9000").await?;
/// let count: i64 = object.call("inc", ("counter", 1)).await?;
/// let entry: drb::Value = object.call("[]", ("counter",)).await?;
/// object.call::<()>("configure", drb::keywords([("limit", 10)])).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Object(Remote);

impl Object {
    /// The object at a URI. It connects.
    ///
    /// # Errors
    /// [`Error::BadUri`], [`Error::Connect`].
    pub async fn connect(uri: &str) -> Result<Self, Error> {
        Client::current().connect(uri).await
    }

    /// Calls a method. The arguments are a tuple (`()` for none, `(1,)` for one), an array, a slice
    /// or a `Vec`; [`keywords`] stand alone or at the end of a tuple.
    ///
    /// The result is whatever the caller wants that can be [loaded](Load), or a
    /// [`Value`](crate::Value) that takes everything.
    pub fn call<T: Load>(&self, method: &str, arguments: impl Arguments) -> Call<Loaded<T>> {
        let mut call = self.0.begin(method.to_owned(), arguments.count());
        arguments.write(&mut call);
        call.call()
    }

    /// Calls a method with a block. The closure takes one parameter, whose type is to be written:
    /// a tuple of what the method yields, or a `Vec` of it.
    ///
    /// What the closure gives goes back to the method: whatever can be [dumped](Dump); see [`Yields`]
    /// for the forms that it can have.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), drb::Error> {
    /// drb::start_service("druby://localhost:0", Client).await?; // the block is called back there
    /// let hash = drb::Object::connect("druby://localhost:9000").await?;
    /// let mut keys = Vec::new();
    /// let () = hash.call_with("each", (), |(key, _): (String, drb::Value)| keys.push(key)).await?;
    /// # Ok(())
    /// # }
    /// # struct Client;
    /// # #[drb::service]
    /// # impl Client {}
    /// ```
    #[allow(clippy::type_complexity)] // Each of the parameters is one of the caller's types.
    pub fn call_with<T: Load, A: Yielded, O: Yields<Anything, T, Way>, Way, F: FnMut(A) -> O>(
        &self,
        method: &str,
        arguments: impl Arguments,
        block: F,
    ) -> Call<Loaded<T>, Yielding<Whole<F>, A, O, O::Answer>> {
        let mut call = self.0.begin(method.to_owned(), arguments.count());
        arguments.write(&mut call);
        call.call_with(Whole(block))
    }

    /// Whether the object has a method, as Ruby asks it.
    ///
    /// # Errors
    /// The object couldn't be asked.
    pub async fn respond_to(&self, method: &str) -> Result<bool, Error> {
        self.call("respond_to?", (method, false)).await
    }

    /// The same object through a proxy with methods. It is not asked whether it has them.
    pub fn through<P: Proxy>(&self) -> P {
        P::from_remote(self.0.clone())
    }

    /// Waits until the object can no longer be called, and says why; see
    /// [`Proxy::closed`](crate::Proxy::closed).
    pub fn closed(&self) -> Closing {
        self.0.closed()
    }

    /// What names the object.
    pub fn reference(&self) -> &Reference {
        self.0.reference()
    }
}

impl Proxy for Object {
    fn from_remote(remote: Remote) -> Self {
        Self(remote)
    }

    fn remote(&self) -> &Remote {
        &self.0
    }
}

impl Dump for Object {
    fn dump(&self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.0.dump(dumper)
    }
}

impl Load for Object {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        Remote::load(loader).map(Self)
    }
}

impl Outbound for Object {
    type Arrives = Self;

    fn send(self, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        self.dump(dumper)
    }
}

/// Arguments by name for [`Object::call`].
///
/// All values are of one type here; give [`Value`](crate::Value)s where they differ.
pub fn keywords<N: Into<String>, V: Dump>(
    arguments: impl IntoIterator<Item = (N, V)>,
) -> Keywords<V> {
    Keywords(arguments.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

/// Arguments by name; [`keywords`] makes them.
#[derive(Debug, Clone, PartialEq)]
pub struct Keywords<V>(Vec<(String, V)>);

/// The arguments of a call without a contract.
pub trait Arguments {
    /// How many there are; keywords together count as one.
    fn count(&self) -> usize;

    /// Writes them.
    fn write(self, call: &mut Outgoing);
}

/// One argument of a call without a contract.
pub trait Argument {
    /// 1, or 0 for keywords that there are none of.
    fn count(&self) -> usize;

    /// Writes it.
    fn write(self, call: &mut Outgoing);
}

impl<T: Dump> Argument for T {
    fn count(&self) -> usize {
        1
    }

    fn write(self, call: &mut Outgoing) {
        call.arg::<T>(self);
    }
}

impl<V: Dump> Argument for Keywords<V> {
    fn count(&self) -> usize {
        usize::from(!self.0.is_empty())
    }

    fn write(self, call: &mut Outgoing) {
        if self.0.is_empty() {
            return;
        }
        call.keywords(self.0.len(), |dumper| {
            for (name, value) in &self.0 {
                dumper.symbol(name)?;
                value.dump(dumper)?;
            }
            Ok(())
        });
    }
}

impl<V: Dump> Arguments for Keywords<V> {
    fn count(&self) -> usize {
        Argument::count(self)
    }

    fn write(self, call: &mut Outgoing) {
        Argument::write(self, call);
    }
}

impl<T: Dump> Arguments for &[T] {
    fn count(&self) -> usize {
        self.len()
    }

    fn write(self, call: &mut Outgoing) {
        for argument in self {
            call.arg::<T>(argument);
        }
    }
}

impl<T: Dump> Arguments for Vec<T> {
    fn count(&self) -> usize {
        self.len()
    }

    fn write(self, call: &mut Outgoing) {
        Arguments::write(self.as_slice(), call);
    }
}

impl<T: Dump, const N: usize> Arguments for [T; N] {
    fn count(&self) -> usize {
        N
    }

    fn write(self, call: &mut Outgoing) {
        Arguments::write(self.as_slice(), call);
    }
}

impl Arguments for () {
    fn count(&self) -> usize {
        0
    }

    fn write(self, _: &mut Outgoing) {}
}

macro_rules! tuples {
    ($(($($name:ident)+))+) => {$(
        impl<$($name: Argument),+> Arguments for ($($name,)+) {
            #[allow(non_snake_case)]
            fn count(&self) -> usize {
                let ($($name,)+) = self;
                0 $(+ $name.count())+
            }

            #[allow(non_snake_case)]
            fn write(self, call: &mut Outgoing) {
                let ($($name,)+) = self;
                $($name.write(call);)+
            }
        }
    )+};
}

tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}
