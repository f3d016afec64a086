//! A shared device, and a page that polls.

include!(concat!(env!("OUT_DIR"), "/kiosk.rs"));

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    test::{TestRequest, init_service},
};
use sessions::{SessionMiddleware, test::TestClock};
use sessions_tests::Browser;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[get("/page")]
async fn page() -> impl Responder {
    "a page without a session"
}

#[get("/work")]
async fn work(session: Session) -> String {
    session.owner().unwrap_or_else(|| "nobody".to_owned())
}

async fn app(
    time: TestClock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let sessions = SessionMiddleware::new(sessions).with_clock(time.clock());
    init_service(App::new().service((log_in, news, page, work)).wrap(sessions)).await
}

fn form(shared_device: bool) -> TestRequest {
    let form = [("user_id", "7".to_owned()), ("shared_device", shared_device.to_string())];
    TestRequest::post().uri("/log-in").set_form(form)
}

#[actix_web::test]
async fn a_shared_device_is_logged_out_within_minutes_and_no_other() {
    let time = TestClock::new();
    let app = app(time.clone()).await;
    let [mut kiosk, mut office] = [Browser::new(), Browser::new()];
    assert_eq!(kiosk.send(&app, form(true)).await.body, "welcome");
    office.send(&app, form(false)).await;
    time.advance((2 * MINUTE).saturating_sub(SECOND));
    assert_eq!(kiosk.get(&app, "/work").await.body, "7");
    time.advance(2 * MINUTE);
    assert_eq!(kiosk.get(&app, "/work").await.body, "nobody");
    kiosk.send(&app, form(true)).await;
    for _ in 0..29 {
        time.advance(MINUTE);
        assert_eq!(kiosk.get(&app, "/work").await.body, "7");
        office.get(&app, "/work").await;
    }
    time.advance(MINUTE);
    assert_eq!(kiosk.get(&app, "/work").await.body, "nobody");
    assert_eq!(office.get(&app, "/work").await.body, "7");
}

#[actix_web::test]
async fn asking_for_news_keeps_nobody_logged_in() {
    let time = TestClock::new();
    let app = app(time.clone()).await;
    let mut browser = Browser::new();
    browser.send(&app, form(false)).await;
    for _ in 0..29 {
        time.advance(MINUTE);
        assert_eq!(browser.get(&app, "/news").await.body, "no news, 7");
        browser.get(&app, "/page").await;
    }
    time.advance(MINUTE);
    assert_eq!(browser.get(&app, "/news").await.body, "log in again");
}
