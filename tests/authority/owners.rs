//! Logins and ends have one order: that of the store's clock.

use std::time::Duration;

use actix_web::http::StatusCode;
use futures_util::future::join;
use sessions::{
    SessionConfig,
    store::{Store, StoreError, Timestamp},
    test::{Fault, Moment, Operation, TestClock},
};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// Returns a clock that is so much ahead of the store's, or behind it.
fn clock_apart(stage: &Stage<impl Store>, ahead: Duration, behind: Duration) -> TestClock {
    let clock = TestClock::new();
    let passed = stage.time.now().duration_since(clock.now()).expect("the stage is later");
    clock.advance(passed + ahead);
    clock.go_back(behind);
    clock
}

pub(crate) async fn hosts_minutes_apart_end_and_log_in_in_order<S: Store>(stage: Stage<S>) {
    let month = 30 * 24 * 60 * MINUTE;
    for (ahead, behind) in
        [(5 * MINUTE, Duration::ZERO), (Duration::ZERO, 5 * MINUTE), (month, Duration::ZERO)]
    {
        let apart = clock_apart(&stage, ahead, behind);
        let hosts = [stage.host_at(SessionConfig::new(), apart), stage.host()];
        for (ending, logging_in) in [(0, 1), (1, 0), (0, 0)] {
            let (ends, logs_in) = (&hosts[ending], &hosts[logging_in]);
            let (ends, app) = (ends.app().await, logs_in.app().await);
            let mut browser = Browser::new();
            browser.get(&app, "/login-7").await;
            assert_eq!(Browser::new().get(&ends, "/all-7").await.body, "1");
            assert_eq!(browser.get(&app, "/owner").await.body, "");

            // A login that began before the end.
            let mut stranger = Browser::new();
            let slow = stranger.get(&app, "/wait/login-7");
            let slow = meanwhile(logs_in, slow, async || {
                stage.time.advance(Duration::from_secs(2));
                hosts[0].time.advance(Duration::from_secs(2));
                Browser::new().get(&ends, "/all-7").await;
                stage.time.advance(Duration::from_secs(2));
                hosts[0].time.advance(Duration::from_secs(2));
            })
            .await;
            assert_eq!((slow.status, slow.cookie()), (StatusCode::CONFLICT, None));

            // And one after it.
            let login = browser.get(&app, "/login-7").await;
            assert_eq!(login.status, StatusCode::OK, "{ahead:?} {behind:?} {ending}");
            assert_eq!(browser.get(&app, "/owner").await.body, "7");
            assert_eq!(browser.get(&ends, "/devices-7").await.body, "1 1");
            browser.get(&app, "/purge").await;
        }
    }
}

/// "Log out everywhere else" on one host, "everywhere" on another.
/// After a failover to a server whose clock is behind, by which ends from before it are in the future.
pub(crate) async fn after_the_stores_clock_went_back_what_was_ended_stays_ended<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host();
    let app = host.app().await;
    let mut browser = Browser::new();
    browser.get(&app, "/login-7").await;
    let copy = browser.cookie("id").expect("it has a session").to_owned();
    Browser::new().get(&app, "/all-7").await;
    let index = stage.store.owners().expect("it has an index");
    let ended = Timestamp::of(stage.time.now() + MINUTE);
    index.end_before(&stage.owner("7"), Some(ended), HOUR).await.expect("the store works");

    assert_eq!(Answer::of(&app, with_token("/owner", &copy)).await.body, "");
    // A login might be one from before the end.
    assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::CONFLICT);
    assert_eq!(Browser::new().get(&app, "/login-8").await.status, StatusCode::OK);
    stage.time.advance(MINUTE + Duration::from_secs(1));
    assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK);
    assert_eq!(browser.get(&app, "/owner").await.body, "7");
}

pub(crate) async fn end_others_does_not_undo_an_end_all<S: Store>(stage: Stage<S>) {
    let moments = [
        Moment::After(Operation::OwnerState),
        Moment::After(Operation::Load),
        Moment::Before(Operation::Replace),
        Moment::After(Operation::Replace),
        Moment::Before(Operation::EndBefore),
        Moment::After(Operation::EndBefore),
        Moment::After(Operation::IndexKeys),
    ];
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for moment in moments {
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let gate = stage.store.hold(moment);
        let slow = Answer::of(&app, with_token("/others", &token));
        let ends = async {
            if moment == Moment::After(Operation::Load) {
                // The first load is the opening's.
                gate.reached().await;
                let second = stage.store.hold(moment);
                gate.open();
                second.reached().await;
                let answer = Browser::new().get(&other, "/all-7").await;
                second.open();
                answer
            } else {
                gate.reached().await;
                let answer = Browser::new().get(&other, "/all-7").await;
                gate.open();
                answer
            }
        };
        let (others, ended) = join(slow, ends).await;
        assert_eq!(ended.status, StatusCode::OK);
        let is_told = !matches!(moment, Moment::After(Operation::EndBefore | Operation::IndexKeys));
        let status = if is_told { StatusCode::CONFLICT } else { StatusCode::OK };
        assert_eq!(others.status, status, "{moment:?}");
        let answer = Answer::of(&app, with_token("/owner", &token)).await;
        assert_eq!(answer.body, "", "{moment:?}");
        assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "0 0", "{moment:?}");
    }
}

pub(crate) async fn listing_does_not_end_the_session_that_end_others_spares<S: Store>(
    stage: Stage<S>,
) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for moment in [
        Moment::After(Operation::OwnerState),
        Moment::After(Operation::IndexKeys),
        Moment::After(Operation::Load),
    ] {
        let (mut kept, mut ended) = (Browser::new(), Browser::new());
        kept.get(&app, "/login-7").await;
        ended.get(&app, "/login-7").await;
        let mut admin = Browser::new();
        let list = admin.get(&other, "/devices-7");
        let gate = stage.store.hold(moment);
        let ends = async {
            gate.reached().await;
            let answer = kept.get(&app, "/others").await;
            gate.open();
            answer
        };
        let (_, others) = join(list, ends).await;
        assert_eq!((others.status, others.body.as_str()), (StatusCode::OK, "1"), "{moment:?}");
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        assert_eq!(kept.get(&app, "/owner").await.body, "7", "{moment:?}");
        assert_eq!(ended.get(&app, "/owner").await.body, "", "{moment:?}");
        assert_eq!(kept.get(&app, "/devices-7").await.body, "1 1", "{moment:?}");
        kept.get(&app, "/purge").await;
    }
}

pub(crate) async fn the_end_of_all_spares_a_session_that_changed_its_owner<S: Store>(
    stage: Stage<S>,
) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for moment in [
        Moment::After(Operation::EndBefore),
        Moment::After(Operation::IndexKeys),
        Moment::After(Operation::Load),
        Moment::Before(Operation::DeleteIf),
    ] {
        let mut browser = Browser::new();
        browser.get(&app, "/login-7").await;
        let gate = stage.store.hold(moment);
        let mut admin = Browser::new();
        let ends = admin.get(&other, "/all-7");
        let changes = async {
            gate.reached().await;
            // The record stays: its session gets another owner in place.
            browser.get(&app, "/clear/login-8/insert-bobs").await;
            gate.open();
        };
        join(ends, changes).await;
        let seen = browser.get(&app, "/read").await.body;
        assert_eq!(seen, r#"{"_owner":"8","bobs":true}"#, "{moment:?}");
        browser.get(&app, "/purge").await;
    }
}

pub(crate) async fn owners_of_two_namespaces_are_two_people<S: Store>(stage: Stage<S>) {
    let customers = stage.host();
    let mut admins = stage.named("admin", SessionConfig::new(), stage.time.clone());
    let namespace = format!("admins-{}", std::process::id());
    admins.kept.backend = admins.kept.backend.with_owner_namespace(namespace);
    let (shop, office) = (customers.app().await, admins.app().await);
    let (mut customer, mut admin) = (Browser::new(), Browser::new());
    customer.get(&shop, "/login-7").await;
    admin.get(&office, "/login-7").await;
    assert_eq!(customer.get(&shop, "/all-7").await.body, "1");
    assert_eq!(customer.get(&shop, "/owner").await.body, "");
    assert_eq!(admin.get(&office, "/owner").await.body, "7");
    admin.get(&office, "/purge").await;
}

/// A request that opened a session before all of them were ended does not end the logins that came since.
pub(crate) async fn an_ended_session_ends_no_newer_login<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for path in ["/wait/others", "/wait/login-7/others"] {
        let (mut thief, mut user) = (Browser::new(), Browser::new());
        thief.get(&app, "/login-7").await;
        let token = thief.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token(path, &token));
        let answer = meanwhile(&host, slow, async || {
            stage.time.advance(Duration::from_secs(1));
            Browser::new().get(&other, "/all-7").await;
            user.get(&other, "/login-7").await;
        })
        .await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{path}");
        assert_eq!(user.get(&other, "/owner").await.body, "7", "{path}");
        assert_eq!(user.get(&other, "/devices-7").await.body, "1 1", "{path}");
        user.get(&other, "/purge").await;
    }
}

pub(crate) async fn a_session_that_cannot_be_ended_does_not_keep_the_others_alive<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host();
    let app = host.app().await;
    let mut browsers = [(); 5].map(|()| Browser::new());
    for browser in &mut browsers {
        browser.get(&app, "/login-7").await;
    }
    let fails = Fault::Fails(StoreError::Timeout);
    stage.store.on_call_of(Operation::DeleteIf, 2, fails);
    let answer = Browser::new().get(&app, "/all-7").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    let mut alive = 0;
    for browser in &mut browsers {
        alive += usize::from(browser.get(&app, "/owner").await.body == "7");
    }
    assert_eq!(alive, 1);
    assert_eq!(Browser::new().get(&app, "/all-7").await.body, "1");
}

/// The request looks at the sessions of 7 after all of 8's were ended.
pub(crate) async fn a_login_is_dated_by_a_look_at_its_own_owner_only<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    let slow = browser.get(&app, "/wait/login-7/others/login-8");
    let answer = meanwhile(&host, slow, async || {
        stage.time.advance(Duration::from_secs(1));
        Browser::new().get(&other, "/all-8").await;
    })
    .await;
    assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
    assert_eq!(Browser::new().get(&app, "/devices-8").await.body, "0 0");
}
