//! A site with users, for any backend.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error, Responder,
    body::MessageBody,
    dev::ServiceResponse,
    error::{ErrorServiceUnavailable, ErrorUnauthorized},
    http::header,
    test::{TestRequest, init_service},
    web,
};
use serde_json::Value;
use sessions::{Session, SessionConfig, SessionMiddleware, backend::Backend, test::TestClock};
use sessions_login::{
    Gate, LoggedIn, LoginDevice, LoginSession, Logins, NextPage, RecentLogin, User, Users,
};
use sessions_tests::{Answer, AppSessions, Browser};

/// What a browser accepts that asks for a page.
pub(crate) const PAGE: (header::HeaderName, &str) =
    (header::ACCEPT, "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");

#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) name: String,
    password: String,
    is_admin: bool,
}

impl User for Account {
    fn id(&self) -> impl Display {
        &self.name
    }

    fn stamp(&self) -> impl AsRef<[u8]> {
        &self.password
    }
}

/// The users, who count how often they are asked, and can be out.
#[derive(Clone, Default)]
pub(crate) struct Accounts {
    by_name: Arc<Mutex<BTreeMap<String, Account>>>,
    asked: Arc<AtomicUsize>,
    is_out: Arc<AtomicBool>,
}

impl Accounts {
    /// Returns alice, an administrator, and bob.
    pub(crate) fn new() -> Self {
        let accounts = Self::default();
        for (name, is_admin) in [("alice", true), ("bob", false)] {
            let account = Account { name: name.to_owned(), password: format!("{name}s"), is_admin };
            accounts.all().insert(name.to_owned(), account);
        }
        accounts
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Account>> {
        self.by_name.lock().expect("no test panics with it")
    }

    /// Returns one of the users.
    pub(crate) fn named(&self, name: &str) -> Account {
        self.all().get(name).cloned().expect("a user")
    }

    pub(crate) fn change_password(&self, name: &str, password: &str) {
        let mut all = self.all();
        let account = all.get_mut(name).expect("a user");
        password.clone_into(&mut account.password);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.all().remove(name);
    }

    /// How often the users were asked since the last call.
    pub(crate) fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn set_out(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::SeqCst);
    }
}

impl Users for Accounts {
    type User = Account;

    async fn find(&self, id: &str) -> actix_web::Result<Option<Account>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        // So that extractors of one handler meet.
        tokio::task::yield_now().await;
        if self.is_out.load(Ordering::SeqCst) {
            return Err(ErrorServiceUnavailable("the users are out"));
        }
        Ok(self.all().get(id).cloned())
    }
}

/// A site, its users and its clock.
pub(crate) struct Site<B: Backend + Clone> {
    pub(crate) sessions: AppSessions<B>,
    pub(crate) accounts: Accounts,
    pub(crate) time: TestClock,
    /// How often a handler ran that asks who is logged in.
    pub(crate) handled: Arc<AtomicUsize>,
}

impl<B: Backend + Clone> Site<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self {
            sessions: AppSessions { backend, config: SessionConfig::new() },
            accounts: Accounts::new(),
            time: TestClock::new(),
            handled: Arc::default(),
        }
    }

    pub(crate) fn logins(&self) -> Logins<Accounts> {
        Logins::new(self.accounts.clone()).login_page("/login").confirm_page("/confirm?why=old")
    }

    pub(crate) async fn app(
        &self,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        self.app_with(self.logins()).await
    }

    /// Starts the site with these logins.
    pub(crate) async fn app_with(
        &self,
        logins: Logins<Accounts>,
    ) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
        let sessions = SessionMiddleware::new(self.sessions.clone()).with_clock(self.time.clock());
        let admin = web::scope("/admin").wrap(Gate::<Account>::allow(|user| user.is_admin));
        let handled = web::Data::from(Arc::clone(&self.handled));
        init_service(
            App::new()
                .app_data(web::Data::new(self.accounts.clone()))
                .app_data(handled)
                .service(
                    admin.route("/me", web::get().to(me)).route("/visits", web::get().to(visits)),
                )
                .route("/login", web::post().to(login))
                .route("/logout", web::post().to(logout))
                .route("/confirm", web::post().to(confirm))
                .route("/password/{password}", web::post().to(password))
                .route("/forge", web::post().to(forge))
                .route("/forge-all", web::post().to(forge_all))
                .route("/device", web::get().to(device))
                .route("/me", web::route().to(me))
                .route("/maybe", web::get().to(maybe))
                .route("/all", web::get().to(all))
                .route("/changed", web::get().to(changed))
                .route("/delete", web::route().to(delete))
                .route("/plain", web::get().to(async || "plain"))
                .wrap(logins)
                .wrap(sessions),
        )
        .await
    }
}

async fn login(
    session: Session,
    name: web::Form<BTreeMap<String, String>>,
    next: NextPage,
    accounts: web::Data<Accounts>,
) -> actix_web::Result<impl Responder> {
    let account = accounts.all().get(&name["name"]).cloned();
    let account = account.ok_or_else(|| ErrorUnauthorized("nobody"))?;
    session.log_in(&account)?;
    Ok(next.or("/me"))
}

async fn logout(session: Session) -> actix_web::Result<String> {
    Ok(format!("{:?}", session.log_out()?))
}

async fn confirm(session: Session, next: NextPage) -> actix_web::Result<impl Responder> {
    session.confirm()?;
    Ok(next.or("/me"))
}

/// Changes the password of the user, who stays logged in.
async fn password(
    user: LoggedIn<Account>,
    session: Session,
    password: web::Path<String>,
    accounts: web::Data<Accounts>,
) -> actix_web::Result<&'static str> {
    accounts.change_password(&user.name, &password);
    session.log_in(&accounts.named(&user.name))?;
    Ok("changed")
}

/// Writes what an attacker would like the session to have, under every key that it may be under.
async fn forge(session: Session, keys: web::Form<BTreeMap<String, String>>) -> String {
    keys.iter()
        .map(|(key, value)| {
            let value: Value = serde_json::from_str(value).expect("JSON");
            session.insert(key, &value).is_ok().to_string()
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Writes these keys with each method that writes a key, and returns how many wrote something.
async fn forge_all(session: Session, keys: web::Json<BTreeMap<String, Value>>) -> String {
    let mut written = 0;
    for (key, value) in keys.into_inner() {
        let (one, two, three) = (value.clone(), value.clone(), value.clone());
        let writes = [
            session.insert(&key, &value).is_ok(),
            session.extend([(&*key, &value)]).is_ok(),
            !session.contains_key(&key) && session.get_or_insert_with(&key, || one).is_ok(),
            session.update(&key, move |_: Option<Value>| two.clone()).is_ok(),
            session.update_with(&key, three, |three, _: Option<Value>| three.clone()).is_ok(),
            session.remove(&key).is_ok(),
            session.take::<Value>(&key).is_ok(),
        ];
        written += writes.into_iter().filter(|is_written| *is_written).count();
    }
    written.to_string()
}

async fn me(user: LoggedIn<Account>, handled: web::Data<AtomicUsize>) -> String {
    handled.fetch_add(1, Ordering::SeqCst);
    user.name.clone()
}

async fn maybe(user: Option<LoggedIn<Account>>, handled: web::Data<AtomicUsize>) -> String {
    handled.fetch_add(1, Ordering::SeqCst);
    user.map_or_else(|| "nobody".to_owned(), |user| user.name.clone())
}

async fn all(
    one: LoggedIn<Account>,
    two: Option<LoggedIn<Account>>,
    recent: Option<RecentLogin<Account, 15>>,
) -> String {
    let two = two.expect("the same");
    format!("{} {} {:?}", one.name, two.name, recent.map(|user| user.name.clone()))
}

/// Asks again after the session has changed its owner.
async fn changed(
    request: actix_web::HttpRequest,
    session: Session,
    accounts: web::Data<Accounts>,
) -> actix_web::Result<String> {
    let mut seen = Vec::new();
    let mut look = async || {
        let user = LoggedIn::<Account>::extract(&request).await;
        seen.push(user.map_or_else(|err| err.to_string(), |user| user.name.clone()));
    };
    look().await;
    session.log_in(&accounts.named("bob"))?;
    look().await;
    session.log_out()?;
    look().await;
    Ok(seen.join(", "))
}

async fn device(session: Session) -> String {
    session.device().map_or_else(|| "none".to_owned(), |device| device.to_string())
}

async fn visits(user: LoggedIn<Account>, session: Session) -> actix_web::Result<String> {
    let visits = session.update("visits", |n: Option<u32>| n.unwrap_or(0) + 1)?;
    Ok(format!("{} {visits}", user.name))
}

async fn delete(user: RecentLogin<Account, 15>) -> String {
    format!("{} is deleted", user.name)
}

use actix_web::FromRequest as _;

/// Logs a user in, and returns the answer.
pub(crate) async fn log_in<S, B>(browser: &mut Browser, app: &S, name: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let form = TestRequest::post().uri("/login").set_form([("name", name)]);
    let answer = browser.send(app, form).await;
    assert_eq!((answer.status.as_u16(), answer.all("location")), (303, vec!["/me"]), "{name}");
    answer
}

/// Posts without a body.
pub(crate) async fn post<S, B>(browser: &mut Browser, app: &S, path: &str) -> Answer
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    browser.send(app, TestRequest::post().uri(path)).await
}
