//! A page for frames on other sites, with a partitioned cookie: each of those sites has a count of its own.

use actix_web::{
    dev::HttpServiceFactory,
    get,
    middleware::DefaultHeaders,
    web::{Html, scope},
};
use maud::{DOCTYPE, html};
use sessions::Session;

use crate::sessions::WidgetSessions;

/// Any site may show it.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'";

pub(crate) fn routes(sessions: WidgetSessions) -> impl HttpServiceFactory {
    let headers = DefaultHeaders::new().add(("Content-Security-Policy", CONTENT_SECURITY_POLICY));
    scope("/widget").wrap(headers).wrap(sessions).service(widget)
}

#[get("")]
async fn widget(session: Session<WidgetSessions>) -> actix_web::Result<Html> {
    let views = session.update("views", |views: Option<u32>| views.unwrap_or(0) + 1)?;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { "Seen here" }
                link rel="stylesheet" href="/style.css";
            }
            body.widget { p { "Seen " strong #views { (views) } " times on this site" } }
        }
    };
    Ok(Html::new(markup.into_string()))
}
