//! Two processes behind a load balancer change their keys, never at the same moment, under load.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Instant,
};

use crate::client::{Jar, PATIENCE, Served, free_port};

const CLIENTS: usize = 8;
/// Requests of all clients together between two changes.
const BETWEEN: usize = 80;
const CHANGES: usize = 3;

/// A process with a file of keys of its own.
struct Host {
    served: Served,
    file: PathBuf,
}

impl Host {
    fn start(keys: &str) -> Self {
        let file = new_file();
        fs::write(&file, keys).expect("the file is written");
        let path = file.to_str().expect("UTF-8");
        let served = Served::start_with("rotate_keys", free_port(), "KEYS", path);
        Self { served, file }
    }

    /// Replaces the keys, and waits until the process has them.
    fn set(&self, keys: &str) {
        fs::write(&self.file, keys).expect("the file is written");
        let uses = || self.served.get(&mut Jar::default(), "/uses");
        let (before, start) = (since(&uses()), Instant::now());
        let pid = self.served.child.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &pid]).status().expect("kill runs").success());
        while since(&uses()) == before {
            assert!(start.elapsed() < PATIENCE, "the keys are not read again");
            thread::yield_now();
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

/// Returns the path of a file that does not exist.
fn new_file() -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("sessions-keys-{}-{number}", process::id()))
}

/// Ends the clients, also when a check fails.
struct End<'s>(&'s AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Returns when the counts of a process began.
fn since(uses: &str) -> String {
    uses.split_once("counts").expect("a time and counts").0.to_owned()
}

/// Runs changes of keys while clients come to one process and the other in turn, and returns how many
/// sessions were lost.
fn lost_in(change: impl Fn(&[Host; 2], &str, &str, &dyn Fn())) -> (usize, usize) {
    let key = || {
        let path = new_file();
        drop(sessions::SecretKey::for_development(&path).expect("a key is made"));
        let key = fs::read_to_string(&path).expect("it is in the file");
        fs::remove_file(path).expect("it is there");
        key
    };
    let mut old = key();
    let hosts = [Host::start(&old), Host::start(&old)];
    let (stop, asked, lost) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (hosts, stop, asked, lost) = (&hosts, &stop, &asked, &lost);
            scope.spawn(move || {
                let (mut jar, mut visits) = (Jar::default(), 0);
                for turn in number.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let page = hosts[turn % 2].served.get(&mut jar, "/");
                    visits += 1;
                    if page != format!("visit {visits}\n") {
                        lost.fetch_add(1, Ordering::SeqCst);
                        visits = 1;
                    }
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let load = || {
            let (before, start) = (asked.load(Ordering::SeqCst), Instant::now());
            while asked.load(Ordering::SeqCst) < before + BETWEEN {
                assert!(start.elapsed() < PATIENCE, "the clients do not go on");
                thread::yield_now();
            }
        };
        let end = End(&stop);
        load();
        for _ in 0..CHANGES {
            let new = key();
            change(&hosts, &old, &new, &load);
            old = new;
        }
        drop(end);
    });
    (asked.into_inner(), lost.into_inner())
}

#[test]
fn two_processes_change_their_keys_in_three_steps_and_no_session_is_lost() {
    let (asked, lost) = lost_in(|hosts, old, new, load| {
        let steps = [format!("{old}next {new}"), format!("{new}fallback {old}"), new.to_owned()];
        for keys in steps {
            for host in hosts {
                host.set(&keys);
                load();
            }
        }
    });
    println!(
        "{CHANGES} changes of keys in three steps, two processes: {asked} requests, {lost} lost sessions"
    );
    assert_eq!(lost, 0);
}

#[test]
fn a_key_that_signs_before_all_processes_know_it_loses_sessions() {
    let (asked, lost) = lost_in(|hosts, old, new, load| {
        for host in hosts {
            host.set(&format!("{new}fallback {old}"));
            load();
        }
    });
    println!(
        "{CHANGES} changes of keys in one step, two processes: {asked} requests, {lost} lost sessions"
    );
    assert!(lost > 0);
}
