//! Cookies as Flask signs them, made by hand from any text.

use std::{cell::RefCell, io::Read, rc::Rc, time::UNIX_EPOCH};

use actix_web::{App, HttpResponse, test::TestRequest, test::init_service, web};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use sessions::{
    SecretKey, Session, SessionConfig, SessionInterface, SessionMiddleware, flask::FlaskCookie,
    test::TestClock,
};
use sha1::Sha1;

use crate::Answer;

/// The key of the Flask application: one that is too short for any other constructor.
pub const FLASK_KEY: &str = "dev";

/// What an application that shares its session with Flask has.
#[derive(Clone, Debug, SessionInterface)]
pub struct SharedSessions {
    /// Flask's settings.
    pub config: SessionConfig,
    /// Flask's cookie.
    pub backend: FlaskCookie,
}

impl SharedSessions {
    /// Returns Flask's defaults, and its key.
    ///
    /// # Panics
    ///
    /// Never: the key is not empty.
    pub fn new() -> Self {
        let key = SecretKey::for_interoperation(FLASK_KEY).expect("a key");
        Self::with_config(SessionConfig::flask().secret_key(key))
    }

    /// Returns what goes with these settings.
    pub fn with_config(config: SessionConfig) -> Self {
        Self { backend: FlaskCookie::from_config(&config), config }
    }

    /// Sends a request with this cookie, on the first day of 2026, to a handler.
    pub async fn answer<R>(
        self,
        cookie: &str,
        handler: impl Fn(Session) -> R + Clone + 'static,
    ) -> Answer
    where
        R: Future<Output = HttpResponse> + 'static,
    {
        self.answer_at(&TestClock::new(), cookie, handler).await
    }

    /// Sends a request with a cookie of this name, on the first day of 2026, to a handler.
    pub async fn answer_named<R>(
        self,
        name: &str,
        cookie: &str,
        handler: impl Fn(Session) -> R + Clone + 'static,
    ) -> Answer
    where
        R: Future<Output = HttpResponse> + 'static,
    {
        self.answer_to(&TestClock::new(), &format!("{name}={cookie}"), handler).await
    }

    /// Sends a request with this cookie, at this time, to a handler.
    pub async fn answer_at<R>(
        self,
        time: &TestClock,
        cookie: &str,
        handler: impl Fn(Session) -> R + Clone + 'static,
    ) -> Answer
    where
        R: Future<Output = HttpResponse> + 'static,
    {
        let pair = if cookie.is_empty() { String::new() } else { format!("session={cookie}") };
        self.answer_to(time, &pair, handler).await
    }

    async fn answer_to<R>(
        self,
        time: &TestClock,
        pair: &str,
        handler: impl Fn(Session) -> R + Clone + 'static,
    ) -> Answer
    where
        R: Future<Output = HttpResponse> + 'static,
    {
        let sessions = SessionMiddleware::new(self).with_clock(time.clock());
        let handler = move |session: Session| handler(session);
        let app = App::new().wrap(sessions).default_service(web::to(handler));
        let mut request = TestRequest::default();
        if !pair.is_empty() {
            request = request.insert_header(("cookie", pair));
        }
        Answer::of(&init_service(app).await, request).await
    }

    /// Returns what a handler makes of the session in this cookie, which is a text of Flask's JSON.
    ///
    /// # Panics
    ///
    /// When the handler does.
    pub async fn open<T: 'static>(
        self,
        json: &str,
        look: impl Fn(&Session) -> T + Clone + 'static,
    ) -> T {
        let seen = Rc::new(RefCell::new(None));
        let handler = {
            let seen = seen.clone();
            move |session: Session| {
                *seen.borrow_mut() = Some(look(&session));
                async { HttpResponse::Ok().finish() }
            }
        };
        self.answer(&flask_cookie(json), handler).await;
        seen.take().expect("the handler ran")
    }

    /// Returns the text of the session in the cookie that a handler leaves.
    ///
    /// # Panics
    ///
    /// When it leaves none.
    pub async fn write(self, cookie: &str, act: impl Fn(&Session) + Clone + 'static) -> String {
        let handler = move |session: Session| {
            act(&session);
            async { HttpResponse::Ok().finish() }
        };
        let answer = self.answer(cookie, handler).await;
        flask_json(&answer.cookie().expect("the session is saved").value)
    }
}

impl Default for SharedSessions {
    fn default() -> Self {
        Self::new()
    }
}

/// Signs a payload as it stands, on the first day of 2026.
///
/// # Panics
///
/// Never.
pub fn sign_payload(payload: &str) -> String {
    let now = TestClock::new().now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let seconds: Vec<u8> = now.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let signed = format!("{payload}.{}", URL_SAFE_NO_PAD.encode(seconds));
    let mac = hmac(&hmac(FLASK_KEY.as_bytes(), b"cookie-session"), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// Returns the cookie of this JSON text.
pub fn flask_cookie(json: &str) -> String {
    sign_payload(&URL_SAFE_NO_PAD.encode(json))
}

/// Returns the JSON text in a cookie.
///
/// # Panics
///
/// When it is no such cookie.
pub fn flask_json(cookie: &str) -> String {
    let (payload, _) =
        cookie.rsplit_once('.').and_then(|(rest, _)| rest.rsplit_once('.')).expect("a token");
    let decode = |text| URL_SAFE_NO_PAD.decode(text).expect("base64");
    let mut json = String::new();
    match payload.strip_prefix('.') {
        Some(compressed) => ZlibDecoder::new(&*decode(compressed)).read_to_string(&mut json),
        None => decode(payload).as_slice().read_to_string(&mut json),
    }
    .expect("text");
    json
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}
