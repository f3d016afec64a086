//! The account of a user: the password, and the end.

use actix_web::{
    dev::HttpServiceFactory,
    get, post,
    web::{Data, Form, Html, Redirect},
};
use maud::html;
use serde::Deserialize;
use sessions_login::{LoggedIn, LoginSession, RecentLogin};

use super::go;
use crate::{
    accounts::{Account, Accounts},
    backend::Backend,
    page::{Page, field, or_unavailable, username},
    sessions::LabSession,
};

/// A user who gave the password in the last five minutes.
type RecentAccount = RecentLogin<Account, 5>;

#[derive(Deserialize)]
struct NewPassword {
    password: String,
}

pub(super) fn routes() -> impl HttpServiceFactory {
    (show, change_password, delete_page, delete)
}

#[get("/account")]
async fn show(page: Page, user: LoggedIn<Account>) -> actix_web::Result<Html> {
    let remembered = page.session.remembered();
    let main = html! {
        h1 { (user.name) }
        p.muted {
            "You are logged in "
            @if remembered { "for 30 days, on this device." } @else { "until you close the browser, for 8 hours at most." }
        }
        section.panel {
            h2 { "Another password" }
            p { "It ends your sessions on all other devices, whatever the backend." }
            form.stack.narrow method="post" action="/account/password" {
                (username(&user))
                (field("New password", "password", "password", "new-password"))
                button { "Change the password" }
            }
        }
        section.panel {
            h2 { "Your devices" }
            p { "See where you are logged in, and log out there." }
            a.button href="/devices" { "Show the devices" }
        }
        section.panel.danger {
            h2 { "Delete the account" }
            p { "Asks for the password if you gave it more than five minutes ago." }
            a.button href="/account/delete" { "Delete the account" }
        }
    };
    page.show("Account", &main)
}

#[post("/account/password")]
async fn change_password(
    user: RecentAccount,
    session: LabSession,
    accounts: Data<Accounts>,
    form: Form<NewPassword>,
) -> actix_web::Result<Redirect> {
    let password = form.into_inner().password;
    if password.chars().count() < 8 || password.len() > 128 {
        session.flash("error", "A password of 8 to 128 characters, please.")?;
        return Ok(go("/account"));
    }
    let remembered = session.remembered();
    let account = accounts.change_password(&user, password).await?;
    // This session goes on with the new password. All others have the stamp of the former one.
    session.log_in(&account)?;
    session.set_remembered(remembered)?;
    session.flash("success", "The password is changed. All other devices are logged out.")?;
    Ok(go("/account"))
}

#[get("/account/delete")]
async fn delete_page(page: Page, user: RecentAccount) -> actix_web::Result<Html> {
    let main = html! {
        h1 { "Delete " (user.name) "?" }
        p { "The account, its cart and all of its sessions are gone for good." }
        div.row.left {
            form method="post" { button.danger { "Delete for good" } }
            a href="/account" { "Keep it" }
        }
    };
    page.show("Delete the account", &main)
}

#[post("/account/delete")]
async fn delete(
    user: RecentAccount,
    session: LabSession,
    accounts: Data<Accounts>,
    backend: Data<Backend>,
) -> actix_web::Result<Redirect> {
    accounts.delete(&user).await?;
    session.log_out()?;
    if let Some(devices) = &backend.devices {
        or_unavailable(devices.end_all(user.id)).await?;
    }
    session.flash("success", "The account is deleted.")?;
    Ok(go("/"))
}
