//! The programs of the README and of docs/getting-started.md, as they stand there.

use crate::client::{Jar, Served};

#[test]
fn the_first_program_counts_visits() {
    let served = Served::readme(env!("CARGO_BIN_EXE_readme_program"));
    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "visit number 1");
    assert_eq!(served.get(&mut jar, "/"), "visit number 2");
    assert_eq!(served.get(&mut Jar::default(), "/"), "visit number 1");
}

#[test]
fn a_login_form_logs_in_greets_once_and_logs_out() {
    let served = Served::readme(env!("CARGO_BIN_EXE_readme_login"));
    let mut jar = Jar::default();
    assert_eq!(served.get(&mut jar, "/"), "Not logged in.");

    let see_other = |(head, _): (String, String)| {
        assert!(head.starts_with("HTTP/1.1 303"), "{head}");
        assert!(head.to_lowercase().contains("\r\nlocation: /\r\n"), "{head}");
    };
    see_other(served.request(&mut jar, "POST /login", "name=alice&password=guess"));
    assert_eq!(served.get(&mut jar, "/"), "Not logged in.");

    see_other(served.request(&mut jar, "POST /login", "name=alice&password=wonderland"));
    assert_eq!(served.get(&mut jar, "/"), "Welcome back. Logged in as alice.");
    assert_eq!(served.get(&mut jar, "/"), "Logged in as alice.");
    assert_eq!(served.get(&mut Jar::default(), "/"), "Not logged in.");

    see_other(served.request(&mut jar, "POST /logout", ""));
    assert!(jar.0.is_empty(), "the cookie is removed");
    assert_eq!(served.get(&mut jar, "/"), "Not logged in.");
}

#[test]
fn logging_out_everywhere_ends_the_sessions_of_one_user() {
    let served = Served::readme(env!("CARGO_BIN_EXE_readme_everywhere"));
    let [mut phone, mut laptop, mut bob] = [Jar::default(), Jar::default(), Jar::default()];
    assert_eq!(served.get(&mut phone, "/devices"), "Not logged in.");
    for (jar, name) in [(&mut phone, "alice"), (&mut laptop, "alice"), (&mut bob, "bob")] {
        let (_, body) = served.request(jar, "POST /login", &format!("name={name}"));
        assert_eq!(body, format!("Logged in as {name}."));
    }
    assert_eq!(served.get(&mut phone, "/devices"), "Devices: 2.");

    let (_, body) = served.request(&mut phone, "POST /log-out-everywhere", "");
    assert_eq!(body, "2 sessions ended.");
    assert_eq!(served.get(&mut laptop, "/devices"), "Not logged in.");
    assert_eq!(served.get(&mut bob, "/devices"), "Devices: 1.");
}

#[test]
fn the_program_of_ten_minutes_logs_in_and_counts() {
    let served = Served::readme(env!("CARGO_BIN_EXE_guide_hello"));
    let mut jar = Jar::default();
    let (head, _) = served.request(&mut jar, "GET /", "");
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let (head, _) = served.request(&mut jar, "POST /login", "name=alice&password=guess");
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
    let (head, _) =
        served.request(&mut jar, "POST /login?next=/", "name=alice&password=wonderland");
    assert!(head.starts_with("HTTP/1.1 303"), "{head}");
    assert_eq!(served.get(&mut jar, "/"), "Hello alice, visit number 1.");
    assert_eq!(served.get(&mut jar, "/"), "Hello alice, visit number 2.");
    served.request(&mut jar, "POST /logout", "");
    let (head, _) = served.request(&mut jar, "GET /", "");
    assert!(head.starts_with("HTTP/1.1 401"), "{head}");
}
