//! An nginx that belongs to one test: a cache in front of an application.

use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::HttpClient;

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// A cache on a free port of the loopback device, which keeps every answer that it may for ten minutes.
/// Stopped, and its folder removed, when dropped.
///
/// Needs `nginx` on the `PATH`, or where Debian puts it.
#[derive(Debug)]
pub struct Nginx {
    folder: PathBuf,
    port: u16,
    server: Child,
}

impl Nginx {
    /// Starts a cache in front of an application on this port, with these settings besides.
    ///
    /// # Panics
    ///
    /// When nginx is not installed, or does not start.
    pub fn in_front_of(application: u16, settings: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sessions-nginx-{}-{number}", std::process::id());
        let folder = env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder in the temporary one");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a port is free").port();
        let configuration = format!(
            "daemon off; master_process off; pid pid; error_log log;
             events {{}}
             http {{
                 access_log off;
                 client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
                 uwsgi_temp_path uwsgi; scgi_temp_path scgi;
                 proxy_cache_path cache keys_zone=pages:1m;
                 server {{
                     listen 127.0.0.1:{port};
                     location / {{
                         proxy_pass http://127.0.0.1:{application};
                         proxy_set_header Host $host;
                         proxy_cache pages;
                         proxy_cache_valid any 10m;
                         add_header X-Cache $upstream_cache_status always;
                         {settings}
                     }}
                 }}
             }}"
        );
        fs::write(folder.join("nginx.conf"), configuration).expect("the folder can be written to");
        let program = ["/usr/sbin/nginx", "nginx"];
        let program = program.into_iter().find(|path| fs::exists(path).is_ok_and(|found| found));
        let server = Command::new(program.unwrap_or("nginx"))
            .args(["-e", "log", "-c", "nginx.conf", "-p"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = server.expect("nginx runs; scripts/test --install installs it");
        let mut nginx = Self { folder, port, server };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = nginx.server.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "nginx ended: {}", nginx.log());
            assert!(start.elapsed() < PATIENCE, "nginx does not come up: {}", nginx.log());
            thread::sleep(POLL);
        }
        nginx
    }

    /// Returns a client of the cache, without cookies.
    pub fn client(&self) -> HttpClient {
        HttpClient::of(self.port)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
