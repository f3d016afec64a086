//! A server of each kind, and what it keeps.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{MySqlPool, PgPool, SqlitePool, query_as, query_scalar};
use tokio::sync::{Mutex, MutexGuard};

use super::Kind;
use crate::{MariaDb, Postgres, Redis, RedisCluster};

/// What keeps sessions, and a folder of its own. One at a time in a test's process: figures are not to
/// disturb each other.
#[derive(Debug)]
pub struct Server {
    address: String,
    program: Program,
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

#[derive(Debug)]
enum Program {
    /// Memory, in the process of the application.
    None,
    Redis(Redis),
    Cluster(RedisCluster),
    MariaDb {
        pool: MySqlPool,
        /// Stopped with it.
        _server: MariaDb,
    },
    Postgres {
        pool: PgPool,
        /// Stopped with it.
        _server: Postgres,
    },
    Sqlite(SqlitePool),
}

/// A row, as far as it can hold a secret.
type Row = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

const COUNT: &str = "SELECT count(*) FROM sessions";
const ROWS: &str = "SELECT key, record, owner FROM sessions";
/// To MySQL it is a keyword.
const MYSQL_ROWS: &str = "SELECT `key`, record, owner FROM sessions";

impl Server {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub async fn start(kind: Kind) -> Self {
        static ALONE: Mutex<()> = Mutex::const_new(());
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let alone = ALONE.lock().await;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-figures-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        let (program, address) = match kind {
            Kind::Memory => (Program::None, String::new()),
            Kind::Redis => {
                let redis = Redis::new();
                let url = redis.url();
                (Program::Redis(redis), url)
            }
            Kind::Cluster => {
                let cluster = RedisCluster::new();
                let urls = cluster.urls().join(",");
                (Program::Cluster(cluster), urls)
            }
            Kind::MariaDb => {
                let mariadb = MariaDb::new();
                let url = mariadb.url();
                let pool = MySqlPool::connect_lazy(&url).expect("an address of MariaDB");
                (Program::MariaDb { pool, _server: mariadb }, url)
            }
            Kind::Postgres => {
                let postgres = Postgres::new();
                let url = postgres.url();
                let pool = PgPool::connect_lazy(&url).expect("an address of PostgreSQL");
                (Program::Postgres { pool, _server: postgres }, url)
            }
            Kind::Sqlite => {
                let path = folder.join("sessions.db").display().to_string();
                let url = format!("sqlite://{path}");
                let pool = SqlitePool::connect_lazy(&url).expect("an address of SQLite");
                (Program::Sqlite(pool), path)
            }
        };
        Self { address, program, folder, _alone: alone }
    }

    /// Returns its address, or addresses with commas between them. Empty for memory.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Returns the folder, which is deleted with it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns how many records it has, if it keeps them outside of the application's process.
    ///
    /// # Panics
    ///
    /// When it cannot be asked.
    pub async fn records(&self) -> Option<usize> {
        // Records, not owners' indexes.
        let is_record = |key: &&String| !key.contains(":owner:");
        let rows = match &self.program {
            Program::None => return None,
            Program::Redis(redis) => return Some(redis.dump().keys().filter(is_record).count()),
            Program::Cluster(cluster) => {
                return Some(cluster.dump().keys().filter(is_record).count());
            }
            Program::MariaDb { pool, .. } => query_scalar(COUNT).fetch_one(pool).await,
            Program::Postgres { pool, .. } => query_scalar(COUNT).fetch_one(pool).await,
            Program::Sqlite(pool) => query_scalar(COUNT).fetch_one(pool).await,
        };
        let rows: i64 = rows.expect("it is there");
        Some(usize::try_from(rows).expect("it counts up from zero"))
    }

    /// Returns everything that it keeps, if it keeps it outside of the application's process.
    pub(super) async fn dump(&self) -> Option<Vec<u8>> {
        let rows: Vec<Row> = match &self.program {
            Program::None => return None,
            Program::Redis(redis) => return Some(format!("{:?}", redis.dump()).into_bytes()),
            Program::Cluster(cluster) => return Some(format!("{:?}", cluster.dump()).into_bytes()),
            Program::MariaDb { pool, .. } => query_as(MYSQL_ROWS).fetch_all(pool).await,
            Program::Postgres { pool, .. } => query_as(ROWS).fetch_all(pool).await,
            Program::Sqlite(pool) => query_as(ROWS).fetch_all(pool).await,
        }
        .expect("it is there");
        let row = |(key, record, owner): Row| [key, record, owner.unwrap_or_default()].concat();
        Some(rows.into_iter().flat_map(row).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("logs are in {}", self.folder.display());
        } else if let Err(err) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}
