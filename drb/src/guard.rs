//! Access control lists of objects and methods.

use crate::{
    Acl, AclError, Context, Exception, IntoObject, Served,
    dispatch::{Dispatch, Incoming, Invoked, MethodInfo},
    users,
};
use std::{
    collections::BTreeMap,
    fmt,
    marker::PhantomData,
    sync::{Arc, PoisonError, RwLock},
};

/// The class of the exception that somebody gets who may not call (Ruby: `SecurityError`).
pub(crate) const REFUSED: &str = "SecurityError";

/// Who may call an object, and who may call which of its methods.
///
/// The ACL of a server says who may connect; a guard says it for one object, or for several. A method that
/// is given an ACL of its own is asked that one instead of the object's. (Another name of the method is
/// another method: name it as well.) Calls from within the process are always allowed. Whoever may not call
/// gets a `SecurityError` ([`Error::Refused`](crate::Error::Refused)) before an argument is looked at; a
/// server tells its [hook](crate::ServerBuilder::on_failed_call) of it, and
/// [counts](crate::Counters::refused_calls) it.
///
/// Clones are the same guard, and its lists can be replaced while the server runs.
///
/// ```
/// # use drb::prelude::*;
/// struct Store;
///
/// #[drb::service]
/// impl Store {
///     pub fn get(&self) -> u64 { 1 }
///     pub fn clear(&self) {}
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let guard = drb::Guard::new("deny all  allow 127.0.0.1".parse()?)?
///     .method("clear", "deny all  allow user:root".parse()?)?;
/// let server = drb::Server::builder().front(guard.protect(Store)?).start("druby://127.0.0.1:0").await?;
///
/// let store = StoreProxy::connect(server.uri()).await?;
/// assert_eq!(store.get().await?, 1);
/// assert!(matches!(store.clear().await, Err(drb::Error::Refused(_))));
/// assert_eq!(server.counters().refused_calls, 1);
///
/// guard.set("deny all".parse()?)?; // from here on
/// assert!(store.get().await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Guard(Arc<RwLock<Lists>>);

#[derive(Debug)]
struct Lists {
    object: Acl,
    methods: BTreeMap<String, Acl>,
}

/// An object that a [`Guard`] stands before.
pub struct Guarded<O> {
    object: Arc<dyn Dispatch>,
    guard: Guard,
    of: PhantomData<fn() -> O>,
}

impl Guard {
    /// A guard with the list that holds for all methods. A list in a file is
    /// `std::fs::read_to_string(path)?.parse()?`.
    ///
    /// # Errors
    /// [`AclError::Unknown`]: a user or a group.
    pub fn new(acl: Acl) -> Result<Self, AclError> {
        let lists = Lists { object: users::resolve(acl)?, methods: BTreeMap::new() };
        Ok(Self(Arc::new(RwLock::new(lists))))
    }

    /// The same guard with a list for one method.
    ///
    /// # Errors
    /// [`AclError::Unknown`].
    pub fn method(self, name: impl Into<String>, acl: Acl) -> Result<Self, AclError> {
        self.set_method(name, acl)?;
        Ok(self)
    }

    /// Replaces the list that holds for all methods. Calls that run are not touched.
    ///
    /// # Errors
    /// [`AclError::Unknown`]; the old list stays.
    pub fn set(&self, acl: Acl) -> Result<(), AclError> {
        let acl = users::resolve(acl)?;
        self.0.write().unwrap_or_else(PoisonError::into_inner).object = acl;
        Ok(())
    }

    /// Replaces the list of one method.
    ///
    /// # Errors
    /// [`AclError::Unknown`]; the old list stays.
    pub fn set_method(&self, name: impl Into<String>, acl: Acl) -> Result<(), AclError> {
        let acl = users::resolve(acl)?;
        let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
        lists.methods.insert(name.into(), acl);
        Ok(())
    }

    /// The object with this guard before it: what a server serves, and what methods give away.
    ///
    /// # Errors
    /// [`AclError::Method`]: there is a list for a method that the object doesn't have.
    pub fn protect<O: IntoObject>(&self, object: O) -> Result<Guarded<O>, AclError> {
        let object = object.into_object();
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(method) = lists.methods.keys().find(|method| object.find(method).is_none()) {
            return Err(AclError::Method { method: method.clone(), class: object.class() });
        }
        drop(lists);
        Ok(Guarded { object, guard: self.clone(), of: PhantomData })
    }

    fn allows(&self, method: &str, context: &Context) -> bool {
        let lists = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let acl = lists.methods.get(method).unwrap_or(&lists.object);
        acl.allows_peer(context.peer(), context.identity())
    }
}

impl<O: 'static> Dispatch for Guarded<O> {
    fn class(&self) -> &'static str {
        self.object.class()
    }

    /// Whatever the method, the guard is asked first.
    fn find(&self, _: &str) -> Option<usize> {
        Some(0)
    }

    fn method(&self, _: usize) -> Option<&'static MethodInfo> {
        None
    }

    fn invoke(self: Arc<Self>, _: usize, call: &mut Incoming<'_>) -> Invoked {
        if self.guard.allows(call.method(), &call.context()) {
            return call.pass_on(Arc::clone(&self.object));
        }
        let message = format!("'{}' of #<{}> is not for you", call.method(), self.object.class());
        call.refuse(Exception::new(REFUSED, message))
    }
}

impl<O: 'static> IntoObject for Guarded<O> {
    fn into_object(self) -> Arc<dyn Dispatch> {
        Arc::new(self)
    }
}

impl<O: Served + 'static> Served for Guarded<O> {
    type Service = O::Service;
}

impl<O> fmt::Debug for Guarded<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("object", &self.object.class()).finish_non_exhaustive()
    }
}
