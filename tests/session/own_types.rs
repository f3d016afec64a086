//! Categories of messages and ids of owners in types of the application.

use actix_web::{App, HttpRequest, test::init_service, web};
use serde::{Deserialize, Serialize};
use sessions::{MemoryStore, ServerSide, Session, SessionConfig, SessionError, test::TestClient};
use sessions_tests::{AppSessions, Browser, Mode, key};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Success,
    Warning,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum AnyLevel {
    Success,
    #[serde(other)]
    Message,
}

async fn act(session: Session, request: HttpRequest) -> actix_web::Result<String> {
    match request.path() {
        "/level" => {
            session.flash(Level::Success, "1")?;
            session.flash(Level::Warning, String::from("2"))?;
        }
        "/text" => {
            session.flash("success", "3")?;
            session.flash(String::from("message"), "4")?;
        }
        "/as-level" => return Ok(format!("{:?}", session.take_flashes_as::<Level>()?)),
        "/as-any" => return Ok(format!("{:?}", session.take_flashes_as::<AnyLevel>()?)),
        "/as-text" => return Ok(format!("{:?}", session.take_flashes()?)),
        _ => {}
    }
    Ok(String::new())
}

#[actix_web::test]
async fn levels_of_an_application_are_texts_to_everybody_else() {
    for mode in Mode::all(key(1)).into_iter().chain([Mode::flask(key(1))]) {
        let name = mode.name();
        let sessions = AppSessions { backend: mode, config: SessionConfig::new() };
        let app = App::new().wrap(sessions).default_service(web::to(act));
        let app = init_service(app).await;
        let mut browser = Browser::new();
        for (write, read, expected) in [
            ("/level", "/as-level", r#"[(Success, "1"), (Warning, "2")]"#),
            ("/level", "/as-text", r#"[("success", "1"), ("warning", "2")]"#),
            ("/text", "/as-any", r#"[(Success, "3"), (Message, "4")]"#),
        ] {
            browser.get(&app, write).await;
            assert_eq!(browser.get(&app, read).await.body, expected, "{name} {read}");
            assert_eq!(browser.get(&app, read).await.body, "[]", "{name} {read}");
        }
    }
}

#[actix_web::test]
async fn a_level_that_is_not_known_is_an_error_and_the_messages_stay() {
    let client = TestClient::new(&AppSessions::signed(SessionConfig::new()));
    let app = App::new().wrap(client.middleware()).default_service(web::to(act));
    let app = init_service(app).await;
    let mut browser = Browser::new();
    browser.get(&app, "/text").await;
    assert_eq!(browser.get(&app, "/as-level").await.status, 500);
    let expected = r#"[("success", "3"), ("message", "4")]"#;
    assert_eq!(browser.get(&app, "/as-text").await.body, expected);
}

#[actix_web::test]
async fn a_category_that_is_no_text_is_an_error_and_no_message() {
    async fn refuse(session: Session) -> String {
        #[derive(Serialize)]
        enum Data {
            Level(u8),
        }
        let err = session.flash(Data::Level(1), "text").expect_err("it is an object");
        assert!(matches!(&err, SessionError::Encode { key, .. } if **key == *"_flashes"), "{err}");
        session.flash(7, "text").expect_err("it is a number");
        session.take_flashes().expect("there are none").len().to_string()
    }
    let app = App::new().wrap(AppSessions::signed(SessionConfig::new()));
    let app = init_service(app.default_service(web::to(refuse))).await;
    assert_eq!(Browser::new().get(&app, "/").await.body, "0");
}

/// An id of an application, as a newtype.
#[derive(Debug, PartialEq)]
struct UserId(i64);

impl std::fmt::Display for UserId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "user-{}", self.0)
    }
}

impl std::str::FromStr for UserId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim_start_matches("user-").parse().map(Self)
    }
}

#[actix_web::test]
async fn an_owner_has_the_type_that_it_was_set_with_and_another_one_is_an_error() {
    async fn typed(session: Session) -> actix_web::Result<String> {
        assert_eq!(session.owner_as::<i64>()?, None);
        session.set_owner(-7_i64)?;
        assert_eq!(session.owner_as::<i64>()?, Some(-7));
        session.set_owner(UserId(7))?;
        assert_eq!(session.owner_as()?, Some(UserId(7)));
        let err = session.owner_as::<i64>().expect_err("it is no number");
        assert!(matches!(&err, SessionError::Decode { key, .. } if **key == *"_owner"), "{err}");
        assert!(!format!("{err:?}").contains("user-7"), "{err:?}");
        session.set_owner(u128::MAX)?;
        Ok(format!("{:?}", session.owner_as::<u128>()?))
    }
    let backend = ServerSide::new(MemoryStore::new());
    let sessions = AppSessions { backend: backend.clone(), config: SessionConfig::new() };
    let app = init_service(App::new().wrap(sessions).default_service(web::to(typed))).await;
    let answer = Browser::new().get(&app, "/").await;
    assert_eq!(answer.body, format!("Some({})", u128::MAX));
    // Lists and ends take the same ids.
    assert_eq!(backend.sessions_of(u128::MAX).await.expect("the store is there").len(), 1);
    assert_eq!(backend.end_all(u128::MAX).await.expect("the store is there"), 1);
}
