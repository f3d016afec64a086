//! One session of an owner's list: when it began and was used, what it holds, and who ends it.

use std::time::Duration;

use actix_web::{App, test::init_service, web};
use sessions::{
    MemoryStore, ServerSide, Session, SessionConfig, SessionError, SessionInterface,
    SessionMiddleware, policy::CookieName, test::TestClock,
};
use sessions_tests::{AppSessions, Browser};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone, SessionInterface)]
#[session(cookie_name = "id", secure = false)]
struct Kept {
    backend: ServerSide<MemoryStore>,
}

async fn log_in(
    session: Session,
    path: web::Path<(String, String)>,
) -> actix_web::Result<&'static str> {
    let (owner, device) = path.into_inner();
    session.set_owner(owner)?;
    session.insert("device", device)?;
    Ok("logged in")
}

async fn owner(session: Session) -> String {
    session.owner().unwrap_or_default()
}

#[actix_web::test]
async fn a_list_has_the_last_used_first_with_times_and_values_and_an_owner_ends_only_their_own() {
    let time = TestClock::new();
    let kept = Kept { backend: ServerSide::new(MemoryStore::with_clock(time.clock())) };
    let app = init_service(
        App::new()
            .wrap(SessionMiddleware::new(kept.clone()).with_clock(time.clock()))
            .route("/login/{owner}/{device}", web::get().to(log_in))
            .route("/owner", web::get().to(owner)),
    )
    .await;
    let began = time.now();
    let [mut phone, mut laptop, mut bob] = [Browser::new(), Browser::new(), Browser::new()];
    phone.get(&app, "/login/alice/phone").await;
    time.advance(10 * MINUTE);
    laptop.get(&app, "/login/alice/laptop").await;
    bob.get(&app, "/login/bob/tablet").await;

    let devices = async || {
        let mut devices = Vec::new();
        for one in kept.backend.sessions_of("alice").await.unwrap() {
            devices.push((one.get::<String>("device").unwrap().unwrap(), one));
        }
        devices
    };
    let names = |devices: &[(String, _)]| {
        devices.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&devices().await), "laptop phone");
    time.advance(10 * MINUTE);
    phone.get(&app, "/owner").await;
    let listed = devices().await;
    assert_eq!(names(&listed), "phone laptop");

    let close = |one: std::time::SystemTime, other: std::time::SystemTime| {
        one.max(other).duration_since(one.min(other)).unwrap() <= MINUTE
    };
    let [(_, one), (_, other)] = &listed[..] else { panic!("two devices") };
    assert!(close(one.created(), began) && close(one.last_seen(), began + 20 * MINUTE));
    assert!(close(other.created(), began + 10 * MINUTE));
    assert!(close(other.last_seen(), began + 10 * MINUTE));
    let wrong = one.get::<u32>("device");
    assert!(matches!(wrong, Err(SessionError::Decode { key, .. }) if &*key == "device"));
    assert_eq!(one.get::<u32>("missing").unwrap(), None);

    // The id in the form of another user, and one that is none.
    for (owner, id, ends) in
        [("bob", one.id(), false), ("alice", "x".to_owned(), false), ("alice", one.id(), true)]
    {
        assert_eq!(kept.backend.end_by_id(owner, &id).await.unwrap(), ends, "{owner} {id}");
    }
    assert!(!kept.backend.end(one).await.unwrap(), "it has ended");
    assert!(kept.backend.end(other).await.unwrap());
    assert_eq!(phone.get(&app, "/owner").await.body, "");
    assert_eq!(laptop.get(&app, "/owner").await.body, "");
    assert_eq!(bob.get(&app, "/owner").await.body, "bob");
}

#[actix_web::test]
async fn a_list_goes_by_the_longest_absolute_timeout_of_its_services() {
    let time = TestClock::new();
    let kept = Kept { backend: ServerSide::new(MemoryStore::with_clock(time.clock())) };
    let service = async |hours: u64| {
        let config = SessionConfig::new()
            .cookie_name(CookieName::from_static("id"))
            .absolute_timeout(Duration::from_secs(hours * 3_600));
        let sessions = AppSessions { backend: kept.backend.clone(), config };
        init_service(
            App::new()
                .wrap(SessionMiddleware::new(sessions).with_clock(time.clock()))
                .route("/login/{owner}/{device}", web::get().to(log_in)),
        )
        .await
    };
    let (short, long) = (service(1).await, service(2).await);
    Browser::new().get(&short, "/login/alice/phone").await;
    Browser::new().get(&long, "/login/alice/laptop").await;
    for (minutes, listed) in [(90, 2), (31, 0)] {
        time.advance(minutes * MINUTE);
        assert_eq!(kept.backend.sessions_of("alice").await.unwrap().len(), listed);
    }
}
