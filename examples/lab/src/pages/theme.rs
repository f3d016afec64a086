//! The theme: a session of its own, which a logout leaves alone.

use actix_web::{
    post,
    web::{Form, Redirect},
};
use serde::Deserialize;
use sessions::Session;
use sessions_login::NextPage;

use crate::sessions::{Theme, ThemeSessions};

#[derive(Deserialize)]
struct Chosen {
    theme: Theme,
    /// The page to go back to: one of this site.
    back: NextPage,
}

#[post("/theme")]
pub(super) async fn change(
    session: Session<ThemeSessions>,
    form: Form<Chosen>,
) -> actix_web::Result<Redirect> {
    let Chosen { theme, back } = form.into_inner();
    if theme == Theme::System {
        session.purge()?; // the default needs no cookie
    } else {
        session.modify(move |look| look.theme = theme)?;
    }
    Ok(back.or("/"))
}
