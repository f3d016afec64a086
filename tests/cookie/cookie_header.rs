//! The `Cookie` header as it comes, with a token that is valid: which bytes carry it to the
//! session, and which do not.

use std::{future::ready, time::Duration};

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{COOKIE, HeaderValue},
    },
    test::{TestRequest, init_service},
    web,
};
use sessions::{
    Session, SessionConfig, SessionMiddleware, policy::CookieName, request::Clock, test::TestClock,
};
use sessions_tests::{Answer, AppSessions};

const NAME: &str = "__Host-id";

/// `GET` tells who the session's user is, `POST /alice` makes it alice's.
async fn app(
    clock: Clock,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    let config = SessionConfig::new().cookie_name(CookieName::from_static(NAME));
    let sessions = AppSessions::signed(config);
    let read = |session: Session| {
        let user = session.get("user");
        ready(user.map(|user| user.unwrap_or_else(|| "nobody".to_owned())))
    };
    let write = |session: Session, user: web::Path<String>| {
        ready(session.insert("user", user.into_inner()).map(|()| "kept"))
    };
    init_service(
        App::new()
            .wrap(SessionMiddleware::new(sessions).with_clock(clock))
            .route("/{user}", web::post().to(write))
            .default_service(web::get().to(read)),
    )
    .await
}

async fn token<S, B>(app: &S, user: &str) -> String
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = Answer::of(app, TestRequest::post().uri(&format!("/{user}"))).await;
    answer.cookie().expect("the session is saved").value
}

/// Whose session these headers carry, or `None` where they cannot be sent at all.
async fn user<S, B>(app: &S, headers: &[&[u8]]) -> Option<String>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let mut request = TestRequest::default();
    for header in headers {
        request = request.append_header((COOKIE, HeaderValue::from_bytes(header).ok()?));
    }
    let answer = Answer::of(app, request).await;
    assert_eq!(answer.status, StatusCode::OK);
    Some(answer.body)
}

#[actix_web::test]
async fn invariant_8_names_are_bytes_and_nothing_but_the_name_is_the_name() {
    let app = app(Clock::system()).await;
    let token = token(&app, "mallory").await;
    let mut forged = vec![
        format!("={NAME}={token}"),
        format!("==; ={NAME}={token}"),
        format!("{NAME}"),
        format!("{NAME} {token}"),
        format!("{NAME}:{token}"),
        format!("{NAME}%3D{token}"),
        format!("x{NAME}={token}"),
        format!("{NAME}x={token}"),
        format!("\"{NAME}\"={token}"),
        format!("'{NAME}'={token}"),
        format!("$Version=1; ${NAME}={token}"),
        format!("x=\"={NAME}={token}\""),
        format!("x={NAME}={token}"),
        format!("x, {NAME}={token}"),
        format!("{NAME}; ={token}"),
        token.clone(),
    ];
    for (at, c) in NAME.char_indices() {
        let (before, after) = (&NAME[..at], &NAME[at + 1..]);
        let code = u32::from(c);
        forged.push(format!("{before}%{code:02x}{after}={token}"));
        forged.push(format!("{before}%{code:02X}{after}={token}"));
        forged.push(format!("{before}%25{code:02X}{after}={token}"));
        forged.push(format!("{before}\\x{code:02x}{after}={token}"));
        forged.push(format!("{before}&#{code};{after}={token}"));
        forged.push(format!("{before}{after}={token}"));
        forged.push(format!("{before}{c}{c}{after}={token}"));
        if !after.is_empty() {
            forged.push(format!("{before}{c} {after}={token}"));
        }
        // The letters and hyphens of other widths.
        let wide = char::from_u32(code + 0xfee0).expect("a character");
        forged.push(format!("{before}{wide}{after}={token}"));
        for other in [c.to_ascii_lowercase(), c.to_ascii_uppercase()] {
            if other != c {
                forged.push(format!("{before}{other}{after}={token}"));
            }
        }
    }
    // White space and control characters of Unicode, but for the two that RFC 6265bis, 5.6 trims.
    let every = ('\0'..=char::MAX).filter(|c| c.is_whitespace() || c.is_control());
    let invisible = ['\u{feff}', '\u{200b}', '\u{2060}', '\u{180e}', '\u{ad}'];
    for c in every.chain(invisible).filter(|c| !" \t".contains(*c)) {
        forged.push(format!("{c}{NAME}={token}"));
        forged.push(format!("{NAME}{c}={token}"));
    }
    let mut sent = 0;
    for header in forged {
        if let Some(user) = user(&app, &[header.as_bytes()]).await {
            assert_eq!(user, "nobody", "{header}");
            sent += 1;
        }
    }
    println!("{sent} forged names refused");
    assert!(sent > 200, "{sent}");
    assert_eq!(user(&app, &[format!("{NAME}={token}").as_bytes()]).await.unwrap(), "mallory");
}

#[actix_web::test]
async fn bytes_that_are_no_text_around_the_name_make_it_another() {
    let app = app(Clock::system()).await;
    let token = token(&app, "mallory").await;
    let mut sent = 0;
    for byte in (0..=u8::MAX).filter(|byte| !b" \t;=".contains(byte)) {
        let pair = format!("{NAME}={token}");
        let before = [&[byte], pair.as_bytes()].concat();
        let after = [NAME.as_bytes(), &[byte, b'='], token.as_bytes()].concat();
        for header in [before, after] {
            if let Some(user) = user(&app, &[&header]).await {
                assert_eq!(user, "nobody", "{byte:#x}");
                sent += 1;
            }
        }
    }
    assert!(sent > 400, "{sent}");
}

#[actix_web::test]
async fn space_and_tab_around_name_and_value_are_no_part_of_them() {
    let app = app(Clock::system()).await;
    let token = token(&app, "alice").await;
    for (before, after) in [(" ", ""), ("\t", ""), ("", " "), ("", "\t"), (" \t ", "\t \t")] {
        let header = format!("a=1;{before}{NAME}{after}={before}{token}{after}; b=2");
        assert_eq!(user(&app, &[header.as_bytes()]).await.unwrap(), "alice", "{header:?}");
    }
}

#[actix_web::test]
async fn quotes_and_version_are_no_syntax() {
    let app = app(Clock::system()).await;
    let token = token(&app, "alice").await;
    // As a browser would have sent three plain cookies.
    let legacy = format!("$Version=1; a=\"x; {NAME}={token}; y\"");
    assert_eq!(user(&app, &[legacy.as_bytes()]).await.unwrap(), "alice");
    // What is quoted is no more than its characters: no escapes, and no semicolon.
    for header in [
        format!("{NAME}=\"\\{token}\""),
        format!("{NAME}=\"{token}; x\""),
        format!("{NAME}=\"{token}"),
        format!("{NAME}={token}\""),
        format!("{NAME}='{token}'"),
        format!("{NAME}=\"\"{token}\"\""),
        format!("{NAME}=\" {token} \""),
    ] {
        assert_eq!(user(&app, &[header.as_bytes()]).await.unwrap(), "nobody", "{header}");
    }
}

#[actix_web::test]
async fn a_value_in_quotes_is_the_value_as_old_clients_send_it() {
    let app = app(Clock::system()).await;
    let token = token(&app, "alice").await;
    for header in [
        format!("{NAME}=\"{token}\""),
        format!("$Version=1; {NAME}=\"{token}\"; $Path=\"/\""),
        format!("{NAME} = \"{token}\" ; a=b"),
        format!("{NAME}=\"junk\"; {NAME}=\"{token}\""),
    ] {
        assert_eq!(user(&app, &[header.as_bytes()]).await.unwrap(), "alice", "{header}");
    }
}

#[actix_web::test]
async fn broken_neighbours_hide_nothing() {
    let app = app(Clock::system()).await;
    let pair = format!("{NAME}={}", token(&app, "alice").await);
    let huge = [b"x=".as_slice(), &b"v".repeat(120_000)].concat();
    let many = (0..5_000).map(|n| format!("n{n}={n}")).collect::<Vec<_>>().join("; ");
    let neighbours: [&[u8]; 16] = [
        b"\xff\xfe=\x80",
        b"x=\xc3\x28",
        b"\xff",
        b"novalue",
        b"",
        b"=",
        b"=nameless",
        b"===",
        b";;;",
        b" \t ",
        b"x=\"unclosed",
        b"x=%",
        b"x={\"a\": \"b\\\"\"}",
        b"__host-id=other case",
        &huge,
        many.as_bytes(),
    ];
    let mut read = 0;
    for neighbour in neighbours {
        let pair = pair.as_bytes();
        let before: &[&[u8]] = &[&[neighbour, b"; ", pair].concat()];
        let after: &[&[u8]] = &[&[pair, b"; ", neighbour].concat()];
        let tight: &[&[u8]] = &[&[neighbour, b";", pair, b";", neighbour].concat()];
        let headers_before: &[&[u8]] = &[neighbour, pair];
        let headers_after: &[&[u8]] = &[pair, neighbour];
        let between: &[&[u8]] = &[neighbour, pair, neighbour];
        for headers in [before, after, tight, headers_before, headers_after, between] {
            let shown = String::from_utf8_lossy(&neighbour[..neighbour.len().min(40)]);
            assert_eq!(user(&app, headers).await.expect("it can be sent"), "alice", "{shown}");
            read += 1;
        }
    }
    println!("{read} headers with a broken neighbour read");
    assert_eq!(read, 96);
}

#[actix_web::test]
async fn a_valid_cookie_among_junk_of_its_name_is_read_in_every_place() {
    let app = app(Clock::system()).await;
    let token = token(&app, "alice").await;
    let cut = &token[..token.len() - 1];
    for place in 0..40 {
        let value = |at: usize| match at {
            at if at == place => token.clone(),
            0 => String::new(),
            1 => cut.to_owned(),
            at => format!("junk-{at}"),
        };
        let pairs: Vec<_> = (0..40).map(|at| format!("{NAME}={}", value(at))).collect();
        let one = pairs.join("; ");
        assert_eq!(user(&app, &[one.as_bytes()]).await.unwrap(), "alice", "{place}");
        let several: Vec<_> = pairs.iter().map(String::as_bytes).collect();
        assert_eq!(user(&app, &several).await.unwrap(), "alice", "{place}");
    }
}

#[actix_web::test]
async fn repeated_junk_is_tried_once() {
    let app = app(Clock::system()).await;
    let token = token(&app, "alice").await;
    let header = format!("{}{NAME}={token}", format!("{NAME}=junk; ").repeat(1_000));
    assert_eq!(user(&app, &[header.as_bytes()]).await.unwrap(), "alice");
}

#[actix_web::test]
async fn of_two_valid_cookies_the_newer_counts() {
    let time = TestClock::new();
    let app = app(time.clock()).await;
    let older = format!("{NAME}={}", token(&app, "older").await);
    time.advance(Duration::from_secs(1));
    let newer = format!("{NAME}={}", token(&app, "newer").await);
    for header in [
        format!("{older}; {newer}"),
        format!("{newer}; {older}"),
        format!("{NAME}=junk; {newer}; {older}; {newer}"),
    ] {
        assert_eq!(user(&app, &[header.as_bytes()]).await.unwrap(), "newer", "{header}");
    }
    assert_eq!(user(&app, &[newer.as_bytes(), older.as_bytes()]).await.unwrap(), "newer");
    // Without the newer one, the older is read.
    assert_eq!(user(&app, &[older.as_bytes()]).await.unwrap(), "older");
}

#[actix_web::test]
async fn the_same_cookie_twice_is_one() {
    let app = app(Clock::system()).await;
    let pair = format!("{NAME}={}", token(&app, "alice").await);
    let header = format!("{pair}; {pair}");
    assert_eq!(user(&app, &[header.as_bytes(), pair.as_bytes()]).await.unwrap(), "alice");
}
