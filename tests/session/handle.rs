//! The handle: what its methods do, and what is left of it after the request.

use std::{
    collections::BTreeMap,
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use actix_web::{
    App, HttpResponse,
    http::header,
    test::{TestRequest, call_service, init_service},
    web,
};
use serde::{Deserialize, Serialize, Serializer, ser::Error as _};
use serde_json::{Value, json};
use sessions::{Session, SessionConfig, SessionError, test::TestClient};
use sessions_tests::{AppSessions, SetCookie, left_by, on_another_thread, seeded};
use static_assertions::assert_impl_all;

/// What a request leaves behind.
#[derive(Debug, PartialEq)]
struct Left {
    cookie: Option<SetCookie>,
    content: Value,
}

impl Left {
    fn set(&self) -> bool {
        self.cookie.as_ref().is_some_and(|cookie| !cookie.is_removal())
    }

    fn removed(&self) -> bool {
        self.cookie.as_ref().is_some_and(SetCookie::is_removal)
    }
}

/// Runs `act` in the handler of a request whose session holds `content`; an empty one is new.
async fn in_handler(content: Value, act: impl Fn(Session) + Clone + 'static) -> Left {
    let sessions = AppSessions::signed(SessionConfig::new());
    let client = TestClient::new(&sessions);
    let handler = move |session: Session| {
        act(session);
        ready(HttpResponse::Ok().finish())
    };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    let mut request = TestRequest::default();
    if content != json!({}) {
        request = seeded(&client, request, &content).await;
    }
    let response = call_service(&app, request.to_request()).await;
    assert_eq!(response.status(), 200);
    let mut cookies = response.headers().get_all(header::SET_COOKIE);
    let cookie = cookies.next().map(|cookie| SetCookie::parse(cookie.to_str().expect("ASCII")));
    assert_eq!(cookies.next(), None);
    Left { cookie, content: Value::Object(left_by(&client, &response).await) }
}

/// Fails to be written.
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("not today"))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
    total: Option<f64>,
}

// Keys and values.

#[actix_web::test]
async fn gets_what_was_inserted_as_the_type_asked_for() {
    let cart = Cart { items: vec!["ünï \u{2028}\0\"".to_owned()], total: Some(0.1) };
    let expected = cart.clone();
    let left = in_handler(json!({}), move |session| {
        session.insert("cart", &cart).unwrap();
        session.insert("big", u64::MAX).unwrap();
        session.insert("nothing", ()).unwrap();
        assert_eq!(session.get::<Cart>("cart").unwrap().as_ref(), Some(&cart));
        assert_eq!(session.get::<u64>("big").unwrap(), Some(u64::MAX));
        assert_eq!(session.get::<Option<u8>>("nothing").unwrap(), Some(None));
        assert_eq!(session.get::<u8>("missing").unwrap(), None);
    })
    .await;
    assert_eq!(left.content, json!({"cart": expected, "big": u64::MAX, "nothing": null}));
    assert!(left.set());
}

#[actix_web::test]
async fn a_value_of_another_type_is_an_error_that_names_the_key() {
    in_handler(json!({"name": "alice"}), |session| {
        let err = session.get::<u32>("name").unwrap_err();
        assert!(matches!(&err, SessionError::Decode { key, .. } if &**key == "name"));
        assert_eq!(err.to_string(), "the value of `name` is not of the requested type");
    })
    .await;
}

#[actix_web::test]
async fn a_value_that_cannot_be_written_is_an_error_and_no_change() {
    let left = in_handler(json!({"a": 1}), |session| {
        let err = session.insert("a", Unwritable).unwrap_err();
        assert_eq!(err.to_string(), "the value of `a` cannot be written as JSON");
        let err = session.insert("map", BTreeMap::from([((1, 2), 3)])).unwrap_err();
        assert!(matches!(err, SessionError::Encode { .. }));
        assert!(!session.is_modified());
    })
    .await;
    assert_eq!(left, Left { cookie: None, content: json!({"a": 1}) });
}

#[actix_web::test]
async fn writing_an_equal_value_sets_no_cookie() {
    let content = json!({"n": 1, "cart": {"items": ["a"], "total": null}, "é": "\\\u{1}"});
    let same = content.clone();
    let left = in_handler(content.clone(), move |session| {
        session.extend(same.as_object().unwrap()).unwrap();
        session.insert("n", 2).unwrap();
        assert!(session.is_modified());
        session.insert("n", 1).unwrap();
        session.update("n", |n: Option<u32>| n.unwrap()).unwrap();
        session.insert("new", 1).unwrap();
        assert!(session.remove("new").unwrap());
        assert!(!session.is_modified());
    })
    .await;
    assert_eq!(left, Left { cookie: None, content });
}

#[actix_web::test]
async fn remove_tells_whether_there_was_a_value() {
    let left = in_handler(json!({"a": 1, "b": 2}), |session| {
        assert!(session.remove("a").unwrap());
        assert!(!session.remove("a").unwrap());
        assert!(!session.remove("missing").unwrap());
    })
    .await;
    assert!(left.set());
    assert_eq!(left.content, json!({"b": 2}));
}

#[actix_web::test]
async fn removing_what_is_not_there_is_no_modification() {
    let left = in_handler(json!({"b": 2}), |session| {
        assert!(!session.remove("a").unwrap());
        assert_eq!(session.take::<u8>("a").unwrap(), None);
    })
    .await;
    assert_eq!(left.cookie, None);
}

#[actix_web::test]
async fn take_removes_the_value_it_returns() {
    let left = in_handler(json!({"a": [1, 2], "b": 2}), |session| {
        assert_eq!(session.take::<Vec<u8>>("a").unwrap(), Some(vec![1, 2]));
        assert_eq!(session.take::<Vec<u8>>("a").unwrap(), None);
    })
    .await;
    assert_eq!(left.content, json!({"b": 2}));
}

#[actix_web::test]
async fn a_take_that_cannot_be_read_leaves_the_value_in_place() {
    let left = in_handler(json!({"a": "text"}), |session| {
        assert!(matches!(session.take::<u8>("a"), Err(SessionError::Decode { .. })));
        assert_eq!(session.get::<String>("a").unwrap().as_deref(), Some("text"));
        assert!(!session.is_modified());
    })
    .await;
    assert_eq!(left, Left { cookie: None, content: json!({"a": "text"}) });
}

#[actix_web::test]
async fn keys_are_counted_and_sorted() {
    in_handler(json!({"b": 1, "a": {"deep": 1}, "": 0}), |session| {
        assert_eq!(session.keys(), ["", "a", "b"]);
        assert_eq!(session.len(), 3);
        assert!(!session.is_empty());
        assert!(session.contains_key("a") && session.contains_key(""));
        assert!(!session.contains_key("deep") && !session.contains_key("A"));
        let all = json!({"b": 1, "a": {"deep": 1}, "": 0});
        assert_eq!(Value::Object(session.entries().unwrap()), all);
    })
    .await;
    in_handler(json!({}), |session| {
        assert!(session.is_empty() && session.keys().is_empty());
        assert_eq!(session.len(), 0);
        assert!(session.entries().unwrap().is_empty());
    })
    .await;
}

#[actix_web::test]
async fn clearing_deletes_the_session_unless_something_is_written_after_it() {
    let left = in_handler(json!({"a": 1, "b": 2}), |session| {
        session.clear().unwrap();
        assert!(session.is_empty() && session.is_modified() && !session.is_new());
    })
    .await;
    assert!(left.removed());
    assert_eq!(left.content, json!({}));

    let left = in_handler(json!({"a": 1, "b": 2}), |session| {
        session.clear().unwrap();
        session.insert("c", 3).unwrap();
    })
    .await;
    assert!(left.set());
    assert_eq!(left.content, json!({"c": 3}));
}

#[actix_web::test]
async fn extend_sets_all_keys_or_none() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Entry {
        Number(u32),
        Bad(Unwritable),
    }
    let left = in_handler(json!({"a": 0}), |session| {
        session.extend([("a", 1), ("b", 2)]).unwrap();
        let bad = [("a", Entry::Number(8)), ("b", Entry::Bad(Unwritable))];
        assert!(matches!(session.extend(bad), Err(SessionError::Encode { .. })));
        let reserved = session.extend([("a", 9), ("_started", 9), ("c", 9)]);
        assert!(matches!(reserved, Err(SessionError::ReservedKey { .. })));
    })
    .await;
    assert_eq!(left.content, json!({"a": 1, "b": 2}));
}

#[actix_web::test]
async fn the_key_of_the_framework_is_refused_by_every_write_and_read_as_missing() {
    let left = in_handler(json!({"a": 0}), |session| {
        let refused = [
            session.insert("_started", 1),
            session.remove("_started").map(drop),
            session.take::<u64>("_started").map(drop),
            session.update("_started", |n: Option<u64>| n.unwrap_or(1)).map(drop),
            session.get_or_insert_with("_started", || 1).map(drop),
        ];
        for result in refused {
            let err = result.unwrap_err();
            assert!(matches!(&err, SessionError::ReservedKey { key } if &**key == "_started"));
        }
        assert_eq!(session.get::<u64>("_started").unwrap(), None);
        assert!(!session.contains_key("_started"));
    })
    .await;
    assert_eq!(left, Left { cookie: None, content: json!({"a": 0}) });
}

#[actix_web::test]
async fn get_or_insert_with_makes_a_value_where_there_is_none() {
    let left = in_handler(json!({"a": 1, "text": "x"}), |session| {
        let never = || -> u32 { panic!("there is a value") };
        assert_eq!(session.get_or_insert_with("a", never).unwrap(), 1);
        assert!(!session.is_modified());
        let err = session.get_or_insert_with("text", never).unwrap_err();
        assert!(matches!(err, SessionError::Decode { .. }));
        assert_eq!(session.get_or_insert_with("b", || 2).unwrap(), 2);
        assert_eq!(session.get_or_insert_with("b", || 3).unwrap(), 2);
    })
    .await;
    assert_eq!(left.content, json!({"a": 1, "b": 2, "text": "x"}));
}

#[actix_web::test]
async fn update_sets_what_its_closure_makes_of_the_value() {
    let left = in_handler(json!({"n": 1, "text": "x"}), |session| {
        let next = |n: Option<u32>| n.unwrap_or(10) + 1;
        assert_eq!(session.update("n", next).unwrap(), 2);
        assert_eq!(session.update("m", next).unwrap(), 11);
        assert!(matches!(session.update("text", next), Err(SessionError::Decode { .. })));
        let item = String::from("tea");
        let cart = session.update_with("cart", item, |item, cart: Option<Vec<String>>| {
            cart.into_iter().flatten().chain([item.clone()]).collect()
        });
        assert_eq!(cart.unwrap(), ["tea"]);
    })
    .await;
    assert_eq!(left.content, json!({"cart": ["tea"], "m": 11, "n": 2, "text": "x"}));
}

// Closures and threads.

#[actix_web::test]
async fn closures_may_use_the_session() {
    let left = in_handler(json!({"price": 7}), |session| {
        let inner = session.clone();
        let total = session.update("total", move |total: Option<u32>| {
            let price: u32 = inner.get("price").unwrap().unwrap();
            total.unwrap_or(0) + price
        });
        assert_eq!(total.unwrap(), 7);
        let inner = session.clone();
        let count = session.get_or_insert_with("count", || {
            inner.insert("made", true).unwrap();
            inner.len()
        });
        assert_eq!(count.unwrap(), 3);
    })
    .await;
    let expected = json!({"price": 7, "total": 7, "count": 3, "made": true});
    assert_eq!(left.content, expected);
}

#[actix_web::test]
async fn what_a_closure_of_get_or_insert_with_sets_itself_stays() {
    let left = in_handler(json!({}), |session| {
        let inner = session.clone();
        let value = session.get_or_insert_with("a", || {
            inner.insert("a", 1).unwrap();
            2
        });
        assert_eq!(value.unwrap(), 1);
    })
    .await;
    assert_eq!(left.content, json!({"a": 1}));
}

#[actix_web::test]
async fn an_update_that_always_meets_a_change_gives_up_and_says_so() {
    let left = in_handler(json!({"n": 1}), |session| {
        let (inner, runs) = (session.clone(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&runs);
        let result = session.update("n", move |n: Option<u32>| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            on_another_thread(|| inner.insert("noise", run)).unwrap();
            n.unwrap() + 1
        });
        assert!(matches!(result, Err(SessionError::Contended)));
        assert_eq!(runs.load(Ordering::SeqCst), 1_000);
    })
    .await;
    assert_eq!(left.content, json!({"n": 1, "noise": 999}));
}

#[actix_web::test]
async fn updates_from_many_threads_lose_nothing() {
    let left = in_handler(json!({"n": 0, "other": 0}), |session| {
        thread::scope(|scope| {
            for _ in 0..4 {
                let session = session.clone();
                scope.spawn(move || {
                    for _ in 0..1_000 {
                        session.update("n", |n: Option<u32>| n.unwrap() + 1).unwrap();
                    }
                });
            }
            let noise = session.clone();
            scope.spawn(move || (0..1_000).for_each(|n| noise.insert("other", n).unwrap()));
        });
        assert_eq!(session.get::<u32>("n").unwrap(), Some(4_000));
    })
    .await;
    assert_eq!(left.content, json!({"n": 4_000, "other": 999}));
}

#[test]
fn handles_may_be_sent_and_shared() {
    assert_impl_all!(Session: Send, Sync, Clone, std::fmt::Debug);
    assert_impl_all!(Session<AppSessions>: Send, Sync, Clone, std::fmt::Debug);
}
