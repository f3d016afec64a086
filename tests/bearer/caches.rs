//! What caches are told of the pages of an interface that takes bearer tokens.

use actix_web::{http::header, test::TestRequest};
use sessions::store::Store;
use sessions_tests::{Answer, stage::Stage};

use crate::host::{Host, ask, authorized, cookie_of, token_of, with_cookie};

pub(crate) async fn no_cache_gives_a_page_to_clients_of_the_other_transport<S: Store>(
    stage: Stage<S>,
) {
    let host = Host::new(&stage);
    let app = host.app().await;
    let cookie = cookie_of(&app, "/insert-a").await;
    let token = token_of(&app, "/insert-a/token").await;
    let both: &[&str] = &["Authorization, Cookie"];
    let page = |path: &str| TestRequest::get().uri(path);
    for (what, request, vary, control) in [
        ("nobody", page("/read"), both, "private"),
        ("nobody, public", page("/read/public"), both, "public, max-age=60"),
        ("Basic", authorized("/read", "Basic YTpi"), both, "private"),
        ("cookie", with_cookie(page("/read"), &cookie), both, "private"),
        ("cookie, public", with_cookie(page("/read/public"), &cookie), both, "private, max-age=60"),
        ("bearer", crate::host::bearing("/read", &token), &["Authorization"], "private"),
        (
            "bearer, public",
            crate::host::bearing("/read/public", &token),
            &["Authorization"],
            "private, max-age=60",
        ),
        (
            "unknown token, public",
            crate::host::bearing("/read/public", "ses_x"),
            &["Authorization"],
            "private, max-age=60",
        ),
        (
            "merged",
            crate::host::bearing("/read/vary", &token),
            &["Accept-Encoding, cookie, Authorization"],
            "private",
        ),
        (
            "merged, nobody",
            page("/read/vary"),
            &["Accept-Encoding, cookie, Authorization"],
            "private",
        ),
        ("token", page("/insert-a/token/public"), both, "no-store"),
        ("token, error", page("/insert-a/token/public/status-500"), both, "no-store"),
    ] {
        let answer = Answer::of(&app, request).await;
        assert_eq!(answer.all(header::VARY), vary, "{what}");
        assert_eq!(answer.all(header::CACHE_CONTROL), [control], "{what}");
    }
    let plain = ask(&app, "/plain", &token).await;
    assert_eq!(plain.all(header::VARY), [""; 0]);
    assert_eq!(plain.all(header::CACHE_CONTROL), [""; 0]);
}
