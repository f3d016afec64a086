//! Rule: in an expression `Session` needs its parameter, or angle brackets around it.

use actix_web::{FromRequest, HttpRequest};
use sessions::Session;

async fn user(request: HttpRequest) -> actix_web::Result<Option<String>> {
    let session = Session::extract(&request).await?;
    Ok(session.get("user")?)
}

fn main() {
    let _ = user;
}
