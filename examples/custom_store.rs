//! A store of your own in about a hundred lines: all sessions in one file, for a small application that
//! keeps its users logged in through a restart.
//!
//! It has no index of owners (`Store::owners`): a user's sessions can neither be listed nor be ended
//! together.
//!
//!     cargo run --example custom_store
//!     cargo test --example custom_store
//!
//!     curl -c jar -b jar http://localhost:8080

use std::{
    collections::BTreeMap,
    fs, io,
    path::PathBuf,
    sync::Mutex,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{App, HttpServer, Responder, get};
use sessions::{
    ServerSide, Session, SessionInterface,
    store::{
        CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, Record, RecordKey, ReplaceOutcome,
        Revision, Store, StoreError, Timestamp, Touch,
    },
};

/// Runs each step under one lock, and writes it to the disk before it answers.
struct FileStore {
    path: PathBuf,
    records: Mutex<BTreeMap<RecordKey, Kept>>,
}

#[derive(Clone, PartialEq)]
struct Kept {
    revision: Revision,
    expires: SystemTime,
    bytes: Vec<u8>,
}

impl FileStore {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = if path.exists() { fs::read(&path)? } else { Vec::new() };
        let records = read(&file).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { path, records: Mutex::new(records) })
    }

    /// Lets `step` read or change the record of a key, at the present. Expired records are deleted first.
    fn step<T>(
        &self,
        key: &RecordKey,
        step: impl FnOnce(&mut Option<Kept>, SystemTime) -> T,
    ) -> Result<T, StoreError> {
        let mut records = self.records.lock().expect("no step panics");
        let now = SystemTime::now();
        records.retain(|_, kept| kept.expires > now);
        let before = records.get(key).cloned();
        let mut kept = before.clone();
        let answer = step(&mut kept, now);
        if kept == before {
            return Ok(answer);
        }
        put(&mut records, key, kept);
        if let Err(err) = self.write(&records) {
            put(&mut records, key, before);
            return Err(StoreError::unavailable(err));
        }
        Ok(answer)
    }

    /// Writes a new file and renames it over the old one: a crash leaves one of the two intact.
    fn write(&self, records: &BTreeMap<RecordKey, Kept>) -> io::Result<()> {
        let mut file = Vec::new();
        for (key, Kept { revision, expires, bytes }) in records {
            let (revision, expires, length) = (revision.get(), millis(*expires), bytes.len());
            file.extend(format!("{key} {revision} {expires} {length}\n").into_bytes());
            file.extend(bytes);
        }
        let new = self.path.with_extension("new");
        fs::write(&new, file)?;
        fs::rename(new, &self.path)
    }
}

fn put(records: &mut BTreeMap<RecordKey, Kept>, key: &RecordKey, kept: Option<Kept>) {
    match kept {
        Some(kept) => records.insert(*key, kept),
        None => records.remove(key),
    };
}

fn read(mut file: &[u8]) -> Option<BTreeMap<RecordKey, Kept>> {
    let mut records = BTreeMap::new();
    while !file.is_empty() {
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let mut words = std::str::from_utf8(&file[..end]).ok()?.split(' ');
        let key = RecordKey::parse(words.next()?)?;
        let revision = Revision::new(words.next()?.parse().ok()?);
        let expires = UNIX_EPOCH + Duration::from_millis(words.next()?.parse().ok()?);
        let (bytes, rest) = file[end + 1..].split_at_checked(words.next()?.parse().ok()?)?;
        records.insert(key, Kept { revision, expires, bytes: bytes.to_vec() });
        file = rest;
    }
    Some(records)
}

fn millis(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

impl Store for FileStore {
    async fn create(
        &self,
        key: &RecordKey,
        record: &Record,
        ttl: Duration,
    ) -> Result<CreateOutcome, StoreError> {
        self.step(key, |kept, now| match kept {
            Some(_) => CreateOutcome::Exists,
            None => {
                let revision = Revision::first();
                let expires = now + ttl;
                *kept = Some(Kept { revision, expires, bytes: record.to_bytes() });
                CreateOutcome::Created(revision)
            }
        })
    }

    async fn load(
        &self,
        key: &RecordKey,
        touch: Option<Touch>,
    ) -> Result<Option<Loaded>, StoreError> {
        let found = self.step(key, |kept, now| {
            let kept = kept.as_mut()?;
            let left = |kept: &Kept| kept.expires.duration_since(now).unwrap_or_default();
            let due = touch.filter(|touch| touch.is_due(left(kept)));
            if let Some(touch) = due {
                kept.expires = now + touch.ttl;
            }
            Some((kept.clone(), left(kept), due.is_some(), Timestamp::of(now)))
        })?;
        let Some((kept, expires_in, touched, now)) = found else { return Ok(None) };
        let record = Record::from_bytes(&kept.bytes)?.into();
        Ok(Some(Loaded { record, revision: kept.revision, expires_in, touched, now }))
    }

    async fn replace(
        &self,
        key: &RecordKey,
        revision: Revision,
        record: &Record,
        ttl: Duration,
    ) -> Result<ReplaceOutcome, StoreError> {
        self.step(key, |kept, now| match kept {
            None => ReplaceOutcome::Gone,
            Some(kept) if kept.revision != revision => ReplaceOutcome::Conflict,
            Some(kept) => {
                let revision = revision.next();
                let expires = now + ttl;
                *kept = Kept { revision, expires, bytes: record.to_bytes() };
                ReplaceOutcome::Replaced(revision)
            }
        })
    }

    async fn delete(&self, key: &RecordKey) -> Result<DeleteOutcome, StoreError> {
        self.step(key, |kept, _| match kept.take() {
            Some(_) => DeleteOutcome::Deleted,
            None => DeleteOutcome::Absent,
        })
    }

    async fn delete_if(
        &self,
        key: &RecordKey,
        revision: Revision,
    ) -> Result<DeleteIfOutcome, StoreError> {
        self.step(key, |kept, _| match kept {
            None => DeleteIfOutcome::Gone,
            Some(present) if present.revision != revision => DeleteIfOutcome::Conflict,
            Some(_) => {
                *kept = None;
                DeleteIfOutcome::Deleted
            }
        })
    }
}

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-id", permanent = true, lifetime = "14 days")]
struct AppSessions {
    backend: ServerSide<FileStore>,
}

#[get("/")]
async fn index(session: Session) -> actix_web::Result<impl Responder> {
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(format!("visit number {visits}\n"))
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = std::env::var("PORT").unwrap_or("8080".to_owned());
    let path = std::env::temp_dir().join(format!("sessions-example-{port}.store"));
    let sessions = AppSessions { backend: ServerSide::new(FileStore::open(path.clone())?) };
    sessions.check()?;
    let server = HttpServer::new(move || App::new().wrap(sessions.clone()).service(index))
        .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}; sessions are kept in {}", path.display());
    server.run().await
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::PathBuf, process, time::Duration};

    use sessions::{
        store::Store,
        test::store::{conformance, random_key, record},
    };

    use super::FileStore;

    fn path(name: &str) -> PathBuf {
        env::temp_dir().join(format!("sessions-example-{name}-{}.store", process::id()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn keeps_the_contract_of_a_store() {
        let path = path("contract");
        conformance(FileStore::open(path.clone()).expect("a new file")).await;
        fs::remove_file(path).expect("the file is there");
    }

    #[tokio::test]
    async fn keeps_sessions_through_a_restart() {
        let path = path("restart");
        let (key, record) = (random_key(), record("{\"line\":\n1}"));
        let store = FileStore::open(path.clone()).expect("a new file");
        store.create(&key, &record, Duration::from_secs(60)).await.expect("it is written");
        drop(store);
        let store = FileStore::open(path.clone()).expect("the file can be read");
        let loaded = store.load(&key, None).await.expect("it is read").expect("it is there");
        assert!(*loaded.record == record);
        fs::remove_file(path).expect("the file is there");
    }
}
