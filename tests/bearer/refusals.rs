//! When no token is handed out, and when a new one would be lost.

use actix_web::{http::header, test::TestRequest};
use sessions::store::Store;
use sessions_tests::{Answer, stage::Stage};

use crate::host::{Host, ask, assert_invalid_token, cookie_of, token_of, with_cookie};

pub(crate) async fn a_new_token_that_is_not_handed_out_is_an_error_and_nothing_is_stored<
    S: Store,
>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let token = token_of(&app, "/login-7/insert-mine/token").await;
    for path in [
        "/login-7",
        "/login-8",
        "/renew",
        "/renew/insert-x",
        "/insert-x/login-8/now",
        "/purge/login-8",
        "/clear/renew",
    ] {
        let answer = ask(&app, path, &token).await;
        assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None), "{path}");
        assert_eq!(
            ask(&app, "/read", &token).await.body,
            r#"{"_owner":"7","mine":true}"#,
            "{path}"
        );
    }
    assert_eq!(ask(&app, "/devices-7", &token).await.body, "1 1");
    assert_eq!(ask(&app, "/devices-8", &token).await.body, "0 0");
}

pub(crate) async fn a_logout_is_carried_out_whatever_is_written_after_it<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    // A page for browsers that says goodbye: the client has no next page.
    let token = token_of(&app, "/login-7/token").await;
    let answer = ask(&app, "/purge/flash-goodbye", &token).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (200, None));
    assert_eq!(ask(&app, "/owner", &token).await.body, "");

    // Any other value would be lost.
    let token = token_of(&app, "/login-7/token").await;
    let answer = ask(&app, "/purge/insert-basket", &token).await;
    assert_eq!((answer.status.as_u16(), answer.cookie()), (500, None));
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
    assert_invalid_token(&ask(&app, "/purge/insert-basket", &token).await, "after it");

    let token = token_of(&app, "/login-7/token").await;
    let next = ask(&app, "/purge/insert-basket/token", &token).await.body;
    assert_eq!(ask(&app, "/read", &next).await.body, r#"{"basket":true}"#);
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
    assert_eq!(ask(&app, "/devices-7", &next).await.body, "0 0");
}

pub(crate) async fn no_token_is_handed_out_where_the_session_s_cookie_came<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let cookie = cookie_of(&app, "/login-7").await;
    for value in [cookie.as_str(), "junk", ""] {
        let page = |path: &str| with_cookie(TestRequest::get().uri(path), value);
        let answer = Answer::of(&app, page("/insert-x/token")).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (403, ""), "{value}");
        assert_eq!(answer.all(header::CACHE_CONTROL), ["no-store"], "{value}");
        // The handler may go on, and the session stays in its cookie.
        let answer = Answer::of(&app, page("/refused/count/transport")).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, "Cookie"), "{value}");
    }
    let page = with_cookie(TestRequest::get().uri("/read"), &cookie);
    // A token that was asked for in vain changes nothing else.
    assert_eq!(Answer::of(&app, page).await.body, r#"{"_owner":"7","n":1,"x":true}"#);
    let page = with_cookie(TestRequest::get().uri("/refused"), &cookie);
    let said = Answer::of(&app, page).await.body;
    assert!(said.starts_with("403 the request has the session's cookie"), "{said}");
    // The cookies of others are no session's.
    let other = TestRequest::get().uri("/login-7/token").insert_header((header::COOKIE, "lb=a"));
    assert!(Answer::of(&app, other).await.body.starts_with("ses_"));
}

pub(crate) async fn no_token_is_handed_out_of_nothing_or_twice<S: Store>(stage: Stage<S>) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let anonymous = async |path: &str| Answer::of(&app, TestRequest::get().uri(path)).await;
    for (path, said) in [
        ("/refused", "500 the session holds nothing"),
        ("/insert-x/remove-x/refused", "500 the session holds nothing"),
        ("/insert-x/now/refused", "500 the session is already saved"),
    ] {
        let answer = anonymous(path).await;
        assert!(answer.body.starts_with(said), "{path}: {}", answer.body);
    }
    assert_eq!(anonymous("/insert-x/token/insert-y").await.status, 500);
    assert_eq!(anonymous("/insert-x/token/token").await.status, 500);
    // A client that empties its session and asks for a token has none any more.
    let token = token_of(&app, "/insert-x/token").await;
    assert_eq!(ask(&app, "/clear/token", &token).await.status, 500);
    assert_eq!(ask(&app, "/read", &token).await.body, "{}");
    // A client whose token has ended logs in with the token still in its header.
    let login = ask(&app, "/login-7/token", &token).await;
    assert_eq!(login.status, 200);
    assert_eq!(ask(&app, "/owner", &login.body).await.body, "7");
}
