//! Durations that no clock can show, as an application writes them for "no limit".

use std::time::Duration;

use actix_web::{App, test::init_service, web};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionInterface,
    backend::Backend,
    test::{Fault, FaultStore},
};
use sessions_tests::{AppSessions, Browser};

async fn logs_in(session: Session) -> Result<String, SessionError> {
    session.set_owner(1)?;
    Ok(session.update("n", |n: Option<u32>| n.unwrap_or(0) + 1)?.to_string())
}

async fn counts<B: Backend + Clone>(sessions: AppSessions<B>) {
    sessions.check().expect("it says no limit");
    let app = init_service(App::new().wrap(sessions).default_service(web::to(logs_in))).await;
    let mut browser = Browser::new();
    for n in ["1", "2"] {
        let answer = browser.get(&app, "/").await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, n));
    }
}

#[actix_web::test]
async fn an_absolute_timeout_of_any_length_is_no_limit() {
    for longest in [Duration::from_secs(u64::MAX), Duration::MAX] {
        let config = SessionConfig::new().permanent(true).absolute_timeout(longest);
        counts(AppSessions::signed(config.clone().cookie_secure(false))).await;
        let backend = ServerSide::new(MemoryStore::new());
        counts(AppSessions { backend, config: config.cookie_secure(false) }).await;
    }
}

#[actix_web::test]
async fn a_deadline_of_any_length_is_waited_for() {
    let second = Duration::from_secs(1);
    for (call, request) in
        [(Duration::MAX, second), (second, Duration::MAX), (Duration::MAX, Duration::MAX)]
    {
        let store = FaultStore::new(MemoryStore::new());
        store.on_every_call(Fault::Delays(Duration::from_millis(5)));
        let backend =
            ServerSide::new(store).with_call_deadline(call).with_request_deadline(request);
        counts(AppSessions { backend, config: SessionConfig::new().cookie_secure(false) }).await;
    }
}
