//! A PostgreSQL server that belongs to one test, which can be killed and stalled.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io,
    net::TcpListener,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How long the server may take to come up, to recover what a kill left, or to stop.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Survives a killed server, not a killed machine.
const SETTINGS: &[&str] = &["fsync=off", "full_page_writes=off", "max_connections=300"];

/// A server on a free port of the loopback device, in a folder of its own. Stopped, and the folder
/// removed, when dropped.
///
/// Needs PostgreSQL's programs on the `PATH`, or where Debian puts them.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
    account: Option<Account>,
    server: Option<Child>,
}

/// The user that runs the server, which refuses to run as root.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Default for Postgres {
    fn default() -> Self {
        Self::new()
    }
}

impl Postgres {
    /// Starts a server with an empty database.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is not installed, or does not start.
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-postgres-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&folder).expect("a folder in the temporary one");
        let account = Account::other_than_root("postgres");
        if let Some(Account { user, group }) = account {
            chown(&folder, Some(user), Some(group)).expect("root gives its folders away");
        }
        let mut postgres =
            Self { folder, programs: programs(), port: free_port(), account, server: None };
        postgres.make_cluster();
        postgres.start();
        postgres
    }

    /// Returns the address for clients: `postgres://…`, without a password or TLS.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts the server again, on the same port and data, and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it runs, or does not come up.
    pub fn start(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let log = File::options().create(true).append(true).open(self.log()).expect("a log file");
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder);
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let errors = log.try_clone().expect("a second handle");
        self.server = Some(command.stdout(log).stderr(errors).spawn().expect("postgres runs"));
        let start = Instant::now();
        while !self.answers() {
            let server = self.server.as_mut().expect("it was just started");
            let ended = server.try_wait().expect("a child can be waited for");
            let log = || fs::read_to_string(self.log()).unwrap_or_default();
            assert!(ended.is_none(), "postgres ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "postgres does not come up: {}", log());
            thread::sleep(POLL);
        }
    }

    /// Kills the server and all its processes at once. What it acknowledged stays.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // The first process makes no more of the others once it is stopped.
        signal("STOP", &[server.id()]);
        let children = children(server.id());
        signal("KILL", &children);
        signal("KILL", &[server.id()]);
        let _ = server.wait();
        // The next one does not start while one of them holds the shared memory.
        let start = Instant::now();
        while children.iter().any(|child| is_alive(*child)) && start.elapsed() < PATIENCE {
            thread::sleep(POLL);
        }
        // The lock file outlives its owner, and the next process may get the same number.
        let _ = fs::remove_file(self.data().join("postmaster.pid"));
    }

    /// Stops all processes of the server where they are: connections stay open, and nothing
    /// answers.
    pub fn stall(&self) {
        if let Some(server) = &self.server {
            signal("STOP", &[server.id()]);
            signal("STOP", &children(server.id()));
        }
    }

    /// Lets a stalled server go on.
    pub fn resume(&self) {
        if let Some(server) = &self.server {
            signal("CONT", &children(server.id()));
            signal("CONT", &[server.id()]);
        }
    }

    /// Returns the port, on the loopback device.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn make_cluster(&self) {
        let mut initdb = self.command("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]);
        initdb.args(["--no-sync", "--pgdata"]).arg(self.data());
        let made = initdb.output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    }

    fn answers(&self) -> bool {
        let mut ask = self.command("pg_isready");
        ask.args(["--quiet", "--host=127.0.0.1", &format!("--port={}", self.port)]);
        ask.status().is_ok_and(|status| status.success())
    }

    /// Returns a program of PostgreSQL, to be run by the owner of the data.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Asks the server to stop without tidying up, and insists if it does not.
    fn stop(&mut self) -> io::Result<()> {
        self.resume();
        let Some(server) = &mut self.server else { return Ok(()) };
        signal("QUIT", &[server.id()]);
        let start = Instant::now();
        while server.try_wait()?.is_none() {
            if start.elapsed() > PATIENCE {
                self.kill();
                break;
            }
            thread::sleep(POLL);
        }
        self.server = None;
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = self.stop().and_then(|()| fs::remove_dir_all(&self.folder));
        if let Err(err) = stopped {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}

impl Account {
    /// Returns the account of this name, or `nobody`'s. `None` when this process is not root's.
    pub(crate) fn other_than_root(name: &str) -> Option<Self> {
        if fs::metadata("/proc/self").expect("Linux").uid() != 0 {
            return None;
        }
        let number = |option: &str, name: &str| {
            let output = Command::new("id").args([option, name]).output().ok()?;
            String::from_utf8_lossy(&output.stdout).trim().parse().ok()
        };
        let account = |name| Some(Self { user: number("-u", name)?, group: number("-g", name)? });
        Some(account(name).or_else(|| account("nobody")).expect("an account besides root"))
    }
}

/// Returns the folder of PostgreSQL's programs: of several versions, the newest.
fn programs() -> PathBuf {
    let has_all = |folder: &Path| {
        ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file())
    };
    let on_path = env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = env::split_paths(&on_path).find(|folder| has_all(folder)) {
        return folder;
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let number = |folder: &fs::DirEntry| folder.file_name().to_string_lossy().parse::<u32>().ok();
    versions
        .filter(|version| has_all(&version.path().join("bin")))
        .max_by_key(number)
        .expect("PostgreSQL is installed; scripts/test --install installs it")
        .path()
        .join("bin")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Each is in a process group of its own, so that no signal reaches them all.
fn children(process: u32) -> Vec<u32> {
    let list = fs::read_to_string(format!("/proc/{process}/task/{process}/children"));
    list.unwrap_or_default().split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Whether a process has memory and files yet: one that ended waits for its parent as a zombie.
fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
}

/// A process that has ended meanwhile is as good as one that was reached.
pub(crate) fn signal(name: &str, processes: &[u32]) {
    if processes.is_empty() {
        return;
    }
    let ids = processes.iter().map(u32::to_string);
    let mut kill = Command::new("kill");
    kill.arg(format!("-{name}")).args(ids).stderr(Stdio::null());
    kill.status().expect("kill runs");
}
