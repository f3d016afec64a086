//! A backup of SQLite while it is written, and what its restoration brings back.

use std::{env, fs, path::PathBuf, process};

use actix_http::Request;
use actix_service::Service;
use actix_web::{App, Error, body::MessageBody, dev::ServiceResponse, test::init_service, web};
use sessions::{ServerSide, Session, SessionConfig};
use sessions_sqlx::SqliteStore;
use sessions_tests::{AppSessions, Browser, key};
use sqlx::{AssertSqlSafe, query};

/// A folder that is removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("sessions-backup-{}", process::id()));
        fs::create_dir(&folder).expect("a folder in the temporary one");
        Self(folder)
    }

    async fn open(&self, file: &str) -> SqliteStore {
        let store = SqliteStore::open(self.0.join(file)).await.expect("it opens");
        store.migrate().await.expect("it has tables");
        store
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn app(
    store: &SqliteStore,
    signing_key: u8,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let backend = ServerSide::new(store.clone()).signed(key(signing_key));
    let act = async |session: Session, act: web::Path<String>| {
        match act.as_str() {
            "log-in" => session.set_owner(7)?,
            "log-out" => drop(session.purge()?),
            _ => {}
        }
        Ok::<_, Error>(session.owner().unwrap_or_else(|| "nobody".to_owned()))
    };
    let sessions = AppSessions { backend, config: SessionConfig::new() };
    init_service(App::new().wrap(sessions).route("/{act}", web::get().to(act))).await
}

#[actix_web::test]
async fn a_restored_backup_brings_ended_sessions_back_until_the_key_is_changed() {
    let folder = Folder::new();
    let store = folder.open("sessions.db").await;
    let site = app(&store, 1).await;
    let [mut stays, mut leaves, mut comes] = [Browser::new(), Browser::new(), Browser::new()];
    stays.get(&site, "/log-in").await;
    leaves.get(&site, "/log-in").await;
    let copy = folder.0.join("backup.db");
    let backup = format!("VACUUM INTO '{}'", copy.display());
    query(AssertSqlSafe(backup))
        .execute(store.pool())
        .await
        .expect("it is copied while it is used");
    let token = leaves.cookie("session").expect("it is logged in").to_owned();
    leaves.get(&site, "/log-out").await;
    comes.get(&site, "/log-in").await;

    let restored = folder.open("backup.db").await;
    let site = app(&restored, 1).await;
    assert_eq!(stays.get(&site, "/read").await.body, "7");
    assert_eq!(comes.get(&site, "/read").await.body, "nobody", "it logs in again");
    leaves.set_cookie("session", &token);
    assert_eq!(leaves.get(&site, "/read").await.body, "7", "it had logged out");

    let site = app(&restored, 2).await;
    for browser in [&mut stays, &mut leaves] {
        assert_eq!(browser.get(&site, "/read").await.body, "nobody");
    }
}
