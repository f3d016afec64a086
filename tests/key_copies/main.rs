//! Keys leave no copies: whatever is made of a key and dropped, no block of memory that was freed on
//! the way holds a piece of it, in any form.

use std::{env, fs, path::PathBuf, process::Command, sync::Arc};

use actix_web::{
    App, HttpResponse,
    http::header::{COOKIE, SET_COOKIE},
    rt::System,
    test::{TestRequest, call_service, init_service},
    web,
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sessions::{
    EncryptedCookie, KeyRing, MemoryStore, SecretKey, ServerSide, Session, SessionConfig,
    SessionInterface, SharedKeys, SignedCookie,
    backend::Backend,
    flask::{FlaskCookie, HashAlgorithm, KeyDerivation},
    import::ActixSessionKey,
};
use sessions_key_copies_tests::{Forms, Keeper, escaped, freed_by, hex};
use sha1::{Digest, Sha1};
use sha2::{Sha256, block_api::compress256};

#[global_allocator]
static KEEPER: Keeper = Keeper;

/// Keys as people have them: a text that JSON escapes, and bytes that are no text.
const TEXT: &str = "Zk3v\"Q8rT1y\\Wn5LxB7dGmPc0HsJf9aEu2é-iK4o";
const OLD_TEXT: &str = "q7Yp2MsX9c/Vb4NhK6tRw1ZgUe8LaDj3F+0mB5xC";
const BYTES: [u8; 32] = *b"\xd1\x3f\x00\x77\x9c\x21\xe5\x4a\x08\xbb\x66\xf2\x1d\x93\xc0\x5e\
    \x84\x39\xaf\x12\x70\xdd\x4b\x26\xf9\x81\x35\xce\x0a\x57\xe8\x62";
/// Too short for a key, and still a secret.
const SHORT: &str = "Zk3vQ8rT1yWn5LxB7dGm";

/// Looks for copies after each call.
#[derive(Default)]
struct Search {
    calls: usize,
    found: Vec<String>,
}

impl Search {
    fn after(&mut self, what: &str, forms: &Forms, call: impl FnOnce()) {
        let freed = freed_by(call);
        assert!(!freed.is_empty(), "{what}: nothing was freed");
        self.calls += 1;
        let copies = forms.found_in(&freed);
        if !copies.is_empty() {
            self.found.push(format!("{what}: {copies:?}"));
        }
    }

    fn end(self) {
        println!("{} calls, {} of which leave pieces of a key", self.calls, self.found.len());
        assert!(self.found.is_empty(), "{}", self.found.join("\n"));
    }
}

fn forms(keys: &[&[u8]]) -> Forms {
    let mut forms = Forms::default();
    for key in keys {
        forms.add_key(key);
    }
    forms
}

/// Shows an error, as a program that cannot go on does.
fn show<T, E: std::error::Error>(result: Result<T, E>) {
    let err = result.err().expect("an error");
    let shown = format!("{err} {err:?} {err:#?}");
    for key in [TEXT, OLD_TEXT, SHORT] {
        assert!(!shown.contains(&key[..8]), "{shown}");
    }
}

#[test]
fn a_piece_of_a_key_is_found_in_every_form() {
    let forms = Forms::of(TEXT.as_bytes());
    let find = |leave: &dyn Fn()| forms.found_in(&freed_by(leave)).into_keys().collect::<Vec<_>>();
    let quarter = TEXT.len() / 4;
    for (leave, expected) in [
        (&(|| drop(TEXT.to_owned())) as &dyn Fn(), "as it is"),
        (&|| drop(TEXT[..quarter].to_owned()), "as it is"),
        (&|| drop(format!("\0{}\0", &TEXT[quarter..2 * quarter])), "as it is"),
        (&|| drop(Arc::new(*TEXT.as_bytes().first_chunk::<32>().expect("32"))), "as it is"),
        (&|| drop(TEXT.to_ascii_lowercase()), "lower case"),
        (&|| drop(hex(TEXT.as_bytes())), "hexadecimal"),
        (&|| drop(format!("x{}", STANDARD.encode(TEXT))), "base64"),
        (&|| drop(STANDARD.encode(format!("..{TEXT}"))), "base64"),
        (&|| drop(json!([TEXT]).to_string()), "JSON"),
        (&|| drop(format!("{:?}", TEXT.as_bytes())), "a list of numbers"),
        (&|| drop(TEXT.bytes().map(|byte| byte ^ 0x5c).collect::<Vec<_>>()), "padded for HMAC"),
        // What grows is moved.
        (&|| std::mem::forget(TEXT.chars().collect::<String>()), "as it is"),
    ] {
        let found = find(leave);
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
    assert!(find(&|| drop("nothing of the key, but long enough".repeat(3))).is_empty());
}

#[test]
fn constructors_leave_no_copy() {
    let mut search = Search::default();
    let text = Forms::of(TEXT.as_bytes());
    let mut roomy = String::with_capacity(500);
    roomy.push_str(TEXT);
    search.after("from_bytes, a text", &text, || drop(SecretKey::from_bytes(TEXT)));
    search.after("from_bytes, a string", &text, || drop(SecretKey::from_bytes(roomy)));
    let boxed: Box<[u8]> = TEXT.as_bytes().into();
    search.after("from_bytes, a box", &text, || drop(SecretKey::from_bytes(boxed)));
    search.after("for_interoperation", &text, || drop(SecretKey::for_interoperation(TEXT)));
    let short = Forms::of(SHORT.as_bytes());
    search.after("from_bytes, too short", &short, || show(SecretKey::from_bytes(SHORT)));
    let repeated = SHORT[..16].repeat(3);
    search.after("from_bytes, weak", &short, || show(SecretKey::from_bytes(&*repeated)));
    let placeholder = b"Please-Change-Me: insecure key, 3a9xq".as_slice();
    search.after("from_bytes, a placeholder", &Forms::of(placeholder), || {
        show(SecretKey::from_bytes(placeholder));
    });

    let bytes = forms(&[&BYTES, TEXT.as_bytes()]);
    for (what, text) in [
        ("from_hex", hex(&BYTES)),
        ("from_hex, upper case", hex(&BYTES).to_uppercase()),
        ("from_hex of a text", hex(TEXT.as_bytes())),
    ] {
        search.after(what, &bytes, || drop(SecretKey::from_hex(&text)));
        search.after("from_hex, cut", &bytes, || show(SecretKey::from_hex(&text[1..])));
        search.after("from_hex, cut short", &bytes, || show(SecretKey::from_hex(&text[..62])));
        let spoiled = format!("{}zz", &text[..62]);
        search.after("from_hex, spoiled", &bytes, || show(SecretKey::from_hex(&spoiled)));
    }
    for text in [STANDARD.encode(BYTES), STANDARD_NO_PAD.encode(BYTES), URL_SAFE.encode(TEXT)] {
        search.after("from_base64", &bytes, || drop(SecretKey::from_base64(&text)));
        let spoiled = format!("{}!", &text[..42]);
        search.after("from_base64, spoiled", &bytes, || show(SecretKey::from_base64(&spoiled)));
        search.after("from_base64, short", &bytes, || show(SecretKey::from_base64(&text[..40])));
    }

    let master: Vec<u8> = (0..80_u8).map(|at| at.wrapping_mul(151) ^ 0x5a).collect();
    let forms = Forms::of(&master);
    search.after("ActixSessionKey", &forms, || {
        drop(ActixSessionKey::from_bytes(&master));
        drop(ActixSessionKey::for_interoperation(&master));
        drop(ActixSessionKey::derive_from(&master));
        drop(format!("{:?}", ActixSessionKey::from_bytes(&master)));
    });
    search.end();
}

#[test]
fn a_development_key_leaves_no_copy_when_it_is_made_and_when_it_is_read() {
    let mut search = Search::default();
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("key_copies");
    drop(fs::remove_dir_all(&folder));
    let path = folder.join("session.key");
    let freed = freed_by(|| drop(SecretKey::for_development(&path).expect("it is made")));
    let text = fs::read_to_string(&path).expect("it is there");
    let key = URL_SAFE.decode(format!("{}=", text.trim_end())).expect("it is base64");
    let forms = Forms::of(&key);
    assert_eq!(forms.found_in(&freed).len(), 0, "{:?}", forms.found_in(&freed));
    search.after("it is read", &forms, || drop(SecretKey::for_development(&path)));
    let other = folder.join("text.key");
    fs::copy(&path, &other).expect("a copy");
    fs::write(&other, format!("{}!", text.trim_end())).expect("it is written");
    search.after("it is spoiled", &forms, || show(SecretKey::for_development(&other)));
    search.end();
}

#[test]
fn clones_rings_and_what_shows_them_leave_no_copy() {
    let mut search = Search::default();
    let forms = forms(&[TEXT.as_bytes(), OLD_TEXT.as_bytes()]);
    search.after("a ring", &forms, || {
        let key = SecretKey::from_bytes(TEXT).expect("a key");
        let old = SecretKey::from_bytes(OLD_TEXT).expect("a key");
        let ring = KeyRing::new(key.clone()).with_fallback(old.clone()).with_next(key.clone());
        let keys = SharedKeys::new(ring.clone());
        let config = SessionConfig::new().secret_key(key.clone()).secret_key_fallback(old.clone());
        let config = config.secret_key_next(key.clone());
        let shown = format!("{key:?} {ring:?} {keys:?} {config:?} {:?} {config:#?}", keys.uses());
        assert!(!shown.contains(&TEXT[..4]) && !shown.contains(&OLD_TEXT[..4]), "{shown}");
        keys.replace(ring);
        keys.replace(old);
        keys.replace(KeyRing::new(key));
    });
    search.end();
}

// The configuration.

fn fallbacks() -> String {
    json!([OLD_TEXT, TEXT]).to_string()
}

/// The same list, with every character as an escape.
fn escaped_fallbacks() -> String {
    format!(r#"["{}","{}"]"#, escaped(OLD_TEXT), escaped(TEXT))
}

#[test]
fn readers_of_the_configuration_leave_no_copy() {
    let mut search = Search::default();
    let mut forms = forms(&[TEXT.as_bytes(), OLD_TEXT.as_bytes()]);
    let (list, escaped) = (fallbacks(), escaped_fallbacks());
    for text in [&list, &escaped] {
        forms.add("the list of fallbacks", text.as_bytes());
    }
    for fallbacks in [list.as_str(), &escaped, "[\"\", 1, null]", OLD_TEXT, &list[..70], "[\"x\""] {
        let vars = [("SECRET_KEY", TEXT), ("SECRET_KEY_FALLBACKS", fallbacks)];
        search.after("from_vars", &forms, || drop(SessionConfig::from_vars(vars)));
        search.after("from_flask_vars", &forms, || drop(SessionConfig::from_flask_vars(vars)));
    }
    let quoted = json!(TEXT).to_string();
    for key in [quoted.as_str(), &list, &escaped, &format!("{{\"a\":{list}}}")] {
        let vars = [("SECRET_KEY", key)];
        search.after("from_flask_vars", &forms, || drop(SessionConfig::from_flask_vars(vars)));
    }
    // A key where something else belongs.
    let names = ["SESSION_COOKIE_SECURE", "PERMANENT_SESSION_LIFETIME", "SESSION_COOKIE_SAMESITE"];
    for name in names {
        let vars = [(name, TEXT)];
        search.after("a misplaced key", &forms, || show(SessionConfig::from_vars(vars)));
        let vars = [(name, list.as_str())];
        search.after("misplaced keys", &forms, || show(SessionConfig::from_vars(vars)));
    }

    // What a parser of files hands over, it gives up or lends.
    let plain = OLD_TEXT.replace('"', "");
    let file = format!(r#"{{"secret_key":"{plain}","secret_key_fallbacks":["{plain}"]}}"#);
    let read = |text: &str| serde_json::from_str::<SessionConfig>(text);
    search.after("a file", &forms, || drop(read(&file).expect("a configuration")));
    let value = json!({"secret_key": TEXT, "secret_key_next": OLD_TEXT, "secret_key_fallbacks": [OLD_TEXT, TEXT]});
    let from_value = |value: Value| serde_json::from_value::<SessionConfig>(value);
    let copy = value.clone();
    search.after("values", &forms, || drop(from_value(copy).expect("a configuration")));
    for wrong in [
        json!({"secret_key": [TEXT, OLD_TEXT]}),
        json!({"secret_key": TEXT, "secret_key_fallbacks": OLD_TEXT}),
        json!({"secret_key": &TEXT[..20]}),
        json!({"secret_key_next": [TEXT]}),
        json!({"secret_key_next": &TEXT[..20]}),
        json!({"secret_key_fallbacks": [TEXT, &OLD_TEXT[..20], OLD_TEXT]}),
        json!({"cookie_secure": TEXT}),
        json!({"cookie_samesite": TEXT}),
        json!({"cookie_samesite": [TEXT]}),
    ] {
        search.after("wrong values", &forms, || drop(from_value(wrong).expect_err("a problem")));
    }
    search.end();
}

const PREFIX: &str = "KEY_COPIES_TESTS_";

#[test]
#[ignore = "run by the test below, with an environment of its own"]
fn reads_the_environment() {
    let Some(wrong) = env::var_os(format!("{PREFIX}WRONG")) else { return };
    let mut search = Search::default();
    let mut forms = forms(&[TEXT.as_bytes(), OLD_TEXT.as_bytes(), SHORT.as_bytes()]);
    forms.add("the list of fallbacks", fallbacks().as_bytes());
    forms.add("not UTF-8", wrong.as_encoded_bytes());
    let variable = |name: &str| format!("{PREFIX}{name}");
    let wrong = variable("WRONG");
    search.after("from_env", &forms, || drop(SecretKey::from_env(&variable("SECRET_KEY"))));
    search.after("from_env, short", &forms, || show(SecretKey::from_env(&variable("SHORT"))));
    search.after("from_env, no text", &forms, || drop(SecretKey::from_env(&wrong)));
    search.after("the configuration", &forms, || {
        SessionConfig::from_prefixed_env(PREFIX).expect("right values");
    });
    search.after("the configuration of Flask", &forms, || {
        SessionConfig::from_flask_prefixed_env(PREFIX).expect("right values");
    });
    search.after("the configuration of Flask, quoted", &forms, || {
        SessionConfig::from_flask_prefixed_env(&variable("QUOTED_")).expect("right values");
    });
    for prefix in ["BROKEN_", "PART_", "WRONG_KEY_"] {
        search.after("the configuration of Flask, wrong", &forms, || {
            show(SessionConfig::from_flask_prefixed_env(&variable(prefix)));
        });
    }
    search.after("a configuration that is not UTF-8", &forms, || {
        show(SessionConfig::from_prefixed_env(&variable("BROKEN_")));
    });
    search.end();
}

#[cfg(unix)]
#[test]
fn the_environment_leaves_no_copy() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};

    let broken = || OsString::from_vec([b"\xff\xfe", OLD_TEXT.as_bytes()].concat());
    let texts = [
        ("SECRET_KEY", TEXT.to_owned()),
        ("SECRET_KEY_FALLBACKS", fallbacks()),
        ("SHORT", SHORT.to_owned()),
        ("QUOTED_SECRET_KEY", json!(TEXT).to_string()),
        ("QUOTED_SECRET_KEY_FALLBACKS", escaped_fallbacks()),
        ("PART_SECRET_KEY_FALLBACKS__0", OLD_TEXT.to_owned()),
        ("WRONG_KEY_SECRET_KEY", fallbacks()),
    ];
    let variables = texts.into_iter().map(|(name, text)| (name, text.into()));
    let variables = variables.chain([("BROKEN_SECRET_KEY", broken()), ("WRONG", broken())]);
    let output = Command::new(env::current_exe().expect("the path of this test"))
        .args(["reads_the_environment", "--exact", "--ignored", "--nocapture"])
        .envs(variables.map(|(name, text)| (format!("{PREFIX}{name}"), text)))
        .output()
        .expect("this test can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{errors}");
}

// What is derived.

#[derive(Clone, SessionInterface)]
struct AppSessions<B: Backend> {
    backend: B,
}

/// Writes a session and reads it again.
fn use_backend<B: Backend + Clone>(system: &actix_web::rt::SystemRunner, backend: B) {
    async fn visit(session: Session) -> HttpResponse {
        session.update("visits", |visits: Option<u32>| visits.unwrap_or_default() + 1).expect("ok");
        HttpResponse::Ok().finish()
    }
    system.block_on(async {
        let app = App::new().wrap(AppSessions { backend }).default_service(web::to(visit));
        let app = init_service(app).await;
        let first = call_service(&app, TestRequest::default().to_request()).await;
        let cookie = first.headers().get(SET_COOKIE).expect("a cookie").to_str().expect("ASCII");
        let pair = cookie.split(';').next().expect("a pair").to_owned();
        let again = TestRequest::default().insert_header((COOKIE, pair)).to_request();
        assert!(call_service(&app, again).await.status().is_success());
    });
}

fn hmac<M: Mac + KeyInit>(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Adds what HMAC with SHA-256 keeps of a key of at most 64 bytes.
fn add_states(forms: &mut Forms, key: &[u8]) {
    for pad in [0x36, 0x5c] {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(pad, byte)| *pad ^= byte);
        let mut state = [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ];
        compress256(&mut state, &[block]);
        let bytes: Vec<u8> = state.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
        forms.add("the state of HMAC", &bytes);
    }
}

#[test]
fn backends_leave_no_copy_of_their_keys_and_of_what_they_derive() {
    let system = System::new();
    let mut search = Search::default();
    let mut forms = Forms::default();
    for key in [TEXT.as_bytes(), OLD_TEXT.as_bytes()] {
        forms.add_key(key);
        let salts = ["sessions.signed-cookie.session", "sessions.server-side.session"];
        let prk = hmac::<Hmac<Sha256>>(b"sessions.encrypted-cookie", key);
        let derived = salts.map(|salt| hmac::<Hmac<Sha256>>(key, salt.as_bytes()));
        for derived in derived.into_iter().chain([prk]) {
            forms.add_key(&derived);
            add_states(&mut forms, &derived);
        }
        add_states(&mut forms, key);
        forms.add_key(&hmac::<Hmac<Sha1>>(key, b"cookie-session"));
        forms.add_key(&hmac::<Hmac<Sha256>>(key, b"cookie-session"));
        forms.add_key(&Sha1::digest([b"cookie-session", key].concat()));
        forms.add_key(&Sha1::digest([b"cookie-session", b"signer".as_slice(), key].concat()));
    }
    let ring = || {
        let key = |text| SecretKey::from_bytes(text).expect("a key");
        SharedKeys::new(KeyRing::new(key(TEXT)).with_fallback(key(OLD_TEXT)))
    };
    // What is made once for the process.
    let first = SecretKey::generate();
    use_backend(&system, SignedCookie::new(first.clone()));
    use_backend(&system, FlaskCookie::new(first.clone()));
    use_backend(&system, EncryptedCookie::new(first.clone()));
    use_backend(&system, ServerSide::new(MemoryStore::new()).signed(first));

    search.after("SignedCookie", &forms, || use_backend(&system, SignedCookie::new(ring())));
    search.after("EncryptedCookie", &forms, || use_backend(&system, EncryptedCookie::new(ring())));
    search.after("ServerSide", &forms, || {
        use_backend(&system, ServerSide::new(MemoryStore::new()).signed(ring()));
    });
    search.after("keys that are replaced", &forms, || {
        let keys = ring();
        let backend = SignedCookie::new(keys.clone());
        use_backend(&system, backend.clone());
        keys.replace(SecretKey::generate());
        use_backend(&system, backend);
    });
    search.after("the configuration", &forms, || {
        let config = SessionConfig::new().keys(ring());
        use_backend(&system, FlaskCookie::from_config(&config));
    });
    for digest in HashAlgorithm::ALL {
        for derivation in KeyDerivation::ALL {
            let what = format!("FlaskCookie, {} and {}", digest.name(), derivation.name());
            search.after(&what, &forms, || {
                let backend = FlaskCookie::new(ring());
                let backend = backend.with_hash(*digest).with_key_derivation(*derivation);
                use_backend(&system, backend);
            });
        }
    }
    search.end();
}
