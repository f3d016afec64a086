//! Limits where a session is written: each write that no longer fits is an error that names limit and key,
//! and what was accepted is saved.

use std::{
    cell::Cell,
    future::ready,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix_web::{App, HttpResponse, test::init_service, web};
use serde::{Deserialize, Serialize, Serializer};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionInterface,
    SessionMiddleware, SessionState, SignedCookie, error::SessionLimit, flask::FlaskCookie,
    test::TestClock,
};
use sessions_tests::{AppSessions, Browser, Mode, key};

type Act = fn(&Session) -> Result<(), SessionError>;

/// Opens the session of one request after the other, and tells how each ended.
struct Client<B: sessions::backend::Backend + Clone> {
    sessions: AppSessions<B>,
    time: TestClock,
    browser: Browser,
}

impl<B: sessions::backend::Backend + Clone> Client<B> {
    fn new(backend: B, config: SessionConfig) -> Self {
        let sessions = AppSessions { backend, config };
        Self { sessions, time: TestClock::new(), browser: Browser::new() }
    }

    /// Runs `act` in a handler. Returns what it returned, and the status of the answer.
    async fn run<T: 'static>(&mut self, act: impl Fn(&Session) -> T + Clone + 'static) -> (T, u16) {
        let told = Rc::new(Cell::new(None));
        let tells = Rc::clone(&told);
        let handler = move |session: Session| {
            tells.set(Some(act(&session)));
            ready(HttpResponse::Ok())
        };
        let sessions = SessionMiddleware::new(self.sessions.clone()).with_clock(self.time.clock());
        let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
        let answer = self.browser.get(&app, "/").await;
        (told.take().expect("it ran"), answer.status.as_u16())
    }
}

fn limit_of(result: Result<(), SessionError>) -> (String, SessionLimit) {
    match result.expect_err("it does not fit") {
        SessionError::TooLarge { key, limit } => (key.into(), limit),
        other => panic!("another error: {other}"),
    }
}

fn store() -> ServerSide<MemoryStore> {
    ServerSide::new(MemoryStore::new())
}

const LONG: usize = 70_000;

/// Each way to write too much, and the key that its error names.
const WRITES: [(&str, Act); 9] = [
    ("k", |session| session.insert("k", "x".repeat(LONG))),
    ("k", |session| session.extend([("j", "x".to_owned()), ("k", "x".repeat(LONG))])),
    ("k", |session| session.extend([("k", "x".repeat(LONG)), ("l", "x".to_owned())])),
    ("k", |session| session.update("k", |_: Option<String>| "x".repeat(LONG)).map(drop)),
    ("k", |session| {
        session.update_with("k", LONG, |length, _: Option<String>| "x".repeat(*length)).map(drop)
    }),
    ("k", |session| session.get_or_insert_with("k", || "x".repeat(LONG)).map(drop)),
    ("_flashes", |session| session.flash("info", "x".repeat(LONG))),
    ("_owner", |session| session.set_owner("x".repeat(LONG))),
    ("k", |session| {
        for _ in 0..LONG {
            session
                .update("k", |text: Option<String>| text.unwrap_or_default() + &"x".repeat(500))?;
        }
        Ok(())
    }),
];

#[actix_web::test]
async fn each_write_that_does_not_fit_is_an_error_there_that_names_limit_and_key() {
    let flask = SessionLimit::Inflated { bytes: FlaskCookie::DEFAULT_MAX_INFLATED };
    let payload = SessionLimit::Payload { bytes: ServerSide::<MemoryStore>::DEFAULT_MAX_PAYLOAD };
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let limit = match mode.name() {
            "Flask" => flask,
            "id" | "signed id" => payload,
            _ => SessionLimit::Cookie,
        };
        for (at, (expected, write)) in WRITES.into_iter().enumerate() {
            let mut client = Client::new(mode.clone(), SessionConfig::new());
            let (result, status) = client.run(move |session| (write(session), session.len())).await;
            assert_eq!(status, 200, "{} {at}", mode.name());
            let (result, keys) = result;
            let told = limit_of(result);
            // The last one is stopped by how much it writes in all, where much fits.
            let is_writes = matches!(told.1, SessionLimit::Writes { .. }) && at == 8;
            assert!(told.1 == limit || is_writes, "{} {at}: {told:?}", mode.name());
            assert_eq!(told.0, expected, "{} {at}", mode.name());
            assert_eq!(keys, usize::from(at == 8), "{} {at}: nothing is written", mode.name());
        }
    }
}

#[test]
fn the_error_says_what_is_exceeded_and_what_to_do() {
    let text = |limit| SessionError::TooLarge { key: "k".into(), limit }.to_string();
    for (limit, expected) in [
        (
            SessionLimit::Cookie,
            "the cookie's name and value would have more than 4096 bytes; store less, or keep sessions on the server",
        ),
        (
            SessionLimit::Payload { bytes: 7 },
            "it would have more than 7 bytes of JSON; store less, or raise `with_max_payload`",
        ),
        (
            SessionLimit::Inflated { bytes: 7 },
            "it would have more than 7 bytes of JSON; store less, or raise `with_max_inflated`",
        ),
        (
            SessionLimit::Keys { keys: 7 },
            "it would have more than 7 keys; keep a list or a map under one key, or raise `with_max_keys`",
        ),
        (
            SessionLimit::Writes { bytes: 7 },
            "this request would have written more than 7 bytes, counting what it wrote over; write each key once",
        ),
    ] {
        assert_eq!(text(limit), format!("`k` does not fit in the session: {expected}"));
    }
}

/// Whatever the framework adds when it saves: what fits at `insert` is saved, to the byte.
#[actix_web::test]
async fn what_was_accepted_is_saved_to_the_byte() {
    let day = Duration::from_secs(86_400);
    let configs: [fn() -> SessionConfig; 4] = [
        SessionConfig::new,
        || SessionConfig::new().permanent(true),
        || SessionConfig::new().absolute_timeout(Duration::from_secs(86_400)),
        || SessionConfig::new().permanent(true).absolute_timeout(Duration::from_secs(86_400)),
    ];
    let befores: [Act; 4] = [
        |_| Ok(()),
        |session| session.set_owner("alice"),
        |session| session.set_permanent(true),
        |session| session.clear().and_then(|()| session.insert("é\"\n", 1)),
    ];
    let mut saved = 0;
    let mut modes: Vec<_> = Mode::in_cookie(key(1)).into_iter().collect();
    modes.push(SignedCookie::new(key(1)).revocable(MemoryStore::new()).into());
    modes.push(Mode::Id(store().with_max_payload(500)));
    for mode in modes {
        for config in configs {
            for before in befores {
                // In the second request the token has a number, except the time went on.
                for pause in [Duration::ZERO, day / 2] {
                    let mut client = Client::new(mode.clone(), config());
                    client.run(|session| session.insert("a", 1).expect("it fits")).await;
                    client.time.advance(pause);
                    let fill = move |session: &Session| {
                        before(session).expect("it fits");
                        let fits = |length: usize| session.insert("k", "x".repeat(length)).is_ok();
                        let (mut fitting, mut too_long) = (0, 4_096);
                        while fitting + 1 < too_long {
                            let middle = usize::midpoint(fitting, too_long);
                            if fits(middle) { fitting = middle } else { too_long = middle }
                        }
                        assert!(fits(fitting) && !fits(fitting + 1));
                        fitting
                    };
                    let (length, status) = client.run(fill).await;
                    assert!(length > 300, "{length}");
                    assert_eq!(status, 200, "{} {length} {pause:?}", mode.name());
                    let read = |session: &Session| session.get::<String>("k").expect("a text");
                    let (text, _) = client.run(read).await;
                    assert_eq!(text.map(|text| text.len()), Some(length), "{}", mode.name());
                    saved += 1;
                }
            }
        }
    }
    assert_eq!(saved, 4 * 4 * 4 * 2);
}

#[actix_web::test]
async fn what_is_removed_makes_room() {
    for mode in Mode::all(key(1)) {
        let mut client = Client::new(mode.clone(), SessionConfig::new());
        let length = if mode.name().contains("id") { 65_000 } else { 2_900 };
        let moved = move |session: &Session| {
            session.insert("a", "x".repeat(length))?;
            assert!(session.insert("b", "x".repeat(length)).is_err());
            session.insert("a", "y".repeat(length))?;
            session.remove("a")?;
            session.insert("b", "x".repeat(length))?;
            session.clear()?;
            session.extend([("c", "x".repeat(length))])?;
            session.extend([("c", "y".repeat(length))])?;
            session.take::<String>("c")?;
            session.insert("d", "x".repeat(length))
        };
        let (result, status) = client.run(moved).await;
        assert_eq!(
            (result.map_err(|err| err.to_string()), status),
            (Ok(()), 200),
            "{}",
            mode.name()
        );
        let (keys, _) = client.run(|session: &Session| session.keys()).await;
        assert_eq!(keys, ["d"], "{}", mode.name());
    }
}

#[actix_web::test]
async fn a_session_above_the_limit_is_read_and_written_as_long_as_it_does_not_grow() {
    let memory = MemoryStore::new();
    let mut client = Client::new(ServerSide::new(memory.clone()), SessionConfig::new());
    let fill = |session: &Session| {
        session.extend((0..20).map(|n| (format!("k{n}"), "0123456789"))).expect("it fits");
    };
    client.run(fill).await;
    let smaller = ServerSide::new(memory.clone()).with_max_payload(100).with_max_keys(5);
    client.sessions = AppSessions { backend: smaller, config: SessionConfig::new() };
    let (result, status) = client
        .run(|session| {
            assert_eq!(session.len(), 20);
            let (key, limit) = limit_of(session.insert("new", 1));
            assert_eq!((key.as_str(), limit), ("new", SessionLimit::Payload { bytes: 100 }));
            let (key, _) = limit_of(session.insert("k3", "0123456789x"));
            assert_eq!(key, "k3");
            session.insert("k3", "9876543210").and_then(|()| session.remove("k4").map(drop))
        })
        .await;
    assert_eq!((result.map_err(|err| err.to_string()), status), (Ok(()), 200));
    let (kept, _) =
        client.run(|session: &Session| (session.len(), session.get("k3").unwrap())).await;
    assert_eq!(kept, (19, Some("9876543210".to_owned())));
}

#[actix_web::test]
async fn keys_are_limited() {
    let mut client = Client::new(store().with_max_keys(3), SessionConfig::new());
    let (told, status) = client
        .run(|session| {
            session.extend([("a", 1), ("b", 1), ("c", 1)]).expect("three");
            session.insert("a", 2).expect("three");
            let told = limit_of(session.insert("d", 1));
            assert_eq!(limit_of(session.extend([("a", 1), ("e", 1)])).0, "e");
            session.remove("a").expect("two");
            session.insert("d", 1).expect("three");
            told
        })
        .await;
    assert_eq!((told, status), (("d".to_owned(), SessionLimit::Keys { keys: 3 }), 200));
    let mut client = Client::new(store(), SessionConfig::new());
    let (told, _) = client
        .run(|session| {
            let entries = (0..100_000).map(|n| (format!("{n}"), 1));
            limit_of(session.extend(entries).and_then(|()| session.clear())).1
        })
        .await;
    assert!(matches!(told, SessionLimit::Payload { .. } | SessionLimit::Keys { .. }), "{told:?}");
}

/// Counts how often it is written.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        serializer.serialize_str("0123456789")
    }
}

#[actix_web::test]
async fn no_more_is_encoded_than_fits() {
    for (mode, most) in
        [(Mode::from(SignedCookie::new(key(1))), 4_096 / 12), (Mode::Id(store()), 65_536 / 12)]
    {
        let mut client = Client::new(mode, SessionConfig::new());
        let (counts, _) = client
            .run(|session| {
                let counted = Counted::default();
                let entries = (0..100_000).map(|n| (format!("{n}"), counted.clone()));
                limit_of(session.extend(entries));
                let entries = counted.0.swap(0, Ordering::SeqCst);
                limit_of(session.insert("k", vec![counted.clone(); 100_000]));
                let elements = counted.0.swap(0, Ordering::SeqCst);
                assert!(session.is_empty());
                [entries, elements]
            })
            .await;
        assert!(counts.iter().all(|count| (100..=most).contains(count)), "{counts:?} {most}");
    }
}

#[derive(Default, Serialize, Deserialize)]
struct Data {
    small: String,
    text: String,
}

#[derive(Clone, SessionInterface)]
#[session(data = Data)]
struct DataSessions {
    backend: SignedCookie,
}

#[actix_web::test]
async fn typed_data_is_limited_and_changes_as_a_whole() {
    let handler = |session: Session<DataSessions>| {
        let modify = |length: usize| {
            session.modify(move |data| {
                data.small = "set".into();
                data.text = "x".repeat(length);
            })
        };
        let (key, limit) = limit_of(modify(5_000));
        assert_eq!((key.as_str(), limit), ("text", SessionLimit::Cookie));
        assert_eq!(session.snapshot().expect("its data").small, "");
        modify(1_000).expect("it fits");
        ready(HttpResponse::Ok())
    };
    let sessions = DataSessions { backend: SignedCookie::new(key(1)) };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(handler))).await;
    assert_eq!(Browser::new().get(&app, "/").await.status, 200);
}

/// A request that writes without end is refused, whatever it writes, and what it wrote until then is saved.
#[actix_web::test]
async fn what_a_request_writes_in_all_is_limited() {
    let writes: [Act; 8] = [
        Session::clear,
        |session| session.insert("k", session.len()),
        |session| session.insert("k", 1).and_then(|()| session.insert("j", 2)),
        |session| session.update("k", |n: Option<u32>| n.unwrap_or(0) + 1).map(drop),
        |session| session.insert("k", 1).and_then(|()| session.clear()),
        |session| session.insert("k", 1).and_then(|()| session.take::<u32>("k").map(drop)),
        |session| session.remove("k").map(drop),
        |session| session.set_owner("alice").and_then(|()| session.set_owner("bob")),
    ];
    for mode in [Mode::from(SignedCookie::new(key(1))), Mode::Id(store())] {
        for (at, write) in writes.into_iter().enumerate() {
            let mut client = Client::new(mode.clone(), SessionConfig::new());
            client.run(|session| session.insert("kept", 1).expect("it fits")).await;
            let (told, status) = client
                .run(move |session| {
                    let written = (0..1_000_000).find_map(|n| Some((n, write(session).err()?)));
                    let (times, err) = written.expect("it is refused");
                    (times, limit_of(Err(err)).1)
                })
                .await;
            let (times, limit) = told;
            assert!((1_000..20_000).contains(&times), "{} {at}: {times}", mode.name());
            assert_eq!(limit, SessionLimit::Writes { bytes: 512 * 1_024 }, "{at}");
            assert_eq!(status, 200, "{} {at}", mode.name());
        }
    }
}

#[actix_web::test]
async fn a_thousand_messages_are_added_in_one_request() {
    let mut client = Client::new(store(), SessionConfig::new());
    let add = |session: &Session| {
        (0..1_000).try_for_each(|n| session.flash("error", format!("row {n} is wrong")))
    };
    let (added, status) = client.run(add).await;
    assert_eq!((added.map_err(|err| err.to_string()), status), (Ok(()), 200));
    let (messages, _) = client.run(|session: &Session| session.take_flashes().unwrap()).await;
    assert_eq!(messages.len(), 1_000);
    assert_eq!(messages[999], ("error".to_owned(), "row 999 is wrong".to_owned()));
}

#[test]
fn a_backend_of_another_crate_sets_its_limit() {
    let mut state = SessionState::new();
    state.insert("a", &"x".repeat(100_000)).expect("there is no limit");
    let mut state = SessionState::new();
    state.limit_payload(20);
    state.insert("a", &"0123456789").expect("18 bytes");
    assert_eq!(state.to_json().len(), 18);
    assert_eq!(limit_of(state.insert("b", &1)).1, SessionLimit::Payload { bytes: 20 });
    state.insert("a", &"0123456789ab").expect("20 bytes");
}
