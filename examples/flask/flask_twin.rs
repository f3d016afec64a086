//! The twin of a Flask application, `tests/conformance/app.py`: both read and write one session
//! cookie, so that a login on one side is a login on the other.
//!
//!     FLASK_SECRET_KEY=dev cargo run --example flask_twin
//!     FLASK_SECRET_KEY=dev PORT=5000 python tests/conformance/app.py
//!
//!     curl -c jar -b jar 'http://localhost:8080/set?key=cart&json=\["tea"\]'
//!     curl -c jar -b jar 'http://localhost:5000/dump'

use std::{collections::HashMap, env, io};

use actix_web::{App, HttpResponse, HttpServer, get, http::StatusCode, web};
use serde_json::Value as Json;
use sessions::{
    Session, SessionConfig, SessionInterface,
    flask::{FlaskCookie, Value},
};

/// Flask's session, opened before each handler as Flask does.
#[derive(Clone, SessionInterface)]
#[session(open = "eager")]
struct FlaskSessions {
    config: SessionConfig,
    backend: FlaskCookie,
}

type Answer = actix_web::Result<HttpResponse>;
type Query = web::Query<HashMap<String, String>>;

#[get("/set")]
async fn set(session: Session, query: Query) -> Answer {
    session.insert(&query["key"], value(&query)?)?;
    Ok(answer("ok"))
}

#[get("/get")]
async fn get(session: Session, query: Query) -> Answer {
    Ok(answer(session.get::<Value>(&query["key"])?.map(plain)))
}

#[get("/dump")]
async fn dump(session: Session) -> Answer {
    let mut members = serde_json::Map::new();
    for key in session.keys() {
        let value = session.get::<Value>(&key)?.map(plain);
        members.insert(key, value.into());
    }
    Ok(answer(members))
}

#[get("/pop")]
async fn pop(session: Session, query: Query) -> Answer {
    Ok(answer(session.take::<Value>(&query["key"])?.map(plain)))
}

#[get("/clear")]
async fn clear(session: Session) -> Answer {
    session.clear()?;
    Ok(answer("ok"))
}

#[get("/permanent")]
async fn permanent(session: Session, query: Query) -> Answer {
    session.set_permanent(query["on"] == "1")?;
    Ok(answer("ok"))
}

#[get("/setdefault")]
async fn setdefault(session: Session, query: Query) -> Answer {
    let default = value(&query)?;
    Ok(answer(plain(session.get_or_insert_with(&query["key"], || default)?)))
}

#[get("/contains")]
async fn contains(session: Session, query: Query) -> Answer {
    Ok(answer(session.contains_key(&query["key"])))
}

#[get("/nothing")]
async fn nothing() -> Answer {
    Ok(answer("ok"))
}

#[get("/vary")]
async fn vary(session: Session, query: Query) -> Answer {
    session.contains_key("boom");
    Ok(HttpResponse::Ok().insert_header(("Vary", query["value"].as_str())).json("ok"))
}

#[get("/boom")]
async fn boom(session: Session) -> Answer {
    session.insert("boom", true)?;
    Ok(HttpResponse::build(StatusCode::INTERNAL_SERVER_ERROR).json("boom"))
}

#[get("/flash")]
async fn flash(session: Session, query: Query) -> Answer {
    session.flash("message", &query["message"])?;
    Ok(answer("ok"))
}

#[get("/flashes")]
async fn flashes(session: Session) -> Answer {
    let messages = session.take_flashes()?.into_iter().map(|(_, message)| message);
    Ok(answer(messages.collect::<Vec<_>>()))
}

fn answer(value: impl Into<Json>) -> HttpResponse {
    HttpResponse::Ok().json(value.into())
}

fn value(query: &Query) -> actix_web::Result<Value> {
    Ok(serde_json::from_str(&query["json"])?)
}

/// Returns a value as JSON; types of Python that JSON lacks become text.
fn plain(value: Value) -> Json {
    match value {
        Value::List(values) | Value::Tuple(values) => values.into_iter().map(plain).collect(),
        Value::Dict(members) => {
            members.into_iter().map(|(key, member)| (key, plain(member))).collect()
        }
        Value::Bytes(bytes) => hex(&bytes.0).into(),
        Value::Markup(markup) => markup.0.into(),
        Value::Uuid(id) => id.to_string().into(),
        Value::DateTime(time) => time.to_string().into(),
        Value::Bool(value) => value.into(),
        Value::Number(number) => number.into(),
        Value::String(text) => text.into(),
        _ => Json::Null,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn pages(service: &mut web::ServiceConfig) {
    service.service((set, get, dump, pop, clear, permanent, setdefault, contains, nothing));
    service.service((vary, boom, flash, flashes));
}

#[actix_web::main]
async fn main() -> io::Result<()> {
    env_logger::init_from_env(env_logger::Env::default().default_filter_or("warn"));
    let config = SessionConfig::from_flask_prefixed_env("FLASK_")?;
    // As the JSON provider of the Flask application is set, which is no setting of the environment.
    let is_on = |variable| env::var(variable).as_deref() != Ok("0");
    let backend = FlaskCookie::from_config(&config)
        .with_sort_keys(is_on("TWIN_SORT_KEYS"))
        .with_ensure_ascii(is_on("TWIN_ENSURE_ASCII"));
    let sessions = FlaskSessions { config, backend };
    sessions.check()?;
    let port = env::var("PORT").unwrap_or("8080".to_owned());
    let server = HttpServer::new(move || {
        // The same pages below a path, for cookies that belong to that path.
        let below = web::scope("/app").configure(pages);
        App::new().wrap(sessions.clone()).service(below).configure(pages)
    })
    .workers(1)
    .bind(format!("127.0.0.1:{port}"))?;
    println!("open http://localhost:{port}");
    server.run().await
}
