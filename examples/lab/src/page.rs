//! What all pages have in common: who sees it, how it looks, and the messages for it.

use std::future::Future;

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Html};
use futures_util::future::LocalBoxFuture;
use maud::{DOCTYPE, Markup, html};
use sessions::Session;
use sessions_login::LoggedIn;

use crate::{
    accounts::Account,
    sessions::{Cart, LabSession, Theme, ThemeSessions},
};

/// A page for one request.
pub(crate) struct Page {
    pub(crate) session: LabSession,
    pub(crate) user: Option<LoggedIn<Account>>,
    theme: Theme,
    path: String,
}

impl FromRequest for Page {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let look = Session::<ThemeSessions>::extract(&request).await?;
            Ok(Self {
                session: LabSession::extract(&request).await?,
                user: Option::<LoggedIn<Account>>::extract(&request).await?,
                theme: look.read(|look| look.theme)?,
                path: request.path().to_owned(),
            })
        })
    }
}

impl Page {
    /// Returns the whole page around its main part. Messages are shown once.
    pub(crate) fn show(&self, title: &str, main: &Markup) -> actix_web::Result<Html> {
        let flashes = self.session.take_flashes()?;
        let count = self.session.read(Cart::count)?;
        let markup = html! {
            (DOCTYPE)
            html lang="en" data-theme=(self.theme.name()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) " · sessions lab" }
                    link rel="stylesheet" href="/style.css";
                    link rel="icon" href="/icon.svg" type="image/svg+xml";
                }
                body {
                    a.skip href="#main" { "Skip to content" }
                    (self.header(count))
                    // There from the start: a screen reader tells what comes into it.
                    div.flashes role="status" aria-live="polite" {
                        @for (level, text) in &flashes {
                            p.flash data-level=(level) { (text) }
                        }
                    }
                    main #main tabindex="-1" { (main) }
                    (self.footer())
                }
            }
        };
        Ok(Html::new(markup.into_string()))
    }

    fn header(&self, count: u32) -> Markup {
        html! {
            header.bar {
                a.brand href="/" { span.mark aria-hidden="true" {} "sessions lab" }
                nav aria-label="Main" {
                    ul {
                        li { (self.link("/", "Shop")) }
                        li {
                            (self.link("/cart", "Cart"))
                            @if count > 0 { span.badge { (count) span.hidden { " in the cart" } } }
                        }
                        li { (self.link("/devices", "Devices")) }
                        li { (self.link("/live", "Live")) }
                        li { (self.link("/inspector", "Inspector")) }
                        li { (self.link("/programs", "API")) }
                        li { (self.link("/metrics", "Metrics")) }
                    }
                }
                div.who {
                    @match &self.user {
                        Some(user) => {
                            a.account href="/account" { (user.name) }
                            form method="post" action="/logout" { button.quiet { "Log out" } }
                        }
                        None => {
                            a href="/login" { "Log in" }
                            a.button href="/signup" { "Sign up" }
                        }
                    }
                }
            }
        }
    }

    fn link(&self, path: &str, text: &str) -> Markup {
        let is_here = self.path == path;
        html! { a href=(path) aria-current=[is_here.then_some("page")] { (text) } }
    }

    fn footer(&self) -> Markup {
        html! {
            footer {
                p { "An example of the crate " code { "sessions" } "." }
                form method="post" action="/theme" {
                    fieldset.themes {
                        legend { "Theme" }
                        input type="hidden" name="back" value=(self.path);
                        @for theme in Theme::ALL {
                            button name="theme" value=(theme.name()) aria-pressed=((theme == self.theme).to_string()) {
                                (theme.name())
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A field of a form with its label.
pub(crate) fn field(label: &str, name: &str, kind: &str, autocomplete: &str) -> Markup {
    let minimum = (autocomplete == "new-password").then_some("8");
    html! {
        label for=(name) { (label) }
        input #(name) name=(name) type=(kind) autocomplete=(autocomplete) required minlength=[minimum] maxlength="128";
    }
}

/// Tells a password manager whose password a form is about.
pub(crate) fn username(account: &Account) -> Markup {
    html! { input type="text" autocomplete="username" value=(account.name) readonly hidden; }
}

/// Waits for a future that may fail as the application's own errors do.
pub(crate) async fn or_unavailable<T, E: std::fmt::Debug + std::fmt::Display + 'static>(
    fut: impl Future<Output = Result<T, E>>,
) -> actix_web::Result<T> {
    fut.await.map_err(actix_web::error::ErrorServiceUnavailable)
}
