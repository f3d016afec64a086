//! The shop and its cart: typed content of a session, for visitors too.

use actix_web::{
    CustomizeResponder, Either, Responder,
    dev::HttpServiceFactory,
    get,
    http::StatusCode,
    post,
    web::{Form, Html, Redirect},
};
use maud::{Markup, html};
use serde::Deserialize;
use sessions::SessionError;

use super::go;
use crate::{
    page::Page,
    sessions::{Cart, LabSession, Line},
};

pub(super) struct Product {
    pub(super) name: &'static str,
    about: &'static str,
    cents: u32,
}

const PRODUCTS: [Product; 6] = [
    Product { name: "Beaker", about: "400 ml, with a spout", cents: 690 },
    Product { name: "Flask", about: "Erlenmeyer, for the origins", cents: 850 },
    Product { name: "Pipette", about: "One drop at a time", cents: 320 },
    Product { name: "Petri dish", about: "Ten of them, sterile", cents: 480 },
    Product { name: "Burner", about: "Mind the sleeves", cents: 3490 },
    Product { name: "Goggles", about: "See everything, splash nothing", cents: 1250 },
];

#[derive(Deserialize)]
struct Chosen {
    product: String,
}

#[derive(Deserialize)]
struct Note {
    note: String,
}

pub(super) fn routes() -> impl HttpServiceFactory {
    (index, show_cart, add, remove, write_note, empty)
}

#[get("/")]
async fn index(page: Page) -> actix_web::Result<Html> {
    let main = html! {
        section.hero {
            h1 { "Everything a session does, in your hands" }
            p {
                "Fill a cart, log in, open a second browser. The "
                a href="/inspector" { "inspector" }
                " shows what is kept, where, and why."
            }
        }
        h2 { "The shop" }
        ul.cards {
            @for product in &PRODUCTS {
                li.card {
                    h3 { (product.name) }
                    p.muted { (product.about) }
                    div.row {
                        span.price { (price(product.cents)) }
                        form method="post" action="/cart/add" {
                            button name="product" value=(product.name) {
                                "Add" span.hidden { " " (product.name) " to the cart" }
                            }
                        }
                    }
                }
            }
        }
    };
    page.show("Shop", &main)
}

#[get("/cart")]
async fn show_cart(page: Page) -> actix_web::Result<Html> {
    cart_page(&page, None)
}

fn cart_page(page: &Page, alert: Option<&str>) -> actix_web::Result<Html> {
    let cart = page.session.snapshot()?;
    let cents = |line: &Line| product(&line.product).map_or(0, |it| it.cents) * line.count;
    let sum: u32 = cart.lines.iter().map(cents).sum();
    let main = html! {
        h1 { "Your cart" }
        @if let Some(alert) = alert {
            p.flash role="alert" data-level="error" { (alert) }
        }
        @if cart.lines.is_empty() {
            p.muted { "It is empty. " a href="/" { "Look around in the shop." } }
        } @else {
            ul.lines {
                @for line in &cart.lines {
                    li.row {
                        span { strong { (line.product) } span.muted { " × " (line.count) } }
                        div.row {
                            (line_button("/cart/remove", &line.product, "−", "One less of"))
                            (line_button("/cart/add", &line.product, "+", "One more of"))
                        }
                    }
                }
                li.row.sum { span { "Together" } span.price { (price(sum)) } }
            }
            form method="post" action="/cart/empty" { button.quiet { "Empty the cart" } }
        }
        form.stack method="post" action="/cart/note" {
            label for="note" { "A note for the delivery" }
            textarea #note name="note" rows="3" { (cart.note) }
            p.muted { "With sessions in cookies, all of it has to fit into 4,096 bytes. Try it." }
            button { "Keep the note" }
        }
    };
    page.show("Cart", &main)
}

fn line_button(action: &str, product: &str, sign: &str, meaning: &str) -> Markup {
    html! {
        form method="post" action=(action) {
            button.small name="product" value=(product) {
                span aria-hidden="true" { (sign) } span.hidden { (meaning) " " (product) }
            }
        }
    }
}

#[post("/cart/add")]
async fn add(page: Page, form: Form<Chosen>) -> actix_web::Result<Answer> {
    let Some(product) = product(&form.product) else { return Ok(Either::Left(go("/"))) };
    let text = format!("{} is in the cart.", product.name);
    keep(&page, &text, |cart| cart.add(product.name))
}

#[post("/cart/remove")]
async fn remove(session: LabSession, form: Form<Chosen>) -> actix_web::Result<Redirect> {
    let product = form.into_inner().product;
    session.modify(move |cart| cart.remove(&product))?;
    Ok(go("/cart"))
}

#[post("/cart/note")]
async fn write_note(page: Page, form: Form<Note>) -> actix_web::Result<Answer> {
    let note = form.into_inner().note;
    keep(&page, "The note is kept.", move |cart| cart.note.clone_from(&note))
}

#[post("/cart/empty")]
async fn empty(session: LabSession) -> actix_web::Result<Redirect> {
    session.modify(|cart| cart.lines.clear())?;
    Ok(go("/cart"))
}

/// The next page, or the cart with the reason why nothing was changed.
type Answer = Either<Redirect, CustomizeResponder<Html>>;

/// Changes the cart. A session that is full keeps what it had, and the customer learns that.
fn keep(
    page: &Page,
    text: &str,
    change: impl Fn(&mut Cart) + Send + Sync + 'static,
) -> actix_web::Result<Answer> {
    let session = &page.session;
    match session.modify(change).and_then(|()| session.flash("success", text)) {
        Ok(()) => Ok(Either::Left(go("/cart"))),
        Err(SessionError::TooLarge { .. }) => {
            session.rollback()?;
            let alert = "That does not fit into the session. What was there is kept.";
            let page = cart_page(page, Some(alert))?;
            Ok(Either::Right(page.customize().with_status(StatusCode::PAYLOAD_TOO_LARGE)))
        }
        Err(err) => Err(err.into()),
    }
}

pub(super) fn product(name: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.name == name)
}

fn price(cents: u32) -> String {
    format!("{}.{:02} €", cents / 100, cents % 100)
}
