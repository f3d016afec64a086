//! A page that stays connected: its WebSocket ends with the session, wherever that is logged out.

use std::{pin::pin, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse, dev::HttpServiceFactory, get, rt, web::Data, web::Html, web::Payload,
};
use actix_ws::{AggregatedMessage, CloseCode, MessageStream};
use futures_util::future::{Either, select};
use maud::html;
use sessions_login::LoggedIn;

use crate::{accounts::Account, backend::Backend, page::Page, sessions::LabSession};

/// How often a connection asks for its session. One call of a store each time.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) fn routes() -> impl HttpServiceFactory {
    (show, connect)
}

#[get("/live")]
async fn show(
    page: Page,
    _user: LoggedIn<Account>,
    backend: Data<Backend>,
) -> actix_web::Result<Html> {
    let main = html! {
        h1 { "Live" }
        section.panel.live data-state="connecting" {
            p #live role="status" { "Connecting" }
            p.muted #live-more { "The page holds a WebSocket, as a chat or a dashboard does." }
            noscript { p { "This page needs its script." } }
        }
        @if backend.devices.is_some() {
            p { "Open another browser, log in, and end this session on the page " a href="/devices" { "Devices" } "." }
        } @else {
            p { "A session in its cookie ends here when it expires. A logout is known to the browser alone." }
        }
        script src="/live.js" {}
    };
    page.show("Live", &main)
}

/// The session came with the cookie, which `SameSite=Strict` keeps from connections that other sites open.
#[get("/live/socket")]
async fn connect(
    request: HttpRequest,
    body: Payload,
    session: LabSession,
    _user: LoggedIn<Account>,
) -> actix_web::Result<HttpResponse> {
    let (response, mut socket, messages) = actix_ws::handle(&request, body)?;
    let ended = session.ended(INTERVAL);
    rt::spawn(async move {
        let answers = answer(socket.clone(), messages);
        match select(pin!(ended), pin!(answers)).await {
            Either::Left(((), _)) => {
                let _ = socket.text("ended").await;
                let _ = socket.close(Some(CloseCode::Policy.into())).await;
            }
            Either::Right(((), _)) => {}
        }
    });
    Ok(response)
}

/// Answers until the client goes.
async fn answer(mut socket: actix_ws::Session, messages: MessageStream) {
    let mut messages = messages.aggregate_continuations();
    while let Some(Ok(message)) = messages.recv().await {
        let answered = match message {
            AggregatedMessage::Ping(bytes) => socket.pong(&bytes).await,
            AggregatedMessage::Close(_) => return,
            _ => Ok(()),
        };
        if answered.is_err() {
            return;
        }
    }
}
