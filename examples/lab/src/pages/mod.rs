//! The pages, a file for each subject.

mod account;
pub(crate) mod api;
mod devices;
mod files;
mod inspector;
mod live;
mod login;
mod metrics;
mod shop;
mod theme;
pub(crate) mod widget;

use actix_web::web::{Redirect, ServiceConfig};

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(files::routes())
        .service(shop::routes())
        .service(login::routes())
        .service(account::routes())
        .service(devices::routes())
        .service(live::routes())
        .service(inspector::routes())
        .service(metrics::routes())
        .service(api::page)
        .service(theme::change);
}

/// Sends a browser on to a page after a form: the page is asked for with GET.
fn go(page: &'static str) -> Redirect {
    Redirect::to(page).see_other()
}
