//! `sessions-admin` as operators run it: a process, on stores that an application has filled.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{App, Error, body::MessageBody, dev::ServiceResponse, test::init_service, web};
use serde_json::{Value, json};
use sessions::{
    EncryptedCookie, SealedStore, SecretKey, ServerSide, Session, SessionConfig, SignedCookie,
    backend::Backend,
    flask::FlaskCookie,
    policy::CookieName,
    store::Store,
    test::store::{random_key, record},
};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{
    AppSessions, Browser, MariaDb, PgBouncer, PgBouncerVersion, Postgres, Redis, key, key_text,
};
use sqlx::Row;

const SECRET: &str = "s3cr3t";

/// What a run of the program came to.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Done {
    /// Returns what was written to standard output by a run that did what it was asked.
    fn text(&self) -> &str {
        assert_eq!((self.code, &*self.err), (Some(0), ""), "{self:?}");
        &self.out
    }

    fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|err| panic!("{err}: {self:?}"))
    }

    /// Returns the message of a run that failed with this code.
    fn failure(&self, code: i32) -> &str {
        assert_eq!((self.code, &*self.out), (Some(code), ""), "{self:?}");
        self.err.trim_end()
    }
}

/// Runs the program with these variables and this standard input. No output ever has the secret.
fn run_with(variables: &[(&str, &str)], input: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sessions-admin"));
    command.args(arguments).env_remove("SESSIONS_STORE").env_remove("SECRET_KEY");
    command.env_remove("STORE_KEY").env_remove("STORE_KEY_FALLBACKS");
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program runs");
    // It may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let done =
        Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    for output in [&done.out, &done.err] {
        assert!(!output.contains(SECRET), "{done:?}");
    }
    done
}

/// A store as the program reaches it.
struct Place {
    url: String,
    options: Vec<&'static str>,
}

impl Place {
    fn run(&self, arguments: &[&str]) -> Done {
        let arguments = [arguments, &self.options].concat();
        run_with(&[("SESSIONS_STORE", &self.url)], "", &arguments)
    }
}

async fn log_in(
    session: Session,
    path: web::Path<(String, String)>,
) -> actix_web::Result<&'static str> {
    let (owner, device) = path.into_inner();
    session.set_owner(owner)?;
    session.insert("device", device)?;
    Ok("logged in")
}

async fn owner(session: Session) -> String {
    session.owner().unwrap_or_default()
}

async fn app<B: Backend + Clone>(
    backend: B,
    config: SessionConfig,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(
        App::new()
            .wrap(AppSessions { backend, config: config.cookie_secure(false) })
            .route("/login/{owner}/{device}", web::get().to(log_in))
            .route("/owner", web::get().to(owner)),
    )
    .await
}

/// An application fills the store; the program counts, lists and ends what is in it.
async fn is_administered(store: impl Store + Clone, place: &Place, server: &str) {
    let backend = ServerSide::new(store);
    let app = app(backend.clone(), SessionConfig::new()).await;
    let mut browsers = Vec::new();
    for path in ["/login/alice/phone", "/login/alice/laptop", "/login/bob/tablet"] {
        let mut browser = Browser::new();
        assert_eq!(browser.get(&app, path).await.body, "logged in");
        browsers.push(browser);
    }

    assert_eq!(place.run(&["ready"]).text(), format!("{server} serves sessions\n"));
    assert_eq!(place.run(&["ready", "--json"]).json(), json!({"ready": true, "server": server}));
    assert_eq!(place.run(&["count"]).text(), "3 sessions\n");
    assert_eq!(place.run(&["count", "--json"]).json(), json!({"sessions": 3}));

    let known = backend.sessions_of("alice").await.expect("it answers");
    let device = |at: usize| known[at].get::<String>("device").expect("a text").expect("it is set");
    let listed = place.run(&["list", "alice", "--value", "device"]);
    println!("{}", listed.text());
    let lines = listed.text().lines().collect::<Vec<_>>();
    let head = "id                                           created               last used             device";
    assert_eq!((lines[0], lines[3], lines.len()), (head, "2 sessions of `alice`", 4));
    let listed = place.run(&["list", "alice", "--json", "--value", "device"]).json();
    assert_eq!(listed["owner"], "alice");
    let rows = listed["sessions"].as_array().expect("a list");
    assert_eq!(rows.len(), 2);
    for row in rows {
        let at = known.iter().position(|session| row["id"] == *session.id()).expect("it is known");
        assert_eq!(row["values"], json!({"device": device(at)}));
        let line = lines.iter().find(|line| line.starts_with(&known[at].id())).expect("a line");
        let words = line.split_whitespace().collect::<Vec<_>>();
        let [_, created, last_seen, device] = words[..] else { panic!("{line}") };
        assert_eq!(json!(created), row["created"]);
        // It is reckoned from the time that is left, so that two runs differ by a second at times.
        let second = |time: &str| time[17..19].parse::<u32>().expect("two digits");
        let apart = second(last_seen) + 60 - second(row["last_seen"].as_str().expect("a time"));
        assert!([59, 60, 61].contains(&apart) || [1, 119].contains(&apart), "{last_seen} {row}");
        assert_eq!(device, row["values"]["device"].to_string());
    }
    assert_eq!(place.run(&["list", "nobody"]).text(), "0 sessions of `nobody`\n");

    // One, and not one of another owner's.
    let phone = (0..2).find(|at| device(*at) == "phone").expect("it is listed");
    let id = known[phone].id();
    let other = place.run(&["end", "bob", "--id", &id]);
    let missing = |owner| {
        format!(
            "sessions-admin: `{owner}` has no session with this id; `sessions-admin list` shows the ids"
        )
    };
    assert_eq!(other.failure(3), missing("bob"));
    // Ids are of random letters, hyphens among them.
    for hyphens in ["-", "--"] {
        let id = format!("{hyphens}{}", &id[hyphens.len()..]);
        assert_eq!(place.run(&["end", "bob", "--id", &id]).failure(3), missing("bob"));
    }
    assert_eq!(place.run(&["end", "alice", "--id", &id]).text(), "1 session of `alice` ended\n");
    assert_eq!(place.run(&["end", "alice", "--id", &id]).failure(3), missing("alice"));
    let mut owners = Vec::new();
    for browser in &mut browsers {
        owners.push(browser.get(&app, "/owner").await.body);
    }
    assert_eq!(owners, ["", "alice", "bob"]);

    let ended = place.run(&["end", "alice", "--all", "--json"]);
    assert_eq!(ended.json(), json!({"owner": "alice", "namespace": "", "ended": 1}));
    assert_eq!(browsers[1].get(&app, "/owner").await.body, "");
    assert_eq!(browsers[2].get(&app, "/owner").await.body, "bob");
    assert_eq!(place.run(&["count"]).text(), "1 session\n");
    // Another namespace has another bob.
    let elsewhere = place.run(&["end", "bob", "--all", "--namespace", "admin"]);
    assert_eq!(
        elsewhere.text(),
        "no sessions of `bob` found in the namespace `admin`, those in `revocable` cookies are ended; check that \
         --namespace is what the application gives to `with_owner_namespace`\n"
    );
    let nobody = place.run(&["end", "nobody", "--all"]);
    assert!(nobody.text().starts_with("no sessions of `nobody` found in the empty namespace"));
    assert_eq!(browsers[2].get(&app, "/owner").await.body, "bob");
}

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-admin-{}-{number}", process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn database(&self) -> Place {
        let url = format!("sqlite:{}", self.file("sessions.db").display());
        Place { url, options: Vec::new() }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[actix_web::test]
async fn sessions_in_sqlite_are_counted_listed_and_ended() {
    let folder = Folder::new();
    let path = folder.file("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let server = store.server().unwrap();
    is_administered(store, &folder.database(), &server).await;
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn sessions_in_redis_are_counted_listed_and_ended() {
    let redis = Redis::with(&[&format!("requirepass {SECRET}")]);
    let address = format!("127.0.0.1:{}", redis.port());
    let url = format!("redis://:{SECRET}@{address}");
    // A prefix that a pattern would misread, beside another application's.
    let others = ServerSide::new(RedisStore::new(&*url).unwrap());
    let app = app(others, SessionConfig::new()).await;
    Browser::new().get(&app, "/login/alice/other").await;
    let store = RedisStore::new(&*url).unwrap().with_prefix("[s]*:");
    let place = Place { url, options: vec!["--prefix", "[s]*:"] };
    is_administered(store, &place, &format!("Redis at {address}")).await;
    assert_eq!(place.run(&["sweep", "--json"]).json(), json!({"deleted": null}));
    let nothing = "nothing to do: Redis has no tables\n";
    assert_eq!(place.run(&["migrate"]).text(), nothing);
    let table = Place { url: place.url.clone(), options: vec!["--table", "kept"] };
    let refused = "sessions-admin: --table has no effect with Redis; use --prefix";
    assert_eq!(table.run(&["count"]).failure(2), refused);
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn a_redis_whose_user_has_the_keys_of_the_application_alone_is_administered() {
    let redis = Redis::new();
    let rules = ["ACL", "SETUSER", "app", "on", &format!(">{SECRET}"), "~app:*", "+@all"];
    redis.command::<()>(&rules);
    let url = format!("redis://app:{SECRET}@127.0.0.1:{}", redis.port());
    let own = Place { url: url.clone(), options: vec!["--prefix", "app:"] };
    assert_eq!(own.run(&["count"]).text(), "0 sessions\n");
    let other = Place { url, options: Vec::new() }.run(&["count"]);
    assert!(other.failure(1).ends_with("and that --prefix is the application's"), "{other:?}");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn an_end_waits_for_the_replicas_that_it_is_told() {
    let redis = Redis::new();
    let app =
        app(ServerSide::new(RedisStore::new(redis.url()).unwrap()), SessionConfig::new()).await;
    let log_in = async || {
        assert_eq!(Browser::new().get(&app, "/login/alice/phone").await.body, "logged in");
    };
    let place = Place { url: redis.url(), options: vec!["--replicas", "1", "--timeout", "2"] };
    log_in().await;
    let alone = place.run(&["end", "alice", "--all"]);
    assert!(alone.failure(1).contains("0 of 1 replicas confirmed a deletion in time"), "{alone:?}");
    let _replica = redis.replica();
    log_in().await;
    assert_eq!(place.run(&["end", "alice", "--all"]).text(), "1 session of `alice` ended\n");
}

#[actix_web::test]
#[ignore = "needs postgresql and pgbouncer: run scripts/test"]
async fn nothing_is_prepared_behind_a_pooler_in_transactions() {
    let postgres = Postgres::new();
    let settings = ["pool_mode = transaction", "default_pool_size = 1"];
    let pooler = PgBouncer::before(&postgres, PgBouncerVersion::Debian, &settings);
    let place = Place { url: pooler.url(), options: vec!["--in-transactions"] };
    assert_eq!(place.run(&["migrate"]).text(), "the tables are there\n");
    let store = PostgresStore::connect(&pooler.url()).await.unwrap();
    for command in
        [&["ready"][..], &["count"], &["sweep"], &["list", "alice"], &["end", "alice", "--all"]]
    {
        place.run(command).text();
        let prepared = sqlx::raw_sql("SELECT count(*)::text FROM pg_prepared_statements");
        let prepared = prepared.fetch_one(store.pool()).await.unwrap();
        assert_eq!(prepared.get::<String, _>(0), "0", "{command:?}");
    }
    let refused = "sessions-admin: --in-transactions has no effect with SQLite";
    let sqlite = Place { url: "sqlite:sessions.db".to_owned(), options: place.options };
    assert_eq!(sqlite.run(&["count"]).failure(2), refused);
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn a_migration_that_waits_ends_at_the_time_out() {
    let postgres = Postgres::new();
    let store = PostgresStore::connect(&postgres.url()).await.unwrap();
    let mut other = store.pool().begin().await.unwrap();
    // What another instance holds while it makes the tables.
    let lock = sqlx::raw_sql("SELECT pg_advisory_xact_lock(8315179226536832627)");
    lock.execute(&mut *other).await.unwrap();
    let place = Place { url: postgres.url(), options: vec!["--timeout", "1"] };
    let said = format!(
        "sessions-admin: {} did not answer within 1 s; check its load, or raise --timeout",
        store.server().unwrap()
    );
    assert_eq!(place.run(&["migrate"]).failure(1), said);
    other.rollback().await.unwrap();
    assert_eq!(place.run(&["migrate"]).text(), "the tables are there\n");
}

#[actix_web::test]
#[ignore = "needs postgresql: run scripts/test"]
async fn sessions_in_postgresql_are_counted_listed_and_ended() {
    let postgres = Postgres::new();
    let url = postgres.url().replace("postgres@", &format!("postgres:{SECRET}@"));
    let place = Place { url: url.clone(), options: vec!["--table", "kept"] };
    let store = PostgresStore::connect(&url).await.unwrap().with_table("kept").unwrap();
    assert!(place.run(&["count"]).failure(1).contains("migrate"), "no tables");
    assert_eq!(place.run(&["migrate"]).text(), "the tables are there\n");
    let server = store.server().unwrap();
    is_administered(store, &place, &server).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn sessions_in_mariadb_are_counted_listed_and_ended() {
    let mariadb = MariaDb::new();
    let place = Place { url: mariadb.url(), options: Vec::new() };
    assert_eq!(place.run(&["migrate"]).text(), "the tables are there\n");
    let store = MySqlStore::connect(&mariadb.url()).await.unwrap();
    let server = store.server().unwrap();
    is_administered(store, &place, &server).await;
}

#[actix_web::test]
async fn a_database_is_made_and_swept() {
    let folder = Folder::new();
    let (place, path) = (folder.database(), folder.file("sessions.db"));
    let missing = place.run(&["count"]);
    let said = format!(
        "sessions-admin: there is no SQLite file `{}`; check the path, or make it with `sessions-admin migrate`",
        path.display()
    );
    assert_eq!(missing.failure(1), said);
    assert!(!path.exists());

    assert_eq!(place.run(&["migrate"]).text(), "the tables are there\n");
    assert_eq!(mode(&path), 0o600);
    let store = SqliteStore::open(&path).await.unwrap();
    let printed = place.run(&["migrate", "--print"]);
    assert_eq!(printed.text().trim_end(), store.migration().trim_end());
    let object = place.run(&["migrate", "--print", "--json"]).json();
    assert_eq!(object, json!({"migrated": false, "statements": store.migration()}));

    let (moment, hour) = (Duration::from_millis(1), Duration::from_hours(1));
    for ttl in [moment, moment, hour] {
        store.create(&random_key(), &record("{}"), ttl).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(place.run(&["count"]).text(), "1 session\n");
    assert_eq!(place.run(&["sweep"]).text(), "2 sessions that had expired deleted\n");
    assert_eq!(place.run(&["sweep", "--json"]).json(), json!({"deleted": 0}));
    assert_eq!(place.run(&["count"]).text(), "1 session\n");
}

#[actix_web::test]
async fn more_sessions_than_a_step_are_all_counted() {
    let folder = Folder::new();
    let path = folder.file("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
         INSERT INTO sessions (key, revision, record, expires, sweep_after) \
         SELECT randomblob(32), 1, x'00', 4102444800000, 4102444800000 FROM n",
    )
    .execute(store.pool())
    .await
    .unwrap();
    assert_eq!(folder.database().run(&["count"]).text(), "10,000 sessions\n");
}

#[test]
fn a_store_that_is_not_there_or_not_said_is_an_error_that_says_what_to_do() {
    let url = format!("redis://:{SECRET}@127.0.0.1:1");
    for command in [&["ready"][..], &["count"], &["list", "alice"], &["end", "alice", "--all"]] {
        let done = run_with(&[("SESSIONS_STORE", &url)], "", command);
        let err = done.failure(1);
        assert!(
            err.starts_with("sessions-admin: cannot connect to Redis at 127.0.0.1:1: "),
            "{err}"
        );
        assert!(err.contains("; check that "), "{err}");
    }
    let by_input = run_with(&[], &url, &["count", "--store-file", "-"]);
    assert!(by_input.failure(1).contains("127.0.0.1:1"));
    let postgres = format!("postgres://user:{SECRET}@127.0.0.1:1/db");
    let done = run_with(&[("SESSIONS_STORE", &postgres)], "", &["count"]);
    assert!(done.failure(1).contains("PostgreSQL at 127.0.0.1:1"));

    let argument = run_with(&[], "", &["count", "--store", &url]);
    assert_eq!(
        argument.failure(2),
        "sessions-admin: the URL of --store has a password, and other users of this machine can read arguments: \
         set the variable `SESSIONS_STORE` to the URL, or write it into a file for --store-file"
    );
    let none = run_with(&[], "", &["count"]);
    assert!(
        none.failure(2)
            .starts_with("sessions-admin: which store? set the variable `SESSIONS_STORE`")
    );
    let wrong = run_with(&[("SESSIONS_STORE", "oracle://host")], "", &["count"]);
    assert!(wrong.failure(2).contains("expected `redis://host`"));
    assert_eq!(run_with(&[], "", &["end", "alice"]).code, Some(2), "all or one");
}

/// Returns the value of the cookie that a login gets.
async fn cookie_of<B: Backend + Clone>(backend: B, config: SessionConfig) -> String {
    let app = app(backend, config.cookie_name(CookieName::from_static("id"))).await;
    let mut browser = Browser::new();
    assert_eq!(browser.get(&app, "/login/alice/phone").await.body, "logged in");
    browser.cookie("id").expect("a cookie").to_owned()
}

#[actix_web::test]
async fn a_cookie_is_decoded_with_its_key_name_or_salt() {
    let (one, two) = (key_text(1), key_text(2));
    let plain = || SessionConfig::new();
    let salted = || SessionConfig::new().salt("shop");
    let revoked = key(1);
    for (kind, cookie, options) in [
        (
            "signed",
            cookie_of(SignedCookie::new(key(1)), plain()).await,
            &["--cookie-name", "id"][..],
        ),
        ("signed", cookie_of(SignedCookie::new(key(1)), salted()).await, &["--salt", "shop"]),
        (
            "encrypted",
            cookie_of(EncryptedCookie::new(revoked), plain()).await,
            &["--cookie-name", "id"],
        ),
        ("flask", cookie_of(FlaskCookie::new(key(1)), plain()).await, &[]),
    ] {
        let decode = |key: &str, options: &[&str]| {
            let arguments = [&["decode"], options].concat();
            run_with(&[("SECRET_KEY", key)], &format!("{cookie}\n"), &arguments)
        };
        let decoded = decode(&one, &[options, &["--json"]].concat()).json();
        assert_eq!(decoded["kind"], kind);
        assert_eq!(decoded["session"]["device"], "phone", "{decoded}");
        let done = decode(&one, options);
        println!("{}", done.text());
        let sealed_at = decoded["sealed_at"].as_str().unwrap();
        assert!(done.text().lines().next().unwrap().ends_with(&format!(" at {sealed_at}")));
        assert!(done.text().contains("\n  \"device\": \"phone\""), "{}", done.text());

        let wrong = decode(&two, options);
        let err = wrong.failure(3);
        assert!(err.starts_with("sessions-admin: the cookie opens no session: "), "{err}");
        assert!(err.ends_with(
            "check the key, --key-encoding, and --cookie-name or --salt: a cookie is bound to them"
        ));
        assert!(!err.contains(&cookie) && !err.contains(&two), "{err}");
        let elsewhere = decode(&one, &["--salt", "other"]);
        assert_eq!(elsewhere.code, Some(3));
    }
}

#[actix_web::test]
async fn a_key_comes_from_a_file_and_a_cookie_with_its_name() {
    let folder = Folder::new();
    let path = folder.file("key");
    let made = run_with(&[], "", &["key", "--out", path.to_str().unwrap()]);
    assert_eq!(made.text(), format!("a new key is in `{}`\n", path.display()));
    assert_eq!(mode(&path), 0o600);
    let again = run_with(&[], "", &["key", "--out", path.to_str().unwrap()]);
    assert!(again.failure(1).ends_with("a file that exists is not overwritten"));

    let text = fs::read_to_string(&path).unwrap();
    let key = SecretKey::from_bytes(text.trim_end()).unwrap();
    let cookie = cookie_of(SignedCookie::new(key), SessionConfig::new()).await;
    let options = ["decode", "--cookie-name", "id", "--json", "--key-file", path.to_str().unwrap()];
    let decoded = run_with(&[], &format!("id={cookie}"), &options).json();
    assert_eq!(decoded["session"]["device"], "phone");

    let both = run_with(&[], "", &["decode", "--key-file", "-"]);
    assert!(both.failure(2).ends_with("use --cookie-file"));
    let none = run_with(&[], &cookie, &["decode"]);
    assert!(
        none.failure(2).starts_with("sessions-admin: which key? set the variable `SECRET_KEY`")
    );
}

#[actix_web::test]
async fn the_id_of_a_session_in_a_store_says_that_it_has_no_content() {
    let folder = Folder::new();
    let store = SqliteStore::open(folder.file("sessions.db")).await.unwrap();
    for backend in [ServerSide::new(store.clone()), ServerSide::new(store).signed(key(1))] {
        let cookie = cookie_of(backend, SessionConfig::new()).await;
        let done = run_with(&[("SECRET_KEY", &key_text(1))], &cookie, &["decode"]);
        assert_eq!(
            done.failure(3),
            "sessions-admin: the cookie holds the id of a session in a store, and no content; `sessions-admin \
             list` shows the sessions of an owner"
        );
    }
}

#[actix_web::test]
async fn sealed_sessions_are_listed_with_their_keys_and_without_them_said_to_be_sealed() {
    let folder = Folder::new();
    let path = folder.file("sessions.db");
    let store = SqliteStore::open(&path).await.unwrap();
    let url = format!("sqlite:{}", path.display());
    // One under the former key, and one under the current one.
    for (number, device) in [(1, "phone"), (2, "laptop")] {
        let sealed = SealedStore::new(store.clone(), key(number));
        let app = app(ServerSide::new(sealed), SessionConfig::new()).await;
        Browser::new().get(&app, &format!("/login/alice/{device}")).await;
    }
    let (former, current) = (key_text(1), key_text(2));
    let run = |variables: &[(&str, &str)], input: &str, arguments: &[&str]| {
        run_with(&[&[("SESSIONS_STORE", &*url)], variables].concat(), input, arguments)
    };
    let list = ["list", "alice", "--value", "device", "--json"];
    let devices = |done: &Done| {
        let rows = done.json()["sessions"].as_array().expect("a list").clone();
        let mut devices: Vec<_> =
            rows.iter().map(|row| row["values"]["device"].as_str().unwrap().to_owned()).collect();
        devices.sort_unstable();
        devices
    };
    let ring = [("STORE_KEY", &*current), ("STORE_KEY_FALLBACKS", &*former)];
    assert_eq!(devices(&run(&ring, "", &list)), ["laptop", "phone"]);
    let from_stdin = [&list[..], &["--store-key-file", "-"]].concat();
    let keys = format!("{current}\n{former}\n");
    assert_eq!(devices(&run(&[], &keys, &from_stdin)), ["laptop", "phone"]);

    let without = run(&[], "", &list);
    let said = "sessions-admin: the content of 2 sessions is sealed: set the variable `STORE_KEY`";
    assert!(without.failure(2).starts_with(said), "{without:?}");
    let half = run(&ring[..1], "", &list);
    let said = "sessions-admin: none of the keys opens the sealed content of 1 session: check";
    assert!(half.failure(2).starts_with(said), "{half:?}");
    for done in [&without, &half] {
        assert!(!done.err.contains(&current) && !done.err.contains(&former), "{done:?}");
    }
    let weak = run(&[("STORE_KEY", "short")], "", &list);
    assert!(weak.failure(2).starts_with("sessions-admin: a key of the store is refused"));

    // One is ended by its id with the keys, all without them.
    let rows = run(&ring, "", &list).json();
    let id = rows["sessions"][0]["id"].as_str().unwrap();
    let end = ["end", "alice", "--id", id];
    assert!(run(&[], "", &end).failure(2).contains("is sealed"));
    assert_eq!(run(&ring, "", &end).text(), "1 session of `alice` ended\n");
    assert_eq!(run(&[], "", &["end", "alice", "--all"]).text(), "1 session of `alice` ended\n");
}

#[test]
fn a_new_key_is_as_long_as_those_of_the_documentation() {
    let [one, two] = [(); 2].map(|()| run_with(&[], "", &["key"]).text().trim_end().to_owned());
    assert!(one.len() == 64 && two.len() == 64 && one != two);
    SecretKey::from_bytes(&*one).expect("a strong key");
    let made = run_with(&[], "", &["key", "--json"]).json();
    assert_eq!(made["key"].as_str().unwrap().len(), 64);
}
