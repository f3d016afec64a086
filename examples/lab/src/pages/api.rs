//! The same shop for programs, which have no cookies: a session by a bearer token.

use actix_web::{
    HttpResponse, Responder,
    error::ErrorUnauthorized,
    get, post,
    web::{Data, Html, Json, Path, ServiceConfig, scope},
};
use maud::html;
use serde::Deserialize;
use serde_json::{Value, json};
use sessions::Session;
use sessions_login::{LoggedIn, LoginSession, Logins};

use super::shop::product;
use crate::{
    accounts::{Account, Accounts},
    backend::Backend,
    page::Page,
    sessions::ApiSessions,
};

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

/// Adds the routes of programs, where the backend has tokens that a program can keep.
///
/// They stand beside `SameOrigin`: no browser sends a token by itself, and no other site can send JSON to
/// `/api/login` without CORS.
pub(crate) fn routes(app: &mut ServiceConfig, accounts: &Accounts, sessions: Option<&ApiSessions>) {
    let Some(sessions) = sessions else { return };
    let logins = Logins::new(accounts.clone()).devices();
    let routes = (log_in, me, show_cart, add, log_out);
    app.service(scope("/api").service(routes).wrap(logins).wrap(sessions.clone()));
}

#[post("/login")]
async fn log_in(
    session: Session<ApiSessions>,
    accounts: Data<Accounts>,
    form: Json<Credentials>,
) -> actix_web::Result<Json<Value>> {
    let Credentials { name, password } = form.into_inner();
    let account = accounts.verify(&name, password).await?;
    let account = account.ok_or_else(|| ErrorUnauthorized("name or password is wrong"))?;
    session.log_in(&account)?;
    let token = session.bearer_token().await?;
    Ok(Json(json!({"access_token": token, "token_type": "Bearer"})))
}

#[get("/me")]
async fn me(user: LoggedIn<Account>) -> Json<Value> {
    Json(json!({"id": user.id, "name": user.name}))
}

#[get("/cart")]
async fn show_cart(
    session: Session<ApiSessions>,
    _user: LoggedIn<Account>,
) -> actix_web::Result<impl Responder> {
    Ok(Json(session.snapshot()?))
}

#[post("/cart/{product}")]
async fn add(
    session: Session<ApiSessions>,
    _user: LoggedIn<Account>,
    name: Path<String>,
) -> actix_web::Result<HttpResponse> {
    let Some(product) = product(&name) else { return Ok(HttpResponse::NotFound().finish()) };
    session.modify(|cart| cart.add(product.name))?;
    Ok(HttpResponse::NoContent().finish())
}

#[post("/logout")]
async fn log_out(session: Session<ApiSessions>) -> actix_web::Result<HttpResponse> {
    session.log_out()?;
    Ok(HttpResponse::NoContent().finish())
}

/// The page that says how.
#[get("/programs")]
pub(super) async fn page(page: Page, backend: Data<Backend>) -> actix_web::Result<Html> {
    let name = page.user.as_ref().map_or("ada", |user| &user.name);
    let body = json!({"name": name, "password": "…"});
    let main = html! {
        h1 { "For programs" }
        p { "A program has no cookie jar. It gets the token of a session of its own, and sends it in a header." }
        @if backend.devices.is_some() {
            section.panel {
                h2 { "Log in" }
                pre { code { "curl localhost:8080/api/login --json '" (body) "'" } }
                p.muted { "The answer has the token, which begins with " code { "ses_" } "." }
            }
            section.panel {
                h2 { "Buy something" }
                pre {
                    code {
                        "curl -X POST localhost:8080/api/cart/Flask -H \"Authorization: Bearer $TOKEN\"\n"
                        "curl localhost:8080/api/cart -H \"Authorization: Bearer $TOKEN\""
                    }
                }
                p.muted {
                    "The program is one of your " a href="/devices" { "devices" } ": end its session there, and the \
                     token is worth nothing."
                }
            }
        } @else {
            section.panel {
                h2 { "Not with this backend" }
                p {
                    "The backend " code { (backend.kind) } " keeps each session in its token, which changes whenever the \
                     session does. A program would have to take a new one from each response. Start the lab with a \
                     store: " code { "SESSIONS_BACKEND=memory" } "."
                }
            }
        }
    };
    page.show("For programs", &main)
}
