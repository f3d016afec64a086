//! Secret keys: where they come from, and which are refused.

use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Barrier,
    thread,
};

use actix_web::{http::header::COOKIE, test::TestRequest};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use serde_json::json;
use sessions::{
    SecretKey, SessionConfig,
    error::KeyError,
    test::{TestClient, TestClock},
};
use sessions_tests::{ConfiguredSessions, Logged, seeded};
use tracing::Level;

const STRONG: &str = "Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2";
const ADVICE: &str = "make one with `openssl rand -base64 48`";

/// The token of one session at one time: equal for equal keys.
fn fingerprint(key: SecretKey) -> String {
    let sessions = ConfiguredSessions { config: SessionConfig::new().secret_key(key) };
    let client = TestClient::with_clock(&sessions, TestClock::new().clock());
    let seeded = actix_web::rt::System::new()
        .block_on(seeded(&client, TestRequest::default(), json!({"a": 1})))
        .to_http_request();
    seeded.headers().get(COOKIE).expect("a cookie").to_str().expect("ASCII").to_owned()
}

#[test]
fn weak_keys_are_refused_with_a_text_that_says_what_to_do() {
    let placeholders = [
        "change-me-please-change-me-now-please",
        "your-secret-key-here-your-secret-key-here",
        "replace this with a long random secret key",
        "insecure-development-key-do-not-use-this",
        "PASSWORD password PASSWORD password 123456",
        "the default secret key must be changed",
        "django-insecure-secret-key-for-testing!",
        "test_key_test_key_for_the_example_app_123",
    ];
    let consecutive: Vec<u8> = (0..32).collect();
    let downwards: Vec<u8> = (100..140).rev().collect();
    let repeated: [Vec<u8>; 7] = [
        vec![0; 32],
        vec![0xff; 64],
        vec![b'a'; 1_000],
        b"ab".repeat(16),
        b"q7!".repeat(11),
        STRONG.as_bytes()[..15].repeat(3),
        STRONG.as_bytes()[..16].repeat(2),
    ];
    let because = [
        ("it repeats a short pattern", repeated.to_vec()),
        ("its bytes are consecutive", vec![consecutive, downwards]),
        ("it is made of words from examples", placeholders.map(Vec::from).to_vec()),
    ];
    for (reason, keys) in because {
        for key in keys {
            let shown = String::from_utf8_lossy(&key).into_owned();
            let err = SecretKey::from_bytes(key).expect_err(&shown);
            assert!(matches!(err, KeyError::Weak { .. }), "{shown}");
            assert_eq!(err.to_string(), format!("the key is weak: {reason}; {ADVICE}"), "{shown}");
        }
    }
    for length in [0, 1, 16, 31] {
        let err = SecretKey::from_bytes(&STRONG.as_bytes()[..length]).unwrap_err();
        let expected = format!("the key has {length} bytes and needs at least 32; {ADVICE}");
        assert_eq!(err.to_string(), expected);
    }
    assert!(SecretKey::from_bytes(STRONG).is_ok());
}

#[test]
fn weak_keys_are_refused_in_every_encoding() {
    let zeros = "00".repeat(32);
    assert!(matches!(SecretKey::from_hex(&zeros), Err(KeyError::Weak { .. })));
    assert!(matches!(SecretKey::from_hex(&zeros[2..]), Err(KeyError::TooShort { length: 31, .. })));
    assert!(matches!(SecretKey::from_hex(""), Err(KeyError::TooShort { length: 0, .. })));
    assert!(matches!(SecretKey::from_base64(&"A".repeat(44)), Err(KeyError::Weak { .. })));
    assert!(matches!(
        SecretKey::from_base64("c2VjcmV0"),
        Err(KeyError::TooShort { length: 6, .. })
    ));
}

#[test]
fn hex_and_base64_of_the_same_bytes_are_the_same_key() {
    let hex = "5a6b3376513872543179576e354c78423764476d50633048734a663961457532";
    let base64 = "WmszdlE4clQxeVduNUx4QjdkR21QYzBIc0pmOWFFdTI";
    let expected = fingerprint(SecretKey::from_bytes(STRONG).unwrap());
    for key in [
        SecretKey::from_hex(hex),
        SecretKey::from_hex(&hex.to_uppercase()),
        SecretKey::from_base64(base64),
        SecretKey::from_base64(&format!("{base64}=")),
    ] {
        assert_eq!(fingerprint(key.unwrap()), expected);
    }
    assert_ne!(fingerprint(SecretKey::from_bytes(hex).unwrap()), expected);
}

#[test]
fn both_alphabets_of_base64_are_read_and_not_mixed() {
    let bytes = [b"\xfb\xff\xbf", STRONG.as_bytes()].concat();
    let (standard, url_safe) = (STANDARD.encode(&bytes), URL_SAFE.encode(&bytes));
    assert!(standard.starts_with("+/+/") && url_safe.starts_with("-_-_"));
    let expected = fingerprint(SecretKey::from_bytes(bytes).unwrap());
    for text in [&standard, &url_safe] {
        assert_eq!(fingerprint(SecretKey::from_base64(text).unwrap()), expected);
    }
    for text in [standard.replacen('+', "-", 1), format!("{standard}\n"), "not base64!".to_owned()]
    {
        let err = SecretKey::from_base64(&text).unwrap_err();
        assert_eq!(err.to_string(), "the key is not base64", "{text:?}");
    }
}

#[test]
fn generated_keys_are_strong_and_different() {
    let keys = [SecretKey::generate(), SecretKey::generate(), SecretKey::try_generate().unwrap()];
    let [one, two, three] = keys.map(fingerprint);
    assert!(one != two && two != three && three != one);
}

// The environment.

const VARIABLE: &str = "SESSIONS_TESTS_KEY";

#[test]
#[ignore = "run by the tests below, each with an environment of its own"]
fn prints_what_the_variable_gives() {
    match SecretKey::from_env(VARIABLE) {
        Ok(key) => println!("\nkey: {}", fingerprint(key)),
        Err(err) => println!("\nerror: {err}"),
    }
}

/// Runs the test above in a process of its own, where the variable has this value.
fn from_env(value: Option<&OsStr>) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this file's program"));
    let test = "keys::prints_what_the_variable_gives";
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    match value {
        Some(value) => command.env(VARIABLE, value),
        None => command.env_remove(VARIABLE),
    };
    let output = command.stderr(Stdio::inherit()).output().expect("it runs");
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).expect("text");
    let line = output.lines().find(|line| line.starts_with("key: ") || line.starts_with("error: "));
    line.expect("a line about the key").to_owned()
}

#[test]
fn a_key_from_the_environment_is_its_bytes_as_they_are() {
    let hex = "3d6f45a5fc12445dbac2f59c3b6c7cb1d1c0b8a7e2f4936d5b8a7c6e9f012345";
    for text in [STRONG, hex, " Zk3vQ8rT1yWn5LxB7dGmPc0HsJf9aEu2=\n"] {
        let expected = fingerprint(SecretKey::from_bytes(text).unwrap());
        assert_eq!(from_env(Some(OsStr::new(text))), format!("key: {expected}"));
    }
}

#[cfg(unix)]
#[test]
fn a_key_from_the_environment_need_not_be_text() {
    use std::os::unix::ffi::OsStrExt;

    let bytes = [STRONG.as_bytes(), b"\xff\xfe\x80"].concat();
    let expected = fingerprint(SecretKey::from_bytes(bytes.clone()).unwrap());
    assert_eq!(from_env(Some(OsStr::from_bytes(&bytes))), format!("key: {expected}"));
}

#[test]
fn a_variable_without_a_usable_key_is_named() {
    let missing = "error: the environment variable `SESSIONS_TESTS_KEY` is not set; \
                   try `export SESSIONS_TESTS_KEY=$(openssl rand -base64 48)`";
    assert_eq!(from_env(None), missing);
    assert_eq!(from_env(Some(OsStr::new(""))), missing);
    assert_eq!(
        from_env(Some(OsStr::new("secret"))),
        format!(
            "error: the environment variable `SESSIONS_TESTS_KEY` holds no usable key: \
             the key has 6 bytes and needs at least 32; {ADVICE}"
        ),
    );
}

// A file.

/// A folder of its own in the build folder, empty.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keys").join(name);
    match fs::remove_dir_all(&folder) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => panic!("{err}"),
        _ => folder,
    }
}

#[test]
fn a_development_key_is_made_once_and_kept() {
    let path = folder("kept").join("deep/session.key");
    let first = fingerprint(SecretKey::for_development(&path).unwrap());
    for _ in 0..2 {
        assert_eq!(fingerprint(SecretKey::for_development(&path).unwrap()), first);
    }
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(fingerprint(SecretKey::from_base64(text.trim_end()).unwrap()), first);
    let other = folder("other").join("session.key");
    assert_ne!(fingerprint(SecretKey::for_development(other).unwrap()), first);
}

#[cfg(unix)]
#[test]
fn the_file_of_a_development_key_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let path = folder("mode").join("session.key");
    SecretKey::for_development(&path).unwrap();
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    for open in [0o640, 0o620, 0o604, 0o644, 0o666, 0o601] {
        fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
        let err = SecretKey::for_development(&path).unwrap_err();
        assert_eq!(
            err.to_string(),
            format!(
                "the key's file `{}` cannot be used: other users may read or write it \
                 (mode 0{open:o}); set mode 0600 or delete it",
                path.display(),
            ),
        );
        assert_eq!(mode(), open, "it is for the owner to decide");
    }
    for closed in [0o600, 0o400] {
        fs::set_permissions(&path, fs::Permissions::from_mode(closed)).unwrap();
        assert!(SecretKey::for_development(&path).is_ok(), "{closed:o}");
    }
}

/// Returns the text of an error about the file at `path`, without its beginning.
fn refusal(path: &Path) -> String {
    let err = SecretKey::for_development(path).expect_err("the file is refused");
    assert!(matches!(err, KeyError::File { .. }), "{err}");
    let text = err.to_string();
    let beginning = format!("the key's file `{}` cannot be used: ", path.display());
    text.strip_prefix(&beginning).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn a_file_that_holds_no_key_is_an_error_and_stays_as_it_is() {
    let folder = folder("spoiled");
    let path = folder.join("session.key");
    SecretKey::for_development(&path).unwrap();
    let key = fs::read_to_string(&path).unwrap();
    let long = format!("{key}{}", "A".repeat(10_000));
    for (content, expected) in [
        ("not base64!", "it does not hold base64"),
        (long.as_str(), "it does not hold base64"),
        ("", "it is empty, as after a crash"),
        ("\n", "it is empty, as after a crash"),
        (&key[..20], "it holds 15 bytes of a key, and a key has at least 32"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "it holds no usable key: the key is weak"),
    ] {
        fs::write(&path, content).unwrap();
        let text = refusal(&path);
        assert!(text.starts_with(expected), "{content:?}: {text}");
        assert!(text.ends_with("; delete it, and the next start makes a new key"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    fs::write(&path, b"\xff\xfe").unwrap();
    assert!(refusal(&path).starts_with("it does not hold base64"));
    #[cfg(unix)]
    assert_eq!(refusal(&folder), "it is not a file; give a path at which there is none");
}

#[cfg(unix)]
#[test]
fn a_file_of_another_kind_or_user_is_refused() {
    use std::os::unix::fs::{chown, symlink};

    let folder = folder("strange");
    let own = folder.join("own.key");
    SecretKey::for_development(&own).unwrap();
    let link = folder.join("link.key");
    symlink(&own, &link).unwrap();
    assert!(refusal(&link).starts_with("it is a symbolic link"), "{}", refusal(&link));
    let dangling = folder.join("dangling.key");
    symlink(folder.join("nothing"), &dangling).unwrap();
    assert!(refusal(&dangling).starts_with("it is a symbolic link"), "{}", refusal(&dangling));
    assert!(!folder.join("nothing").exists());

    let pipe = folder.join("pipe.key");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
    assert_eq!(refusal(&pipe), "it is not a file; give a path at which there is none");

    // Only root can give files away, and for others there is a file of root.
    let strange = match chown(&own, Some(4_242), None) {
        Ok(()) => own,
        Err(_) => PathBuf::from("/etc/passwd"),
    };
    let text = refusal(&strange);
    assert!(text.starts_with("it belongs to user "), "{text}");
}

// Many starts at once.

const FILE: &str = "SESSIONS_TESTS_KEY_FILE";

#[test]
#[ignore = "run by the test below, many times at once"]
fn prints_what_the_file_gives() {
    let Some(path) = std::env::var_os(FILE) else { return };
    println!("\nkey: {}", fingerprint(SecretKey::for_development(path).expect("a key")));
}

/// Checks that these fingerprints are those of one key, and that nothing but its file is left.
fn assert_one_key(folder: &Path, fingerprints: &[String]) {
    let first = SecretKey::for_development(folder.join("session.key")).expect("it is there");
    let first = fingerprint(first);
    let others = fingerprints.iter().filter(|other| **other != first).count();
    assert_eq!(others, 0, "of {} starts", fingerprints.len());
    let left = fs::read_dir(folder).expect("a folder");
    let left = left.map(|entry| entry.expect("a file").file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["session.key"]);
}

#[test]
fn threads_that_start_at_once_get_one_key() {
    for round in 0..100 {
        let folder = folder(&format!("threads-{round}"));
        let barrier = Barrier::new(16);
        let start = || {
            barrier.wait();
            fingerprint(SecretKey::for_development(folder.join("session.key")).expect("a key"))
        };
        let fingerprints: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(start)).collect();
            threads.into_iter().map(|thread| thread.join().expect("it does not panic")).collect()
        });
        assert_one_key(&folder, &fingerprints);
    }
}

#[test]
fn processes_that_start_at_once_get_one_key() {
    for round in 0..5 {
        let folder = folder(&format!("processes-{round}"));
        let start = |_| {
            Command::new(std::env::current_exe().expect("this file's program"))
                .args(["--exact", "keys::prints_what_the_file_gives", "--ignored", "--nocapture"])
                .env(FILE, folder.join("session.key"))
                .stdout(Stdio::piped())
                .spawn()
                .expect("it runs")
        };
        let processes: Vec<_> = (0..40).map(start).collect();
        let fingerprint = |process: std::process::Child| {
            let output = process.wait_with_output().expect("it ends");
            assert!(output.status.success());
            let output = String::from_utf8(output.stdout).expect("text");
            let line = output.lines().find_map(|line| line.strip_prefix("key: "));
            line.expect("a line about the key").to_owned()
        };
        let fingerprints: Vec<_> = processes.into_iter().map(fingerprint).collect();
        assert_one_key(&folder, &fingerprints);
    }
}

#[test]
fn a_development_key_is_warned_of_each_time() {
    let path = folder("warned").join("session.key");
    let logged = Logged::start();
    for _ in 0..2 {
        SecretKey::for_development(&path).unwrap();
        let lines = logged.take_own();
        let [(level, text)] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(*level, Level::WARN);
        assert!(text.contains("development key") && text.contains("production"), "{text}");
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert!(!text.contains(fs::read_to_string(&path).unwrap().trim_end()), "{text}");
    }
}

#[test]
fn key_errors_go_through_the_question_mark_of_a_main() {
    fn main() -> io::Result<()> {
        SecretKey::from_bytes("secret")?;
        Ok(())
    }
    let err = main().unwrap_err();
    assert_eq!(err.kind(), io::ErrorKind::InvalidInput);
    let expected = format!("the key has 6 bytes and needs at least 32; {ADVICE}");
    assert_eq!(err.to_string(), expected);
    assert!(matches!(err.get_ref(), Some(err) if err.is::<KeyError>()));
}
