//! The whitelist of a type: its table of methods.

use super::{Incoming, Invoked, Signature};
use crate::{Closing, Dump, DumpError, Dumper, Exclusive, Load, Remote};
use std::{any::Any, sync::Arc};

/// A type whose methods can be called from elsewhere.
///
/// `#[drb::service]` makes it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no methods that can be called remotely",
    label = "not a service",
    note = "write `#[drb::service]` above its `impl` block"
)]
pub trait Service: Sized + Send + Sync + 'static {
    /// How an object of the type is held while it is exported: `Self`, or
    /// [`Exclusive<Self>`](Exclusive) if a method takes `&mut self`.
    type Cell: Dispatch;

    /// The proxy through which an object of the type is called.
    type Proxy: Proxy;

    /// Ruby's name of the class, for `inspect` and for errors.
    const CLASS: &'static str;

    /// The whitelist: what is not in it cannot be called. In the order of the names.
    fn methods() -> &'static [Method<Self::Cell>];

    /// Puts the object into its cell.
    fn into_cell(self) -> Self::Cell;

    /// Exports an object that others hold as well.
    ///
    /// # Errors
    /// See [`Dumper::export`]; the object is held in a way in which its methods with `&mut self`
    /// cannot have it to themselves.
    #[doc(hidden)]
    fn export_shared(shared: Arc<Self>, dumper: &mut Dumper<'_>) -> Result<(), DumpError> {
        let any: Arc<dyn Any + Send + Sync> = shared;
        match any.downcast::<Self::Cell>() {
            Ok(cell) => dumper.export(cell),
            // `Self` is no cell if a method takes `&mut self`. Then nobody else may hold it.
            Err(any) => match any.downcast::<Self>().ok().and_then(Arc::into_inner) {
                Some(own) => dumper.export(Arc::new(own.into_cell())),
                None => Err(DumpError::custom(format!(
                    "a {} whose methods take `&mut self` is shared: hold it as `Arc<Exclusive<_>>`",
                    Self::CLASS
                ))),
            },
        }
    }
}

/// A proxy that `#[drb::service]` has made: the typed form of a [`Remote`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a proxy",
    note = "`#[drb::service]` on `impl Store` makes the proxy `StoreProxy`"
)]
pub trait Proxy: Dump + Load + Clone + Send + Sync + 'static {
    /// Calls the object that `remote` refers to. It is not asked whether it has the methods.
    fn from_remote(remote: Remote) -> Self;

    /// The untyped proxy.
    fn remote(&self) -> &Remote;

    /// Waits until the object can no longer be called through this proxy, and says why. It holds the
    /// object as the proxy does, and resolves once; asked again afterwards, it resolves at once.
    ///
    /// Over the native wire a peer tells when it withdraws an object, and the end of a connection is
    /// the end of the objects that are held over it. (For the object that a process serves at its URI
    /// it is the end of the connection that is there, or is made next; a later call makes another. A server
    /// doesn't end one for being idle, `Limits::idle`, as long as somebody waits here.) Where a process in
    /// the middle has handed the object on, that one tells when it loses its own connection to it.
    /// An object of this very process tells when it is withdrawn or its server stops. Ruby's wire
    /// has no connection that is there between calls, and no notices: there it never resolves, and
    /// the next call is what tells.
    ///
    /// ```ignore
    /// tokio::select! {
    ///     reason = listener.closed() => println!("{reason}"),
    ///     event = events.next() => listener.notify(event).await?,
    /// }
    /// ```
    fn closed(&self) -> Closing {
        self.remote().closed()
    }

    /// The object itself, if it is one of this process and a `T`: what a reference leads to that has
    /// come home. (Where a method of `T` takes `&mut self`, it is an `Arc<Exclusive<T>>`.)
    ///
    /// ```ignore
    /// pub fn remove(&self, listener: ListenerProxy) {
    ///     if let Some(own) = listener.local::<Bell>() { // an Arc<Bell>
    ///         assert!(Arc::ptr_eq(&own, &self.bell));
    ///     }
    /// }
    /// ```
    fn local<T: Service>(&self) -> Option<Arc<T::Cell>> {
        let resolved = self.remote().link().resolved();
        let remote = resolved.as_ref().unwrap_or_else(|| self.remote());
        let object: Arc<dyn Any + Send + Sync> = remote.object()?;
        object.downcast().ok()
    }
}

/// Says that objects of a type can be called through the proxy `P`: through its own, or through
/// that of a trait that it implements.
pub trait Implements<P: Proxy>: Service {}

/// A proxy that `#[drb::service]` has made for a trait: it knows the methods of whoever implements
/// the trait.
pub trait Contract<T> {
    /// See [`Service::Cell`].
    type Cell: 'static;

    /// See [`Service::methods`].
    const METHODS: &'static [Method<Self::Cell>];
}

/// An entry of a whitelist.
pub struct Method<C: ?Sized> {
    /// What is known of the method.
    pub info: MethodInfo,
    /// Loads the arguments, calls the method, dumps the result.
    pub invoke: fn(Arc<C>, &mut Incoming<'_>) -> Invoked,
}

impl<C: ?Sized> Clone for Method<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: ?Sized> Copy for Method<C> {}

/// What is known of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodInfo {
    /// The name on the wire.
    pub name: &'static str,
    /// The parameters that travel.
    pub params: &'static [ParamInfo],
    /// The type of the result, as written.
    pub result: &'static str,
    /// Whether it takes `&mut self`, and so has the object to itself.
    pub exclusive: bool,
    /// Whether it runs to its end although its caller no longer waits.
    pub no_cancel: bool,
}

/// What is known of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParamInfo {
    /// The name.
    pub name: &'static str,
    /// How it is passed.
    pub kind: ParamKind,
    /// The type, as written.
    pub ty: &'static str,
}

/// How a parameter is passed; the words are those of Ruby's `Method#parameters`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ParamKind {
    /// By position, always there.
    Required,
    /// By position, with a default.
    Optional,
    /// All further ones by position.
    Rest,
    /// By name, always there.
    KeywordRequired,
    /// By name, with a default.
    Keyword,
    /// All further ones by name.
    KeywordRest,
    /// The block, which is not among the arguments.
    Block,
}

/// An object that can be called, its type forgotten.
pub trait Dispatch: Any + Send + Sync {
    /// Ruby's name of its class.
    fn class(&self) -> &'static str;

    /// The position of a method in the whitelist.
    fn find(&self, name: &str) -> Option<usize>;

    /// The same of a method of which it is known what its caller knows.
    fn find_as(&self, signature: &Signature) -> Option<usize> {
        self.find(signature.name())
    }

    /// What is known of the method at a position of the whitelist.
    fn method(&self, index: usize) -> Option<&'static MethodInfo>;

    /// Whether a call of the method would have to wait until others have left the object.
    fn waits(&self, _: &MethodInfo) -> bool {
        false
    }

    /// Calls the method at a position of the whitelist.
    fn invoke(self: Arc<Self>, index: usize, call: &mut Incoming<'_>) -> Invoked;
}

/// An object of this process in one of the forms in which a program holds it: a service, or an `Arc`
/// of one (of one in an [`Exclusive`], where it has methods with `&mut self`) that the program goes on
/// using itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no methods that can be called remotely",
    label = "not a service",
    note = "write `#[drb::service]` above its `impl` block",
    note = "an `Arc` of a service with `&mut self` methods is `Arc<drb::Exclusive<T>>`"
)]
pub trait IntoObject {
    /// The object, its type forgotten.
    fn into_object(self) -> Arc<dyn Dispatch>;
}

impl<T: Service> IntoObject for T {
    fn into_object(self) -> Arc<dyn Dispatch> {
        Arc::new(self.into_cell())
    }
}

impl<C: Dispatch> IntoObject for Arc<C> {
    fn into_object(self) -> Arc<dyn Dispatch> {
        self
    }
}

/// An [object](IntoObject) of which it is known how it is called.
pub trait Served: IntoObject {
    /// The service, whose proxy calls it.
    type Service: Service;
}

#[diagnostic::do_not_recommend]
impl<T: Service> Served for T {
    type Service = T;
}

#[diagnostic::do_not_recommend]
impl<C: Cell> Served for Arc<C> {
    type Service = C::Service;
}

/// What a server can be started with: an [object](IntoObject), or `()` for none.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no methods that can be called remotely",
    label = "not a service",
    note = "write `#[drb::service]` above its `impl` block",
    note = "an `Arc` of a service with `&mut self` methods is `Arc<drb::Exclusive<T>>`"
)]
pub trait IntoFront {
    /// The object, its type forgotten.
    fn into_front(self) -> Option<Arc<dyn Dispatch>>;
}

#[diagnostic::do_not_recommend]
impl<T: IntoObject> IntoFront for T {
    fn into_front(self) -> Option<Arc<dyn Dispatch>> {
        Some(self.into_object())
    }
}

impl IntoFront for () {
    fn into_front(self) -> Option<Arc<dyn Dispatch>> {
        None
    }
}

/// What a service is held in: itself, or an [`Exclusive`].
pub trait Cell: Dispatch + Sized {
    /// The service.
    type Service: Service<Cell = Self>;
}

impl<T: Service<Cell = Self>> Cell for T {
    type Service = T;
}

impl<T: Service<Cell = Self>> Cell for Exclusive<T> {
    type Service = T;
}

/// A cell answers from the whitelist of what it holds.
macro_rules! dispatch {
    ($($cell:ty: $waits:expr),*) => {$(
        impl<T: Service<Cell = Self>> Dispatch for $cell {
            fn class(&self) -> &'static str {
                T::CLASS
            }

            fn find(&self, name: &str) -> Option<usize> {
                T::methods().binary_search_by(|method| method.info.name.cmp(name)).ok()
            }

            fn find_as(&self, signature: &Signature) -> Option<usize> {
                let known = signature.position(T::methods());
                known.or_else(|| self.find(signature.name()))
            }

            fn method(&self, index: usize) -> Option<&'static MethodInfo> {
                T::methods().get(index).map(|method| &method.info)
            }

            fn waits(&self, method: &MethodInfo) -> bool {
                $waits(self, method)
            }

            fn invoke(self: Arc<Self>, index: usize, call: &mut Incoming<'_>) -> Invoked {
                match T::methods().get(index) {
                    Some(method) if call.fits(&method.info) => (method.invoke)(self, call),
                    Some(method) => call.refuse_as(&method.info),
                    None => call.no_method(T::CLASS),
                }
            }
        }
    )*};
}

dispatch!(T: |_, _| false, Exclusive<T>: Exclusive::waits);

/// The class that `#[drb::service(class = …)]` on a type gives it.
///
/// The macro on the type makes a constant of the type's own, which is preferred to this one. So the
/// macro on its `impl` finds it without knowing whether it is there.
pub trait Class {
    /// No class is given.
    const __DRB_CLASS: Option<&'static str> = None;
}

impl<T: ?Sized> Class for T {}
