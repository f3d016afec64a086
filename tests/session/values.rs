//! A value that was accepted can be read: under a key and in a field of typed content, in plain JSON
//! and in Flask's format.

use std::collections::{BTreeMap, HashMap};

use actix_web::{
    App, HttpResponse,
    rt::System,
    test::{TestRequest, init_service},
    web,
};
use proptest::{collection, option, prelude::*};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sessions::{
    MemoryStore, ServerSide, Session, SessionError, SessionInterface, SessionState,
    error::ConfigError, interface::SessionContent, session::Typed,
};
use sessions_tests::{Answer, SharedSessions};

/// A value of each kind that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Shapes {
    scalars: Scalars,
    option: Option<Box<Shapes>>,
    newtype: Newtype,
    tuple_struct: TupleStruct,
    list: Vec<Option<f64>>,
    variants: Vec<Variant>,
    inner_tagged: Vec<InnerTagged>,
    adjacent_tagged: Vec<AdjacentTagged>,
    untagged: Vec<Untagged>,
    by_text: HashMap<String, f32>,
    by_number: BTreeMap<i64, Plain>,
    by_bool: BTreeMap<bool, u8>,
    by_char: BTreeMap<char, u8>,
    by_variant: BTreeMap<Name, u8>,
    #[serde(flatten)]
    flattened: Plain,
    #[serde(flatten)]
    rest: BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Scalars {
    unit: (),
    unit_struct: UnitStruct,
    boolean: bool,
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64, u128),
    float: (f32, f64),
    character: char,
    text: String,
    bytes: ByteBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct UnitStruct;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Newtype(Option<f64>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TupleStruct(String, f32);

/// What a reader that looks ahead can keep: no integers of 128 bits, and no keys but strings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Plain {
    number: u64,
    small: i64,
    mean: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    First,
    TheSecond,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Variant {
    Unit,
    Newtype(Plain),
    Number(f64),
    Tuple(u8, f32),
    Struct { name: Name, mean: f64 },
    Wide(i128),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum InnerTagged {
    Unit,
    Newtype(Plain),
    Struct { list: Vec<f64> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "content")]
enum AdjacentTagged {
    Unit,
    Number(f32),
    Tuple(String, u64),
    Struct { mean: Option<f64> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Pair(f64, f64),
    Text(String),
    Struct { mean: f64 },
}

fn float() -> impl Strategy<Value = f64> {
    let drawn = any::<f64>().prop_filter("JSON has no such number", |number| number.is_finite());
    prop_oneof![4 => drawn, 1 => any::<i32>().prop_map(f64::from), 1 => Just(-0.0)]
}

fn small_float() -> impl Strategy<Value = f32> {
    any::<f32>().prop_filter("JSON has no such number", |number| number.is_finite())
}

fn plain() -> impl Strategy<Value = Plain> {
    (any::<u64>(), any::<i64>(), float(), option::of(".*"))
        .prop_map(|(number, small, mean, note)| Plain { number, small, mean, note })
}

fn name() -> impl Strategy<Value = Name> {
    prop_oneof![Just(Name::First), Just(Name::TheSecond)]
}

fn scalars() -> impl Strategy<Value = Scalars> {
    let signed = any::<(i8, i16, i32, i64, i128)>();
    let unsigned = any::<(u8, u16, u32, u64, u128)>();
    let bytes = collection::vec(any::<u8>(), 0..20);
    (any::<bool>(), signed, unsigned, (small_float(), float()), any::<char>(), ".*", bytes)
        .prop_map(|(boolean, signed, unsigned, float, character, text, bytes)| Scalars {
            unit: (),
            unit_struct: UnitStruct,
            boolean,
            signed,
            unsigned,
            float,
            character,
            text,
            bytes: ByteBuf::from(bytes),
        })
}

fn variant() -> impl Strategy<Value = Variant> {
    prop_oneof![
        Just(Variant::Unit),
        plain().prop_map(Variant::Newtype),
        float().prop_map(Variant::Number),
        (any::<u8>(), small_float()).prop_map(|(one, two)| Variant::Tuple(one, two)),
        (name(), float()).prop_map(|(name, mean)| Variant::Struct { name, mean }),
        any::<i128>().prop_map(Variant::Wide),
    ]
}

fn inner_tagged() -> impl Strategy<Value = InnerTagged> {
    prop_oneof![
        Just(InnerTagged::Unit),
        plain().prop_map(InnerTagged::Newtype),
        collection::vec(float(), 0..3).prop_map(|list| InnerTagged::Struct { list }),
    ]
}

fn adjacent_tagged() -> impl Strategy<Value = AdjacentTagged> {
    prop_oneof![
        Just(AdjacentTagged::Unit),
        small_float().prop_map(AdjacentTagged::Number),
        (".*", any::<u64>()).prop_map(|(text, number)| AdjacentTagged::Tuple(text, number)),
        option::of(float()).prop_map(|mean| AdjacentTagged::Struct { mean }),
    ]
}

fn untagged() -> impl Strategy<Value = Untagged> {
    prop_oneof![
        (float(), float()).prop_map(|(one, two)| Untagged::Pair(one, two)),
        ".*".prop_map(Untagged::Text),
        float().prop_map(|mean| Untagged::Struct { mean }),
    ]
}

/// Values without another of their kind in them.
fn leaf() -> impl Strategy<Value = Shapes> {
    let some = 0..2_usize;
    let variants = (
        collection::vec(variant(), 0..3),
        collection::vec(inner_tagged(), some.clone()),
        collection::vec(adjacent_tagged(), some.clone()),
        collection::vec(untagged(), some.clone()),
    );
    let maps = (
        collection::hash_map(".{0,4}", small_float(), some.clone()),
        collection::btree_map(any::<i64>(), plain(), some.clone()),
        collection::btree_map(any::<bool>(), any::<u8>(), some.clone()),
        collection::btree_map(any::<char>(), any::<u8>(), some.clone()),
        collection::btree_map(name(), any::<u8>(), some.clone()),
        // No field of `Shapes` or `Plain` has such a name.
        collection::btree_map("x[^\\x00]{0,4}", any::<u64>(), some.clone()),
    );
    let others = (
        scalars(),
        option::of(float()).prop_map(Newtype),
        (".*", small_float()).prop_map(|(text, number)| TupleStruct(text, number)),
        collection::vec(option::of(float()), some),
        plain(),
    );
    (others, variants, maps).prop_map(|(others, variants, maps)| {
        let (scalars, newtype, tuple_struct, list, flattened) = others;
        let (variants, inner_tagged, adjacent_tagged, untagged) = variants;
        let (by_text, by_number, by_bool, by_char, by_variant, rest) = maps;
        Shapes {
            scalars,
            option: None,
            newtype,
            tuple_struct,
            list,
            variants,
            inner_tagged,
            adjacent_tagged,
            untagged,
            by_text,
            by_number,
            by_bool,
            by_char,
            by_variant,
            flattened,
            rest,
        }
    })
}

fn shapes() -> impl Strategy<Value = Shapes> {
    (leaf(), option::of(leaf()))
        .prop_map(|(outer, inner)| Shapes { option: inner.map(Box::new), ..outer })
}

/// How many places [`spoil`] knows.
const PLACES: usize = 18;

/// Puts a number that JSON does not have into one of the value's places.
fn spoil(shapes: &mut Shapes, place: usize, bad: f64) {
    #[expect(clippy::cast_possible_truncation, reason = "NaN and infinity stay what they are")]
    let small = bad as f32;
    let plain = Plain { number: 1, small: 1, mean: bad, note: None };
    match place {
        0 => shapes.scalars.float.0 = small,
        1 => shapes.scalars.float.1 = bad,
        2 => shapes.newtype = Newtype(Some(bad)),
        3 => shapes.tuple_struct.1 = small,
        4 => shapes.list.push(Some(bad)),
        5 => shapes.variants.push(Variant::Newtype(plain)),
        6 => shapes.variants.push(Variant::Number(bad)),
        7 => shapes.variants.push(Variant::Tuple(1, small)),
        8 => shapes.variants.push(Variant::Struct { name: Name::First, mean: bad }),
        9 => shapes.inner_tagged.push(InnerTagged::Newtype(plain)),
        10 => shapes.inner_tagged.push(InnerTagged::Struct { list: vec![0.0, bad] }),
        11 => shapes.adjacent_tagged.push(AdjacentTagged::Number(small)),
        12 => shapes.adjacent_tagged.push(AdjacentTagged::Struct { mean: Some(bad) }),
        13 => shapes.untagged.push(Untagged::Pair(0.0, bad)),
        14 => shapes.untagged.push(Untagged::Struct { mean: bad }),
        15 => drop(shapes.by_text.insert("key".to_owned(), small)),
        16 => drop(shapes.by_number.insert(1, plain)),
        _ => shapes.flattened.mean = bad,
    }
}

fn bad() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]
}

/// Writes a value into a session of Flask's format, and reads it again.
fn through_flask(value: &Shapes) -> Result<Option<Shapes>, SessionError> {
    let value = value.clone();
    let write_and_read = move |session: &Session| {
        session.insert("value", &value)?;
        let read = session.get("value");
        // The cookie may be too small for it.
        session.rollback()?;
        read
    };
    System::new().block_on(SharedSessions::new().open(r#"{"other":1}"#, write_and_read))
}

/// Whether this is the error of a value that cannot be written under the key `value`.
fn is_refused<T>(result: &Result<T, SessionError>) -> bool {
    matches!(result, Err(SessionError::Encode { key, .. }) if &**key == "value")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_plain_json_accepts_it_reads_again(
        value in shapes(),
        place in 0..PLACES,
        bad in bad(),
        is_inner in any::<bool>(),
    ) {
        let mut state = SessionState::new();
        state.insert("value", &value).expect("JSON has each of its numbers");
        let saved = SessionState::from_json(state.to_json()).expect("it reads what it writes");
        prop_assert_eq!(saved.get::<Shapes>("value").expect("it is readable"), Some(value.clone()));

        let mut spoilt = value.clone();
        match &mut spoilt.option {
            Some(inner) if is_inner => spoil(inner, place, bad),
            _ => spoil(&mut spoilt, place, bad),
        }
        let refused = state.insert("value", &spoilt);
        prop_assert!(is_refused(&refused));
        prop_assert_eq!(state.get("value").expect("it is as it was"), Some(value));
    }

    #[test]
    fn what_flasks_format_accepts_it_reads_again(
        value in shapes(),
        place in 0..PLACES,
        bad in bad(),
    ) {
        let read = through_flask(&value).expect("it is accepted and readable");
        prop_assert_eq!(read, Some(value.clone()));

        let mut spoilt = value;
        spoil(&mut spoilt, place, bad);
        prop_assert!(is_refused(&through_flask(&spoilt)));
    }
}

// The same holds where a number becomes one that JSON does not have within the session.

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Weather {
    place: String,
    means: Vec<f64>,
    now: Option<f32>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Weather)]
struct Forecasts {
    backend: ServerSide<MemoryStore>,
}

#[actix_web::test]
async fn a_field_that_cannot_be_written_is_named_and_nothing_changes() {
    let handler = |session: Session<Forecasts>, keys: Session| async move {
        session.modify(|weather| weather.means = vec![1.5])?;
        let spoilt = session.modify(|weather| {
            weather.place = "Oslo".to_owned();
            weather.means.push(f64::NAN);
        });
        assert!(matches!(spoilt, Err(SessionError::Encode { key, .. }) if &*key == "means"));
        let spoilt = session.modify(|weather| weather.now = Some(f32::INFINITY));
        assert!(matches!(spoilt, Err(SessionError::Encode { key, .. }) if &*key == "now"));
        let expected = Weather { means: vec![1.5], ..Weather::default() };
        assert_eq!(session.snapshot()?, expected);

        let mean = |mean: Option<f64>| mean.unwrap_or(f64::NAN) + 1.0;
        let refused = keys.update("mean", mean);
        assert!(matches!(refused, Err(SessionError::Encode { key, .. }) if &*key == "mean"));
        let refused = keys.extend([("fine", 1.0), ("not fine", f64::NEG_INFINITY)]);
        assert!(matches!(refused, Err(SessionError::Encode { key, .. }) if &*key == "not fine"));
        let refused = keys.get_or_insert_with("mean", || f64::NAN);
        assert!(matches!(refused, Err(SessionError::Encode { .. })));
        assert_eq!(keys.keys(), ["means"]);
        Ok::<_, SessionError>(HttpResponse::Ok().finish())
    };
    let sessions = Forecasts { backend: ServerSide::new(MemoryStore::new()) };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    assert_eq!(Answer::of(&app, TestRequest::default()).await.status, 200);
}

/// Its default cannot be written.
#[derive(Serialize, Deserialize)]
struct Unwritable {
    mean: f64,
}

impl Default for Unwritable {
    fn default() -> Self {
        Self { mean: f64::NAN }
    }
}

#[test]
fn a_default_that_cannot_be_written_is_found_at_start() {
    let err = Typed::<Unwritable>::check().unwrap_err();
    assert!(matches!(err, ConfigError::Data { .. }));
    assert!(err.to_string().contains("field `mean`"), "{err}");
}
