//! Reads values whose type is known only now, with everything that Ruby has said of them.

use super::{
    REFERENCE, REFERENCE_ALIAS,
    cursor::malformed,
    float,
    read_extra::{Wraps, take_flag},
    reader::Reader,
};
use crate::{
    Limit, LoadError, Value,
    budget::exceeded,
    value::{
        Array, ArrayBody, BigInt, BigIntBody, Cycle, Dumped, DumpedBody, Encoding, Map, MapBody,
        Marshaled, MarshaledBody, Module, ModuleBody, ModuleKind, Node, Object, ObjectBody,
        ReferenceBody, ReferenceValue, Regexp, RegexpBody, Str, StrBody, Symbol, Target,
    },
};
use std::{collections::BTreeMap, sync::Arc, sync::Weak};

/// What one stream's dynamic values share.
#[derive(Default)]
pub(super) struct Shared {
    /// The symbols that have been met, by their numbers.
    pub(super) symbols: Vec<Option<Symbol>>,
    /// The objects that links mean.
    objects: BTreeMap<usize, Linked>,
    /// The objects that are being read and that contain themselves.
    open: Vec<(usize, Target)>,
    /// Whether the stream has links at all; `None` if nobody knows yet.
    linked: Option<bool>,
    /// The deepest that the object which is being read has got so far.
    deepest: usize,
}

/// A value that has been loaded and that occurs again.
#[derive(Clone)]
struct Linked {
    value: Value,
    /// How many values following a link to it counts for: whoever walks over it walks over all again.
    cost: usize,
    /// How many levels it has.
    height: usize,
}

/// The memory that a node takes, without what it holds.
pub(super) const NODE: usize = 64;

impl<'de> Reader<'de> {
    pub(crate) fn value(&mut self) -> Result<Value, LoadError> {
        self.begin()?;
        let start = self.stream.cursor.pos;
        match self.stream.cursor.byte()? {
            b'0' => Ok(Value::Nil),
            b'T' => Ok(Value::Bool(true)),
            b'F' => Ok(Value::Bool(false)),
            b'i' => self.stream.cursor.long().map(Value::Int),
            b':' | b';' => {
                self.stream.cursor.pos = start;
                self.symbol_value().map(Value::Symbol)
            }
            b'I' if self.stream.cursor.peek() == Some(b':') => {
                self.stream.cursor.pos = start;
                self.symbol_value().map(Value::Symbol)
            }
            b'@' => self.linked_value(),
            kind => self.object_value(start, kind),
        }
    }

    fn object_value(&mut self, start: usize, mut kind: u8) -> Result<Value, LoadError> {
        let before = self.stream.objects;
        let nodes = self.budget.nodes_left();
        let mut wraps = Wraps::default();
        loop {
            match kind {
                b'I' if !wraps.ivars => wraps.ivars = true,
                b'C' => {
                    let class = self.symbol_value()?;
                    self.budget.take_memory(NODE)?;
                    wraps.classes.push(class);
                }
                b'e' => {
                    let module = self.symbol_value()?;
                    self.budget.take_memory(NODE)?;
                    wraps.extended.push(module);
                }
                _ => break,
            }
            kind = self.stream.cursor.byte()?;
        }
        self.budget.take_memory(NODE)?;
        // In the replay of what was typed, there may be what has been loaded as a value before.
        if self.stream.replays > 0
            && kind != b'u'
            && let Some(linked) = self.stream.shared.objects.get(&before).cloned()
        {
            self.reach(self.depth + linked.height)?;
            self.stream.cursor.pos = start;
            self.skip()?;
            return Ok(linked.value);
        }
        let around = std::mem::replace(&mut self.stream.shared.deepest, self.depth);
        let value = match kind {
            b'"' => self.str_value(wraps),
            b'[' => self.array_value(wraps),
            b'{' | b'}' => self.map_value(kind, wraps),
            b'o' | b'S' => self.fields_value(kind, wraps),
            b'u' => self.dumped_value(wraps),
            b'U' | b'd' => self.marshaled_value(kind, wraps),
            b'/' => self.regexp_value(wraps),
            b'f' | b'l' | b'c' | b'm' | b'M' if wraps.is_empty() => self.plain_value(kind),
            b'f' | b'l' | b'c' | b'm' | b'M' | b'0' | b'T' | b'F' | b'i' | b':' | b';' | b'@' => {
                Err(malformed(start, "a value that cannot have a class or variables of its own"))
            }
            _ => Err(malformed(self.stream.cursor.pos - 1, "no type of Marshal's")),
        }?;
        // An object that has a string of its own is numbered behind its instance variables.
        let number = if kind == b'u' { self.stream.objects - 1 } else { before };
        if self.is_linked(number)? {
            let cost = nodes - self.budget.nodes_left();
            let height = self.stream.shared.deepest - self.depth;
            self.stream
                .shared
                .objects
                .insert(number, Linked { value: value.clone(), cost, height });
        }
        self.stream.shared.deepest = around.max(self.stream.shared.deepest);
        Ok(value)
    }

    /// What a link means. Its type has been taken.
    fn linked_value(&mut self) -> Result<Value, LoadError> {
        let at = self.stream.cursor.pos;
        let number = self.stream.cursor.len()?;
        if let Some(linked) = self.stream.shared.objects.get(&number).cloned() {
            self.budget.take_nodes(linked.cost)?;
            self.reach(self.depth + linked.height)?;
            return Ok(linked.value);
        }
        let open = self.stream.shared.open.iter().find(|(open, _)| *open == number);
        if let Some((_, target)) = open {
            return Ok(Value::Cycle(Cycle { target: target.clone() }));
        }
        // It was loaded as a type of Rust's.
        let place = self.place(number, at)?;
        let jump = self.jump_to(place);
        self.descend()?;
        let value = self.value()?;
        self.depth -= 1;
        self.jump_back(jump);
        Ok(value)
    }

    /// The value that is being read gets this deep.
    fn reach(&mut self, depth: usize) -> Result<(), LoadError> {
        if depth > self.budget.depth {
            return Err(exceeded(Limit::Depth, self.budget.depth));
        }
        self.stream.shared.deepest = self.stream.shared.deepest.max(depth);
        Ok(())
    }

    fn is_linked(&mut self, number: usize) -> Result<bool, LoadError> {
        Ok(self.has_links() && self.links()?.get(number).is_some_and(|place| place.linked))
    }

    fn is_cyclic(&mut self, number: usize) -> Result<bool, LoadError> {
        Ok(self.has_links() && self.links()?.get(number).is_some_and(|place| place.cyclic))
    }

    /// Whether there can be links in the stream: most have none, which is quickly seen.
    fn has_links(&mut self) -> bool {
        let stream = &mut self.stream;
        *stream.shared.linked.get_or_insert_with(|| stream.cursor.bytes.contains(&b'@'))
    }

    /// Takes the next number for an object, reads what it holds, and makes its node.
    fn node<B>(
        &mut self,
        target: fn(Weak<Node<B>>) -> Target,
        read: impl FnOnce(&mut Self) -> Result<Node<B>, LoadError>,
    ) -> Result<Arc<Node<B>>, LoadError>
    where
        B: Hollow,
    {
        let number = self.stream.objects;
        self.stream.objects += 1;
        self.descend()?;
        self.reach(self.depth)?;
        let node = if self.is_cyclic(number)? {
            let mut problem = None;
            let node = Arc::new_cyclic(|weak| {
                self.stream.shared.open.push((number, target(weak.clone())));
                let node = read(self);
                self.stream.shared.open.pop();
                node.unwrap_or_else(|error| {
                    problem = Some(error);
                    Node { body: B::hollow(), extra: None }
                })
            });
            match problem {
                Some(error) => return Err(error),
                None => node,
            }
        } else {
            Arc::new(read(self)?)
        };
        self.depth -= 1;
        Ok(node)
    }

    fn str_value(&mut self, wraps: Wraps) -> Result<Value, LoadError> {
        let node = self.node(Target::Str, |reader| {
            let bytes = reader.owned_bytes()?;
            let (encoding, extra) = reader.wrapped(wraps, Encoding::Binary)?;
            Ok(Node { body: StrBody { bytes, encoding }, extra })
        })?;
        Ok(Value::Str(Str(node)))
    }

    fn array_value(&mut self, wraps: Wraps) -> Result<Value, LoadError> {
        let node = self.node(Target::Array, |reader| {
            let len = reader.stream.cursor.count(1)?;
            let mut items = Vec::with_capacity(reader.reserve(len, size_of::<Value>()));
            for _ in 0..len {
                items.push(reader.value()?);
            }
            let (_, extra) = reader.wrapped(wraps, Encoding::Binary)?;
            Ok(Node { body: ArrayBody { items }, extra })
        })?;
        Ok(Value::Array(Array(node)))
    }

    fn map_value(&mut self, kind: u8, mut wraps: Wraps) -> Result<Value, LoadError> {
        // The subclass `Hash` of Hash means something else.
        let by_identity = wraps.classes.last().is_some_and(|class| class == "Hash");
        if by_identity {
            wraps.classes.pop();
        }
        let node = self.node(Target::Map, |reader| {
            let len = reader.stream.cursor.count(2)?;
            let mut entries = Vec::with_capacity(reader.reserve(len, 2 * size_of::<Value>()));
            for _ in 0..len {
                entries.push((reader.value()?, reader.value()?));
            }
            let default = if kind == b'}' { Some(reader.value()?) } else { None };
            let (_, mut extra) = reader.wrapped(wraps, Encoding::Binary)?;
            let keywords = take_flag(&mut extra);
            Ok(Node { body: MapBody { entries, default, by_identity, keywords }, extra })
        })?;
        Ok(Value::Map(Map(node)))
    }

    fn fields_value(&mut self, kind: u8, wraps: Wraps) -> Result<Value, LoadError> {
        if !wraps.classes.is_empty() {
            return Err(malformed(self.stream.cursor.pos, "an object with a second class"));
        }
        let node = self.node(Target::Object, |reader| {
            let class = reader.symbol_value()?;
            let fields = reader.pairs()?;
            let (_, extra) = reader.wrapped(wraps, Encoding::Binary)?;
            Ok(Node { body: ObjectBody { class, is_struct: kind == b'S', fields }, extra })
        })?;
        Ok(Value::Object(Object(node)))
    }

    fn marshaled_value(&mut self, kind: u8, wraps: Wraps) -> Result<Value, LoadError> {
        let node = self.node(Target::Marshaled, |reader| {
            let class = reader.symbol_value()?;
            let data = reader.value()?;
            let (_, extra) = reader.wrapped(wraps, Encoding::Binary)?;
            Ok(Node { body: MarshaledBody { class, is_data: kind == b'd', data }, extra })
        })?;
        Ok(Value::Marshaled(Marshaled(node)))
    }

    fn regexp_value(&mut self, wraps: Wraps) -> Result<Value, LoadError> {
        let node = self.node(Target::Regexp, |reader| {
            let source = reader.owned_bytes()?;
            let options = reader.stream.cursor.byte()?;
            let (encoding, extra) = reader.wrapped(wraps, Encoding::Binary)?;
            Ok(Node { body: RegexpBody { source, options, encoding }, extra })
        })?;
        Ok(Value::Regexp(Regexp(node)))
    }

    fn dumped_value(&mut self, wraps: Wraps) -> Result<Value, LoadError> {
        let class = self.symbol_value()?;
        let is_reference = matches!(class.as_bytes(), REFERENCE | REFERENCE_ALIAS);
        let payload = self.stream.cursor.sized()?;
        self.budget.take_memory(payload.len())?;
        self.descend()?;
        self.reach(self.depth)?;
        let (encoding, extra) = self.wrapped(wraps, Encoding::Binary)?;
        self.depth -= 1;
        self.stream.objects += 1;
        if is_reference {
            self.budget.take_reference()?;
        }
        // A payload that is no reference's is kept as it is.
        if is_reference
            && extra.is_none()
            && encoding == Encoding::Binary
            && let Ok(reference) = self.reference_of(payload)
        {
            let body =
                ReferenceBody { reference, came_as: Some((class, payload.to_vec())), held: None };
            return Ok(Value::Reference(ReferenceValue::of(body)));
        }
        let payload = payload.to_vec();
        let body = DumpedBody { class, payload, encoding };
        Ok(Value::Dumped(Dumped(Arc::new(Node { body, extra }))))
    }

    /// What has no instance variables.
    fn plain_value(&mut self, kind: u8) -> Result<Value, LoadError> {
        if kind == b'l' {
            let (negative, magnitude) = self.magnitude()?;
            self.budget.take_memory(magnitude.len())?;
            let body = BigIntBody { negative, magnitude: magnitude.to_vec() };
            return Ok(BigInt::of(body).into());
        }
        self.stream.objects += 1;
        if kind == b'f' {
            return Ok(Value::from(float::parse(self.stream.cursor.sized()?)));
        }
        let name = self.owned_bytes()?;
        let kind = match kind {
            b'c' => ModuleKind::Class,
            b'm' => ModuleKind::Module,
            _ => ModuleKind::Old,
        };
        Ok(Value::Module(Module::of(ModuleBody { kind, name })))
    }

    fn owned_bytes(&mut self) -> Result<Vec<u8>, LoadError> {
        let bytes = self.stream.cursor.sized()?;
        self.budget.take_memory(bytes.len())?;
        Ok(bytes.to_vec())
    }

    /// Fields or instance variables.
    fn pairs(&mut self) -> Result<Vec<(Symbol, Value)>, LoadError> {
        let len = self.stream.cursor.count(2)?;
        let mut pairs = Vec::with_capacity(self.reserve(len, 2 * size_of::<Value>()));
        for _ in 0..len {
            pairs.push((self.symbol_value()?, self.value()?));
        }
        Ok(pairs)
    }
}

/// A body for a node whose reading has failed.
trait Hollow {
    fn hollow() -> Self;
}

impl Hollow for StrBody {
    fn hollow() -> Self {
        Self::default()
    }
}

impl Hollow for ArrayBody {
    fn hollow() -> Self {
        Self::default()
    }
}

impl Hollow for MapBody {
    fn hollow() -> Self {
        Self::default()
    }
}

impl Hollow for ObjectBody {
    fn hollow() -> Self {
        Self { class: Symbol::from(""), is_struct: false, fields: Vec::new() }
    }
}

impl Hollow for MarshaledBody {
    fn hollow() -> Self {
        Self { class: Symbol::from(""), is_data: false, data: Value::Nil }
    }
}

impl Hollow for RegexpBody {
    fn hollow() -> Self {
        Self { source: Vec::new(), options: 0, encoding: Encoding::Binary }
    }
}
