//! The macros with their documentation: here its examples can use the crate.

/// Exposes methods: what is called from elsewhere, how it is called there, and the proxy that calls
/// it.
///
/// It goes on an `impl`, on a trait, on an `impl` of such a trait, and on a struct or enum.
///
/// # On an `impl`
///
/// The `pub` methods that take `&self` or `&mut self` are the whole whitelist; nothing else can be
/// called. `impl Store` also makes `StoreProxy`, whose methods take what the method takes in the form
/// that is natural for the caller (see [`Arg`](crate::Arg)) and give a [`Call`](crate::Call).
///
/// ```
/// use std::{collections::HashMap, sync::Mutex};
///
/// #[derive(Default)]
/// struct Store(Mutex<HashMap<String, u64>>);
///
/// #[drb::service]
/// impl Store {
///     #[drb(name = "[]")] // Ruby: store["key"]
///     pub fn get(&self, key: &str) -> Option<u64> {
///         self.0.lock().unwrap().get(key).copied()
///     }
///
///     pub fn inc(&self, key: String, #[drb(default = 1)] by: u64) -> u64 {
///         let mut entries = self.0.lock().unwrap();
///         let entry = entries.entry(key).or_default();
///         *entry += by;
///         *entry
///     }
///
///     fn internal(&self) {} // is not exposed
/// #   pub fn new() -> Self { let new = Self::default(); new.internal(); new }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// let server = drb::start_service("druby://localhost:0", Store::default()).await?;
/// let store = StoreProxy::connect(server.uri()).await?;
/// assert_eq!(store.inc("counter", 2).await?, 2);
/// assert_eq!(store.get("counter").await?, Some(2));
/// # Ok(())
/// # }
/// ```
///
/// Methods with `&self` run side by side. A method with `&mut self` has the object to itself, and
/// then the object is held as an [`Exclusive`](crate::Exclusive). A method that is not `async` runs
/// in place: put `#[drb(blocking)]` on one that takes its time. The future of an `async` method has to
/// be `Send`. A type has one `impl` with this attribute; others are its own business.
///
/// An `impl` may have type parameters, and `StoreProxy` then has them too. A method has none.
///
/// | `#[drb::service(…)]` | |
/// |---|---|
/// | `class = "Foo::Store"` | Ruby's name of the class, for `inspect` and errors; otherwise the name of the type |
/// | `also(Trait, Other)` | further service traits that the type implements |
/// | `crate = ::path` | where the crate `drb` is, if it has another name |
///
/// | on a method: `#[drb(…)]` | |
/// |---|---|
/// | `name = "inc!"` | the name on the wire: any name of a Ruby method, `[]=` and `empty?` too |
/// | `alias = "fetch"` | a further name, any number of times |
/// | `skip` | is not exposed |
/// | `blocking` | runs on a thread where it may block |
/// | `no_cancel` | runs to its end although the caller no longer waits: others are stopped where they wait when the call is dropped or times out, or its connection is lost |
///
/// | on a parameter: `#[drb(…)]` | |
/// |---|---|
/// | `context` | the [`Context`](crate::Context) of the call, or a `&Context`: who is calling. It is neither on the wire nor in the proxy |
/// | `default`, `default = expression` | may be left out by other callers (the proxy always sends it); the expression may use the parameters before it |
/// | `rest` | a `Vec<…>` or `&[…]` of all further arguments: Ruby's `*values` |
/// | `keyword` | is passed by name: Ruby's `limit:`. With `default`, it may be left out |
/// | `keywords` | a map of all further arguments by name, or a `Vec` of pairs: Ruby's `**options` |
///
/// Their order is Ruby's. A caller whose arguments don't fit gets Ruby's `ArgumentError`, and the
/// method is not called.
///
/// ```
/// # use std::collections::BTreeMap;
/// struct Desk;
///
/// #[drb::service]
/// impl Desk {
///     // Ruby: desk.search("tea", "coffee", limit: 3, shop: "corner")
///     pub async fn search(
///         &self,
///         #[drb(context)] call: &drb::Context,
///         #[drb(rest)] words: Vec<String>,
///         #[drb(keyword)] limit: u64,
///         #[drb(keyword, default)] deep: bool,
///         #[drb(keywords)] others: BTreeMap<String, String>,
///     ) -> String {
///         format!("{} {words:?} {limit} {deep} {others:?}", call.peer())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let server = drb::start_service("druby://localhost:0", Desk).await?;
/// # let desk = DeskProxy::connect(server.uri()).await?;
/// let found = desk.search(["tea", "coffee"], 3, false, [("shop", "corner")]).await?;
/// # assert!(found.ends_with(r#"["tea", "coffee"] 3 false {"shop": "corner"}"#));
/// # Ok(())
/// # }
/// ```
///
/// # Blocks
///
/// A parameter of the type [`Block`](crate::Block) is the caller's block: `{ |key, count| … }` in
/// Ruby, and in Rust a closure, which the proxy's method takes last, wherever the parameter stands.
/// It is no argument. `A` of `Block<A, R>` is what the block is called with, as a tuple (or a `Vec<T>`
/// for any number), `R` is what it gives back. Both are left out where there is nothing. The method is
/// `async`, and has one block.
///
/// ```
/// use drb::Block;
///
/// struct Store(Vec<(String, u64)>);
///
/// #[drb::service]
/// impl Store {
///     // Ruby: store.each { |key, count| puts key }
///     pub async fn each(&self, block: Block<(String, u64)>) -> drb::Result<()> {
///         for entry in self.0.clone() {
///             block.call(entry).await?;
///         }
///         Ok(())
///     }
///
///     // Ruby: store.total, or store.total { |count| count * 2 }
///     pub async fn total(&self, weigh: Option<Block<(u64,), u64>>) -> drb::Result<u64> {
///         let mut total = 0;
///         for (_, count) in &self.0 {
///             total += match &weigh {
///                 Some(weigh) => weigh.call((*count,)).await?,
///                 None => *count,
///             };
///         }
///         Ok(total)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let entries = vec![("tea".to_owned(), 2), ("milk".to_owned(), 3)];
/// let server = drb::start_service("druby://localhost:0", Store(entries)).await?;
/// let store = StoreProxy::connect(server.uri()).await?;
///
/// let mut keys = Vec::new();
/// store.each(|key, _| keys.push(key)).await?;
/// assert_eq!(keys, ["tea", "milk"]);
///
/// assert_eq!(store.total().await?, 5);
/// assert_eq!(store.total_with(|count| count * 2).await?, 10);
/// # Ok(())
/// # }
/// ```
///
/// For an `Option<Block<…>>`, the proxy has a method without a block, and one with `_with` behind its
/// name. What a closure may give beside an `R`, such as an error or Ruby's `break`, is written at
/// [`Yields`](crate::Yields). The process that passes a block needs a server, because it is called
/// back.
///
/// The type's name is what tells a block: write `Block`, not an alias of it, and give a type of your
/// own that is called `Block` another name in the signature.
///
/// # Streams
///
/// A method that gives `impl Stream<Item = T>`, or a `Result` of one, gives its items one after the other,
/// at the pace of its reader; one that takes a [`Stream<T>`](crate::Stream) is passed any stream with such
/// items.
///
/// ```
/// use drb::Stream;
/// use futures_util::{StreamExt, stream};
///
/// struct Log(Vec<String>);
///
/// #[drb::service]
/// impl Log {
///     // Ruby: log.tail(1) { |line| puts line }
///     pub fn tail(&self, from: usize) -> impl futures_util::Stream<Item = &str> {
///         stream::iter(self.0.iter().skip(from)).map(String::as_str)
///     }
///
///     // Ruby: log.length(['a', 'b'])
///     pub async fn length(&self, mut lines: Stream<String>) -> drb::Result<usize> {
///         let mut length = 0;
///         while let Some(line) = lines.next().await {
///             length += line?.len();
///         }
///         Ok(length)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let lines = ["tea", "milk"].map(str::to_owned).to_vec();
/// let server = drb::start_service("drb://localhost:0", Log(lines)).await?;
/// let log = LogProxy::connect(server.native_uri()).await?;
///
/// let mut tail = log.tail(1).await?; // a Stream<String>
/// assert_eq!(tail.next().await, Some(Ok("milk".to_owned())));
/// assert_eq!(tail.next().await, None);
///
/// let lines = stream::iter(["a".to_owned(), "bc".to_owned()]);
/// assert_eq!(log.length(lines).await?, 3);
/// # Ok(())
/// # }
/// ```
///
/// The name `Stream` is what tells one. As it may borrow from the object, a type with such a method has none
/// with `&mut self`; there, and within other types, a `drb::Stream<T>` is given, which
/// [`Stream::new`](crate::Stream::new) makes.
///
/// # Names
///
/// Some names are never exposed, because in Ruby they run whatever the caller names: `send`,
/// `instance_eval`, `method_missing` and their like.
///
/// # On a trait, and on an `impl` of it
///
/// A contract for a caller that must not depend on the server's crate, or for an object of a Ruby
/// process. All methods with `&self` or `&mut self` are exposed; the options are the same, and stand
/// in the trait. An `async fn` in it is the declaration of a future that is `Send`. Whoever implements
/// the trait is `Send + Sync + 'static`.
///
/// ```
/// mod contract {
///     #[drb::service]
///     pub trait Greeter {
///         async fn greet(&self, name: String) -> String;
///     }
/// }
///
/// mod server {
///     pub struct English;
///
///     #[drb::service]
///     impl super::contract::Greeter for English {
///         async fn greet(&self, name: String) -> String {
///             format!("Hello, {name}!")
///         }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// let server = drb::start_service("druby://localhost:0", server::English).await?;
/// let greeter = contract::GreeterProxy::connect(server.uri()).await?;
/// assert_eq!(greeter.greet("you").await?, "Hello, you!");
/// # Ok(())
/// # }
/// ```
///
/// A service trait can't extend another one.
///
/// # Several of them
///
/// A type is a service through one `impl`: its own, or that of a trait. In `also(…)`, this names the
/// other service traits that the type implements. The methods of all can be called, and an object
/// can be passed where a method takes the proxy of any of them.
///
/// ```
/// # use std::sync::Mutex;
/// #[drb::service]
/// trait Listener {
///     fn heard(&self, text: String);
/// }
///
/// struct Room(Mutex<Vec<String>>);
///
/// #[drb::service(also(Listener))]
/// impl Room {
///     pub fn last(&self) -> Option<String> {
///         self.0.lock().unwrap().last().cloned()
///     }
/// }
///
/// impl Listener for Room { // without the attribute
///     fn heard(&self, text: String) {
///         self.0.lock().unwrap().push(text);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let room = Room(Mutex::default());
/// let server = drb::start_service("druby://localhost:0", room).await?;
/// ListenerProxy::connect(server.uri()).await?.heard("hello").await?;
/// assert_eq!(RoomProxy::connect(server.uri()).await?.last().await?, Some("hello".to_owned()));
/// # Ok(())
/// # }
/// ```
///
/// The methods' names on the wire differ, the type has no type parameters, and either each of the
/// `impl`s has a method with `&mut self`, or none.
///
/// # On a struct or an enum
///
/// `#[drb::service(class = "Foo::Store")]` says the class where the type is, for all that is made of
/// it elsewhere.
pub use drb_macros::service;

/// Makes a value of a struct or an enum: it is copied to the peer.
///
/// It makes [`Dump`](trait@crate::Dump), [`Load`](trait@crate::Load) and
/// [`Outbound`](crate::Outbound).
///
/// | Rust | Ruby |
/// |---|---|
/// | `struct Entry { key: String }` | an object of the class `Entry` with `@key`; with `as_struct` a Struct, with `as_hash` a Hash |
/// | `struct Id(u64)` | what it holds |
/// | `struct Point(f64, f64)` | an array |
/// | `struct Nothing;` | an object without instance variables |
/// | variant `TooMany` | the symbol `:too_many` |
/// | variant `Circle(f64)` | `[:circle, 1.0]` |
/// | variant `Rect { w: f64 }` | `[:rect, {w: 1.0}]`, for `case … in [:rect, {w:}]` |
///
/// A struct is loaded from a Hash as well (with symbols or strings as keys). Fields that it doesn't
/// know are skipped; one that is missing is its default, `None` for an `Option`, or else an error.
///
/// ```
/// use drb::{DrbDumped, Value};
///
/// #[derive(Debug, PartialEq, DrbDumped)]
/// #[drb(class = "Shop::Entry")]
/// struct Entry {
///     key: String,
///     #[drb(default = 1)]
///     count: u64,
///     #[drb(skip)]
///     cached: bool,
/// }
///
/// #[derive(Debug, PartialEq, DrbDumped)]
/// enum Shape {
///     Empty,
///     Circle(f64),
///     Rect { w: f64, h: f64 },
/// }
///
/// let entry = Entry { key: "tea".to_owned(), count: 2, cached: false };
/// assert_eq!(Value::from_dump(&entry)?.to::<Entry>()?, entry);
/// # let shape = Shape::Rect { w: 1.0, h: 2.0 };
/// # assert_eq!(Value::from_dump(&shape)?.to::<Shape>()?, shape);
/// # assert_eq!(Value::from_dump(&Shape::Empty)?.to::<Shape>()?, Shape::Empty);
/// # assert_eq!(Value::from_dump(&Shape::Circle(1.0))?.to::<Shape>()?, Shape::Circle(1.0));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// | on a struct: `#[drb(…)]` | |
/// |---|---|
/// | `class = "Foo::Bar"` | Ruby's name of the class; otherwise the name of the type |
/// | `as_struct`, `as_hash` | what it is in Ruby |
/// | `rename_all = "camelCase"` | how names are written: `lowercase`, `UPPERCASE`, `PascalCase`, `camelCase`, `snake_case`, `SCREAMING_SNAKE_CASE`, `kebab-case`, `SCREAMING-KEBAB-CASE` |
/// | `default` | missing fields come from the `Default` of the struct |
/// | `crate = ::path` | where the crate `drb` is |
///
/// | on an enum | |
/// |---|---|
/// | `rename_all`, `crate` | as on a struct; variants are in `snake_case` otherwise |
///
/// | on a field or variant | |
/// |---|---|
/// | `name = "…"` | the name on the wire |
/// | `default`, `default = expression` | stands for a field that is missing |
/// | `skip` | a field that stays here: it is its default on the other side |
pub use drb_macros::DrbDumped;

/// Makes an object of a type: the peer gets a reference, and calls it through the proxy.
///
/// The type needs an `impl` with [`#[drb::service]`](macro@service). Where a method gives such an
/// object, its caller gets the proxy, within `Vec`, `Option`, `Result` and so on too.
///
/// ```
/// use drb::DrbUndumped;
/// use std::sync::Mutex;
///
/// #[derive(DrbUndumped)]
/// struct Cursor(Mutex<u64>);
///
/// #[drb::service]
/// impl Cursor {
///     pub fn next(&self) -> Option<u64> {
///         let mut left = self.0.lock().unwrap();
///         *left = left.checked_sub(1)?;
///         Some(*left)
///     }
/// }
///
/// struct Store;
///
/// #[drb::service]
/// impl Store {
///     pub fn cursor(&self) -> Cursor {
///         Cursor(Mutex::new(2))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let server = drb::start_service("druby://localhost:0", Store).await?;
/// # let store = StoreProxy::connect(server.uri()).await?;
/// let cursor: CursorProxy = store.cursor().await?;
/// assert_eq!(cursor.next().await?, Some(1));
/// # Ok(())
/// # }
/// ```
///
/// `#[drb(crate = ::path)]` says where the crate `drb` is.
pub use drb_macros::DrbUndumped;

/// Makes the error of a method of an enum or a struct: it travels as an exception, and comes back as
/// itself.
///
/// The exception's message is what `Display` gives. Its class is `DRb::DRbRemoteError`, which every
/// Ruby can load, with the name of the variant as its reason; or the class that `#[drb(class = "…")]`
/// says, which the Ruby program has to know. Fields travel as instance variables of their names, those
/// of a tuple as `@_0`, `@_1`, ….
///
/// ```
/// use drb::{CallError, DrbError, Exception};
///
/// #[derive(Debug, PartialEq, thiserror::Error, DrbError)]
/// enum StoreError {
///     #[error("no entry {key}")]
///     #[drb(class = "KeyError")]
///     NotFound { key: String },
///     #[error("the store is full")]
///     Full,
///     #[error("{0}")]
///     #[drb(class = "ArgumentError")]
///     Invalid(#[drb(message)] String),
///     #[error("{0}")]
///     #[drb(other)]
///     Other(Exception),
/// }
///
/// struct Store;
///
/// #[drb::service]
/// impl Store {
///     pub fn get(&self, key: String) -> Result<u64, StoreError> {
///         Err(StoreError::NotFound { key })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> drb::Result<()> {
/// # let server = drb::start_service("druby://localhost:0", Store).await?;
/// # let store = StoreProxy::connect(server.uri()).await?;
/// match store.get("tea").await {
///     Err(CallError::Method(StoreError::NotFound { key })) => assert_eq!(key, "tea"),
///     other => panic!("{other:?}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// | on a struct or variant: `#[drb(…)]` | |
/// |---|---|
/// | `class = "Foo::BarError"` | Ruby's name of the class |
/// | `other` | on a variant that holds an [`Exception`](crate::Exception): any that is none of the others |
///
/// | on a field | |
/// |---|---|
/// | `message` | a `String` that is the exception's message, in place of what `Display` gives |
/// | `name = "…"` | the name on the wire |
/// | `default`, `default = expression` | stands for a field that is missing |
/// | `skip` | stays here: it is its default on the other side |
///
/// `#[drb(crate = ::path)]` on the type says where the crate `drb` is.
pub use drb_macros::DrbError;
