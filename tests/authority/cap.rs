//! At most so many sessions for each owner.

use std::{sync::Arc, time::Duration};

use actix_web::http::StatusCode;
use futures_util::future::{join, join_all};
use sessions::{
    ServerSide,
    store::{Store, StoreError},
    test::{Fault, Moment, Operation},
};
use sessions_tests::{
    Answer, Browser,
    in_memory::meanwhile,
    stage::{Stage, Staged},
    with_token,
};
use tokio::sync::Barrier;

const SECOND: Duration = Duration::from_secs(1);
/// How many log in at once, and how many sessions an owner may have.
const LOGINS: usize = 50;
const MOST: usize = 5;
/// Longer than a login that was cut off holds its place.
const CUT_OFF: Duration = Duration::from_secs(12);

type Backend<S> = ServerSide<Staged<S>>;

/// A way to limit sessions.
type Limit<S> = fn(Backend<S>, usize) -> Backend<S>;

fn limits<S: Store>() -> [(&'static str, Limit<S>); 2] {
    [("at_most", Backend::<S>::at_most), ("refuse_above", Backend::<S>::refuse_above)]
}

/// What came of logins at once.
struct Crowd {
    /// How many were told that they are logged in.
    told: usize,
    refused: usize,
    /// How many of all their browsers have a session.
    live: usize,
    /// How many sessions the list has.
    listed: usize,
}

/// Logs owner 7 in from fifty browsers at once, on two hosts. Every other browser has a session before.
async fn fifty<S: Store>(stage: &Stage<S>, limit: Limit<S>) -> Crowd {
    let crowd = Arc::new(Barrier::new(LOGINS));
    let host = || {
        let patient = |backend: Backend<S>| {
            limit(backend.with_call_deadline(20 * SECOND).with_request_deadline(60 * SECOND), MOST)
        };
        stage.host_changed(patient).in_crowd(&crowd)
    };
    let [host, other] = [host(), host()];
    let (app, other) = (host.app().await, other.app().await);
    let mut browsers: Vec<_> = (0..LOGINS).map(|_| Browser::new()).collect();
    for browser in browsers.iter_mut().step_by(2) {
        browser.get(&app, "/count").await;
    }
    let (app, other) = (&app, &other);
    let logins = browsers.iter_mut().enumerate().map(|(number, browser)| async move {
        if number % 4 < 2 {
            browser.get(app, "/meet/login-7").await
        } else {
            browser.get(other, "/meet/login-7").await
        }
    });
    let answers = join_all(logins).await;
    let of = |status| answers.iter().filter(|answer| answer.status == status).count();
    let (told, refused) = (of(StatusCode::OK), of(StatusCode::CONFLICT));
    assert_eq!(told + refused, LOGINS, "no other answer");
    let mut live = 0;
    for browser in &mut browsers {
        live += usize::from(browser.get(app, "/owner").await.body == "7");
    }
    let listed = browsers[0].get(app, "/devices-7").await.body;
    let listed = listed.split(' ').next().unwrap().parse().unwrap();
    Crowd { told, refused, live, listed }
}

pub(crate) async fn of_fifty_logins_at_once_the_newest_are_left<S: Store>(stage: Stage<S>) {
    let host = stage.host();
    let app = host.app().await;
    let mut older: Vec<_> = (0..2 * MOST).map(|_| Browser::new()).collect();
    for browser in &mut older {
        browser.get(&app, "/login-7").await;
    }
    stage.time.advance(SECOND);
    let Crowd { told, refused, live, listed } = fifty(&stage, Backend::<S>::at_most).await;
    println!(
        "at_most({MOST}), {LOGINS} logins at once on two hosts: {told} told, {refused} overtaken, \
         {live} live, {listed} listed"
    );
    assert_eq!((live, listed), (MOST, MOST));
    for browser in &mut older {
        assert_eq!(browser.get(&app, "/owner").await.body, "", "one from before outlives them");
    }
}

pub(crate) async fn of_fifty_logins_at_once_so_many_succeed<S: Store>(stage: Stage<S>) {
    let Crowd { told, refused, live, listed } = fifty(&stage, Backend::<S>::refuse_above).await;
    println!(
        "refuse_above({MOST}), {LOGINS} logins at once on two hosts: {told} told, {refused} refused, \
         {live} live, {listed} listed"
    );
    assert_eq!((told, refused, live, listed), (MOST, LOGINS - MOST, MOST, MOST));
    assert_eq!(stage.store.inner().entries(), MOST, "the refused leave no entry");
}

pub(crate) async fn a_login_above_the_limit_ends_the_oldest<S: Store>(stage: Stage<S>) {
    let host = stage.host_changed(|backend| backend.at_most(2));
    let app = host.app().await;
    let mut browsers: Vec<_> = (0..4).map(|_| Browser::new()).collect();
    let mut other = Browser::new();
    other.get(&app, "/login-8").await;
    for browser in &mut browsers[..3] {
        assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK);
        stage.time.advance(SECOND);
    }
    let owners = async |browsers: &mut [Browser]| {
        let mut owners = String::new();
        for browser in browsers {
            owners.push_str(&browser.get(&app, "/owner").await.body);
            owners.push(',');
        }
        owners
    };
    assert_eq!(owners(&mut browsers).await, ",7,7,,");
    // The age of a session is that of its login, not of its use.
    browsers[1].get(&app, "/renew/count").await;
    browsers[3].get(&app, "/login-7").await;
    assert_eq!(owners(&mut browsers).await, ",,7,7,");
    assert_eq!(other.get(&app, "/owner").await.body, "8");
    assert_eq!(other.get(&app, "/devices-7").await.body, "2 0");
}

pub(crate) async fn a_login_above_the_limit_is_refused_and_leaves_all_as_it_was<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host_changed(|backend| backend.refuse_above(2));
    let app = host.app().await;
    let (mut one, mut two) = (Browser::new(), Browser::new());
    for browser in [&mut one, &mut two] {
        assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK);
    }
    // Without a session, with one, and with one of another owner.
    for (before, after) in
        [("/read", "{}"), ("/count", r#"{"n":1}"#), ("/login-8/count", r#"{"_owner":"8","n":1}"#)]
    {
        for login in ["/login-7", "/insert-x/login-7", "/login-7/now", "/clear/login-7"] {
            let mut late = Browser::new();
            assert_eq!(late.get(&app, before).await.status, StatusCode::OK, "{before}");
            let token = late.cookie("id").map(str::to_owned);
            stage.time.advance(2 * CUT_OFF);
            let (records, entries) = (stage.store.inner().len(), stage.store.inner().entries());
            let refused = late.get(&app, login).await;
            assert_eq!(refused.status, StatusCode::CONFLICT, "{before} {login}");
            assert_eq!(late.cookie("id").map(str::to_owned), token, "{before} {login}");
            assert_eq!(late.get(&app, "/read").await.body, after, "{before} {login}");
            let left = (stage.store.inner().len(), stage.store.inner().entries());
            assert_eq!(left, (records, entries), "{before} {login}");
            late.get(&app, "/purge").await;
        }
    }
    // One that logs out leaves its place at once.
    let mut next = Browser::new();
    for browser in [&mut one, &mut two] {
        assert_eq!(next.get(&app, "/login-7").await.status, StatusCode::CONFLICT);
        browser.get(&app, "/purge").await;
        assert_eq!(next.get(&app, "/login-7").await.status, StatusCode::OK);
        next = Browser::new();
    }
    assert_eq!(Browser::new().get(&app, "/devices-7").await.body, "2 0");
}

pub(crate) async fn what_is_gone_does_not_count<S: Store>(stage: Stage<S>) {
    for (method, limit) in limits::<S>() {
        let host = stage.host_changed(|backend| limit(backend, 2));
        let app = host.app().await;
        let mut kept = Browser::new();
        kept.get(&app, "/login-7").await;
        // A session that has expired, was logged out, ended, or became another owner's.
        for gone in ["", "/purge", "/clear", "/end-7/login-7", "/login-8"] {
            let mut other = Browser::new();
            assert_eq!(other.get(&app, "/login-7").await.status, StatusCode::OK, "{method} {gone}");
            if gone.is_empty() {
                stage.time.advance(32 * 24 * 60 * 60 * SECOND);
                kept = Browser::new();
                kept.get(&app, "/login-7").await;
            } else if gone.starts_with("/end") {
                other.get(&app, "/all-7").await;
                kept.get(&app, "/login-7").await;
            } else {
                other.get(&app, gone).await;
            }
            let mut next = Browser::new();
            assert_eq!(next.get(&app, "/login-7").await.status, StatusCode::OK, "{method} {gone}");
            assert_eq!(kept.get(&app, "/owner").await.body, "7", "{method} {gone}");
            next.get(&app, "/purge").await;
        }
        kept.get(&app, "/all-7").await;
    }
}

pub(crate) async fn to_log_in_again_adds_no_session<S: Store>(stage: Stage<S>) {
    for (method, limit) in limits::<S>() {
        let host = stage.host_changed(|backend| limit(backend, 2));
        let app = host.app().await;
        let (mut one, mut two) = (Browser::new(), Browser::new());
        for browser in [&mut one, &mut two] {
            browser.get(&app, "/login-7").await;
            stage.time.advance(SECOND);
        }
        for path in ["/login-7", "/renew", "/rotate", "/clear/login-7", "/purge/login-7"] {
            assert_eq!(one.get(&app, path).await.status, StatusCode::OK, "{method} {path}");
            assert_eq!(one.get(&app, "/owner").await.body, "7", "{method} {path}");
            assert_eq!(two.get(&app, "/owner").await.body, "7", "{method} {path}");
        }
        // Also above the limit, which was higher before.
        let host = stage.host_changed(|backend| limit(backend, 1));
        let app = host.app().await;
        assert_eq!(one.get(&app, "/login-7").await.status, StatusCode::OK, "{method}");
        assert_eq!(one.get(&app, "/owner").await.body, "7", "{method}");
        let others = if method == "at_most" { "" } else { "7" };
        assert_eq!(two.get(&app, "/owner").await.body, others, "{method}");
        one.get(&app, "/all-7").await;
    }
}

/// The next oldest is ended instead of it.
pub(crate) async fn an_oldest_session_that_logs_in_again_is_spared<S: Store>(stage: Stage<S>) {
    let (host, other) = [(); 2].map(|()| stage.host_changed(|backend| backend.at_most(2))).into();
    let (app, other) = (host.app().await, other.app().await);
    for moment in [Moment::After(Operation::IndexKeys), Moment::Before(Operation::DeleteIf)] {
        let (mut oldest, mut next, mut late) = (Browser::new(), Browser::new(), Browser::new());
        for browser in [&mut oldest, &mut next] {
            browser.get(&app, "/login-7").await;
            stage.time.advance(SECOND);
        }
        let gate = stage.store.hold(moment);
        let again = async {
            gate.reached().await;
            stage.time.advance(SECOND);
            let answer = oldest.get(&other, "/login-7").await;
            gate.open();
            answer
        };
        let (login, again) = join(late.get(&app, "/login-7"), again).await;
        assert_eq!((login.status, again.status), (StatusCode::OK, StatusCode::OK), "{moment:?}");
        for (browser, owner) in [(&mut oldest, "7"), (&mut next, ""), (&mut late, "7")] {
            assert_eq!(browser.get(&app, "/owner").await.body, owner, "{moment:?}");
        }
        late.get(&app, "/all-7").await;
    }
}

/// Each call of a login fails in turn, before it is carried out and after.
pub(crate) async fn a_failing_store_is_an_error_and_the_limit_holds_after_it<S: Store>(
    stage: Stage<S>,
) {
    let (mut failures, mut logins) = (0, 0);
    for (method, limit) in limits::<S>() {
        let host = stage.host_changed(|backend| limit(backend, 2));
        let app = host.app().await;
        // With `at_most` the login ends the oldest, with `refuse_above` it gets the last place.
        let (before, expected) = if method == "at_most" { (2, "2 1") } else { (1, "2 1") };
        for fault in [|| Fault::Fails(StoreError::Full), || Fault::Loses] {
            for call in 1.. {
                logins += 1;
                let (login, list) = (format!("/login-{logins}"), format!("/devices-{logins}"));
                let mut old: Vec<_> = (0..before).map(|_| Browser::new()).collect();
                for browser in &mut old {
                    assert_eq!(browser.get(&app, &login).await.status, StatusCode::OK);
                    stage.time.advance(SECOND);
                }
                let calls = stage.store.calls();
                stage.store.on_call(call, fault());
                let mut late = Browser::new();
                let is_told = late.get(&app, &login).await.status == StatusCode::OK;
                let was_reached = stage.store.calls() - calls >= call;
                stage.store.mend();
                let owner = late.get(&app, "/owner").await.body;
                let told = if is_told { logins.to_string() } else { String::new() };
                assert_eq!(owner, told, "{method} {call}");
                failures += usize::from(!is_told);

                // What it left holds no place for ever, and the next login holds the limit.
                stage.time.advance(CUT_OFF);
                let ends = late.get(&app, &list).await.body;
                for browser in &mut old {
                    browser.get(&app, "/purge").await;
                }
                late.get(&app, "/purge").await;
                let left: usize =
                    late.get(&app, &list).await.body.split(' ').next().unwrap().parse().unwrap();
                assert!(left <= 1, "{method} {call}: {ends}, then {left}");
                for number in left..2 {
                    let mut next = Browser::new();
                    let answer = next.get(&app, &login).await;
                    assert_eq!(answer.status, StatusCode::OK, "{method} {call} {number}");
                    if number == 1 {
                        assert_eq!(next.get(&app, &list).await.body, expected, "{method} {call}");
                    }
                }
                let answer = Browser::new().get(&app, &login).await.status;
                let above = if method == "at_most" { StatusCode::OK } else { StatusCode::CONFLICT };
                assert_eq!(answer, above, "{method} {call}");
                assert_eq!(Browser::new().get(&app, &list).await.body, "2 0", "{method} {call}");
                if !was_reached {
                    break;
                }
            }
        }
    }
    println!("{failures} of {logins} logins failed");
    assert!(failures >= 20, "{failures} of {logins} logins failed");
}

pub(crate) async fn a_login_that_was_cut_off_holds_its_place_for_seconds<S: Store>(
    stage: Stage<S>,
) {
    let host = stage.host_changed(|backend| {
        backend.refuse_above(1).with_call_deadline(20 * SECOND).with_request_deadline(20 * SECOND)
    });
    let app = host.app().await;
    let mut late = Browser::new();
    let gate = stage.store.hold(Moment::Before(Operation::Create));
    // Of the places, and of the session.
    let others = async {
        gate.reached().await;
        let session = stage.store.hold(Moment::Before(Operation::Create));
        gate.open();
        session.reached().await;
        let other = stage.host_changed(|backend| backend.refuse_above(1));
        let other = other.app().await;
        let mut browser = Browser::new();
        stage.time.advance(49 * SECOND);
        assert_eq!(browser.get(&other, "/login-7").await.status, StatusCode::CONFLICT);
        stage.time.advance(SECOND);
        assert_eq!(browser.get(&other, "/login-7").await.status, StatusCode::OK);
        session.open();
        browser
    };
    let (answer, mut browser) = join(late.get(&app, "/login-7"), others).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(late.cookie("id"), None);
    assert_eq!(browser.get(&app, "/owner").await.body, "7");
    assert_eq!(browser.get(&app, "/devices-7").await.body, "1 1");
    let token = browser.cookie("id").unwrap().to_owned();
    assert_eq!(Answer::of(&app, with_token("/count", &token)).await.status, StatusCode::OK);
}

/// A request that ends its session for a login counts with it where another login has it meanwhile.
pub(crate) async fn a_session_that_another_login_took_is_counted<S: Store>(stage: Stage<S>) {
    let host = stage.host_changed(|backend| backend.refuse_above(1));
    let app = host.app().await;
    for (before, login) in [
        ("/login-7", "/wait/purge/login-7"),
        ("/count", "/wait/purge/login-7"),
        ("/login-8", "/wait/login-7"),
    ] {
        let mut browser = Browser::new();
        assert_eq!(browser.get(&app, before).await.status, StatusCode::OK, "{before}");
        let token = browser.cookie("id").unwrap().to_owned();
        let late = meanwhile(&host, Answer::of(&app, with_token(login, &token)), async || {
            assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK, "{before}");
        });
        let late = late.await;
        assert_eq!((late.status, late.cookie()), (StatusCode::CONFLICT, None), "{before} {login}");
        assert_eq!(browser.get(&app, "/devices-7").await.body, "1 1", "{before} {login}");
        browser.get(&app, "/purge").await;
        assert_eq!(browser.get(&app, "/login-7").await.status, StatusCode::OK, "{before} {login}");
        browser.get(&app, "/purge").await;
    }
}
