//! A payment or identity provider posts back.

include!(concat!(env!("OUT_DIR"), "/callbacks.rs"));

use std::rc::Rc;

use actix_http::{BoxedPayloadStream, Payload, Request};
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    test::{TestRequest, init_service},
};
use futures_util::{future::join, stream};
use sessions_tests::{Answer as Response, Initiator, Jar};
use tokio::sync::Barrier;

#[post("/login")]
async fn log_in(app: Session<AppSessions>) -> Result<&'static str> {
    app.set_owner("alice")?;
    Ok("logged in")
}

#[get("/owner")]
async fn owner(app: Session<AppSessions>) -> String {
    app.owner().unwrap_or_default()
}

/// What the recipe warns of.
#[post("/payment/wrong")]
async fn wrong(app: Session<AppSessions>) -> Result<&'static str> {
    app.insert("paid", true)?;
    Ok("written")
}

async fn shop() -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error>
{
    let app = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let payments = PaymentSessions { backend: ServerSide::new(MemoryStore::new()) };
    init_service(
        App::new()
            .wrap(app)
            .service((log_in, owner, wrong))
            .configure(|config| payment_pages(config, payments)),
    )
    .await
}

async fn post<S, B>(jar: &mut Jar, app: &S, path: &str, by: Initiator, body: &str) -> Response
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let form = ("content-type", "application/x-www-form-urlencoded");
    let request = TestRequest::post().insert_header(form).set_payload(body.to_owned());
    jar.send(app, request, path, by).await
}

/// Logs in and starts a payment. Returns the state that the provider is given.
async fn started<S, B>(jar: &mut Jar, app: &S) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    post(jar, app, "/login", Initiator::OurSite, "").await;
    let answer = post(jar, app, "/payment/start", Initiator::OurSite, "").await;
    let (_, state) = answer.all("location")[0].split_once("state=").expect("it has the state");
    format!("state={state}")
}

#[actix_web::test]
async fn a_payment_is_answered_by_a_post_from_another_site() {
    let app = shop().await;
    let mut jar = Jar::new();
    let state = started(&mut jar, &app).await;
    // No cookie of the payment goes to the other pages.
    assert!(jar.sent_to("/owner").iter().all(|cookie| cookie.name == "__Host-app"));

    let answer =
        post(&mut jar, &app, "/payment/answer", Initiator::FormOfAnotherSite, &state).await;
    assert_eq!(answer.status, 303);
    assert!(answer.cookies().iter().all(|cookie| cookie.name != "__Host-app"));
    let done = jar
        .send(&app, TestRequest::get(), answer.all("location")[0], Initiator::LinkOfAnotherSite)
        .await;
    assert_eq!(done.body, format!("Payment {} is answered.", &state["state=".len()..]));
    assert_eq!(jar.get(&app, "/owner").await.body, "alice");
    assert_eq!(jar.sent_to("/payment/done").len(), 1, "the payment's cookie is removed");
}

#[actix_web::test]
async fn an_answer_counts_once_and_a_forged_one_not_at_all() {
    let app = shop().await;
    let mut jar = Jar::new();
    let state = started(&mut jar, &app).await;
    let kept = jar.clone();
    for (forged, expected) in [("state=guessed", 403), (&*state, 303), (&*state, 403)] {
        let answer =
            post(&mut jar, &app, "/payment/answer", Initiator::FormOfAnotherSite, forged).await;
        assert_eq!(answer.status, expected, "{forged}");
    }
    // Nor with the cookie from before.
    let mut jar = kept;
    let again = post(&mut jar, &app, "/payment/answer", Initiator::FormOfAnotherSite, &state).await;
    assert_eq!(again.status, 403);
}

#[actix_web::test]
async fn of_two_answers_at_once_one_counts() {
    let app = shop().await;
    let mut jar = Jar::new();
    let state = started(&mut jar, &app).await;
    let cookie = jar.sent_to("/payment")[0].clone();
    let cookie = format!("{}={}", cookie.name, cookie.value);
    // The bodies come once both have opened their session.
    let both = Rc::new(Barrier::new(2));
    let post = || {
        let (both, length, state) = (Rc::clone(&both), state.len(), state.clone());
        let body = stream::once(async move {
            both.wait().await;
            Ok(web::Bytes::from(state))
        });
        let request = TestRequest::post()
            .uri("/payment/answer")
            .insert_header(("content-type", "application/x-www-form-urlencoded"))
            .insert_header(("content-length", length))
            .insert_header(("cookie", cookie.clone()));
        let body = Payload::Stream { payload: Box::pin(body) as BoxedPayloadStream };
        app.call(request.to_request().replace_payload(body).0)
    };
    let (one, other) = join(post(), post()).await;
    let mut statuses = [one, other].map(|answered| match answered {
        Ok(response) => response.status().as_u16(),
        Err(err) => err.as_response_error().status_code().as_u16(),
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
}

#[actix_web::test]
async fn a_payment_belongs_to_the_login_that_started_it() {
    let app = shop().await;
    let mut jar = Jar::new();
    let early = jar.get(&app, "/payment/done").await;
    assert_eq!(early.status, 403, "nothing is started");
    let state = started(&mut jar, &app).await;
    let early =
        jar.send(&app, TestRequest::get(), "/payment/done", Initiator::LinkOfAnotherSite).await;
    assert_eq!(early.status, 403, "nothing is answered");

    // The payment's cookie of one browser, the login of another.
    let mut other = Jar::new();
    started(&mut other, &app).await;
    let payment = jar.sent_to("/payment")[0].clone();
    assert_eq!(payment.name, "__Secure-payment");
    other.keep(payment);
    let answer =
        post(&mut other, &app, "/payment/answer", Initiator::FormOfAnotherSite, &state).await;
    assert_eq!(answer.status, 303);
    assert_eq!(other.get(&app, "/payment/done").await.status, 403);
}

#[actix_web::test]
async fn a_write_to_the_session_that_did_not_come_logs_the_user_out() {
    let app = shop().await;
    let mut jar = Jar::new();
    started(&mut jar, &app).await;
    let answer = post(&mut jar, &app, "/payment/wrong", Initiator::FormOfAnotherSite, "").await;
    assert_eq!(answer.cookie().expect("it is a new session").name, "__Host-app");
    assert_eq!(jar.get(&app, "/owner").await.body, "");
}

#[actix_web::test]
async fn with_strict_only_a_link_of_our_own_brings_the_session() {
    #[derive(Clone, SessionInterface)]
    #[session(cookie_name = "__Host-app", samesite = "Strict")]
    struct StrictSessions {
        backend: ServerSide<MemoryStore>,
    }
    let sessions = StrictSessions { backend: ServerSide::new(MemoryStore::new()) };
    let app = init_service(
        App::new()
            .wrap(sessions)
            .route(
                "/login",
                web::get().to(async |session: Session| session.insert("user", 1).map(|()| "in")),
            )
            .route(
                "/payment/done",
                web::get().to(async |session: Session| session.len().to_string()),
            ),
    )
    .await;
    let mut jar = Jar::new();
    jar.get(&app, "/login").await;
    for (by, keys) in [(Initiator::LinkOfAnotherSite, "0"), (Initiator::OurSite, "1")] {
        let done = jar.send(&app, TestRequest::get(), "/payment/done", by).await;
        assert_eq!(done.body, keys, "{by:?}");
    }
}
