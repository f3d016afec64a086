//! A PgBouncer that belongs to one test, before a PostgreSQL server.

use std::{
    env,
    fs::{self, File},
    net::TcpStream,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Postgres,
    postgres::{Account, free_port},
};

const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Which PgBouncer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PgBouncerVersion {
    /// The one of Debian 12, 1.18, which does not track prepared statements.
    Debian,
    /// The one that `scripts/build-pgbouncer` builds, 1.24, which does.
    Built,
}

/// A pooler on a free port of the loopback device. Stopped when dropped.
#[derive(Debug)]
pub struct PgBouncer {
    folder: PathBuf,
    port: u16,
    pooler: Child,
}

impl PgBouncer {
    /// Starts a pooler before `postgres`, with these settings beside its address, such as
    /// `pool_mode = transaction`. Every user may connect, and is `postgres` on the server.
    ///
    /// # Panics
    ///
    /// When it is not installed, or does not start.
    pub fn before(postgres: &Postgres, version: PgBouncerVersion, settings: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-pgbouncer-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        let port = free_port();
        let file = folder.join("pgbouncer.ini");
        let settings = settings.join("\n");
        let configuration = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={} user=postgres\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = any\n\
             {settings}\n",
            postgres.port()
        );
        fs::write(&file, configuration).expect("a file in it");
        let log = File::create(folder.join("log")).expect("another one");
        let mut command = Command::new(program(version));
        command.arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        if let Some(Account { user, group }) = Account::other_than_root("postgres") {
            command.uid(user).gid(group);
        }
        let mut pooler = command.spawn().expect("pgbouncer runs");
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = pooler.try_wait().expect("a child can be waited for");
            let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "pgbouncer ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "pgbouncer does not come up: {}", log());
            thread::sleep(POLL);
        }
        Self { folder, port, pooler }
    }

    /// Returns the address for clients.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.pooler.kill();
        let _ = self.pooler.wait();
        if let Err(err) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}

fn program(version: PgBouncerVersion) -> PathBuf {
    match version {
        // Debian's place, which is not on the `PATH` of users.
        PgBouncerVersion::Debian => PathBuf::from("/usr/sbin/pgbouncer"),
        PgBouncerVersion::Built => {
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pgbouncer/pgbouncer")
        }
    }
}
