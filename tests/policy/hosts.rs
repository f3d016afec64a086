//! Policies that the host decides: by what routing uses, whatever headers a client adds.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
};

use actix_web::{
    App, HttpRequest,
    guard::Host,
    http::{Version, header},
    test::{TestRequest, init_service},
    web,
};
use sessions::{Session, SessionInterface, SignedCookie, interface::host};
use sessions_tests::{Answer, key};

#[derive(Clone, SessionInterface)]
#[session(cookie_name = by_host)]
struct TwoAreas {
    backend: SignedCookie,
}

fn by_host<'r>(_: &'r TwoAreas, request: &'r HttpRequest) -> Cow<'r, str> {
    let admin = host(request).is_some_and(|host| host == "admin.example.com");
    Cow::Borrowed(if admin { "__Host-admin" } else { "__Host-site" })
}

/// Requests whose host is told in many ways, also by what a client may forge.
fn requests() -> Vec<TestRequest> {
    let hosts = [
        "www.example.com",
        "www.example.com:8080",
        "admin.example.com",
        "admin.example.com:443",
        "ADMIN.example.com",
        "admin.example.com.evil.example",
        "evil@admin.example.com",
        "admin.example.com/",
        "[::1]:8080",
        "not a host",
        "",
    ];
    let mut requests = Vec::new();
    for host in hosts {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            for uri in ["/", "http://admin.example.com/", "http://www.example.com/"] {
                for forged in [None, Some("admin.example.com"), Some("www.example.com")] {
                    let request = TestRequest::with_uri(uri).version(version);
                    let request = request.insert_header((header::HOST, host));
                    requests.push(match forged {
                        Some(forged) => request
                            .insert_header((header::X_FORWARDED_HOST, forged))
                            .insert_header((header::FORWARDED, format!("host={forged}"))),
                        None => request,
                    });
                }
            }
        }
    }
    requests.push(TestRequest::default());
    requests
}

#[actix_web::test]
async fn the_cookie_of_a_host_is_that_of_the_routes_that_answer() {
    let area = |area: &'static str| {
        web::to(move |session: Session| async move { session.insert("a", 1).map(|()| area) })
    };
    let sessions = TwoAreas { backend: SignedCookie::new(key(1)) };
    let app = App::new()
        .wrap(sessions)
        .service(web::scope("").guard(Host("admin.example.com")).default_service(area("admin")))
        .default_service(area("site"));
    let app = init_service(app).await;
    let (mut admin, mut site) = (0, 0);
    for request in requests() {
        let answer = Answer::of(&app, request).await;
        let cookie = answer.cookie().expect("the session is saved");
        assert_eq!(cookie.name, format!("__Host-{}", answer.body));
        *if answer.body == "admin" { &mut admin } else { &mut site } += 1;
    }
    assert!(admin > 20 && site > 20, "{admin} {site}");
}

#[test]
fn a_forged_header_changes_no_host() {
    let request = TestRequest::default()
        .insert_header((header::HOST, "www.example.com"))
        .insert_header((header::X_FORWARDED_HOST, "admin.example.com"))
        .insert_header((header::FORWARDED, "host=admin.example.com"))
        .to_http_request();
    assert_eq!(host(&request).as_deref(), Some("www.example.com"));
    assert_eq!(request.connection_info().host(), "admin.example.com");
}

/// Library, examples and pages: none decides by what a client can forge.
#[test]
fn nothing_here_asks_for_the_host_scheme_or_address_that_a_client_tells() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut files = vec![root.join("README.md")];
    for folder in [
        "sessions/src",
        "sessions-login/src",
        "sessions-redis/src",
        "sessions-sqlx/src",
        "examples",
        "docs",
    ] {
        collect(&root.join(folder), &mut files);
    }
    assert!(files.len() > 150, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).expect("text");
        for call in [".connection_info()", ".realip_remote_addr(", "dev::ConnectionInfo"] {
            // The page of `host` shows what not to use.
            let is_shown = file.ends_with("interface/host.rs");
            assert!(is_shown || !text.contains(call), "{call} in {}", file.display());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let is_text = path.extension().is_some_and(|it| it == "rs" || it == "md");
        if path.is_dir() {
            collect(&path, files);
        } else if is_text {
            files.push(path);
        }
    }
}
