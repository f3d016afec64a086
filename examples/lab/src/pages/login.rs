//! Sign up, log in and out, and the password once more before something dangerous.

use actix_web::{
    HttpRequest,
    dev::HttpServiceFactory,
    get, post,
    web::{Data, Form, Html, Redirect},
};
use maud::html;
use serde::Deserialize;
use sessions_login::{LoggedIn, LoginSession, NextPage};

use super::go;
use crate::{
    accounts::{Account, Accounts},
    page::{Page, field, username},
    sessions::LabSession,
};

#[derive(Deserialize)]
struct Credentials {
    name: String,
    password: String,
    /// A box of a form is there or not.
    remember: Option<String>,
}

#[derive(Deserialize)]
struct Password {
    password: String,
}

pub(super) fn routes() -> impl HttpServiceFactory {
    (signup_page, sign_up, login_page, log_in, log_out, confirm_page, confirm)
}

#[get("/signup")]
async fn signup_page(page: Page) -> actix_web::Result<Html> {
    let main = html! {
        h1 { "Sign up" }
        form.stack.narrow method="post" {
            (field("Name", "name", "text", "username"))
            (field("Password, at least 8 characters", "password", "password", "new-password"))
            button { "Sign up" }
            p.muted { "You have an account? " a href="/login" { "Log in" } }
        }
    };
    page.show("Sign up", &main)
}

#[post("/signup")]
async fn sign_up(
    session: LabSession,
    accounts: Data<Accounts>,
    form: Form<Credentials>,
) -> actix_web::Result<Redirect> {
    let Credentials { name, password, .. } = form.into_inner();
    let name = name.trim();
    if name.is_empty() || name.len() > 128 || password.chars().count() < 8 || password.len() > 128 {
        session.flash("error", "A name, and a password of 8 to 128 characters, please.")?;
        return Ok(go("/signup"));
    }
    match accounts.sign_up(name, password).await? {
        Some(account) => {
            session.log_in(&account)?;
            session.flash("success", format!("Welcome, {}.", account.name))?;
            Ok(go("/"))
        }
        None => {
            session.flash("error", "This name is taken.")?;
            Ok(go("/signup"))
        }
    }
}

#[get("/login")]
async fn login_page(page: Page) -> actix_web::Result<Html> {
    let main = html! {
        h1 { "Log in" }
        // Without an action it is sent to the address of this page, with its `next`.
        form.stack.narrow method="post" {
            (field("Name", "name", "text", "username"))
            (field("Password", "password", "password", "current-password"))
            label.check { input type="checkbox" name="remember"; "Stay logged in for 30 days" }
            button { "Log in" }
            p.muted { "New here? " a href="/signup" { "Sign up" } }
        }
    };
    page.show("Log in", &main)
}

#[post("/login")]
async fn log_in(
    session: LabSession,
    accounts: Data<Accounts>,
    next: NextPage,
    request: HttpRequest,
    form: Form<Credentials>,
) -> actix_web::Result<Redirect> {
    let Credentials { name, password, remember } = form.into_inner();
    match accounts.verify(name.trim(), password).await? {
        Some(account) => {
            session.log_in(&account)?;
            session.set_remembered(remember.is_some())?;
            session.flash("success", format!("Welcome back, {}.", account.name))?;
            Ok(next.or("/"))
        }
        None => {
            session.flash("error", "Name or password is wrong.")?;
            Ok(again(&request))
        }
    }
}

#[post("/logout")]
async fn log_out(session: LabSession) -> actix_web::Result<Redirect> {
    session.log_out()?;
    session.flash("success", "You are logged out.")?; // of a new session, which is gone once it is shown
    Ok(go("/"))
}

#[get("/confirm")]
async fn confirm_page(page: Page, user: LoggedIn<Account>) -> actix_web::Result<Html> {
    let main = html! {
        h1 { "Is it you?" }
        p { "What comes next cannot be undone. Give the password of " strong { (user.name) } " once more." }
        form.stack.narrow method="post" {
            (username(&user))
            (field("Password", "password", "password", "current-password"))
            button { "Go on" }
        }
    };
    page.show("Confirm", &main)
}

#[post("/confirm")]
async fn confirm(
    session: LabSession,
    user: LoggedIn<Account>,
    accounts: Data<Accounts>,
    next: NextPage,
    request: HttpRequest,
    form: Form<Password>,
) -> actix_web::Result<Redirect> {
    if accounts.verify(&user.name, form.into_inner().password).await?.is_none() {
        session.flash("error", "The password is wrong.")?;
        return Ok(again(&request));
    }
    session.confirm()?;
    Ok(next.or("/account"))
}

/// Sends a browser back to the form that it posted.
fn again(request: &HttpRequest) -> Redirect {
    let page = request.uri().path_and_query().map_or("/", |page| page.as_str());
    Redirect::to(page.to_owned()).see_other()
}
