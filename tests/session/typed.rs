//! Typed content: a struct as a view of the dictionary.

use std::{cell::RefCell, collections::BTreeMap, future::Future, pin::Pin, rc::Rc};

use actix_web::{
    App, HttpResponse,
    test::{TestRequest, init_service},
    web,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sessions::{
    MemoryStore, ReadSession, ServerSide, Session, SessionConfig, SessionError, SessionInterface,
    SessionState, SignedCookie,
    error::ConfigError,
    policy::OnDecodeError,
    session::Typed,
    test::{FaultStore, Moment, Operation, TestClient},
};
use sessions_tests::{Answer, Logged, key, left_by, on_another_thread, seeded};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cart {
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gift_note: Option<String>,
    currency: Currency,
    #[serde(alias = "colour")]
    color: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Item {
    name: String,
    count: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Currency {
    #[default]
    Eur,
    Usd,
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct Shop {
    backend: SignedCookie,
    config: SessionConfig,
}

fn shop() -> Shop {
    Shop { backend: SignedCookie::new(key(1)), config: SessionConfig::new() }
}

type Act = fn(Session<Shop>) -> Pin<Box<dyn Future<Output = Result<(), SessionError>>>>;

/// What a request left: its status, whether it set the cookie, and the session's keys.
struct Left {
    status: u16,
    sets: bool,
    keys: BTreeMap<String, Value>,
}

/// Runs `act` on a session that holds `stored`.
async fn with(shop: &Shop, stored: Value, act: Act) -> Left {
    let handler = move |session: Session<Shop>| async move {
        act(session).await.map(|()| HttpResponse::Ok().finish())
    };
    let app = init_service(App::new().wrap(shop.clone()).default_service(web::to(handler))).await;
    let client = TestClient::new(shop);
    let request = seeded(&client, TestRequest::default(), stored).await.to_request();
    let response = actix_web::test::call_service(&app, request).await;
    let keys = left_by(&client, &response).await.into_iter().collect();
    let sets = response.headers().contains_key("set-cookie");
    Left { status: response.status().as_u16(), sets, keys }
}

fn dictionary(content: &Typed<Cart>) -> &SessionState {
    sessions::interface::SessionContent::state(content)
}

fn object(value: Value) -> BTreeMap<String, Value> {
    serde_json::from_value(value).expect("an object")
}

#[actix_web::test]
async fn its_fields_are_keys_of_the_dictionary() {
    let left = with(&shop(), json!({"other": 1}), |session| {
        Box::pin(async move {
            session.modify(|cart| {
                cart.items.push(Item { name: "tea".into(), count: 2 });
                cart.gift_note = Some("for you".into());
            })?;
            assert_eq!(session.get::<Vec<Item>>("items")?.unwrap()[0].count, 2);
            session.insert("currency", "Usd")?;
            assert_eq!(session.read(|cart| cart.currency.clone())?, Currency::Usd);
            Ok(())
        })
    })
    .await;
    let expected = json!({
        "other": 1, "items": [{"name": "tea", "count": 2}], "giftNote": "for you", "currency": "Usd",
    });
    assert_eq!(left.keys, object(expected));
}

#[actix_web::test]
async fn reading_is_no_change_and_missing_fields_have_their_defaults() {
    let left = with(&shop(), json!({"color": "red"}), |session| {
        Box::pin(async move {
            let cart = session.snapshot()?;
            assert_eq!(cart, Cart { color: "red".into(), ..Cart::default() });
            assert!(session.read(|cart| cart.items.is_empty())?);
            assert!(!session.is_modified());
            assert!(session.is_accessed());
            Ok(())
        })
    })
    .await;
    assert!(!left.sets);
}

#[actix_web::test]
async fn a_change_anywhere_inside_is_noticed_and_only_that_is_written() {
    let stored = json!({"items": [{"name": "tea", "count": 1}], "color": "red"});
    let left = with(&shop(), stored, |session| {
        Box::pin(async move { session.modify(|cart| cart.items[0].count += 1) })
    })
    .await;
    assert!(left.sets);
    let expected = json!({"items": [{"name": "tea", "count": 2}], "color": "red"});
    assert_eq!(left.keys, object(expected), "no default is written");
}

#[actix_web::test]
async fn writing_equal_values_is_no_change() {
    // Keys of the nested object in another order, as another program may write them.
    let stored = json!({"items": [{"count": 1, "name": "tea"}], "color": "red"});
    let left = with(&shop(), stored, |session| {
        Box::pin(async move {
            session.modify(|cart| {
                cart.items = vec![Item { name: "tea".into(), count: 1 }];
                cart.color = "red".into();
                cart.currency = Currency::Eur;
            })
        })
    })
    .await;
    assert!(!left.sets);
}

#[actix_web::test]
async fn a_field_absent_after_being_present_is_a_removal() {
    let left = with(&shop(), json!({"giftNote": "for you", "color": "red"}), |session| {
        Box::pin(async move { session.modify(|cart| cart.gift_note = None) })
    })
    .await;
    assert_eq!(left.keys, object(json!({"color": "red"})));
}

#[actix_web::test]
async fn unknown_keys_of_another_version_survive_a_save() {
    let stored = json!({"loyalty": {"points": [1, 2]}, "color": "red"});
    let left = with(&shop(), stored, |session| {
        Box::pin(async move { session.modify(|cart| cart.color = "blue".into()) })
    })
    .await;
    assert_eq!(left.keys, object(json!({"loyalty": {"points": [1, 2]}, "color": "blue"})));
}

#[actix_web::test]
async fn a_field_stored_under_another_name_is_read() {
    for stored in [json!({"colour": "red"}), json!({"colour": "old", "color": "red"})] {
        let left = with(&shop(), stored, |session| {
            Box::pin(async move {
                assert_eq!(session.read(|cart| cart.color.clone())?, "red");
                Ok(())
            })
        })
        .await;
        assert_eq!(left.status, 200);
    }
}

#[actix_web::test]
async fn a_field_that_no_longer_parses_has_its_default_and_is_kept() {
    let logged = Logged::start();
    let stored = json!({"items": "a list once", "color": "red"});
    let left = with(&shop(), stored, |session| {
        Box::pin(async move {
            assert_eq!(session.read(|cart| cart.items.len())?, 0);
            session.modify(|cart| cart.color = "blue".into())
        })
    })
    .await;
    assert_eq!(left.status, 200);
    assert_eq!(left.keys, object(json!({"items": "a list once", "color": "blue"})));
    // Once for `read`, once for `modify`: the field by its name, and not its value.
    let lines: Vec<_> = logged.take_own().into_iter().map(|(_, text)| text).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("items") && !line.contains("a list once")));
}

#[actix_web::test]
async fn with_on_decode_error_a_field_that_no_longer_parses_is_an_error_that_names_it() {
    let strict = Shop {
        backend: SignedCookie::new(key(1)),
        config: SessionConfig::new().on_decode_error(OnDecodeError::Error),
    };
    let left = with(&strict, json!({"items": "a list once", "color": "red"}), |session| {
        Box::pin(async move {
            let err = session.read(|cart| cart.items.len()).unwrap_err();
            assert_eq!(err.to_string(), "the value of `items` is not of the requested type");
            assert!(matches!(session.modify(|_| ()), Err(SessionError::Decode { .. })));
            // The rest of the session is as usable as it was.
            assert_eq!(session.get::<String>("color")?.as_deref(), Some("red"));
            Ok(())
        })
    })
    .await;
    assert_eq!(left.status, 200);
}

/// Fields that are written under the framework's keys, and read under others.
#[derive(Default, Serialize, Deserialize)]
struct Forged {
    #[serde(default, rename(serialize = "_owner"), skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    #[serde(default, rename(serialize = "_started"), skip_serializing_if = "Option::is_none")]
    started: Option<u64>,
    seen: bool,
}

#[derive(Clone, SessionInterface)]
#[session(data = Forged)]
struct Forgers {
    backend: SignedCookie,
}

#[actix_web::test]
async fn modify_writes_no_key_of_the_framework() {
    async fn forge(session: Session<Forgers>) -> actix_web::Result<String> {
        let owner = session.modify(|data| data.owner = Some("alice".to_owned()));
        assert!(matches!(owner, Err(SessionError::ReservedKey { key }) if &*key == "_owner"));
        session.modify(|data| {
            data.started = Some(1);
            data.seen = true;
        })?;
        assert_eq!(session.owner(), None);
        Ok(session.keys().join(","))
    }
    let sessions = Forgers { backend: SignedCookie::new(key(1)) };
    let app = init_service(App::new().wrap(sessions.clone()).default_service(web::to(forge))).await;
    let request = TestRequest::default().to_request();
    let response = actix_web::test::call_service(&app, request).await;
    let set = response.headers().get("set-cookie").expect("it is saved").to_str().expect("ASCII");
    let payload = set.strip_prefix("session=").and_then(|set| set.split('.').next());
    let payload = URL_SAFE_NO_PAD.decode(payload.expect("a token")).expect("base64");
    let stored: Value = serde_json::from_slice(&payload).expect("JSON");
    assert_eq!((stored.get("_started"), stored.get("seen")), (None, Some(&json!(true))));
    assert_eq!(actix_web::test::read_body(response).await, "seen");
}

#[actix_web::test]
async fn modify_returns_what_its_closure_returns_and_may_use_the_session() {
    let left = with(&shop(), json!({"color": "red"}), |session| {
        Box::pin(async move {
            let inner = session.clone();
            let count = session.modify(move |cart| {
                assert_eq!(inner.get::<String>("color").unwrap().as_deref(), Some("red"));
                cart.items.resize(3, Item::default());
                cart.items.len()
            })?;
            assert_eq!(count, 3);
            Ok(())
        })
    })
    .await;
    assert_eq!(left.status, 200);
}

#[actix_web::test]
async fn a_modify_runs_again_when_the_session_changed_in_between() {
    let runs = with(&shop(), json!({"items": []}), |session| {
        Box::pin(async move {
            let inner = session.clone();
            let runs = std::sync::atomic::AtomicU32::new(0);
            let runs = session.modify(move |cart| {
                let run = runs.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                if run == 0 {
                    let tea = [Item { name: "tea".into(), count: 1 }];
                    on_another_thread(|| inner.insert("items", tea)).unwrap();
                }
                cart.items.push(Item { name: "cake".into(), count: 1 });
                run + 1
            })?;
            assert_eq!(runs, 2);
            Ok(())
        })
    })
    .await;
    let names: Vec<_> =
        runs.keys["items"].as_array().unwrap().iter().map(|item| &item["name"]).collect();
    assert_eq!(names, ["tea", "cake"]);
}

#[test]
fn a_modify_runs_again_on_a_newer_state() {
    // What a backend with a store does: the same closure, on what another request has saved.
    let newer = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&newer);
    let handler = move |session: Session<Keeps>| {
        let seen = Rc::clone(&seen);
        async move {
            session.modify(|cart| cart.items.push(Item { name: "cake".into(), count: 1 })).unwrap();
            session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1).unwrap();
            *seen.borrow_mut() = Some(());
            "ok"
        }
    };
    actix_web::rt::System::new().block_on(async {
        let app = init_service(App::new().wrap(Keeps).default_service(web::to(handler))).await;
        let answer = Answer::of(&app, TestRequest::default()).await;
        assert_eq!(answer.body, "ok");
    });
    assert!(newer.borrow().is_some());
}

/// Keeps the change set, and applies it to the state that "another request" left.
#[derive(Clone, SessionInterface)]
#[session(data = Cart, open_with = Self::opens, save_with = Self::saves)]
struct Keeps;

impl Keeps {
    #[expect(clippy::unused_async, reason = "the signature of `open_with`")]
    async fn opens(
        &self,
        _: sessions::interface::OpenContext<'_>,
    ) -> Result<sessions::interface::Opened<Typed<Cart>>, sessions::error::OpenError> {
        let mut dictionary = SessionState::from_json(r#"{"items":[],"visits":1}"#).expect("JSON");
        dictionary.keep_changes();
        Ok(sessions::interface::Opened::Session(dictionary.into()))
    }

    #[expect(clippy::unused_async, reason = "the signature of `save_with`")]
    async fn saves(
        &self,
        content: &Typed<Cart>,
        _: sessions::interface::SaveContext<'_>,
    ) -> Result<sessions::interface::Saved, sessions::error::SaveError> {
        let newer = r#"{"items":[{"name":"tea","count":1}],"visits":7}"#;
        let mut newer = SessionState::from_json(newer).expect("JSON");
        let changes = dictionary(content).changes().expect("they are kept");
        changes.apply_to(&mut newer).expect("values of their types");
        let items: Vec<Item> = newer.get("items").expect("items").expect("items");
        assert_eq!(
            items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(),
            ["tea", "cake"]
        );
        assert_eq!(newer.get::<u32>("visits").expect("a number"), Some(8));
        Ok(sessions::interface::Saved::unchanged())
    }
}

#[derive(Clone, SessionInterface)]
#[session(data = Cart)]
struct StoredShop {
    backend: ServerSide<FaultStore<MemoryStore>>,
}

#[actix_web::test]
async fn a_field_is_taken_by_its_name() {
    async fn redeem(session: Session<StoredShop>) -> Result<String, SessionError> {
        let note: Option<String> = session.take("giftNote")?;
        assert_eq!(session.snapshot()?.gift_note, None);
        Ok(note.unwrap_or_default())
    }
    async fn fill(session: Session<StoredShop>) -> Result<&'static str, SessionError> {
        session.modify(|cart| cart.gift_note = Some("for you".into()))?;
        Ok("filled")
    }
    let store = FaultStore::new(MemoryStore::new());
    let shop = StoredShop { backend: ServerSide::new(store.clone()) };
    let app = App::new().wrap(shop).route("/fill", web::get().to(fill));
    let app = init_service(app.default_service(web::to(redeem))).await;
    let filled = Answer::of(&app, TestRequest::with_uri("/fill")).await;
    let cookie = filled.cookie().expect("a new session");
    let redeem = || {
        let pair = format!("{}={}", cookie.name, cookie.value);
        Answer::of(&app, TestRequest::default().insert_header(("cookie", pair)))
    };
    let (slow, fast) = store.overtake(Moment::After(Operation::Load), redeem(), redeem()).await;
    assert_eq!((fast.status.as_u16(), fast.body.as_str()), (200, "for you"));
    assert_eq!(slow.status.as_u16(), 409);
}

#[actix_web::test]
async fn a_null_session_reads_defaults_and_refuses_modify() {
    async fn handler(session: Session<Keyless>) -> &'static str {
        assert_eq!(session.snapshot().unwrap(), Cart::default());
        assert!(matches!(session.modify(|cart| cart.color.clear()), Err(SessionError::Null(_))));
        "checked"
    }
    #[derive(Clone, SessionInterface)]
    #[session(data = Cart)]
    struct Keyless {
        config: SessionConfig,
    }
    let keyless = Keyless { config: SessionConfig::new() };
    let app = init_service(App::new().wrap(keyless).default_service(web::to(handler))).await;
    assert_eq!(Answer::of(&app, TestRequest::default()).await.body, "checked");
}

#[actix_web::test]
async fn a_reader_reads() {
    async fn handler(session: ReadSession<Shop>) -> Result<String, SessionError> {
        let color = session.read(|cart| cart.color.clone())?;
        assert_eq!(session.snapshot()?.color, color);
        assert_eq!(session.get::<String>("color")?, Some(color.clone()));
        assert_eq!(session.keys(), ["color"]);
        assert_eq!(session.entries()?.len(), session.len());
        assert!(session.contains_key("color") && !session.is_empty());
        assert!(!session.is_new() && !session.permanent());
        Ok(color)
    }
    let app = init_service(App::new().wrap(shop()).default_service(web::to(handler))).await;
    let request =
        seeded(&TestClient::new(&shop()), TestRequest::default(), json!({"color": "red"})).await;
    let answer = Answer::of(&app, request).await;
    assert_eq!(answer.body, "red");
    assert_eq!(answer.all("vary"), ["Cookie"]);
}

// What cannot be content.

macro_rules! refused {
    ($($name:ident($data:ty): $problem:literal,)*) => {$(
        #[test]
        fn $name() {
            #[derive(Clone, SessionInterface)]
            #[session(data = $data)]
            struct Refused {
                backend: SignedCookie,
            }
            let err = Refused { backend: SignedCookie::new(key(1)) }.check().unwrap_err();
            assert!(matches!(err, ConfigError::Data { .. }));
            let text = err.to_string();
            assert!(text.contains(std::any::type_name::<$data>()), "{text}");
            assert!(text.contains($problem), "{text}");
        }
    )*};
}

#[derive(Default, Serialize, Deserialize)]
struct Flattened {
    name: String,
    #[serde(flatten)]
    cart: Cart,
}

#[derive(Default, Serialize, Deserialize)]
struct Underscored {
    #[serde(rename = "_flashes")]
    flashes: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
struct SkippedUnderscored {
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
}

#[derive(Default, Serialize, Deserialize)]
struct Pair(u32, u32);

#[derive(Default, Serialize, Deserialize)]
struct Nothing;

refused! {
    a_flattened_struct_is_refused(Flattened): "`#[serde(flatten)]`",
    a_field_with_a_name_of_the_framework_is_refused(Underscored): "`_flashes` begins with `_`",
    a_skipped_field_with_such_a_name_is_refused_too(SkippedUnderscored): "`_id` begins with `_`",
    a_tuple_is_refused(Pair): "does not serialise to a JSON object",
    a_unit_is_refused(Nothing): "does not serialise to a JSON object",
    a_list_is_refused(Vec<u32>): "does not serialise to a JSON object",
    a_map_is_refused(BTreeMap<String, u32>): "name its fields",
}

#[derive(Default, Serialize, Deserialize)]
struct Sparse {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<String>,
    color: String,
}

#[test]
fn a_default_that_is_written_without_a_field_needs_a_default_of_serde() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Sparse)]
    struct SparseSessions {
        backend: SignedCookie,
    }
    let err = SparseSessions { backend: SignedCookie::new(key(1)) }.check().unwrap_err();
    assert!(matches!(err, ConfigError::Data { .. }));
    let text = err.to_string();
    assert!(text.contains("without the field `lines`"), "{text}");
    assert!(text.contains("add `#[serde(default)]` to the struct"), "{text}");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Order {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lines: Vec<String>,
    #[serde(skip_serializing_if = "Order::is_one")]
    copies: u32,
    color: String,
}

impl Default for Order {
    fn default() -> Self {
        Self { lines: Vec::new(), copies: 1, color: "white".to_owned() }
    }
}

impl Order {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature of `skip_serializing_if`")]
    fn is_one(copies: &u32) -> bool {
        *copies == 1
    }
}

#[actix_web::test]
async fn a_field_that_its_default_is_written_without_is_read() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Order, on_decode_error = "error")]
    struct Orders {
        backend: SignedCookie,
    }
    async fn handler(session: Session<Orders>) -> Result<String, SessionError> {
        assert_eq!(session.snapshot()?, Order { color: "red".into(), ..Order::default() });
        session.modify(|order| order.copies = 2)?;
        assert_eq!(session.snapshot()?.copies, 2);
        session.modify(|order| order.copies = 1)?;
        session.remove("color")?;
        assert_eq!(session.snapshot()?, Order::default());
        Ok(session.keys().join(","))
    }
    let orders = Orders { backend: SignedCookie::new(key(1)) };
    let app = init_service(App::new().wrap(orders.clone()).default_service(web::to(handler))).await;
    let client = TestClient::new(&orders);
    let request = seeded(&client, TestRequest::default(), json!({"color": "red"})).await;
    assert_eq!(Answer::of(&app, request).await.body, "");
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    only: u32,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Wrapper(Cart);

#[actix_web::test]
async fn deny_unknown_fields_concerns_the_fields_and_not_the_other_keys() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Strict, on_decode_error = "error")]
    struct StrictSessions {
        backend: SignedCookie,
    }
    async fn handler(session: Session<StrictSessions>) -> Result<String, SessionError> {
        session.modify(|strict| strict.only += 1)?;
        session.read(|strict| strict.only.to_string())
    }
    let sessions = StrictSessions { backend: SignedCookie::new(key(1)) };
    let app =
        init_service(App::new().wrap(sessions.clone()).default_service(web::to(handler))).await;
    let seeded =
        seeded(&TestClient::new(&sessions), TestRequest::default(), json!({"only": 1, "more": 2}))
            .await;
    assert_eq!(Answer::of(&app, seeded).await.body, "2");
}

#[test]
fn a_transparent_wrapper_is_its_struct() {
    #[derive(Clone, SessionInterface)]
    #[session(data = Wrapper)]
    struct Wrapped {
        backend: SignedCookie,
    }
    Wrapped { backend: SignedCookie::new(key(1)) }.check().unwrap();
}
