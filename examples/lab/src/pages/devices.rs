//! Where a user is logged in: log out there, and everywhere.

use std::time::SystemTime;

use actix_web::{
    dev::HttpServiceFactory,
    get, post,
    web::{Data, Form, Html, Redirect},
};
use maud::{Markup, html};
use serde::Deserialize;
use sessions::backend::OwnedSession;
use sessions_login::{LoggedIn, LoginDevice, LoginSession};

use super::go;
use crate::{
    accounts::Account,
    backend::Backend,
    page::{Page, or_unavailable},
    sessions::LabSession,
};

#[derive(Deserialize)]
struct Device {
    id: String,
}

pub(super) fn routes() -> impl HttpServiceFactory {
    (show, end, end_others, end_all)
}

#[get("/devices")]
async fn show(
    page: Page,
    user: LoggedIn<Account>,
    backend: Data<Backend>,
) -> actix_web::Result<Html> {
    let main = match &backend.devices {
        Some(devices) => list(&or_unavailable(devices.list(user.id)).await?, &page.session),
        None => not_listed(backend.kind),
    };
    page.show("Devices", &html! { h1 { "Your devices" } (main) })
}

fn list(devices: &[OwnedSession], session: &LabSession) -> Markup {
    html! {
        ul.lines {
            @for device in devices {
                @let login = device.device();
                @let name = login.as_ref().map_or("A client".to_owned(), |login| name(login.user_agent()));
                @let is_current = device.is_current(session);
                li.row {
                    div {
                        strong { (name) }
                        @if is_current { " " span.tag { "this device" } }
                        p.muted {
                            @if let Some(address) = login.and_then(|login| login.address()) { (address) " · " }
                            "logged in " (ago(device.created())) " · last seen " (ago(device.last_seen()))
                        }
                    }
                    @if !is_current {
                        form method="post" action="/devices/end" {
                            button.quiet name="id" value=(device.id()) {
                                "Log out" span.hidden { " " (name) }
                            }
                        }
                    }
                }
            }
        }
        div.row.left {
            form method="post" action="/devices/end-others" { button { "Log out all others" } }
            form method="post" action="/devices/end-all" { button.danger { "Log out everywhere" } }
        }
    }
}

fn not_listed(kind: &str) -> Markup {
    html! {
        section.panel {
            h2 { "Nobody keeps a list" }
            p {
                "The backend " code { (kind) } " keeps each session in its cookie, on the device itself. The server \
                 has no list of them and cannot end one. It can end all others at once: "
                a href="/account" { "change the password" } "."
            }
            p.muted {
                "Start the lab with " code { "SESSIONS_BACKEND=memory" } ", or the URL of a store, to see your devices."
            }
        }
    }
}

#[post("/devices/end")]
async fn end(
    user: LoggedIn<Account>,
    session: LabSession,
    backend: Data<Backend>,
    form: Form<Device>,
) -> actix_web::Result<Redirect> {
    if let Some(devices) = &backend.devices {
        // Only a session of this user.
        let ended = or_unavailable(devices.end(user.id, &form.id)).await?;
        let text = if ended { "That device is logged out." } else { "It was logged out already." };
        session.flash("success", text)?;
    }
    Ok(go("/devices"))
}

#[post("/devices/end-others")]
async fn end_others(
    _user: LoggedIn<Account>,
    session: LabSession,
    backend: Data<Backend>,
) -> actix_web::Result<Redirect> {
    if let Some(devices) = &backend.devices {
        let ended = or_unavailable(devices.end_others(&session)).await?;
        session.flash("success", format!("Logged out on {ended} other devices."))?;
    }
    Ok(go("/devices"))
}

#[post("/devices/end-all")]
async fn end_all(
    user: LoggedIn<Account>,
    session: LabSession,
    backend: Data<Backend>,
) -> actix_web::Result<Redirect> {
    session.log_out()?; // removes the cookie of this device
    if let Some(devices) = &backend.devices {
        or_unavailable(devices.end_all(user.id)).await?;
    }
    session.flash("success", "You are logged out everywhere.")?;
    Ok(go("/"))
}

pub(super) fn ago(time: SystemTime) -> String {
    match time.elapsed().unwrap_or_default().as_secs() / 60 {
        0 => "just now".to_owned(),
        minutes @ 1..60 => format!("{minutes} min ago"),
        minutes @ 60..1440 => format!("{} h ago", minutes / 60),
        minutes => format!("{} days ago", minutes / 1440),
    }
}

/// Returns what a user calls a browser. A client may send any text as its user agent.
fn name(agent: &str) -> String {
    let find = |names: &[(&str, &'static str)]| {
        names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    // Each says that it is also those after it.
    let browsers = [
        ("Edg/", "Edge"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ];
    let systems = [
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let browser = find(&browsers).unwrap_or("A client");
    find(&systems).map_or(browser.to_owned(), |system| format!("{browser} on {system}"))
}
