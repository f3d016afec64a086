//! A MariaDB server that belongs to one test, which can be killed and stalled.

use std::{
    env,
    fs::{self, DirBuilder, File},
    io::Read,
    net::TcpStream,
    os::unix::{
        fs::{DirBuilderExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::postgres::{Account, free_port, signal};

/// How long the server may take to come up, and to recover what a kill left.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(20);
/// Survives a killed server, not a killed machine.
const SETTINGS: &[&str] = &[
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=16M",
    "--max-connections=300",
    "--skip-name-resolve",
];
/// What runs whenever the server starts.
const SETUP: &str = "CREATE DATABASE IF NOT EXISTS app;
CREATE USER IF NOT EXISTS app@'%' IDENTIFIED BY 'pass-word';
GRANT ALL ON app.* TO app@'%';
CREATE USER IF NOT EXISTS admin@'%';
GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;
";

/// A server on a free port of the loopback device, in a folder of its own. Killed, and the folder
/// removed, when dropped.
///
/// Needs MariaDB's programs on the `PATH`, or where Debian puts them.
#[derive(Debug)]
pub struct MariaDb {
    folder: PathBuf,
    port: u16,
    account: Option<Account>,
    settings: Vec<String>,
    server: Option<Child>,
}

impl Default for MariaDb {
    fn default() -> Self {
        Self::new()
    }
}

impl MariaDb {
    /// Starts a server with an empty database `app`.
    ///
    /// # Panics
    ///
    /// When MariaDB is not installed, or does not start.
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// Starts a server with more options, such as `--max-connections=5`.
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn with(settings: &[&str]) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-mariadb-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&folder).expect("a folder in the temporary one");
        let account = Account::other_than_root("mysql");
        let mut mariadb = Self {
            folder,
            port: free_port(),
            account,
            settings: settings.iter().map(ToString::to_string).collect(),
            server: None,
        };
        fs::write(mariadb.file("setup.sql"), SETUP).expect("the folder can be written");
        if let Some(Account { user, group }) = account {
            chown(&mariadb.folder, Some(user), Some(group)).expect("root gives its folders away");
        }
        mariadb.make_data();
        mariadb.start();
        mariadb
    }

    /// Returns the address for clients, who own the database `app`: `mysql://…`, with a password.
    pub fn url(&self) -> String {
        format!("mysql://app:pass-word@127.0.0.1:{}/app", self.port)
    }

    /// Returns the address for a user who may do everything.
    pub fn admin_url(&self) -> String {
        format!("mysql://admin@127.0.0.1:{}/app", self.port)
    }

    /// Returns the path of the server's socket.
    pub fn socket(&self) -> PathBuf {
        self.file("socket")
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Starts the server again, on the same port and data, and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it runs, or does not come up.
    pub fn start(&mut self) {
        assert!(self.server.is_none(), "the server runs already");
        let log =
            File::options().create(true).append(true).open(self.file("log")).expect("a log file");
        let mut command = self.command("mariadbd");
        command.arg("--no-defaults").args(self.paths()).args(SETTINGS);
        command.args(["--bind-address=127.0.0.1", &format!("--port={}", self.port)]);
        command.args(&self.settings);
        let errors = log.try_clone().expect("a second handle");
        self.server = Some(command.stdout(log).stderr(errors).spawn().expect("mariadbd runs"));
        let start = Instant::now();
        while !self.answers() {
            let server = self.server.as_mut().expect("it was just started");
            let ended = server.try_wait().expect("a child can be waited for");
            let log = || fs::read_to_string(self.file("log")).unwrap_or_default();
            assert!(ended.is_none(), "mariadbd ended: {}", log());
            assert!(start.elapsed() < PATIENCE, "mariadbd does not come up: {}", log());
            thread::sleep(POLL);
        }
    }

    /// Kills the server at once. What it acknowledged stays.
    pub fn kill(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        signal("KILL", &[server.id()]);
        let _ = server.wait();
    }

    /// Asks the server to end, and waits until it has told its clients and ended.
    pub fn shut_down(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        signal("TERM", &[server.id()]);
        let _ = server.wait();
    }

    /// Stops the server where it is: connections stay open, and nothing answers.
    pub fn stall(&self) {
        if let Some(server) = &self.server {
            signal("STOP", &[server.id()]);
        }
    }

    /// Lets a stalled server go on.
    pub fn resume(&self) {
        if let Some(server) = &self.server {
            signal("CONT", &[server.id()]);
        }
    }

    fn make_data(&self) {
        let mut install = self.command("mariadb-install-db");
        let [data, temporary, ..] = self.paths();
        install.args(["--no-defaults", &data, &temporary]);
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]);
        install.args(["--innodb-log-file-size=16M", "--innodb-flush-method=nosync"]);
        let made = install.output().expect("mariadb-install-db runs");
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "mariadb-install-db: {said}");
    }

    /// Whether the server greets who connects, which it does after the setup.
    fn answers(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else { return false };
        let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
        // A length of three bytes, a number, and the version of the protocol.
        let mut greeting = [0; 5];
        stream.read_exact(&mut greeting).is_ok() && greeting[4] == 10
    }

    /// Of temporary files, a server removes those of every other one in the same folder.
    fn paths(&self) -> [String; 5] {
        let option = |name: &str, file: &str| format!("--{name}={}", self.file(file).display());
        [
            option("datadir", "data"),
            option("tmpdir", ""),
            option("socket", "socket"),
            option("pid-file", "pid"),
            option("init-file", "setup.sql"),
        ]
    }

    /// Returns a program of MariaDB, to be run by the owner of the data.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(found(program));
        command.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some(Account { user, group }) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        self.kill();
        if let Err(err) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {err}", self.folder.display());
        }
    }
}

/// Returns where a program is: Debian has the server where only root's `PATH` leads.
fn found(program: &str) -> PathBuf {
    let on_path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&on_path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| Path::is_file(path))
        .expect("MariaDB is installed; scripts/test --install installs it")
}
