//! The least that a session costs any implementation within Actix Web: how it is [kept](keep), a middleware
//! that hands a slot to an extractor, and the headers.
//!
//! It lacks what makes a session fit for use. One fixed cookie without policies, no age, no owner, no
//! fallback key; a handle for one thread, that forgets nothing and refuses nothing; reads without
//! types. What stands between this and a framework is what those cost.

mod keep;

use std::{
    cell::{Cell, RefCell},
    future::{Future, Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready as ready_or_return},
};

use actix_service::{Service, Transform, forward_ready};
use actix_web::{
    App, Error, FromRequest, HttpMessage, HttpRequest,
    dev::{Payload, ServiceRequest, ServiceResponse},
    error::ErrorInternalServerError,
    http::header::{self, HeaderMap, HeaderValue},
    test::init_service,
    web::{self, ServiceConfig},
};
use hmac::{Hmac, KeyInit};
use memchr::memchr_iter;
use pin_project_lite::pin_project;
use serde::Serialize;
use sha2::Sha256;
use tokio::runtime::Runtime;

use self::keep::{Encrypted, Keep, Memory};
use super::{Site, actix::ActixSite, filling, next};
use crate::{
    floor::Opened,
    payload::{COUNTER, CSRF, USER, json},
};

const NAME: &[u8] = b"least=";

/// One request's session.
struct Slot {
    keep: Rc<dyn Keep>,
    opened: RefCell<Option<Opened>>,
    is_changed: Cell<bool>,
}

/// What handlers take.
#[derive(Clone)]
struct Handle(Rc<Slot>);

impl Handle {
    /// Returns the counter, and where its digits stand.
    fn counter(&self) -> Option<(u64, usize)> {
        let opened = self.0.opened.borrow();
        let Opened { json, strings, .. } = opened.as_ref()?;
        let key = strings.iter().find(|(start, end)| json[*start..*end] == *COUNTER.as_bytes())?;
        let digits = key.1 + 2;
        let text = json.get(digits..digits + 2)?;
        Some((std::str::from_utf8(text).ok()?.parse().ok()?, digits))
    }

    fn set_counter(&self, counter: u64, digits: usize) {
        if let Some(opened) = &mut *self.0.opened.borrow_mut() {
            opened.json[digits..digits + 2].copy_from_slice(counter.to_string().as_bytes());
            self.0.is_changed.set(true);
        }
    }

    /// Adds a key to a new session.
    fn insert(&self, key: &str, value: impl Serialize) -> serde_json::Result<()> {
        let mut opened = self.0.opened.borrow_mut();
        let new = || Opened { json: Vec::with_capacity(256), strings: Vec::new(), key: None };
        let json = &mut opened.get_or_insert_with(new).json;
        let before = if json.pop().is_some() { b',' } else { b'{' };
        json.push(before);
        serde_json::to_writer(&mut *json, key)?;
        json.push(b':');
        serde_json::to_writer(&mut *json, &value)?;
        json.push(b'}');
        self.0.is_changed.set(true);
        Ok(())
    }

    fn set(&self, json: String) {
        *self.0.opened.borrow_mut() = Opened::of(json.into_bytes());
        self.0.is_changed.set(true);
    }
}

impl FromRequest for Handle {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(handle) = request.extensions().get::<Self>().cloned() else {
            return ready(Err(ErrorInternalServerError("not wrapped")));
        };
        if let Some(token) = request.headers().get(header::COOKIE).and_then(token) {
            *handle.0.opened.borrow_mut() = handle.0.keep.open(token);
        }
        ready(Ok(handle))
    }
}

/// Finds the token in a `Cookie` header.
fn token(header: &HeaderValue) -> Option<&[u8]> {
    let header = header.as_bytes();
    let mut start = 0;
    for end in memchr_iter(b';', header).chain([header.len()]) {
        let pair = header[start..end].trim_ascii();
        start = end + 1;
        if let Some(token) = pair.strip_prefix(NAME) {
            return Some(token);
        }
    }
    None
}

/// The middleware.
struct Least {
    keep: Rc<dyn Keep>,
}

impl<S, B> Transform<S, ServiceRequest> for Least
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Transform = LeastService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(LeastService { service, keep: Rc::clone(&self.keep) }))
    }
}

struct LeastService<S> {
    service: S,
    keep: Rc<dyn Keep>,
}

impl<S, B> Service<ServiceRequest> for LeastService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = LeastFuture<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let keep = Rc::clone(&self.keep);
        let slot = Rc::new(Slot { keep, opened: RefCell::default(), is_changed: Cell::default() });
        request.extensions_mut().insert(Handle(Rc::clone(&slot)));
        LeastFuture { fut: self.service.call(request), slot }
    }
}

pin_project! {
    struct LeastFuture<F> {
        #[pin]
        fut: F,
        slot: Rc<Slot>,
    }
}

impl<F, B> Future for LeastFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut result = ready_or_return!(this.fut.poll(cx));
        if let (Ok(response), Some(opened)) = (&mut result, &*this.slot.opened.borrow()) {
            let headers = response.headers_mut();
            headers.insert(header::VARY, HeaderValue::from_static("Cookie"));
            if this.slot.is_changed.get() {
                set_cookie(&*this.slot.keep, opened, headers);
            }
        }
        Poll::Ready(result)
    }
}

fn set_cookie(keep: &dyn Keep, opened: &Opened, headers: &mut HeaderMap) {
    let mut cookie = String::with_capacity(opened.json.len() * 4 / 3 + 192);
    cookie.push_str("least=");
    if keep.save(opened, &mut cookie) {
        cookie.push_str("; HttpOnly; SameSite=Lax; Path=/; Secure");
        let cookie = HeaderValue::try_from(cookie).expect("a token is ASCII");
        headers.append(header::SET_COOKIE, cookie);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
}

pub(super) fn signed(runtime: Rc<Runtime>) -> Box<dyn Site> {
    let keyed = Hmac::<Sha256>::new_from_slice(&[7; 32]).expect("HMAC takes any key");
    kept(runtime, Rc::new(keyed))
}

pub(super) fn encrypted(runtime: Rc<Runtime>) -> Box<dyn Site> {
    kept(runtime, Rc::new(Encrypted::new()))
}

pub(super) fn memory(runtime: Rc<Runtime>) -> Box<dyn Site> {
    kept(runtime, Rc::new(Memory::default()))
}

fn kept(runtime: Rc<Runtime>, keep: Rc<dyn Keep>) -> Box<dyn Site> {
    let app = App::new().wrap(Least { keep }).configure(pages);
    let app = runtime.block_on(init_service(app));
    Box::new(ActixSite::new(runtime, app))
}

fn pages(config: &mut ServiceConfig) {
    config
        .route("/untouched", web::get().to(async || "ok"))
        .route("/read", web::get().to(read))
        .route("/write", web::get().to(write))
        .route("/create", web::get().to(create))
        .route("/fill", web::get().to(fill));
}

async fn read(session: Handle) -> Result<&'static str, Error> {
    session.counter().map(|_| "ok").ok_or_else(|| ErrorInternalServerError("no session"))
}

async fn write(session: Handle) -> Result<&'static str, Error> {
    let counter = session.counter().ok_or_else(|| ErrorInternalServerError("no session"));
    let (counter, digits) = counter?;
    session.set_counter(next(counter), digits);
    Ok("ok")
}

async fn create(session: Handle) -> Result<&'static str, Error> {
    session.insert(CSRF.0, CSRF.1)?;
    session.insert(USER.0, USER.1)?;
    session.insert(COUNTER, 41)?;
    Ok("ok")
}

async fn fill(request: HttpRequest, session: Handle) -> &'static str {
    session.set(json(&filling(request.uri().query())));
    "ok"
}
