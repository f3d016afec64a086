//! What JSON does not keep of a value that it accepts, as docs/values.md says, and what it refuses.

use std::{collections::BTreeMap, future::ready};

use actix_web::{
    App, HttpResponse,
    rt::System,
    test::{TestRequest, init_service},
    web,
};
use serde::{
    Deserialize, Serialize, Serializer,
    de::DeserializeOwned,
    ser::{SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple},
};
use serde_json::{Value, json};
use sessions::{MemoryStore, Session, SessionError, SessionState};
use sessions_tests::{Answer, StoredSessions};

fn goes_round<T: Serialize + DeserializeOwned>(value: &T) -> Result<Option<T>, SessionError> {
    let mut state = SessionState::new();
    state.insert("value", value)?;
    SessionState::from_json(state.to_json()).expect("it reads what it writes").get("value")
}

#[test]
fn an_option_of_nothing_is_nothing() {
    assert_eq!(goes_round(&Some(None::<u8>)).unwrap(), Some(None));
    assert_eq!(goes_round(&vec![Some(Some(())), Some(None)]).unwrap(), Some(vec![None, None]));
    assert_eq!(goes_round(&vec![Some(Value::Null)]).unwrap(), Some(vec![None]));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    name: String,
    #[serde(flatten)]
    more: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Event {
    Custom(BTreeMap<String, String>),
}

#[test]
fn a_value_with_two_members_of_one_name_is_an_error_of_its_read() {
    let map = |key: &str| BTreeMap::from([(key.to_owned(), "b".to_owned())]);
    let profile = |key| Profile { name: "a".to_owned(), more: map(key) };
    assert_eq!(goes_round(&profile("other")).unwrap(), Some(profile("other")));
    assert!(matches!(goes_round(&profile("name")), Err(SessionError::Decode { .. })));
    assert!(matches!(goes_round(&Event::Custom(map("kind"))), Err(SessionError::Decode { .. })));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Number {
    Float(f64),
    Integer(i64),
}

#[test]
fn of_an_untagged_enum_the_first_variant_that_fits_is_read() {
    assert_eq!(goes_round(&Number::Integer(1)).unwrap(), Some(Number::Float(1.0)));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum WideUntagged {
    Wide(i128),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum WideTagged {
    Wide { number: u128 },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped {
    #[serde(flatten)]
    by_number: BTreeMap<u32, u32>,
}

#[test]
fn what_a_reader_that_looks_ahead_cannot_read_is_an_error_of_that_read() {
    let far = i128::MAX;
    let errors = [
        goes_round(&WideUntagged::Wide(far)).map(drop).unwrap_err(),
        goes_round(&WideTagged::Wide { number: u128::MAX }).map(drop).unwrap_err(),
        goes_round(&Wrapped { by_number: BTreeMap::from([(1, 1)]) }).map(drop).unwrap_err(),
    ];
    for err in errors {
        assert!(matches!(err, SessionError::Decode { .. }), "{err}");
    }
    assert_eq!(goes_round(&far).unwrap(), Some(far), "by itself it is kept");
}

#[test]
fn a_map_with_keys_that_are_no_text_is_refused() {
    let refused = [
        goes_round(&BTreeMap::from([((1, 2), 3)])).map(drop),
        goes_round(&BTreeMap::from([(vec![1], 2)])).map(drop),
        goes_round(&BTreeMap::from([(None::<String>, 2)])).map(drop),
    ];
    for result in refused {
        assert!(matches!(result, Err(SessionError::Encode { .. })), "{result:?}");
    }
}

#[test]
fn a_wide_integer_is_rounded_by_entries() {
    let wide = u128::from(u64::MAX) + 2;
    let handler = move |session: Session| {
        session.insert("wide", wide).expect("it is accepted");
        assert_eq!(session.get("wide").expect("it is a number"), Some(wide));
        let entries = session.entries().expect("it is JSON");
        assert_eq!(entries["wide"].as_f64(), Some(18_446_744_073_709_551_616.0));
        ready(HttpResponse::Ok().finish())
    };
    let sessions = StoredSessions::new(MemoryStore::new());
    System::new().block_on(async move {
        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        assert_eq!(Answer::of(&app, TestRequest::default()).await.status, 200);
    });
}

/// A value that announces no elements and writes one. `serde_json` closes it and writes the element behind it.
enum WrongLength {
    Seq,
    Tuple,
    Map,
    Struct,
}

impl Serialize for WrongLength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Seq => {
                let mut seq = serializer.serialize_seq(Some(0))?;
                seq.serialize_element(&1)?;
                seq.end()
            }
            Self::Tuple => {
                let mut tuple = serializer.serialize_tuple(0)?;
                tuple.serialize_element(&1)?;
                tuple.end()
            }
            Self::Map => {
                let mut map = serializer.serialize_map(Some(0))?;
                map.serialize_entry("_owner", "admin")?;
                map.end()
            }
            Self::Struct => {
                let mut fields = serializer.serialize_struct("Form", 0)?;
                fields.serialize_field("_owner", "admin")?;
                fields.end()
            }
        }
    }
}

#[test]
fn a_value_that_announces_a_wrong_length_is_refused() {
    for value in [WrongLength::Seq, WrongLength::Tuple, WrongLength::Map, WrongLength::Struct] {
        let mut dictionary = SessionState::new();
        let err = dictionary.insert("form", &value).unwrap_err();
        assert!(matches!(err, SessionError::Encode { .. }));
        assert!(matches!(
            dictionary.set_owner_with("ada", &value).unwrap_err(),
            SessionError::Encode { .. }
        ));
        assert_eq!(dictionary.to_json(), "{}");
        dictionary.insert("form", &json!({"a": []})).unwrap();
        let err = dictionary.insert("form", &Some(&value)).unwrap_err();
        assert!(matches!(err, SessionError::Encode { .. }));
    }
}
