//! The two applications, each a process of its own.

use std::{
    env,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long an application may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// An application at work. Stopped when dropped.
pub(crate) struct Side {
    child: Child,
    pub(crate) port: u16,
}

impl Side {
    /// Starts an application of `tests/conformance`.
    pub(crate) fn python(app: &str, variables: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = root.join("target/venv/bin/python");
        assert!(python.exists(), "{} is missing: run scripts/test", python.display());
        let mut command = Command::new(python);
        command.arg(root.join("tests/conformance").join(app));
        Self::start(command, variables)
    }

    /// Starts one of the examples.
    pub(crate) fn example(name: &str, variables: &[(&str, &str)]) -> Self {
        Self::start(Command::new(example_path(name)), variables)
    }

    fn start(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let port = free_port();
        let child = command
            .env_clear()
            .envs(variables.iter().copied())
            .env("PORT", port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the application starts");
        let mut side = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = side.child.try_wait().expect("it can be asked");
            assert_eq!(ended, None, "{command:?} with {variables:?} ended at once");
            assert!(start.elapsed() < PATIENCE, "{command:?} does not listen");
            thread::yield_now();
        }
        side
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Cargo puts examples beside the folder of the tests.
fn example_path(example: &str) -> PathBuf {
    let tests = env::current_exe().expect("a test knows its path");
    let folder = tests.parent().and_then(Path::parent).expect("a build folder").join("examples");
    let path = folder.join(example);
    assert!(path.exists(), "{} is not built; run `cargo build --examples` first", path.display());
    path
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("it is bound").port()
}
