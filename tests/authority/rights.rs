//! A write goes on only in the epoch that its request opened.

use actix_web::http::StatusCode;
use futures_util::future::join;
use sessions::{
    store::Store,
    test::{Moment, Operation},
};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};
use tokio::task::yield_now;

/// What a request may do to its session, as the words of a path.
const WRITES: [&str; 6] =
    ["/insert-mfa", "/count", "/permanent", "/rotate", "/renew/insert-mfa", "/remove-basket"];
/// How a user logs in: with an owner, as the README has it, or as its own application does.
const LOGINS: [&str; 2] = ["/login-7/insert-secret", "/renew/insert-user/insert-secret"];

pub(crate) async fn a_request_from_before_a_login_writes_nothing_after_it<S: Store>(
    stage: Stage<S>,
) {
    let attackers = [stage.host(), stage.host()];
    for (host, login, write) in combinations() {
        let (attacked, victims) = (&attackers[host], &attackers[0]);
        let (slow_app, app) = (attacked.app().await, victims.app().await);
        let mut victim = Browser::new();
        victim.get(&app, "/insert-basket").await;
        let planted = victim.cookie("id").unwrap().to_owned();
        let path = format!("/wait{write}");
        let slow = Answer::of(&slow_app, with_token(&path, &planted));
        let answer = meanwhile(attacked, slow, async || {
            assert_eq!(victim.get(&app, login).await.status, StatusCode::OK);
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{write}");
        let seen = victim.get(&app, "/read").await.body;
        assert!(seen.contains("secret") && seen.contains("basket"), "{write}: {seen}");
        assert!(!seen.contains("mfa") && !seen.contains("\"n\""), "{write}: {seen}");
        assert!(!seen.contains("_permanent"), "{write}: {seen}");
    }
}

fn combinations() -> impl Iterator<Item = (usize, &'static str, &'static str)> {
    (0..2).flat_map(|host| {
        LOGINS.into_iter().flat_map(move |login| WRITES.map(|write| (host, login, write)))
    })
}

/// The victim's write is in the store's hands while the attacker's waits for the same record: the victim's
/// request writes for those that wait.
pub(crate) async fn nor_when_another_request_writes_for_it<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    let mut victim = Browser::new();
    victim.get(&app, "/insert-basket").await;
    let planted = victim.cookie("id").unwrap().to_owned();

    let attack = Answer::of(&app, with_token("/wait/insert-mfa", &planted));
    let others = async {
        host.arrived().await;
        victim.get(&app, "/login-7/insert-secret").await;
        let gate = stage.store.hold(Moment::Before(Operation::Replace));
        let token = victim.cookie("id").unwrap().to_owned();
        let first = Answer::of(&app, with_token("/insert-first", &token));
        let second = async {
            gate.reached().await;
            let second = Answer::of(&app, with_token("/insert-second", &token));
            let opens = async {
                // The attacker's request and the second one queue.
                host.release().await;
                for _ in 0..100 {
                    yield_now().await;
                }
                gate.open();
            };
            join(second, opens).await.0
        };
        join(first, second).await
    };
    let (attack, (first, second)) = join(attack, others).await;
    assert_eq!((attack.status, attack.cookie()), (StatusCode::CONFLICT, None));
    assert_eq!((first.status, second.status), (StatusCode::OK, StatusCode::OK));
    let seen = victim.get(&app, "/read").await.body;
    assert!(seen.contains("first") && seen.contains("second") && !seen.contains("mfa"), "{seen}");
}

pub(crate) async fn an_early_save_shows_nothing_of_a_session_that_was_logged_in_meanwhile<
    S: Store,
>(
    stage: Stage<S>,
) {
    for login in LOGINS {
        let (host, other) = (stage.host(), stage.host());
        let (app, other) = (host.app().await, other.app().await);
        let mut victim = Browser::new();
        victim.get(&other, "/insert-basket").await;
        let planted = victim.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/wait/insert-x/now/read", &planted));
        let answer = meanwhile(&host, slow, async || {
            victim.get(&other, login).await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None));
        assert!(!answer.body.contains("secret"), "{}", answer.body);
    }
}

pub(crate) async fn emptying_after_a_login_deletes_nothing<S: Store>(stage: Stage<S>) {
    for (login, empty) in LOGINS
        .into_iter()
        .flat_map(|login| ["/clear", "/remove-basket", "/clear/renew"].map(|empty| (login, empty)))
    {
        let (host, other) = (stage.host(), stage.host());
        let (app, other) = (host.app().await, other.app().await);
        let mut victim = Browser::new();
        victim.get(&other, "/insert-basket").await;
        let planted = victim.cookie("id").unwrap().to_owned();
        let path = format!("/wait{empty}");
        let slow = Answer::of(&app, with_token(&path, &planted));
        let answer = meanwhile(&host, slow, async || {
            victim.get(&other, login).await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{empty}");
        let seen = victim.get(&other, "/read").await.body;
        assert!(seen.contains("secret") && seen.contains("basket"), "{empty}: {seen}");
    }
}

pub(crate) async fn the_loser_of_a_renewal_writes_nothing<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    for winner in ["/renew/insert-won", "/login-7/insert-won"] {
        let mut browser = Browser::new();
        browser.get(&other, "/insert-basket").await;
        let token = browser.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/wait/renew/insert-lost", &token));
        let answer = meanwhile(&host, slow, async || {
            browser.get(&other, winner).await;
        })
        .await;
        assert_eq!((answer.status, answer.cookie()), (StatusCode::CONFLICT, None), "{winner}");
        let seen = browser.get(&other, "/read").await.body;
        assert!(seen.contains("won") && !seen.contains("lost"), "{winner}: {seen}");
    }
}

/// A rotation changes no rights, so that a renewal which it overtakes is still carried out: with another
/// token, and without what the requests from before it write.
pub(crate) async fn a_renewal_beside_a_rotation_is_still_a_renewal<S: Store>(stage: Stage<S>) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    browser.get(&other, "/insert-basket").await;
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/wait/renew/insert-admin", &token));
    let answer = meanwhile(&host, slow, async || {
        browser.get(&other, "/rotate").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let renewed = answer.cookie().unwrap().value;
    let rotated = browser.cookie("id").unwrap();
    for former in [&token, rotated] {
        assert_eq!(Answer::of(&app, with_token("/read", former)).await.body, "{}");
    }
    let seen = Answer::of(&app, with_token("/read", &renewed)).await.body;
    assert_eq!(seen, r#"{"admin":true,"basket":true}"#);
}

pub(crate) async fn a_login_that_loses_to_another_begins_a_session_of_its_own<S: Store>(
    stage: Stage<S>,
) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut alice = Browser::new();
    alice.get(&other, "/insert-basket").await;
    let token = alice.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token("/wait/login-bob/insert-bobs", &token));
    let answer = meanwhile(&host, slow, async || {
        alice.get(&other, "/login-alice/insert-secret").await;
    })
    .await;
    assert_eq!(answer.status, StatusCode::OK);
    let bobs = answer.cookie().unwrap().value;
    let seen = Answer::of(&app, with_token("/read", &bobs)).await.body;
    assert_eq!(seen, r#"{"_owner":"bob","bobs":true}"#);
    let seen = alice.get(&app, "/read").await.body;
    assert_eq!(seen, r#"{"_owner":"alice","basket":true,"secret":true}"#);
}
