//! What a token opens, and for how long.

use std::time::Duration;

use actix_web::{http::header, test::TestRequest};
use sessions::{SessionConfig, store::Store, test::Operation};
use sessions_tests::{Answer, key, stage::Stage};

use crate::host::{
    COOKIE, Host, ask, assert_invalid_token, authorized, bearing, cookie_of, token_of, with_cookie,
};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn a_login_hands_a_token_out_which_opens_the_session_until_the_logout<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let login = Answer::of(&app, TestRequest::get().uri("/insert-basket/login-7/token")).await;
    assert_eq!((login.status.as_u16(), login.cookie()), (200, None));
    assert_eq!(login.all(header::CACHE_CONTROL), ["no-store"]);
    let token = login.body;
    // 45 characters behind the mark, which have no other meaning in a header or a log.
    assert_eq!((token.len(), &token[..4]), (49, "ses_"));

    for (path, body) in [
        ("/read", r#"{"_owner":"7","basket":true}"#),
        ("/count", "1"),
        ("/count", "2"),
        ("/transport", "Bearer"),
        ("/now", "Unchanged"),
        ("/insert-x/now", "Saved"),
        ("/permanent/count", "3"),
        ("/count", "4"),
    ] {
        let answer = ask(&app, path, &token).await;
        let got = (answer.status.as_u16(), answer.body.as_str(), answer.cookie());
        assert_eq!(got, (200, body, None), "{path}");
        assert_eq!(answer.all(header::VARY), ["Authorization"], "{path}");
        assert_eq!(answer.all(header::CACHE_CONTROL), ["private"], "{path}");
    }
    let logout = ask(&app, "/purge", &token).await;
    assert_eq!((logout.body.as_str(), logout.cookie()), ("TokenRevoked", None));
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
    assert_invalid_token(&ask(&app, "/count", &token).await, "after the logout");
    // To log out twice is no error.
    assert_eq!(ask(&app, "/purge", &token).await.status, 200);
}

pub(crate) async fn a_token_opens_only_by_the_transport_it_was_made_for<S: Store>(stage: Stage<S>) {
    let plain = SessionConfig::new();
    let salted = SessionConfig::new().salt("shared");
    for (what, config, is_signed) in [
        ("plain", plain.clone(), false),
        ("salted", salted.clone(), false),
        ("signed", plain, true),
        ("signed and salted", salted, true),
    ] {
        let host =
            Host::with(
                &stage,
                config,
                |backend| {
                    if is_signed { backend.signed(key(1)) } else { backend }
                },
            );
        let app = host.app().await;
        let token = token_of(&app, "/insert-api/token").await;
        let cookie = cookie_of(&app, "/insert-page").await;
        let page = with_cookie(TestRequest::get().uri("/read"), &cookie);
        assert_eq!(Answer::of(&app, page).await.body, r#"{"page":true}"#, "{what}");
        assert_eq!(ask(&app, "/read", &token).await.body, r#"{"api":true}"#, "{what}");

        for value in [token.as_str(), &token[4..]] {
            let other = with_cookie(TestRequest::get().uri("/read"), value);
            assert_eq!(Answer::of(&app, other).await.body, "{}", "{what}: token as cookie");
        }
        for value in [cookie.clone(), format!("ses_{cookie}")] {
            assert_eq!(ask(&app, "/read", &value).await.body, "{}", "{what}: cookie as token");
            assert_invalid_token(&ask(&app, "/count", &value).await, what);
        }
        if is_signed {
            // What is signed for one does not verify in the other, so that no store is asked.
            let before = stage.store.calls();
            ask(&app, "/read", &format!("ses_{cookie}")).await;
            let other = with_cookie(TestRequest::get().uri("/read"), &token[4..]);
            Answer::of(&app, other).await;
            assert_eq!(stage.store.calls(), before, "{what}");
        }
    }
}

pub(crate) async fn a_bearer_token_opens_in_its_own_interface_only<S: Store>(stage: Stage<S>) {
    let api = Host::new(&stage);
    let token = token_of(&api.app().await, "/insert-a/token").await;
    for config in [SessionConfig::new().salt("other"), SessionConfig::new().salt(COOKIE)] {
        let other = Host::with(&stage, config, |backend| backend);
        let other = other.app().await;
        assert_eq!(ask(&other, "/read", &token).await.body, "{}");
    }
}

pub(crate) async fn what_is_no_token_reads_an_empty_session_and_writes_nothing<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let token = token_of(&app, "/insert-a/token").await;
    let other = token_of(&app, "/insert-b/token").await;
    let mixed = format!("{}{}", &token[..27], &other[27..]);
    let long = format!("ses_{}", "a".repeat(100_000));
    let made_up = format!("ses_{0}.{0}", "A".repeat(22));
    let creates = stage.store.calls_of(Operation::Create);
    for credentials in [
        "Bearer",
        "Bearer ",
        "bearer ses_",
        "BEARER x",
        "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x",
        &format!("Bearer {}", &token[4..]),
        &format!("Bearer {token}="),
        &format!("Bearer {token},"),
        &format!("Bearer {token} {token}"),
        &format!("Bearer \"{token}\""),
        &format!("Bearer {}", &token[..48]),
        &format!("Bearer {}", token.to_uppercase()),
        &format!("Bearer {mixed}"),
        &format!("Bearer {long}"),
        &format!("Bearer {made_up}"),
    ] {
        let read = Answer::of(&app, authorized("/read", credentials)).await;
        let got = (read.status.as_u16(), read.body.as_str(), read.cookie());
        assert_eq!(got, (200, "{}", None), "{credentials:.80}");
        assert_eq!(read.all(header::VARY), ["Authorization"], "{credentials:.80}");
        for path in
            ["/insert-x", "/count/permanent", "/login-7", "/insert-x/renew", "/insert-x/rotate"]
        {
            let write = Answer::of(&app, authorized(path, credentials)).await;
            assert_invalid_token(&write, &format!("{path} {credentials:.80}"));
        }
        // Nothing to keep.
        for path in ["/clear", "/renew", "/rotate", "/insert-x/remove-x", "/insert-x/status-404"] {
            let config = SessionConfig::new().save_when(sessions::policy::SaveWhen::Success);
            let host = Host::with(&stage, config, |backend| backend);
            let app = host.app().await;
            let idle = Answer::of(&app, authorized(path, credentials)).await;
            assert_ne!(idle.status, 401, "{path} {credentials:.80}");
            assert_eq!(idle.cookie(), None, "{path} {credentials:.80}");
        }
    }
    // Several headers: none of them counts.
    let twice = bearing("/read", &token).append_header((header::AUTHORIZATION, "Basic YTpi"));
    assert_eq!(Answer::of(&app, twice).await.body, "{}");
    assert_eq!(stage.store.calls_of(Operation::Create), creates);
    // Nor does a policy pass it over: the client has no token of what it wrote.
    let config = SessionConfig::new()
        .on_save_error(sessions::policy::OnSaveError::Log)
        .on_gone(sessions::policy::OnGone::Drop);
    let host = Host::with(&stage, config, |backend| backend);
    let lenient = host.app().await;
    assert_invalid_token(&ask(&lenient, "/count", &made_up).await, "lenient");
}

pub(crate) async fn a_token_is_read_from_the_header_only<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let token = token_of(&app, "/insert-a/token").await;
    for query in ["access_token", "token", "session", COOKIE] {
        let request = TestRequest::get().uri(&format!("/read?{query}={token}"));
        assert_eq!(Answer::of(&app, request).await.body, "{}");
    }
    let form = TestRequest::post().uri("/read").set_form([("access_token", token.as_str())]);
    assert_eq!(Answer::of(&app, form).await.body, "{}");
    for name in ["proxy-authorization", "x-session", "x-authorization", COOKIE] {
        let request =
            TestRequest::get().uri("/read").insert_header((name, format!("Bearer {token}")));
        assert_eq!(Answer::of(&app, request).await.body, "{}");
    }
}

pub(crate) async fn the_scheme_is_read_in_any_case<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let token = token_of(&app, "/insert-a/token").await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER  "] {
        let request = authorized("/read", &format!("{scheme} {token}"));
        assert_eq!(Answer::of(&app, request).await.body, r#"{"a":true}"#, "{scheme}");
    }
}

pub(crate) async fn beside_a_bearer_token_no_cookie_is_read_or_set<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let cookie = cookie_of(&app, "/login-alice").await;
    let token = token_of(&app, "/login-bob/token").await;
    let both = |path: &str| with_cookie(bearing(path, &token), &cookie);
    assert_eq!(Answer::of(&app, both("/owner")).await.body, "bob");
    for path in ["/count", "/permanent", "/rotate"] {
        assert_eq!(Answer::of(&app, both(path)).await.cookie(), None, "{path}");
    }
    // Nor where the token opens nothing: a client does not fall back to another's session.
    let neither = with_cookie(bearing("/owner", "ses_x"), &cookie);
    assert_eq!(Answer::of(&app, neither).await.body, "");
    let write = with_cookie(bearing("/insert-x", "ses_x"), &cookie);
    assert_invalid_token(&Answer::of(&app, write).await, "beside a cookie");
    let logout = Answer::of(&app, both("/purge")).await;
    assert_eq!((logout.status.as_u16(), logout.cookie()), (200, None));
    let page = with_cookie(TestRequest::get().uri("/owner"), &cookie);
    assert_eq!(Answer::of(&app, page).await.body, "alice");
}

pub(crate) async fn other_credentials_leave_the_cookie_alone<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let cookie = cookie_of(&app, "/login-alice").await;
    for credentials in ["Basic YTpi", "Digest username=\"Bearer\"", "Bearers ses_x", ""] {
        let page = with_cookie(authorized("/owner/count", credentials), &cookie);
        assert_eq!(Answer::of(&app, page).await.status, 200, "{credentials}");
        let page = with_cookie(authorized("/owner", credentials), &cookie);
        assert_eq!(Answer::of(&app, page).await.body, "alice", "{credentials}");
        let login = Answer::of(&app, authorized("/login-carol", credentials)).await;
        assert!(login.cookie().is_some(), "{credentials}");
    }
}

pub(crate) async fn a_login_or_a_renewal_ends_the_former_token<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let mut token = token_of(&app, "/insert-basket/token").await;
    for (path, owner) in [("/login-7/token", "7"), ("/renew/token", "7"), ("/login-7/token", "7")] {
        let former = token;
        token = ask(&app, path, &former).await.body;
        assert_ne!(token, former, "{path}");
        assert_eq!(ask(&app, "/owner", &former).await.body, "", "{path}");
        assert_invalid_token(&ask(&app, "/count", &former).await, path);
        assert_eq!(ask(&app, "/owner", &token).await.body, owner, "{path}");
        let content = ask(&app, "/read", &token).await.body;
        assert!(content.contains("basket"), "{path}: {content}");
    }
    // Another user's login leaves nothing of this one's session.
    let other = ask(&app, "/login-8/token", &token).await.body;
    assert_eq!(ask(&app, "/read", &other).await.body, r#"{"_owner":"8"}"#);
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
}

pub(crate) async fn a_rotation_needs_a_handler_that_hands_the_token_out<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let token = token_of(&app, "/login-7/token").await;
    // A timer, for browsers, which rotates with any request.
    for path in ["/rotate", "/rotate/count", "/count/rotate"] {
        let answer = ask(&app, path, &token).await;
        assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None), "{path}");
    }
    stage.time.advance(90 * SECOND);
    assert_eq!(ask(&app, "/count", &token).await.body, "3");

    let mut present = token;
    for path in ["/rotate/token", "/token", "/count/token"] {
        let next = ask(&app, path, &present).await.body;
        assert!(next.starts_with("ses_") && next != present, "{path}");
        // Requests under way go on, until the grace is over.
        stage.time.advance(9 * SECOND);
        assert_eq!(ask(&app, "/insert-late", &present).await.status, 200, "{path}");
        // Nor does the former token get a newer one.
        assert_eq!(ask(&app, "/insert-x/token", &present).await.status, 409, "{path}");
        assert!(!ask(&app, "/read", &next).await.body.contains("\"x\""), "{path}");
        stage.time.advance(SECOND);
        assert_invalid_token(&ask(&app, "/insert-late", &present).await, path);
        assert_eq!(ask(&app, "/owner", &next).await.body, "7", "{path}");
        present = next;
    }
}
