//! The types of std, and those of the features, against what Ruby dumps.
//!
//! The bytes are what `Marshal.dump` of Ruby 3.1 gives for the expression beside them:
//! `ruby -rset -rdate -e 'puts Marshal.dump(EXPRESSION).unpack1("H*")'`.

use drb_core::{
    Dump, Dumper, Field, Form, Limits, Load, LoadError, LoadErrorKind, Loader, Outbound, Shape,
    Symbol, Value,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    fmt::Debug,
    num::NonZero,
    ops::{Range, RangeFrom, RangeInclusive},
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).expect("a digit") as u8;
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn load<T: Load>(stream: &str) -> Result<T, LoadError> {
    T::load(&mut Loader::marshal(&bytes(stream), &Limits::default(), None)?)
}

fn dump<T: Dump + ?Sized>(value: &T) -> String {
    let mut out = Vec::new();
    let mut dumper = Dumper::marshal(&mut out, &Limits::default(), None);
    value.dump(&mut dumper).expect("a value that can be dumped");
    dumper.finish().expect("a value within the limits");
    hex(&out)
}

/// Ruby's bytes load as the value, which dumps to the same bytes.
fn both<T: Load + Dump + PartialEq + Debug>(stream: &str, value: T) {
    assert_eq!(dump(&value), stream, "{value:?}");
    loads(stream, value);
}

fn loads<T: Load + PartialEq + Debug>(stream: &str, value: T) {
    assert_eq!(load::<T>(stream), Ok(value), "{stream}");
}

fn error<T: Load + Debug>(stream: &str) -> String {
    load::<T>(stream).expect_err("no such value").to_string()
}

#[test]
fn integers() {
    both("04086900", 0_u8);
    both("04086901ff", 255_i64); // 255
    both("040869fefffe", -257_i16); // -257
    both("04086c2b0700000040", 1_u32 << 30); // 2**30
    both("04086c2b0a00000000000000000100", 1_u128 << 64); // 2**64
    both("04086c2d0d00000000000000000000000000000080", i128::MIN); // -2**127
    both("04086c2b09ffffffffffffffff", u64::MAX);
    both("04086906", NonZero::new(1_u64).expect("not 0"));
    assert_eq!(error::<u8>("040869020001"), "integer 256 doesn't fit u8");
    assert_eq!(error::<u64>("040869fa"), "integer -1 doesn't fit u64");
    let large = "04086c2b0a00000000000000000100"; // 2**64
    assert_eq!(error::<u64>(large), "integer 18446744073709551616 doesn't fit u64");
    assert_eq!(error::<u8>(large), "integer 18446744073709551616 doesn't fit u8");
    assert_eq!(
        error::<NonZero<i32>>(large),
        "integer 18446744073709551616 doesn't fit NonZero<i32>"
    );
    assert_eq!(error::<Duration>("040869fa"), "integer -1 doesn't fit Duration");
    assert_eq!(error::<NonZero<u8>>("04086900"), "integer 0 doesn't fit NonZero<u8>");
    assert_eq!(error::<i32>("04086608312e35"), "expected an integer, got a Float");
}

#[test]
fn floats() {
    both("04086608312e35", 1.5_f64);
    both("04086608312e35", 1.5_f32);
    loads("0408690a", 5.0_f64);
    loads("04086c2b0a00000000000000000100", 2.0_f64.powi(64));
    // [1.0, 1.0, 1e300, 1e300, -0.0]: what Ruby keeps without an object is linked by value.
    both("04085b0a6606314006660a3165333030660a316533303066072d30", [1.0, 1.0, 1e300, 1e300, -0.0]);
}

#[test]
fn texts() {
    both("040849220661063a064554", "a".to_owned());
    both("040849220661063a064554", 'a');
    loads("04083a0661", "a".to_owned()); // :a
    loads("04082208616263", "abc".to_owned()); // "abc".b
    loads("0408492207e900063a0d656e636f64696e67220d5554462d31364c45", "é".to_owned()); // UTF-16LE
    loads("0408492206e9063a0d656e636f64696e67220f49534f2d383835392d31", "é".to_owned());
    let shift_jis = "040849220793fa063a0d656e636f64696e67220e53686966745f4a4953";
    assert_eq!(
        load::<String>(shift_jis).expect_err("not UTF-8").kind(),
        &LoadErrorKind::NotText { encoding: "Shift_JIS".into() }
    );
    loads(shift_jis, vec![0x93_u8, 0xfa]);
    loads("04085b0649433a084d79532208737562063a064554", vec!["sub".to_owned()]); // [MyS.new("sub")]
    both("04083a0661", Symbol::from("a"));
    loads("040849220661063a064554", Symbol::from("a"));
    both("0408493a07c3a9063a064554", Symbol::from("é"));
    // Found by fuzzing: what only claims to be ASCII lost its name.
    let claimed = load::<Symbol>("0408492206e1063a064546").expect("a symbol");
    assert_eq!(dump(&claimed), "04083a06e1");
    // And what only claims to be UTF-8.
    let claimed = load::<Symbol>("0408493a06e1063a064554").expect("a symbol");
    assert_eq!(dump(&claimed), "0408493a06e1063a064554");
    both("040849220661063a064554", PathBuf::from("a"));
    both("040849220661063a064554", Cow::Borrowed("a"));
    assert_eq!(
        error::<char>("0408492200063a064554"),
        "expected a String of one character, got one of 0"
    );
}

/// One byte holds a length of up to 122.
#[test]
fn texts_behind_texts() {
    // ["", "a" * 121, "b" * 122, "c" * 123, ""]
    let texts = ["", &"a".repeat(121), &"b".repeat(122), &"c".repeat(123), ""].map(str::to_owned);
    let [a, b, c] = [("61", 121), ("62", 122), ("63", 123)].map(|(hex, times)| hex.repeat(times));
    let stream = format!(
        "04085b0a492200063a06455449227e{a}063b005449227f{b}063b00544922017b{c}063b0054492200063b0054"
    );
    both(&stream, Vec::from(texts));
}

#[test]
fn strings_of_bytes() {
    both("04082208616263", b"abc".to_vec()); // "abc".b
    both("04082208616263", *b"abc");
    loads("04085b0769066907", vec![1_u8, 2]); // [1, 2]
    assert_eq!(dump(&b"abc"[..]), "04082208616263");
    assert_eq!(dump(&Some(b"abc")), "04082208616263");
    let mut out = Vec::new();
    b"abc".to_vec().send(&mut Dumper::marshal(&mut out, &Limits::default(), None)).expect("bytes");
    assert_eq!(hex(&out), "04082208616263");
    assert_eq!(error::<[u8; 2]>("04082208616263"), "expected 2 elements, got 3");
}

#[test]
fn links_are_followed() {
    let text = || "x".to_owned();
    // s = "x"; [s, s, [s]]
    let stream = "04085b0849220678063a06455440065b064006";
    loads(stream, (text(), text(), vec![text()]));
    // Where some of it is a Value, and what is linked isn't.
    let (first, second, third) = load::<(String, Value, Vec<Value>)>(stream).expect("a tuple");
    assert_eq!((first.as_str(), &second, &third), ("x", &Value::from("x"), &vec![second.clone()]));
    // a = [1, 2]; [a, a]
    loads("04085b075b07690669074006", [[1, 2], [1, 2]]);
    loads("04085b075b07690669074006", vec![vec![1_u8, 2], vec![1, 2]]);
    // Values that are shared stay so.
    let values = load::<Vec<Value>>("04085b075b07690669074006").expect("values");
    assert_eq!(dump(&values), "04085b075b07690669074006");
    match values.as_slice() {
        [Value::Array(a), Value::Array(b)] => assert!(a.is_same(b)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_stands_around_arrays_and_maps_is_skipped() {
    // o = [1]; o.instance_variable_set(:@note, "n"); [o, "n"]
    let stream = "04085b07495b066906063a0a406e6f74654922066e063a0645544922066e063b0654";
    loads(stream, (vec![1], "n".to_owned()));
    // Hash.new(5).merge({"a" => 1})
    loads("04087d0649220661063a0645546906690a", HashMap::from([("a".to_owned(), 1)]));
}

#[test]
fn containers() {
    both("04085b00", Vec::<i64>::new());
    both("04085b083054493a07c3a9063a064554", (None::<u8>, true, Symbol::from("é"))); // [nil, true, :é]
    both("04085b0769066907", VecDeque::from([1, 2]));
    both("04085b0769066907", Box::new(Arc::new([1, 2])));
    both("04087b0669066907", BTreeMap::from([(1, 2)]));
    both("04087b0669066907", HashMap::<u8, u8>::from([(1, 2)]));
    // Set["a"]
    let set = "04086f3a08536574063a0a40686173687d0649220661063a0645545446";
    both(set, BTreeSet::from(["a".to_owned()]));
    both(set, HashSet::<String>::from(["a".to_owned()]));
    loads("04085b0769066907", BTreeSet::from([1, 2]));
    assert_eq!(error::<(u8, u8)>("04085b066906"), "expected an Array of 2 elements, got one of 1");
    assert_eq!(error::<Vec<u8>>("04085b0630"), "[0]: expected an integer, got nil");
    assert_eq!(error::<BTreeSet<u8>>("04086906"), "expected a Set or an Array, got an Integer");
}

#[test]
fn ranges() {
    // (1..3)
    let inclusive = "04086f3a0a52616e6765083a096578636c463a0a626567696e69063a08656e646908";
    both::<RangeInclusive<i32>>(inclusive, 1..=3);
    assert_eq!(error::<Range<i32>>(inclusive), "expected a Range of the form `a...b`");
    // ("a"..."c")
    let exclusive = "04086f3a0a52616e6765083a096578636c543a0a626567696e49220661063a0645543a08656e6449220663063b0854";
    both(exclusive, "a".to_owned().."c".to_owned());
    let endless = "04086f3a0a52616e6765083a096578636c463a0a626567696e69063a08656e6430";
    both::<RangeFrom<u8>>(endless, 1..);
}

#[test]
fn times() {
    // Time.at(1700000000, 123456789, :nsec).utc
    let stream = "040849753a0954696d650dd6e91ec040e24135093a0d6e616e6f5f6e756d690215033a0d6e616e6f5f6465\
                  6e69063a0d7375626d6963726f220778903a097a6f6e65492208555443063a064546";
    both(stream, UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789));
    // Time.at(-1, 1, :nsec).utc
    let stream = "040849753a0954696d650df76f11c00000b0ef093a0d6e616e6f5f6e756d69063a0d6e616e6f5f64656e69\
                  063a0d7375626d6963726f220700103a097a6f6e65492208555443063a064546";
    both(stream, UNIX_EPOCH - Duration::from_nanos(999_999_999));
    // Time.utc(1850, 1, 2, 3, 4, 5)
    let stream = "040849753a0954696d650f430000c0000050100632063a097a6f6e65492208555443063a064546";
    both(stream, UNIX_EPOCH - Duration::from_secs(3_786_728_155));
    // Time.utc(70000, 1, 1)
    let stream = "040849753a0954696d651020c0ffff0000000007050a063a097a6f6e65492208555443063a064546";
    both(stream, UNIX_EPOCH + Duration::from_secs(2_146_819_420_800));
    // Time.at(1700000000, in: "+09:00")
    let stream = "040849753a0954696d650dd6e91e8000004035073a097a6f6e65303a0b6f66667365746902907e";
    loads(stream, UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    loads("04086906", UNIX_EPOCH + Duration::from_secs(1));
    both("04086906", Duration::from_secs(1));
    both("04086608312e35", Duration::from_millis(1500));
    assert_eq!(error::<Duration>("040866092d312e35"), "integer -1.5 doesn't fit Duration");
    assert_eq!(error::<SystemTime>("040830"), "expected a Time, got nil");
    // Found by fuzzing: what loaded from 9e18 was dumped as a Time that nothing could load.
    assert_eq!(error::<SystemTime>("0408660939653138"), "a Time too far away");
    let furthest = load::<SystemTime>("0408660938653138").expect("a time");
    assert_eq!(load::<SystemTime>(&dump(&furthest)), Ok(furthest));
}

#[test]
fn nothing_takes_anything() {
    loads("04085b0769066907", ());
    assert_eq!(dump(&()), "040830");
}

#[derive(Debug, PartialEq)]
struct Foo {
    x: i64,
}

static FOO: Shape =
    Shape { class: "Foo", form: Form::Object, fields: &[Field { name: "x", ivar: "@x" }] };

impl Load for Foo {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut x = None;
        let mut fields = loader.object(&FOO)?;
        while let Some(position) = loader.field(&FOO, &mut fields)? {
            match position {
                0 => x = Some(i64::load(loader).map_err(|error| error.within("x"))?),
                _ => loader.skip()?,
            }
        }
        loader.end()?;
        Ok(Self { x: x.ok_or(LoadErrorKind::MissingField { field: "x", class: "Foo" })? })
    }
}

#[test]
fn structs_come_in_several_forms() {
    let foo = || Foo { x: 1 };
    loads("04086f3a08466f6f063a0740786906", foo()); // an object
    loads("0408533a08466f6f063a06786906", foo()); // a Struct
    loads("04087b063a06786906", foo()); // {x: 1}
    loads("04087b0649220678063a0645546906", foo()); // {"x" => 1}
    loads("04087b07690669073a06786906", foo()); // {1 => 2, x: 1}
    loads("0408653a084d6f646f3a08466f6f063a0740786906", foo()); // extended by Mod
    // An object, and a link to it.
    loads("04085b076f3a08466f6f063a07407869064006", [foo(), foo()]);
    assert_eq!(
        error::<Foo>("04086f3a08426172063a0740786906"),
        "expected a Foo (object, Struct or Hash), got a Bar (which `#[drb(class = \"Bar\")]` would \
         accept)"
    );
    assert_eq!(error::<Foo>("04086906"), "expected a Foo (object, Struct or Hash), got an Integer");
    assert_eq!(error::<Foo>("04086f3a08466f6f063a07407830"), "x: expected an integer, got nil");
    assert_eq!(error::<Foo>("04087b00"), "missing field `x` of Foo");
}

/// The names of its fields may be known of a struct, and yet not how another one begins.
#[test]
fn nothing_begins_as_a_struct_of_which_only_the_fields_are_known() {
    // [:a, :@x, Foo.new, …], with the class's name in the Foo: then four zeros.
    assert_eq!(
        error::<(Symbol, Symbol, Foo, Foo)>("04085b093a06613a0740786f3a08466f6f063b06690600000000"),
        "[3]: expected a Foo (object, Struct or Hash), got a "
    );
}

static NAMED: Shape = Shape {
    class: "Named",
    form: Form::Hash,
    fields: &[Field { name: "name", ivar: "@name" }, Field { name: "note", ivar: "@note" }],
};

#[derive(Debug, PartialEq)]
struct Named(String, String);

impl Load for Named {
    fn load(loader: &mut Loader<'_>) -> Result<Self, LoadError> {
        let mut both = [None, None];
        let mut fields = loader.object(&NAMED)?;
        while let Some(position) = loader.field(&NAMED, &mut fields)? {
            match both.get_mut(position) {
                Some(slot) => *slot = Some(String::load(loader)?),
                None => loader.skip()?,
            }
        }
        loader.end()?;
        let [Some(name), Some(note)] = both else { return Err(LoadError::custom("no name")) };
        Ok(Self(name, note))
    }
}

/// What was learnt of the structs and texts before is no more than a guess at what comes next.
#[test]
fn structs_and_texts_that_differ_from_those_before() {
    // class Named; def initialize(a, b); @name = a; @note = b; end; end
    // [{name: "a", note: "b"}, {name: "c" * 31, note: "d" * 32}, {note: "n", name: "m"},
    //  Named.new("o", "p"), Named.new("ascii".encode("US-ASCII"), "é"), {name: "q", x: 1, note: "r"},
    //  DRb::DRbUnknown.new(NameError.new("x", :W), Marshal.dump({note: "n", name: "w"})),
    //  {name: "", note: "e" * 123}, Named.new("latin \xe9".force_encoding("ISO-8859-1"), "f"),
    //  {name: "g", note: "h"}]
    let stream = "04085b0f7b073a096e616d6549220661063a0645543a096e6f746549220662063b06547b073b0049\
         222463636363636363636363636363636363636363636363636363636363636363063b06543b0749\
         22256464646464646464646464646464646464646464646464646464646464646464063b06547b07\
         3b074922066e063b06543b004922066d063b06546f3a0a4e616d6564073a0a406e616d654922066f\
         063b06543a0a406e6f746549220670063b06546f3b08073b0949220a6173636969063b06463b0a49\
         2207c3a9063b06547b083b0049220671063b06543a067869063b0749220672063b0654753a144452\
         623a3a445262556e6b6e6f776e2604087b073a096e6f74654922066e063a0645543a096e616d6549\
         220677063b06547b073b00492200063b06543b074922017b65656565656565656565656565656565\
         65656565656565656565656565656565656565656565656565656565656565656565656565656565\
         65656565656565656565656565656565656565656565656565656565656565656565656565656565\
         656565656565656565656565656565656565656565656565656565063b06546f3b08073b0949220c\
         6c6174696e20e9063a0d656e636f64696e67220f49534f2d383835392d313b0a49220666063b0654\
         7b073b0049220667063b06543b0749220668063b0654";
    let expected = [
        ("a", "b"),
        (&"c".repeat(31), &"d".repeat(32)),
        ("m", "n"),
        ("o", "p"),
        ("ascii", "é"),
        ("q", "r"),
        ("w", "n"),
        ("", &"e".repeat(123)),
        ("latin é", "f"),
        ("g", "h"),
    ];
    let expected = expected.map(|(name, note)| Named(name.to_owned(), note.to_owned()));
    loads(stream, Vec::from(expected));
}

/// What Ruby's drb wraps values in.
#[test]
fn wrapped_values() {
    // DRb::DRbArray.new([1, 2])
    let array = "0408753a124452623a3a44526241727261790d04085b0769066907";
    loads(array, vec![1, 2]);
    loads(array, (1, 2));
    // As for Ruby, it is an Array once it has arrived.
    let plain = Value::from(vec![1, 2]);
    loads(array, plain.clone());
    assert_eq!(dump(&plain), "04085b0769066907");
    // DRb::DRbUnknown.new(error, Marshal.dump(1)), and in an array with a link behind it
    loads("0408753a144452623a3a445262556e6b6e6f776e0904086906", 1);
    let unknown = "04085b08753a144452623a3a445262556e6b6e6f776e0904085b0040064006";
    loads(unknown, vec![Vec::<u8>::new(), vec![], vec![]]);
}

/// Found by fuzzing: what was dumped element by element was taken as an array, but not behind a link
/// or with instance variables.
#[test]
fn arrays_that_were_dumped_element_by_element() {
    let class = "753a124452623a3a4452624172726179";
    let array = || Value::from([1, 2]);
    loads(&format!("04085b07{class}0d04085b07690669074006"), vec![array(), array()]);
    loads(&format!("040849{class}0d04085b076906690700"), array());
    assert_eq!(
        load::<Value>(&format!("040849{class}0831313000")).expect_err("no stream").kind(),
        &LoadErrorKind::Version { major: b'1', minor: b'1' }
    );
}

/// Found by fuzzing: a symbol that a value's modules define and its class repeats.
#[test]
fn a_symbol_that_is_repeated_before_the_value() {
    let stream = "04085b06653a064d433b005b00"; // e:M C;0 [
    let values = load::<Vec<Value>>(stream).expect("values");
    assert_eq!(values[0].class(), "M");
    assert_eq!(dump(&values), stream);
}

/// Found by fuzzing: a payload that is no reference's left something behind that made the next one
/// none either.
#[test]
fn references_behind_what_is_none() {
    // A DRbObject whose payload is an array with instance variables, and has three elements; then
    // one whose payload is ["druby://a:1", 5].
    let stream = "04085b07753a134452623a3a4452624f626a6563740e0408495b08303030\
                  00753b001e04085b0749221064727562793a2f2f613a31063a064554690a";
    let values = load::<Vec<Value>>(stream).expect("values");
    assert!(values[0].as_reference().is_none());
    assert_eq!(values[1].as_reference().and_then(|reference| reference.uri()), Some("druby://a:1"));
    assert_eq!(dump(&values), stream);
}

#[test]
fn values_from_and_to_types() {
    let value = Value::from_dump(&vec![("a", 1)]).expect("a value");
    assert_eq!(value, Value::from([Value::from([Value::from("a"), Value::from(1)])]));
    assert_eq!(value.to::<Vec<(String, u8)>>(), Ok(vec![("a".to_owned(), 1)]));
    // A large integer is the same in both its forms.
    let large = Value::from(i64::MAX);
    let loaded = Value::from_marshal(&large.to_marshal().expect("bytes")).expect("a value");
    assert_eq!(loaded, large);
    assert_eq!(loaded.as_i64(), Some(i64::MAX));
    assert_eq!(HashSet::from([large, loaded]).len(), 1);
    // Equality as Ruby's `eql?`.
    assert_ne!(Value::from(1), Value::from(1.0));
    assert_ne!(Value::symbol("a"), Value::from("a"));
    let map = |keys: [&str; 2]| keys.into_iter().map(|key| (key, 1)).collect::<Value>();
    assert_eq!(map(["a", "b"]), map(["b", "a"]));
    assert_eq!(HashSet::from([map(["a", "b"]), map(["b", "a"])]).len(), 1);
}

/// A part of one message goes into another with what it shares and what it is.
#[test]
fn values_move_between_messages() {
    let first = load::<Value>("04085b075b07690669074006").expect("a value"); // a = [1, 2]; [a, a]
    let second = load::<Value>("04086f3a08466f6f063a0740786906").expect("a value");
    let parts = first.as_array().expect("an array").into_owned();
    let both = Value::from(vec![second.clone(), parts[1].clone(), parts[0].clone(), second]);
    // o = Foo.new(1); a = [1, 2]; [o, a, a, o]
    assert_eq!(dump(&both), "04085b096f3a08466f6f063a07407869065b076906690740074006");
}

#[test]
fn shared_bytes() {
    both("04082208616263", bytes::Bytes::from_static(b"abc"));
}

#[cfg(feature = "uuid")]
#[test]
fn uuid_feature() {
    let uuid = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let text = Value::from("67e55044-10b1-426f-9247-bb680e5fe0c8");
    assert_eq!(Value::from_dump(&uuid), Ok(text.clone()));
    assert_eq!(text.to(), Ok(uuid));
    assert!(Value::from("67e5").to::<uuid::Uuid>().is_err());
}

#[cfg(feature = "num-bigint")]
#[test]
fn num_bigint_feature() {
    use num_bigint::{BigInt, BigUint};
    both("04086c2b0a00000000000000000100", BigUint::from(1_u128 << 64));
    both("04086c2d0d00000000000000000000000000000080", BigInt::from(i128::MIN));
    both("040869fa", BigInt::from(-1));
    assert_eq!(error::<BigUint>("040869fa"), "integer -1 doesn't fit BigUint");
}

#[cfg(feature = "chrono")]
#[test]
fn chrono_feature() {
    use chrono::{DateTime, FixedOffset, NaiveDate, Utc};
    // Time.at(1700000000, in: "+09:00"), and a Ruby that writes the zone last.
    let stream = "040849753a0954696d650dd6e91e8000004035073a0b6f66667365746902907e3a097a6f6e6530";
    let time = "2023-11-15T07:13:20+09:00";
    both(stream, DateTime::<FixedOffset>::parse_from_rfc3339(time).expect("a time"));
    loads(stream, time.parse::<DateTime<Utc>>().expect("a time"));
    // Date.new(2024, 2, 29)
    let stream = "0408553a09446174655b0b69006903d28a25690069006900660c32323939313631";
    both(stream, NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date"));
    assert_eq!(
        Value::from("2024-02-29").to(),
        Ok(NaiveDate::from_ymd_opt(2024, 2, 29).expect("a date"))
    );
}

#[cfg(feature = "serde")]
mod serde_feature {
    use super::*;
    use drb_core::Serde;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Everything {
        name: String,
        #[serde(default)]
        note: Option<String>,
        shape: Vec<Form>,
        #[serde(flatten)]
        rest: BTreeMap<String, u8>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Form {
        Empty,
        Circle(f64),
        Line(i8, i8),
        Box { width: u64, height: i128 },
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(i64),
        Text(String),
        Many(Vec<Self>),
    }

    #[test]
    fn serde_types_cross() {
        let everything = Serde(Everything {
            name: "n".into(),
            note: None,
            shape: vec![
                Form::Empty,
                Form::Circle(0.5),
                Form::Line(1, -2),
                Form::Box { width: u64::MAX, height: -1 },
            ],
            rest: BTreeMap::from([("x".into(), 1)]),
        });
        let value = Value::from_dump(&everything).expect("a value");
        assert_eq!(
            value.to_string(),
            "{\"name\"=>\"n\", \"note\"=>nil, \"shape\"=>[:empty, {:circle=>0.5}, {:line=>[1, -2]}, \
             {:box=>{:width=>18446744073709551615, :height=>-1}}], \"x\"=>1}"
        );
        assert_eq!(value.to(), Ok(everything));
    }

    #[test]
    fn types_that_take_what_comes() {
        let value = Value::from([Value::from(1), Value::symbol("a"), Value::from(["b"])]);
        let expected = Either::Many(vec![
            Either::Number(1),
            Either::Text("a".into()),
            Either::Many(vec![Either::Text("b".into())]),
        ]);
        assert_eq!(value.to(), Ok(Serde(expected)));
    }

    #[test]
    fn objects_load_by_their_fields() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Foo {
            x: i64,
        }
        loads("04086f3a08466f6f063a0740786906", Serde(Foo { x: 1 }));
        loads("0408533a08466f6f063a06786906", Serde(Foo { x: 1 }));
        assert_eq!(error::<Serde<Foo>>("04087b00"), "missing field `x`");
        assert_eq!(error::<Serde<(u8,)>>("04085b0769066907"), "1 elements too many");
    }
}
