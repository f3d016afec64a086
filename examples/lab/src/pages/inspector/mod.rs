//! The session at hand, taken apart: its cookie, token, content, age, limits, and the policies behind them.

mod token;

use std::time::{Duration, SystemTime};

use actix_web::{
    HttpRequest,
    dev::HttpServiceFactory,
    get,
    web::{Data, Html},
};
use maud::{Markup, html};
use sessions::{SameSite, SessionInterface, backend::OwnedSession, policy::PolicySource};

use self::token::Token;
use super::devices::ago;
use crate::{
    backend::Backend,
    page::{Page, or_unavailable},
    sessions::{LabSession, LabSessions},
};

/// What browsers keep of a cookie: its name and value together (RFC 6265bis, 5.7).
const MAX_COOKIE: usize = 4_096;

pub(super) fn routes() -> impl HttpServiceFactory {
    inspector
}

#[get("/inspector")]
async fn inspector(
    request: HttpRequest,
    page: Page,
    backend: Data<Backend>,
    sessions: Data<LabSessions>,
) -> actix_web::Result<Html> {
    let name = sessions.cookie_name(&request);
    let token = Token::of(&request, &name, &backend.tokens);
    let current = match (&backend.devices, &page.user) {
        (Some(devices), Some(user)) => {
            let devices = or_unavailable(devices.list(user.id)).await?;
            devices.into_iter().find(|device| device.is_current(&page.session))
        }
        _ => None,
    };
    let main = html! {
        h1 { "Inspector" }
        p.muted { "The session of this request, in the backend " code { (backend.kind) } "." }
        div.panels {
            section.panel { h2 { "Cookie" } (cookie(&request, &sessions, token.as_ref())) }
            section.panel { h2 { "Token" } (token_parts(token.as_ref())) }
            section.panel { h2 { "Content" } (content(&page.session)?) }
            section.panel { h2 { "Age and limits" } (age(&page.session, &sessions, token.as_ref(), current.as_ref())) }
        }
        h2 { "Policies" }
        p.muted { "An attribute of the derive goes above the configuration, and that above the default." }
        (policies(&sessions))
    };
    page.show("Inspector", &main)
}

fn cookie(request: &HttpRequest, sessions: &LabSessions, token: Option<&Token>) -> Markup {
    let name = sessions.cookie_name(request);
    let samesite = sessions.cookie_samesite(request);
    let attributes = [
        sessions.cookie_secure(request).then(|| "Secure".to_owned()),
        sessions.cookie_httponly(request).then(|| "HttpOnly".to_owned()),
        (samesite != SameSite::Unset).then(|| format!("SameSite={samesite}")),
        Some(format!("Path={}", sessions.cookie_path(request))),
        sessions.cookie_domain(request).map(|domain| format!("Domain={domain}")),
        sessions.cookie_partitioned(request).then(|| "Partitioned".to_owned()),
    ];
    html! {
        dl {
            dt { "Name" } dd { code #cookie-name { (name) } }
            dt { "Attributes" }
            dd { @for attribute in attributes.iter().flatten() { span.tag { (attribute) } " " } }
            dt { "Size" }
            dd {
                @match token {
                    Some(token) => {
                        @let bytes = name.len() + token.length;
                        span #cookie-bytes { (bytes) } " of 4,096 bytes"
                        meter min="0" max=(MAX_COOKIE) value=(bytes) aria-label="Bytes of the cookie" {}
                    }
                    None => { "Your browser sent none: a session that holds nothing needs none." }
                }
            }
        }
    }
}

fn token_parts(token: Option<&Token>) -> Markup {
    let Some(token) = token else {
        return html! { p.muted { "Put something into the cart, or log in." } };
    };
    html! {
        dl #token {
            @for part in &token.parts {
                dt { (part.name) } dd { code { (part.text) } }
            }
            dt { "Key" } dd { (token.key) }
        }
    }
}

fn content(session: &LabSession) -> actix_web::Result<Markup> {
    let entries = session.entries()?;
    Ok(html! {
        @if entries.is_empty() { p.muted { "Nothing." } }
        dl {
            @for (key, value) in &entries {
                dt { code { (key) } } dd { code { (value) } }
            }
        }
    })
}

fn age(
    session: &LabSession,
    sessions: &LabSessions,
    token: Option<&Token>,
    current: Option<&OwnedSession>,
) -> Markup {
    let policies = sessions.policies();
    let limit = |limit: Option<Duration>| limit.map_or("none".to_owned(), written);
    html! {
        dl {
            @if let Some(current) = current {
                dt { "Logged in" } dd { (ago(current.created())) }
                dt { "Last use noted" } dd { (ago(current.last_seen())) }
            }
            @if let Some(sealed) = token.and_then(|token| token.sealed_at) {
                dt { "Written into the cookie" } dd { (seconds_ago(sealed)) }
            }
            dt { "Remembered" } dd #remembered { @if session.remembered() { "yes" } @else { "no" } }
            @if session.remembered() {
                dt { "Ends" } dd { (written(policies.remembered())) " after the login, used or not" }
            } @else {
                dt { "Unused for" } dd #idle { (limit(policies.idle_timeout())) }
                dt { "In all" } dd { (limit(policies.absolute_timeout())) }
                dt { "A token" } dd { (limit(Some(policies.lifetime()))) }
            }
        }
    }
}

fn policies(sessions: &LabSessions) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Policies" {
            table #policies {
                thead { tr { th scope="col" { "Policy" } th scope="col" { "Value" } th scope="col" { "From" } } }
                tbody {
                    @for policy in sessions.policies().list() {
                        tr {
                            th scope="row" { code { (policy.name()) } }
                            td { (policy.value().unwrap_or("–")) }
                            td {
                                @let (source, class) = source(policy.source());
                                span class={ "tag " (class) } { (source) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn source(source: PolicySource) -> (&'static str, &'static str) {
    match source {
        PolicySource::Attribute => ("attribute", "strong"),
        PolicySource::Configuration => ("configuration", "strong"),
        PolicySource::Function => ("function", "strong"),
        _ => ("default", ""),
    }
}

fn written(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 86_400 == 0 => format!("{} days", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{} hours", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    }
}

fn seconds_ago(time: SystemTime) -> String {
    format!("{} seconds ago", time.elapsed().unwrap_or_default().as_secs())
}
