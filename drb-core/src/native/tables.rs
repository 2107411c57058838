//! The shapes of structs that a connection knows by number.

use crate::{Form, Shape, dispatch::Signature};
use foldhash::fast::RandomState;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// The structs that have been named on a connection, by this side and by the peer.
///
/// The first struct of a type that is dumped gives its shape a number. A message says up to which
/// number it needs them; those that the peer doesn't know yet are defined before it is sent. So a
/// message that was dumped and never sent does no harm, and one that is sent refers to nothing
/// unknown.
///
/// Connections that follow each other on one way have the same numbers for this side's structs, so that what was
/// dumped for one of them and not sent can go over the next one.
#[derive(Debug)]
pub struct Tables {
    /// What tells the objects that the peer can call over this connection from all others.
    pub(crate) own_objects: u64,
    /// The same of the peer's objects that can be called from here.
    pub(crate) peer_objects: u64,
    /// Made when it is first needed.
    own: OnceLock<Arc<Mutex<Own>>>,
    peer: RwLock<Vec<Arc<PeerShape>>>,
    /// What the other side knows of methods of which proxies of this side know something else, by the
    /// addresses of what these know.
    apart: Mutex<BTreeMap<usize, String>>,
    /// Whether both sides are this process.
    within: bool,
}

#[derive(Debug, Default)]
struct Own {
    /// By the address of the constant, which is quicker to compare than its names.
    numbers: HashMap<usize, u32, RandomState>,
    shapes: Vec<&'static Shape>,
}

/// A shape that the peer has defined.
#[derive(Debug)]
pub(crate) struct PeerShape {
    pub(crate) class: String,
    pub(crate) form: Form,
    pub(crate) fields: Vec<String>,
    /// The address of a shape of ours that was found to have the same fields in the same order.
    same_as: AtomicUsize,
}

impl Tables {
    /// Those of a new connection, whose objects no other connection's are taken for.
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let own_objects = NEXT.fetch_add(2, Ordering::Relaxed);
        Self {
            own_objects,
            peer_objects: own_objects + 1,
            own: OnceLock::new(),
            peer: RwLock::default(),
            apart: Mutex::default(),
            within: false,
        }
    }

    /// Those of the connection that comes after this one's.
    pub fn following(&self) -> Self {
        Self { own: Arc::clone(self.own_shapes()).into(), ..Self::new() }
    }

    fn own_shapes(&self) -> &Arc<Mutex<Own>> {
        self.own.get_or_init(Arc::default)
    }

    /// Whether this side's structs have the same numbers in both.
    pub(super) fn has_shapes_of(&self, other: &Self) -> bool {
        Arc::ptr_eq(self.own_shapes(), other.own_shapes())
    }

    /// Those of calls within the process: each side has the other one's objects, and knows its shapes as
    /// soon as they have a number.
    pub fn within() -> Self {
        let tables = Self::new();
        Self { peer_objects: tables.own_objects, within: true, ..tables }
    }

    /// What tells the objects that this side's references mean from those of all other tables.
    pub fn own_objects(&self) -> u64 {
        self.own_objects
    }

    /// The number of a shape of ours; `None` if there are as many as a connection can have.
    pub(crate) fn number(&self, shape: &'static Shape, most: usize) -> Option<u32> {
        let mut own = self.own_shapes().lock().unwrap_or_else(PoisonError::into_inner);
        let Own { numbers, shapes } = &mut *own;
        if let Some(number) = numbers.get(&address(shape)) {
            return Some(*number);
        }
        if shapes.len() >= most {
            return None;
        }
        let number = u32::try_from(shapes.len()).ok()?;
        numbers.insert(address(shape), number);
        shapes.push(shape);
        if self.within {
            let fields = names(shape).map(str::to_owned).collect();
            self.define(shape.class.to_owned(), shape.form, fields);
        }
        Some(number)
    }

    /// A shape of ours, as it is to be defined: its class, its form and the names of its fields.
    pub fn own(&self, number: u32) -> Option<(&'static str, Form, Vec<&'static str>)> {
        let own = self.own_shapes().lock().unwrap_or_else(PoisonError::into_inner);
        let shape = own.shapes.get(number as usize)?;
        Some((shape.class, shape.form, names(shape).collect()))
    }

    /// Takes the peer's next shape.
    pub fn define(&self, class: String, form: Form, fields: Vec<String>) {
        let shape = PeerShape { class, form, fields, same_as: AtomicUsize::new(0) };
        self.peer.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(shape));
    }

    /// A shape of the peer's.
    pub(crate) fn peer(&self, number: u32) -> Option<Arc<PeerShape>> {
        let peer = self.peer.read().unwrap_or_else(PoisonError::into_inner);
        peer.get(number as usize).cloned()
    }

    /// Takes note of what the other side knows of a method of a proxy of this side.
    pub(crate) fn tell_apart(&self, signature: usize, expected: String) {
        self.apart.lock().unwrap_or_else(PoisonError::into_inner).insert(signature, expected);
    }

    /// What the other side knows of a method, if it has told that this is something else.
    pub(crate) fn apart(&self, signature: &Signature) -> Option<String> {
        let apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner);
        apart.get(&signature.address()).cloned()
    }

    /// How many the peer has defined.
    pub fn defined(&self) -> usize {
        self.peer.read().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl PeerShape {
    /// Whether the fields are those of a shape of ours, in the same order.
    pub(crate) fn is_like(&self, shape: &'static Shape) -> bool {
        let address = address(shape);
        if self.same_as.load(Ordering::Relaxed) == address {
            return true;
        }
        let same = self.fields.iter().map(String::as_str).eq(names(shape));
        if same {
            self.same_as.store(address, Ordering::Relaxed);
        }
        same
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

/// The names of the fields as a dynamic value has them: with an `@` where Ruby has one.
fn names(shape: &'static Shape) -> impl Iterator<Item = &'static str> {
    shape.fields.iter().map(|field| match shape.form {
        Form::Object => field.ivar,
        Form::Struct | Form::Hash => field.name,
    })
}

/// Where a constant is, which is what makes it that constant.
fn address(shape: &'static Shape) -> usize {
    std::ptr::from_ref(shape).addr()
}
