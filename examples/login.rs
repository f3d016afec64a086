//! Logging in and out with `sessions-login`: a login page that goes back to the page that was wanted, pages for
//! users and for administrators, the password once more before what cannot be undone, and messages.
//!
//!     cargo run --example login     (then open http://localhost:8080/account: alice, wonderland)
//!
//!     curl -c jar -b jar -L --data 'name=alice&password=wonderland' http://localhost:8080/login
//!     curl -c jar -b jar http://localhost:8080/admin
//!     curl -c jar -b jar -L --data '' http://localhost:8080/logout

use std::{env, fmt::Display, io};

use actix_web::{
    App, HttpServer, Responder, get, post,
    web::{self, Data, Form, Html, Redirect},
};
use serde::Deserialize;
use sessions::{SecretKey, Session, SessionInterface, SignedCookie};
use sessions_login::{
    Gate, LoggedIn, LoginSession, Logins, NextPage, RecentLogin, SameOrigin, User, Users,
};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "__Host-login", idle_timeout = "30 min", absolute_timeout = "8 hours")]
struct AppSessions {
    backend: SignedCookie,
}

#[derive(Clone)]
struct Account {
    name: &'static str,
    /// A stand-in: keep a hash of argon2, as the example `lab` does.
    password: &'static str,
    is_admin: bool,
}

impl User for Account {
    fn id(&self) -> impl Display {
        self.name
    }

    fn stamp(&self) -> impl AsRef<[u8]> {
        self.password // the password's hash: when it changes, all other sessions of the user end
    }
}

/// A stand-in for a database.
#[derive(Clone)]
struct Accounts;

impl Users for Accounts {
    type User = Account;

    async fn find(&self, name: &str) -> actix_web::Result<Option<Account>> {
        let alice = Account { name: "alice", password: "wonderland", is_admin: true };
        let bob = Account { name: "bob", password: "builder", is_admin: false };
        Ok([alice, bob].into_iter().find(|account| account.name == name))
    }
}

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Deserialize)]
struct Password {
    password: String,
}

#[get("/")]
async fn index(
    user: Option<LoggedIn<Account>>,
    session: Session,
) -> actix_web::Result<impl Responder> {
    let mut lines: Vec<String> =
        session.take_flashes()?.into_iter().map(|(_, text)| text).collect();
    lines.push(format!("You are {}.\n", user.map_or("not logged in", |user| user.name)));
    Ok(lines.join("\n"))
}

/// A form without an `action` posts to the URL of its page, with the `next` in it.
#[get("/login")]
async fn login_page() -> Html {
    Html::new(
        "<!doctype html><title>Log in</title><form method=post><input name=name placeholder=name> \
         <input name=password type=password placeholder=password> <button>Log in</button></form>",
    )
}

#[post("/login")]
async fn login(
    form: Form<Credentials>,
    session: Session,
    accounts: Data<Accounts>,
    next: NextPage,
) -> actix_web::Result<impl Responder> {
    let account = accounts.find(&form.name).await?;
    let Some(account) = account.filter(|account| account.password == form.password) else {
        session.flash("error", "Name or password is wrong.")?;
        return Ok(Redirect::to("/").see_other());
    };
    session.log_in(&account)?; // with a new token: what was planted before is worth nothing
    session.flash("success", "Welcome back.")?;
    Ok(next.or("/"))
}

#[post("/logout")]
async fn logout(session: Session) -> actix_web::Result<impl Responder> {
    session.log_out()?; // what is written after it starts a new session
    session.flash("success", "Goodbye.")?;
    Ok(Redirect::to("/").see_other())
}

#[get("/account")]
async fn profile(user: LoggedIn<Account>) -> Html {
    let name = user.name;
    Html::new(format!(
        "<!doctype html><title>Account</title><h1>{name}</h1>\
         <form method=post action=/delete><button>Delete my account</button></form>\
         <form method=post action=/logout><button>Log out</button></form>"
    ))
}

/// For 15 minutes after the password. A page of a browser would be sent to `/confirm`; a form gets 403.
#[post("/delete")]
async fn delete(user: RecentLogin<Account, 15>, session: Session) -> actix_web::Result<String> {
    session.log_out()?;
    Ok(format!("The account of {} is deleted.\n", user.name))
}

#[get("/confirm")]
async fn confirm_page(_: LoggedIn<Account>) -> Html {
    Html::new(
        "<!doctype html><title>Your password</title><form method=post>\
         <input name=password type=password placeholder=password> <button>Go on</button></form>",
    )
}

#[post("/confirm")]
async fn confirm(
    user: LoggedIn<Account>,
    form: Form<Password>,
    session: Session,
    next: NextPage,
) -> actix_web::Result<impl Responder> {
    if user.password == form.password {
        session.confirm()?;
    }
    Ok(next.or("/account"))
}

#[get("")]
async fn admin(user: LoggedIn<Account>) -> String {
    format!("{} is an administrator.\n", user.name)
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let address = format!("127.0.0.1:{port}");
    // A key for this run only: a restart logs every user out. The quickstart keeps its key.
    let sessions = AppSessions { backend: SignedCookie::new(SecretKey::generate()) };
    sessions.check()?;
    let server = HttpServer::new(move || {
        let gate = Gate::<Account>::allow(|user| user.is_admin);
        App::new()
            .app_data(Data::new(Accounts))
            .service((index, login_page, login, logout, profile, delete, confirm_page, confirm))
            .service(web::scope("/admin").wrap(gate).service(admin))
            .wrap(Logins::new(Accounts).login_page("/login").confirm_page("/confirm"))
            .wrap(sessions.clone())
            .wrap(SameOrigin::new().allow_unknown()) // so that `curl` may log in
    })
    .bind(&address)
    .map_err(|err| {
        io::Error::other(format!("cannot listen on {address}: {err}; set `PORT` to another port"))
    })?;
    println!("open http://localhost:{port}/account");
    server.run().await
}
