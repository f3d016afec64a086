//! The files beside the pages, embedded in the program.

use actix_web::{HttpResponse, Responder, dev::HttpServiceFactory, get, http::header};

const STYLE: &str = include_str!("../style.css");
const LIVE: &str = include_str!("../live.js");
const ICON: &str = include_str!("../icon.svg");

pub(super) fn routes() -> impl HttpServiceFactory {
    (style, live, icon)
}

#[get("/style.css")]
async fn style() -> impl Responder {
    file("text/css; charset=utf-8", STYLE)
}

#[get("/live.js")]
async fn live() -> impl Responder {
    file("text/javascript; charset=utf-8", LIVE)
}

#[get("/icon.svg")]
async fn icon() -> impl Responder {
    file("image/svg+xml", ICON)
}

fn file(kind: &'static str, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, kind));
    response.insert_header((header::CACHE_CONTROL, "public, max-age=60")).body(text)
}
