//! What a request does not touch stays byte for byte and in its place, however Flask's JSON provider
//! is set.

use actix_web::HttpResponse;
use sessions::{Session, SessionConfig, SessionError, flask::FlaskCookie};
use sessions_tests::{SharedSessions, flask_cookie, flask_json};

/// Members in an order and spellings of their own: those of `sort_keys = False` and
/// `ensure_ascii = False`, and others that no provider of Flask writes.
const OPENED: &str = r#"{"zeta":{"b":[1e5,"\u00E9é"],"a":{" t":[2, 1]}},"_user_id":"7","über":"日本語","\u00e4":1.0,"m":"x","\ud800":[],"a":NaN}"#;

type Act = fn(&Session) -> Result<(), SessionError>;

async fn after(sessions: SharedSessions, opened: &str, act: Act) -> String {
    let act = move |session: Session| async move {
        act(&session).expect("a session");
        HttpResponse::Ok().finish()
    };
    let answer = sessions.answer(&flask_cookie(opened), act).await;
    flask_json(&answer.cookie().expect("it is saved").value)
}

#[actix_web::test]
async fn what_is_not_touched_stays_byte_for_byte_and_in_its_place() {
    let cases: [(Act, String); 7] = [
        (
            |session| session.insert("new", "é"),
            OPENED.replacen("\"a\":NaN}", "\"a\":NaN,\"new\":\"é\"}", 1),
        ),
        (|session| session.insert("m", [2, 1]), OPENED.replace("\"x\"", "[2,1]")),
        (|session| session.insert("über", "ü"), OPENED.replace("\"日本語\"", "\"ü\"")),
        (|session| session.insert("\u{e4}", 2), OPENED.replace("\"\\u00e4\":1.0", "\"ä\":2")),
        (|session| session.remove("_user_id").map(drop), OPENED.replace("\"_user_id\":\"7\",", "")),
        (
            |session| session.remove("zeta").map(drop),
            format!("{{{}", &OPENED[OPENED.find("\"_user").expect("it is there")..]),
        ),
        (
            // New keys in the order in which they were set, as in a dictionary of Python.
            |session| {
                session.insert("y", 1)?;
                session.insert("c", 1)?;
                session.insert("b", 1)?;
                session.remove("c")?;
                session.insert("c", 2)
            },
            OPENED.replacen("\"a\":NaN}", "\"a\":NaN,\"y\":1,\"b\":1,\"c\":2}", 1),
        ),
    ];
    for (number, (act, expected)) in cases.into_iter().enumerate() {
        assert_eq!(after(SharedSessions::new(), OPENED, act).await, expected, "{number}");
    }
}

#[actix_web::test]
async fn the_value_that_a_key_has_is_no_change_in_any_spelling() {
    let acts: [Act; 3] = [
        |session| session.insert("über", "日本語"),
        |session| {
            session.insert("zeta", serde_json::json!({"a": {" t": [2, 1]}, "b": [1e5, "éé"]}))
        },
        |session| session.insert("\u{e4}", 1.0),
    ];
    for (number, act) in acts.into_iter().enumerate() {
        let act = move |session: Session| async move {
            act(&session).expect("a session");
            HttpResponse::Ok().body(session.is_modified().to_string())
        };
        let answer = SharedSessions::new().answer(&flask_cookie(OPENED), act).await;
        // A tag is no dictionary, so this one is a change.
        assert_eq!(answer.body, (number == 1).to_string(), "{number}");
    }
}

#[actix_web::test]
async fn new_keys_stand_where_the_provider_of_flask_puts_them() {
    let add: Act = |session| session.insert("b", "é");
    let (sorted, unsorted) = (r#"{"a":1,"c":2}"#, r#"{"c":2,"a":1}"#);
    let set = |sort_keys, ensure_ascii| {
        let sessions = SharedSessions::new();
        let backend = FlaskCookie::from_config(&sessions.config);
        let backend = backend.with_sort_keys(sort_keys).with_ensure_ascii(ensure_ascii);
        SharedSessions { backend, ..sessions }
    };
    for (sessions, opened, expected) in [
        (set(true, true), sorted, r#"{"a":1,"b":"\u00e9","c":2}"#),
        (set(true, true), unsorted, r#"{"c":2,"a":1,"b":"\u00e9"}"#),
        (set(false, true), sorted, r#"{"a":1,"c":2,"b":"\u00e9"}"#),
        (set(true, false), sorted, r#"{"a":1,"b":"é","c":2}"#),
        (set(false, false), unsorted, r#"{"c":2,"a":1,"b":"é"}"#),
    ] {
        assert_eq!(after(sessions, opened, add).await, expected);
    }
}

#[actix_web::test]
async fn a_text_of_1250_chinese_characters_fits_beside_a_change() {
    // Characters without a pattern, so that they are hardly compressed.
    let text: String = (0..1_250_u32)
        .map(|at| {
            char::from_u32(0x4e00 + at.wrapping_mul(2_654_435_761) % 20_000).expect("a character")
        })
        .collect();
    let opened = format!("{{\"text\":\"{text}\",\"visits\":1}}");
    let changed =
        after(SharedSessions::new(), &opened, |session| session.insert("visits", 2)).await;
    assert_eq!(changed, opened.replace(":1}", ":2}"));
    // It would not with six bytes for each: `sessions` refuses to save it then.
    let write = move |session: Session| {
        let text = text.clone();
        async move {
            session.insert("text", text).expect("a session");
            HttpResponse::Ok().finish()
        }
    };
    let answer = SharedSessions::new().answer("", write.clone()).await;
    assert_eq!(answer.status, 500);
    let config = SessionConfig::from_flask_vars([("SECRET_KEY", "dev")]).expect("right");
    let backend = FlaskCookie::from_config(&config).with_ensure_ascii(false);
    let answer = SharedSessions { backend, config }.answer("", write).await;
    assert_eq!(answer.status, 200);
}
