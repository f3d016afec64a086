//! What a request was told is what is stored: values that are taken once, messages, values that are made.

use std::sync::Arc;

use actix_web::http::StatusCode;
use futures_util::future::join_all;
use sessions::{
    SessionConfig,
    policy::OnGone,
    store::Store,
    test::{Moment, Operation},
};
use sessions_tests::{Answer, Browser, in_memory::meanwhile, stage::Stage, with_token};
use tokio::sync::Barrier;

const CROWD: usize = 20;

/// Sends a path twenty times at once with the session that `begin` makes, to two hosts. The path meets where
/// all sessions are opened. Returns the answers, and what the session holds afterwards.
async fn crowd<S: Store>(stage: &Stage<S>, begin: &str, path: &str) -> (Vec<Answer>, String) {
    let crowd = Arc::new(Barrier::new(CROWD));
    let [host, other] = [(); 2].map(|()| stage.host().in_crowd(&crowd));
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    browser.get(&app, begin).await;
    let token = browser.cookie("id").expect("it has a session").to_owned();
    let requests = (0..CROWD).map(|number| {
        let (app, other, token) = (&app, &other, &token);
        async move {
            let request = with_token(path, token);
            if number % 2 == 0 {
                Answer::of(app, request).await
            } else {
                Answer::of(other, request).await
            }
        }
    });
    let answers = join_all(requests).await;
    // The one that was saved may have another token.
    let tokens = answers.iter().filter_map(Answer::cookie).map(|cookie| cookie.value);
    let mut seen = String::from("{}");
    for token in tokens.chain([token.clone()]) {
        let read = Answer::of(&app, with_token("/read", &token)).await.body;
        if read != "{}" {
            seen = read;
        }
    }
    (answers, seen)
}

fn count(answers: &[Answer], status: StatusCode) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

pub(crate) async fn of_twenty_requests_that_take_a_value_one_is_saved<S: Store>(stage: Stage<S>) {
    for (begin, path, left) in [
        ("/insert-v", "/meet/take-v", "{}"),
        ("/insert-v/insert-b", "/meet/take-v", r#"{"b":true}"#),
        ("/insert-v/insert-b", "/meet/take-v/insert-c", r#"{"b":true,"c":true}"#),
        ("/insert-v/insert-b", "/meet/count/take-v", r#"{"b":true,"n":1}"#),
        ("/insert-v/insert-b", "/meet/take-v/seek-v/count", r#"{"b":true,"n":1}"#),
        ("/insert-v/insert-b", "/meet/take-v/take-b", "{}"),
        ("/insert-v/insert-b", "/meet/take-v/clear", "{}"),
        ("/insert-v/insert-b", "/meet/take-v/clear/insert-c", r#"{"c":true}"#),
        ("/insert-v/insert-b", "/meet/take-v/rotate", r#"{"b":true}"#),
        ("/insert-v/insert-b", "/meet/take-v/renew", r#"{"b":true}"#),
        ("/insert-v/insert-b", "/meet/take-v/login-7", r#"{"_owner":"7","b":true}"#),
        ("/insert-v/insert-b", "/meet/take-v/purge", "{}"),
        ("/insert-v/insert-b", "/meet/take-v/clear/purge", "{}"),
        ("/login-7/insert-v", "/meet/take-v/login-8", r#"{"_owner":"8"}"#),
    ] {
        let (answers, seen) = crowd(&stage, begin, path).await;
        let (saved, refused) =
            (count(&answers, StatusCode::OK), count(&answers, StatusCode::CONFLICT));
        assert_eq!((saved, refused), (1, CROWD - 1), "{path}");
        assert_eq!(seen, left, "{path}");
    }
}

pub(crate) async fn of_twenty_handlers_that_save_before_they_act_one_acts<S: Store>(
    stage: Stage<S>,
) {
    for begin in ["/insert-v", "/insert-v/insert-b"] {
        let (answers, _) = crowd(&stage, begin, "/meet/take-v/now/act").await;
        let acted = answers.iter().filter(|answer| answer.body == "acted").count();
        assert_eq!((acted, count(&answers, StatusCode::CONFLICT)), (1, CROWD - 1), "{begin}");
    }
}

pub(crate) async fn a_take_that_is_refused_is_never_dropped<S: Store>(stage: Stage<S>) {
    for begin in ["/insert-v", "/insert-v/insert-b"] {
        let host = stage.host_with(SessionConfig::new().on_gone(OnGone::Drop));
        let app = host.app().await;
        let mut browser = Browser::new();
        browser.get(&app, begin).await;
        let token = browser.cookie("id").unwrap().to_owned();
        let slow = Answer::of(&app, with_token("/wait/take-v", &token));
        let answer = meanwhile(&host, slow, async || {
            assert_eq!(browser.get(&app, "/take-v").await.status, StatusCode::OK);
        })
        .await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{begin}");
    }
}

/// Sends a slow request, and a fast one after the session of the slow one is opened. Returns the answer of
/// the slow one, and what the session holds afterwards.
async fn overtaken<S: Store>(
    stage: &Stage<S>,
    begin: &str,
    slow: &str,
    fast: &str,
) -> (Answer, String) {
    let (host, other) = (stage.host(), stage.host());
    let (app, other) = (host.app().await, other.app().await);
    let mut browser = Browser::new();
    browser.get(&other, begin).await;
    let token = browser.cookie("id").unwrap().to_owned();
    let slow = Answer::of(&app, with_token(slow, &token));
    let fast = Answer::of(&other, with_token(fast, &token));
    let (slow, fast) = stage.store.overtake(Moment::After(Operation::Load), slow, fast).await;
    assert_eq!(fast.status, StatusCode::OK);
    (slow, Answer::of(&other, with_token("/read", &token)).await.body)
}

pub(crate) async fn a_take_that_found_nothing_removes_nothing<S: Store>(stage: Stage<S>) {
    let (slow, seen) = overtaken(&stage, "/insert-b", "/count/seek-v", "/insert-v").await;
    assert_eq!((slow.status, slow.body.as_str()), (StatusCode::OK, "None"));
    assert_eq!(seen, r#"{"b":true,"n":1,"v":true}"#);
}

pub(crate) async fn a_value_that_was_changed_meanwhile_is_not_taken<S: Store>(stage: Stage<S>) {
    for change in ["/count", "/remove-n", "/clear/insert-b"] {
        let (slow, seen) = overtaken(&stage, "/count/insert-b", "/insert-c/pop-n", change).await;
        assert_eq!(slow.status, StatusCode::CONFLICT, "{change}");
        assert!(!seen.contains("\"c\""), "{change}: {seen}");
    }
}

pub(crate) async fn a_value_that_was_taken_and_set_again_must_still_be_there<S: Store>(
    stage: Stage<S>,
) {
    let (slow, seen) = overtaken(&stage, "/insert-v/insert-b", "/take-v/insert-v", "/take-v").await;
    assert_eq!(slow.status, StatusCode::CONFLICT);
    assert_eq!(seen, r#"{"b":true}"#);
}

pub(crate) async fn a_session_is_not_purged_for_a_value_that_another_request_took<S: Store>(
    stage: Stage<S>,
) {
    for (begin, slow, fast) in [
        ("/insert-v/insert-b", "/take-v/purge", "/take-v"),
        ("/insert-v/insert-b", "/take-v/clear/purge", "/take-v"),
        ("/login-7/insert-v/insert-b", "/take-v/login-8", "/take-v/login-7"),
    ] {
        let (slow, _) = overtaken(&stage, begin, slow, fast).await;
        assert_eq!((slow.status, slow.cookie()), (StatusCode::CONFLICT, None), "{begin} {fast}");
    }
}

pub(crate) async fn what_a_request_set_itself_it_takes_under_no_condition<S: Store>(
    stage: Stage<S>,
) {
    for (slow, left) in [
        ("/insert-v/take-v/insert-c", r#"{"b":true,"c":true}"#),
        ("/remove-v/insert-v/take-v/insert-c", r#"{"b":true,"c":true}"#),
        ("/insert-v/take-v/clear/insert-c", r#"{"c":true,"v":true}"#),
    ] {
        let (slow, seen) = overtaken(&stage, "/insert-b", slow, "/insert-v").await;
        assert_eq!(slow.status, StatusCode::OK);
        assert_eq!(seen, left);
    }
}

pub(crate) async fn messages_that_were_added_meanwhile_stay<S: Store>(stage: Stage<S>) {
    for (begin, slow, fast, shown, left) in [
        ("/flash-a", "/flashes", "/flash-b", "a", "b"),
        ("/flash-a/flash-a/flash-b", "/flashes", "/flash-a", "a a b", "a"),
        ("/flash-a/flash-b", "/flashes/flash-d", "/flash-c", "", "c d"),
        ("/flash-a/flash-b", "/flash-d/flashes", "/flash-c", "a b d", "c"),
        ("/flash-a/flash-b", "/flashes", "/flashes", "a b", ""),
        ("/flash-a/flash-b", "/flashes", "/flashes/flash-b", "a b", ""),
        ("/flash-a/flash-b", "/flashes", "/flashes/flash-c", "a b", "c"),
        ("/insert-b", "/count/flashes", "/flash-a", "", "a"),
    ] {
        let (host, other) = (stage.host(), stage.host());
        let (app, other) = (host.app().await, other.app().await);
        let mut browser = Browser::new();
        browser.get(&other, &format!("/insert-k{begin}")).await;
        let token = browser.cookie("id").unwrap().to_owned();
        let page = Answer::of(&app, with_token(slow, &token));
        let adds = Answer::of(&other, with_token(fast, &token));
        let (page, adds) = stage.store.overtake(Moment::After(Operation::Load), page, adds).await;
        assert_eq!((page.status, adds.status), (StatusCode::OK, StatusCode::OK), "{slow} {fast}");
        if !shown.is_empty() {
            assert_eq!(page.body, shown, "{slow} {fast}");
        }
        let next = Answer::of(&other, with_token("/flashes", &token)).await;
        assert_eq!(next.body, left, "{slow} {fast}");
    }
}

pub(crate) async fn of_twenty_values_that_were_made_at_once_the_first_stays<S: Store>(
    stage: Stage<S>,
) {
    let (answers, seen) = crowd(&stage, "/insert-b", "/meet/make-id/now-id").await;
    assert_eq!(count(&answers, StatusCode::OK), CROWD);
    let told = &answers[0].body;
    assert!(answers.iter().all(|answer| answer.body == *told), "{answers:?}");
    let id = told.trim_start_matches("Saved Some(").trim_end_matches(')');
    assert_eq!(seen, format!(r#"{{"b":true,"id":{id}}}"#));
}

pub(crate) async fn a_removal_may_be_told_to_two<S: Store>(stage: Stage<S>) {
    let (answers, seen) = crowd(&stage, "/insert-v/insert-b", "/meet/drop-v").await;
    assert_eq!(count(&answers, StatusCode::OK), CROWD);
    assert!(answers.iter().all(|answer| answer.body == "true"));
    assert_eq!(seen, r#"{"b":true}"#);
}
