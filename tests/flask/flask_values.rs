//! The values of a Flask session as handlers read and write them.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sessions::{
    Session, SessionConfig, SessionError, SessionInterface, SignedCookie,
    flask::{self, Bytes, DateTime, Markup, Tuple, Uuid},
};
use sessions_tests::{Browser, SharedSessions, flask_cookie, flask_json, key};

const ID: &str = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

/// Returns what a session with this value under `v` gives a handler that asks for a `T`.
async fn read<T: DeserializeOwned + 'static>(json: &str) -> Result<T, SessionError> {
    let json = format!(r#"{{"other":1,"v":{json}}}"#);
    let got = SharedSessions::new().open(&json, |session| session.get::<T>("v")).await;
    got.map(|value| value.expect("it is there"))
}

/// Returns the text under `v` of a session into which this value is written.
async fn write<T: Serialize + Clone + 'static>(value: T) -> String {
    let insert =
        move |session: &Session| session.insert("v", value.clone()).expect("it is written");
    let json = SharedSessions::new().write("", insert).await;
    let value = json.strip_prefix(r#"{"v":"#).and_then(|rest| rest.strip_suffix('}'));
    value.expect("nothing else is there").to_owned()
}

/// Whether a value is written as this text and read from it again, alone and among others.
async fn goes_round<T>(value: T, text: &str)
where
    T: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug + 'static,
{
    assert_eq!(write(value.clone()).await, text);
    assert_eq!(read::<T>(text).await.expect("a value"), value);
    let list = vec![Some(value.clone()), None, Some(value)];
    assert_eq!(write(list.clone()).await, format!("[{text},null,{text}]"));
    assert_eq!(
        read::<Vec<Option<T>>>(&format!("[ {text}, null, {text} ]")).await.expect("a list"),
        list
    );
}

#[actix_web::test]
async fn wrappers_are_written_as_tags_and_read_from_them() {
    goes_round(Tuple((1, "é".to_owned())), r#"{" t":[1,"\u00e9"]}"#).await;
    goes_round(Tuple(Vec::<u8>::new()), r#"{" t":[]}"#).await;
    goes_round(Tuple([Tuple([Bytes(b"x".to_vec())])]), r#"{" t":[{" t":[{" b":"eA=="}]}]}"#).await;
    goes_round(Bytes(vec![0, 0xff, 0xfe]), r#"{" b":"AP/+"}"#).await;
    goes_round(Bytes(Vec::new()), r#"{" b":""}"#).await;
    goes_round(Markup("<b>\"".to_owned()), r#"{" m":"<b>\""}"#).await;
    goes_round(ID.parse::<Uuid>().unwrap(), r#"{" u":"6ba7b8109dad11d180b400c04fd430c8"}"#).await;
    let time = DateTime::from_unix_seconds(1_709_209_845).unwrap();
    goes_round(time, r#"{" d":"Thu, 29 Feb 2024 12:30:45 GMT"}"#).await;
    goes_round(
        BTreeMap::from([("a".to_owned(), Tuple((1,))), ("b".to_owned(), Tuple((2,)))]),
        r#"{"a":{" t":[1]},"b":{" t":[2]}}"#,
    )
    .await;
}

#[actix_web::test]
async fn plain_types_read_what_is_behind_a_tag() {
    assert_eq!(read::<(u8, String)>(r#"{" t":[1,"a"]}"#).await.unwrap(), (1, "a".to_owned()));
    assert_eq!(read::<Vec<u8>>(r#"{" t":[1,2]}"#).await.unwrap(), [1, 2]);
    assert_eq!(read::<Vec<u8>>("[1,2]").await.unwrap(), [1, 2]);
    assert_eq!(read::<Vec<u8>>(r#"{" b":"AP/+"}"#).await.unwrap(), [0, 0xff, 0xfe]);
    assert_eq!(read::<[u8; 3]>(r#"{" b":"AP/+"}"#).await.unwrap(), [0, 0xff, 0xfe]);
    let bytes = read::<serde_bytes::ByteBuf>(r#"{" b":"AP/+"}"#).await.unwrap();
    assert_eq!(bytes.as_slice(), [0, 0xff, 0xfe]);
    assert_eq!(read::<String>(r#"{" m":"<b>"}"#).await.unwrap(), "<b>");
    let id = read::<uuid::Uuid>(r#"{" u":"6ba7b8109dad11d180b400c04fd430c8"}"#).await.unwrap();
    assert_eq!(id.to_string(), ID);
    let ids: HashMap<u32, (uuid::Uuid,)> =
        read(r#"{"7":{" t":[{" u":"6ba7b8109dad11d180b400c04fd430c8"}]}}"#).await.unwrap();
    assert_eq!(ids, HashMap::from([(7, (id,))]));
    let map: BTreeMap<String, u8> = read(r#"{" di":{" t__":1}}"#).await.unwrap();
    assert_eq!(map, BTreeMap::from([(" t".to_owned(), 1)]));
    assert!(read::<bool>("true").await.unwrap());
    assert_eq!(read::<f64>("1e+16").await.unwrap().to_bits(), 1e16_f64.to_bits());
    assert_eq!(read::<char>("\"x\"").await.unwrap(), 'x');
    assert_eq!(
        read::<i128>("123456789012345678901234567890").await.unwrap(),
        123_456_789_012_345_678_901_234_567_890
    );
}

#[actix_web::test]
async fn what_serde_writes_as_bytes_is_bytes() {
    assert_eq!(write(serde_bytes::ByteBuf::from(b"x".to_vec())).await, r#"{" b":"eA=="}"#);
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
enum Shape {
    Point,
    Circle(u8),
    Line(Tuple<(u8, u8)>, u8),
    Square { side: Bytes },
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(u8),
    Pair(Tuple<(u8, u8)>),
    Text(String),
    Named { name: Markup },
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct Profile {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    shape: Option<Shape>,
}

#[actix_web::test]
async fn enums_and_structs_hold_tagged_values() {
    goes_round(Shape::Point, r#""Point""#).await;
    goes_round(Shape::Circle(1), r#"{"Circle":1}"#).await;
    goes_round(Shape::Line(Tuple((1, 2)), 3), r#"{"Line":[{" t":[1,2]},3]}"#).await;
    goes_round(Shape::Square { side: Bytes(vec![]) }, r#"{"Square":{"side":{" b":""}}}"#).await;
    goes_round(Either::Number(1), "1").await;
    goes_round(Either::Pair(Tuple((1, 2))), r#"{" t":[1,2]}"#).await;
    goes_round(Either::Text("a".to_owned()), r#""a""#).await;
    goes_round(Either::Named { name: Markup("b".to_owned()) }, r#"{"name":{" m":"b"}}"#).await;
    let profile = Profile { id: Uuid::default(), shape: Some(Shape::Point) };
    let text = r#"{"id":{" u":"00000000000000000000000000000000"},"shape":"Point"}"#;
    goes_round(profile, text).await;
}

#[actix_web::test]
async fn one_tag_is_not_read_as_another() {
    let texts = [
        r#"{" t":[1,2]}"#,
        r#"{" b":"eA=="}"#,
        r#"{" m":"x"}"#,
        r#"{" u":"00000000000000000000000000000000"}"#,
        r#"{" d":"Thu, 29 Feb 2024 12:30:45 GMT"}"#,
    ];
    for (at, text) in texts.into_iter().enumerate() {
        let read = [
            read::<Tuple<(u8, u8)>>(text).await.is_ok(),
            read::<Bytes>(text).await.is_ok(),
            read::<Markup>(text).await.is_ok(),
            read::<Uuid>(text).await.is_ok(),
            read::<DateTime>(text).await.is_ok(),
        ];
        for (wrapper, read) in read.into_iter().enumerate() {
            assert_eq!(read, at == wrapper, "{text} {wrapper}");
        }
    }
}

#[derive(Clone, Serialize)]
enum Named {
    #[serde(rename = " m")]
    Tag(&'static str),
}

/// A client that may choose a key of a dictionary must not choose a type: as Markup its text would
/// reach other people's pages without being escaped.
#[actix_web::test]
async fn a_dictionary_from_outside_never_becomes_a_tag() {
    let hostile = [
        (json!({" m": "<script>"}), r#"{" di":{" m__":"<script>"}}"#),
        (json!([{" t": 1}]), r#"[{" di":{" t__":1}}]"#),
        (json!({"a": {" di": {" t": 1}}}), r#"{"a":{" di":{" di__":{" di":{" t__":1}}}}}"#),
        (json!({" di": {" m__": "<script>"}}), r#"{" di":{" di__":{" m__":"<script>"}}}"#),
        (json!({" m": "x", "other": 1}), r#"{" m":"x","other":1}"#),
    ];
    for (value, text) in hostile {
        assert_eq!(write(value.clone()).await, text);
        assert_eq!(read::<Value>(text).await.unwrap(), value);
        let flask_value: flask::Value = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(write(flask_value.clone()).await, text);
        assert_eq!(read::<flask::Value>(text).await.unwrap(), flask_value);
        let map: HashMap<String, Value> = HashMap::from([(" b".to_owned(), value)]);
        assert_eq!(write(map).await, format!(r#"{{" di":{{" b__":{text}}}}}"#));
    }
    assert_eq!(write(Named::Tag("<script>")).await, r#"{" di":{" m__":"<script>"}}"#);
    // At the top, where the client chooses a key of the session.
    let insert = |session: &Session| session.insert(" m", "<script>").unwrap();
    let json = SharedSessions::new().write("", insert).await;
    assert_eq!(json, r#"{" di":{" m__":"<script>"}}"#);
    let insert = |session: &Session| session.insert("a", 1).unwrap();
    let json = SharedSessions::new().write(&flask_cookie(&json), insert).await;
    assert_eq!(json, r#"{" m":"<script>","a":1}"#);
    let remove = |session: &Session| {
        session.remove("a").unwrap();
    };
    let json = SharedSessions::new().write(&flask_cookie(&json), remove).await;
    assert_eq!(json, r#"{" di":{" m__":"<script>"}}"#);
}

#[actix_web::test]
async fn a_tuple_of_what_is_no_sequence_is_an_error_of_the_one_who_writes() {
    let failed = SharedSessions::new().open("{\"a\":1}", |session| session.insert("v", Tuple(1)));
    assert!(matches!(failed.await, Err(SessionError::Encode { .. })));
}

#[actix_web::test]
async fn what_json_does_not_have_is_an_error_of_the_one_who_writes() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let insert = move |session: &Session| session.insert("v", vec![value]);
        let failed = SharedSessions::new().open("{\"a\":1}", insert).await;
        assert!(matches!(failed, Err(SessionError::Encode { .. })));
    }
    let insert = |session: &Session| session.insert("v", f32::NAN);
    let failed = SharedSessions::new().open("{\"a\":1}", insert).await;
    assert!(matches!(failed, Err(SessionError::Encode { .. })));
    assert_eq!(write(0.1_f32).await, "0.1");
    assert_eq!(write(vec![1e16, 1e-5, -0.0, 1e22, 1.5]).await, "[1e+16,1e-05,-0.0,1e+22,1.5]");
    assert_eq!(write(u128::MAX).await, u128::MAX.to_string());
    let keys = HashMap::from([(7, true)]);
    assert_eq!(write(keys).await, r#"{"7":true}"#);
}

const ODD: &str = r#"{"big":123456789012345678901234567890,"inf":[-Infinity],"nan":NaN,"small":-9223372036854775809,"sur":"\ud800","tag":{" m":"\udfff"},"user":"alice","\ud800":1}"#;

#[actix_web::test]
async fn values_that_we_cannot_represent_fail_only_the_get_that_asks_for_them() {
    let got = SharedSessions::new().open(ODD, |session| {
        for key in ["big", "inf", "nan", "small", "sur", "tag"] {
            let results = [
                session.get::<Value>(key).is_err(),
                session.get::<flask::Value>(key).is_err(),
                session.get::<u64>(key).is_err(),
                session.get::<String>(key).is_err(),
                session.get::<Vec<f64>>(key).is_err(),
            ];
            assert_eq!(results, [true; 5], "{key}");
            assert!(session.contains_key(key));
        }
        assert!(session.entries().is_err());
        session.get::<String>("user")
    });
    assert_eq!(got.await.unwrap().as_deref(), Some("alice"));
}

#[actix_web::test]
async fn values_that_we_cannot_represent_pass_through_untouched() {
    let act = |session: &Session| session.insert("user", "bob").unwrap();
    let json = SharedSessions::new().write(&flask_cookie(ODD), act).await;
    assert_eq!(json, ODD.replace("alice", "bob"));
    let act = |session: &Session| session.clear().and_then(|()| session.insert("a", 1)).unwrap();
    assert_eq!(SharedSessions::new().write(&flask_cookie(ODD), act).await, r#"{"a":1}"#);
}

/// Within a value, fields that the type does not have are not looked at either.
#[actix_web::test]
async fn fields_that_nobody_asks_for_may_be_anything() {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    let named: Named = read(r#"{"name":"alice","nan":NaN,"sur":["\ud800"]}"#).await.unwrap();
    assert_eq!(named.name, "alice");
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    id: Uuid,
    visits: u32,
    seen: Option<DateTime>,
    pair: Tuple<(u8, u8)>,
}

#[derive(Clone, SessionInterface)]
#[session(data = Account)]
struct TypedSessions {
    config: SessionConfig,
    backend: flask::FlaskCookie,
}

#[actix_web::test]
async fn typed_content_has_tagged_fields() {
    use actix_web::{App, test::TestRequest, test::init_service, web};
    let SharedSessions { config, backend } = SharedSessions::new();
    let sessions = sessions::SessionMiddleware::new(TypedSessions { config, backend })
        .with_clock(sessions::test::TestClock::new().clock());
    let visit = |session: Session<TypedSessions>| async move {
        session
            .modify(|account| {
                account.visits += 1;
                account.seen = Some(DateTime::from_unix_seconds(0).expect("a time"));
                account.id.to_string()
            })
            .expect("an account")
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(visit))).await;
    let json = r#"{"id":{" u":"6ba7b8109dad11d180b400c04fd430c8"},"other":{" b":""},"pair":{" t":[1,2]},"visits":1}"#;
    let mut browser = Browser::new();
    browser.set_cookie("session", &flask_cookie(json));
    let answer = browser.send(&app, TestRequest::default()).await;
    assert_eq!(answer.body, ID);
    let expected = json
        .replace(r#""visits":1"#, r#""seen":{" d":"Thu, 01 Jan 1970 00:00:00 GMT"},"visits":2"#);
    assert_eq!(flask_json(browser.cookie("session").unwrap()), expected);
}

#[derive(Clone, SessionInterface)]
struct Signed {
    backend: SignedCookie,
}

/// In sessions of ours alone there are no tags: the wrappers are what they hold.
#[actix_web::test]
async fn wrappers_are_plain_json_in_other_sessions() {
    use actix_web::{App, test::init_service, web};
    let sessions = Signed { backend: SignedCookie::new(key(1)) };
    let round = |session: Session| async move {
        let time = SystemTime::from(DateTime::from_unix_seconds(-1).unwrap());
        let values = (
            Tuple((1, "a".to_owned())),
            Bytes(vec![1, 2]),
            Markup("<b>".to_owned()),
            ID.parse::<Uuid>().unwrap(),
            DateTime::try_from(time).unwrap(),
        );
        assert_eq!(time, UNIX_EPOCH - Duration::from_secs(1));
        session.insert("v", values.clone()).unwrap();
        assert_eq!(session.get("v").unwrap(), Some(values));
        session.insert("tag", json!({" t": [1]})).unwrap();
        assert_eq!(session.get("tag").unwrap(), Some(json!({" t": [1]})));
        session.get::<Value>("v").unwrap().unwrap().to_string()
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(round))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(
        answer.body,
        r#"[[1,"a"],"AQI=","<b>","6ba7b8109dad11d180b400c04fd430c8","Wed, 31 Dec 1969 23:59:59 GMT"]"#
    );
}
