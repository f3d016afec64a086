//! Flask-Login on one side, `sessions-login` on the other: one client is logged in on both, or on neither.

use fastrand::Rng;
use serde_json::{Map, Value};

use crate::{
    http::{Answer, encode},
    jar::{Jar, SetCookie},
    seeded,
    sides::Side,
    token::Token,
};

const KEY: (&str, &str) = ("FLASK_SECRET_KEY", "\"dev\"");

/// Starts both sides.
fn start(variables: &[(&str, &str)]) -> (Side, Side) {
    (Side::python("login_app.py", variables), Side::example("flask_login", variables))
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn a_login_and_a_form_of_flask_are_ours_too() {
    let (flask, actix) = start(&[KEY]);
    let mut client = Client::default();

    assert_eq!(client.get(&actix, "/me"), "nobody");
    let token = client.get(&flask, "/token");
    assert_eq!(client.post(&flask, "/login", &format!("name=alice&csrf_token={token}")), "ok");
    assert_eq!(client.get(&flask, "/me"), "alice");
    assert_eq!(client.get(&actix, "/me"), "alice");

    // The form that Flask renders, answered by either.
    let form = client.get(&flask, "/form");
    let token = form.split("value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form = format!("name=Liddell&csrf_token={}", token.expect("a hidden field"));
    for side in [&flask, &actix] {
        assert_eq!(client.post(side, "/rename", &form), "alice is Liddell");
    }
    for forged in ["name=x&csrf_token=x", &form[..form.len() - 1]] {
        assert_ne!(client.post(&flask, "/rename", forged), "alice is x");
        assert_eq!(client.post(&actix, "/rename", forged), "refused");
    }
    // Somebody else's session does not go with it.
    assert_eq!(Client::default().post(&actix, "/rename", &form), "refused");

    assert_eq!(client.post(&actix, "/logout", ""), "ok");
    for side in [&flask, &actix] {
        assert_eq!(client.get(side, "/me"), "nobody");
    }
    // The token is still in the session, for the next login.
    let token = client.get(&flask, "/token");
    assert_eq!(client.post(&flask, "/login", &format!("name=bob&csrf_token={token}")), "ok");
    assert_eq!(client.get(&actix, "/me"), "bob");
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn a_logout_of_ours_ends_what_flask_login_remembers() {
    let (flask, actix) = start(&[KEY]);
    let mut client = Client::default();
    let token = client.get(&flask, "/token");
    let form = format!("name=alice&remember=1&csrf_token={token}");
    assert_eq!(client.post(&flask, "/login", &form), "ok");
    assert!(client.jar.header("/").is_some_and(|cookies| cookies.contains("remember_token=")));

    // A browser that forgot the session is logged in by the other cookie.
    let mut restarted = client.clone();
    restarted.jar.remove("session");
    assert_eq!(restarted.get(&flask, "/me"), "alice");

    assert_eq!(client.post(&actix, "/logout", ""), "ok");
    for _ in 0..2 {
        for side in [&actix, &flask] {
            assert_eq!(client.get(side, "/me"), "nobody");
        }
    }
    assert!(client.jar.header("/").is_some_and(|cookies| !cookies.contains("remember_token=")));
    client.jar.remove("session");
    assert_eq!(client.get(&flask, "/me"), "nobody");
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn a_login_here_is_remembered_by_flask_login_and_recent_here_alone() {
    let (flask, actix) = start(&[KEY, ("FLASK_WTF_CSRF_ENABLED", "false")]);
    let mut client = Client::default();
    assert_eq!(client.post(&flask, "/login", "name=alice"), "ok");
    let recent = client.send(&actix, "GET /recent", "");
    assert_eq!(recent.status, 403, "Flask does not say when the login was");
    assert_eq!(client.post(&actix, "/confirm", ""), "ok");
    assert_eq!(client.get(&actix, "/recent"), "alice");
    assert_eq!(client.post(&flask, "/logout", ""), "ok");
    assert_eq!(client.send(&actix, "GET /recent", "").status, 401);

    assert_eq!(client.post(&actix, "/login", "name=bob&remember=1"), "ok");
    assert_eq!(client.get(&actix, "/recent"), "bob");
    assert_eq!(client.jar.value("remember_token"), None);
    assert_eq!(client.get(&flask, "/me"), "bob");
    assert!(client.jar.value("remember_token").is_some_and(|token| token.starts_with("bob|")));
    // The browser is closed: Flask remembers, and the login is not fresh.
    client.jar.remove("session");
    assert_eq!(client.get(&actix, "/me"), "nobody", "until Flask has served a page");
    assert_eq!(client.get(&flask, "/me"), "bob");
    for side in [&flask, &actix] {
        assert_eq!(client.get(side, "/me"), "bob");
        assert_eq!(client.get(side, "/fresh"), "false");
    }
    assert_eq!(client.send(&actix, "GET /recent", "").status, 403);
    // Another user logs in here: of the first nothing is left, not even what Flask remembers.
    assert_eq!(client.post(&actix, "/login", "name=carol"), "ok");
    assert_eq!(client.get(&flask, "/me"), "carol");
    assert_eq!(client.jar.value("remember_token"), None);
}

/// What clients send of which Flask-Login makes their identifiers, with all that Python quotes.
const CLIENTS: [&str; 6] = [
    "User-Agent: curl/8.5\r\n",
    "",
    "User-Agent:\r\n",
    "User-Agent: it's \\ an éß日\r\n",
    "User-Agent: \"one\" 'two'\tthree\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.1\r\n",
    "User-Agent: curl/8.5\r\nX-Forwarded-For:  2001:db8::1 ,203.0.113.7\r\n",
];

/// Returns what a client does next: a request, and its form.
fn random_step(random: &mut Rng, user: Option<&str>) -> (&'static str, String) {
    // Another user's login differs by intent: here it leaves nothing of the first.
    let names = ["alice", "bob", "céline"];
    let name = user.unwrap_or(names[random.usize(..names.len())]);
    let permanent = if random.u32(..4) == 0 { "&permanent=1" } else { "" };
    match random.u32(..10) {
        0..=1 => ("POST /login", format!("name={}{permanent}", encode(name))),
        2 => ("POST /logout", String::new()),
        3 => ("POST /confirm", String::new()),
        4..=6 => ("GET /fresh", String::new()),
        _ => ("GET /me", String::new()),
    }
}

/// Returns the keys of the session in a jar, without what one side alone keeps there: the proof of our
/// logins, and what Flask does with the next page it serves.
fn session_of(jar: &Jar) -> Map<String, Value> {
    let Some(token) = jar.value("session") else { return Map::new() };
    let payload = Token::parse(token).expect("a token").json();
    let mut session: Map<String, Value> = serde_json::from_str(&payload).expect("a session");
    session.remove("_login");
    session.remove("_remember");
    session
}

#[test]
#[ignore = "needs python3 with flask: run scripts/test"]
fn both_sides_say_the_same_of_every_login_under_every_protection() {
    const STEPS: usize = 150;

    let mut random = seeded();
    let (mut stale, mut ended) = (0, 0);
    for protection in ["null", "basic", "strong"] {
        let (flask, actix) = start(&[
            KEY,
            ("FLASK_WTF_CSRF_ENABLED", "false"),
            ("FLASK_SESSION_PROTECTION", protection),
        ]);
        let mut client = Client { headers: CLIENTS[0], ..Client::default() };
        for _ in 0..STEPS {
            if random.u32(..5) == 0 {
                client.headers = CLIENTS[random.usize(..CLIENTS.len())];
            }
            let before = session_of(&client.jar);
            let user = before.get("_user_id").and_then(Value::as_str);
            let (line, form) = random_step(&mut random, user);
            let [mut one, mut two] = [client.clone(), client.clone()];
            let (flask, ours) = (one.send(&flask, line, &form), two.send(&actix, line, &form));
            let step =
                format!("{protection}: {line} {form} as {:?} with {before:?}", client.headers);
            assert_eq!((flask.status, flask.body), (ours.status, ours.body), "{step}");
            let after = session_of(&one.jar);
            assert_eq!(after, session_of(&two.jar), "{step}");
            if line.starts_with("GET") && after != before {
                let counted = if after.contains_key("_user_id") { &mut stale } else { &mut ended };
                *counted += 1;
            }
            client = if random.bool() { one } else { two };
        }
    }
    println!("logins: {} steps, 0 differences", 3 * STEPS);
    println!("logins: {stale} became stale, {ended} ended");
    assert!(stale > 0 && ended > 0, "the protections had something to do");
}

/// One client of both sides.
#[derive(Clone, Default)]
struct Client {
    jar: Jar,
    /// What it sends with each request.
    headers: &'static str,
}

impl Client {
    fn get(&mut self, side: &Side, path: &str) -> String {
        self.send(side, &format!("GET {path}"), "").body
    }

    fn post(&mut self, side: &Side, path: &str, form: &str) -> String {
        self.send(side, &format!("POST {path}"), form).body
    }

    fn send(&mut self, side: &Side, line: &str, form: &str) -> Answer {
        let cookies = self.jar.header("/");
        let answer = Answer::to(side.port, line, cookies.as_deref(), self.headers, form);
        let answer = answer.expect("it answers");
        let set = answer.all("set-cookie").into_iter().filter_map(SetCookie::parse);
        set.for_each(|set| self.jar.keep(&set));
        answer
    }
}
