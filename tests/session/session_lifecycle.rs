//! The handle: the session as a whole, and messages for the next page.

use std::{cell::RefCell, future::ready, rc::Rc};

use actix_web::{App, HttpResponse, web};
use serde_json::{Value, json};
use sessions::{Session, SessionConfig};
use sessions_tests::{Answer, AppSessions, Browser, SetCookie};

/// Sends one request of this browser, whose handler does `act`.
async fn visit(browser: &mut Browser, act: impl Fn(&Session) + Clone + 'static) -> Answer {
    let sessions = AppSessions::signed(SessionConfig::new());
    let handler = move |session: Session| {
        act(&session);
        ready(HttpResponse::Ok().finish())
    };
    let app =
        actix_web::test::init_service(App::new().wrap(sessions).default_service(web::to(handler)))
            .await;
    let answer = browser.get(&app, "/").await;
    assert_eq!(answer.status, 200);
    answer
}

/// A browser whose session holds `{"a": 1}`.
async fn visitor() -> Browser {
    let mut browser = Browser::new();
    visit(&mut browser, |session| session.insert("a", 1).expect("it is writable")).await;
    assert!(browser.cookie("session").is_some());
    browser
}

async fn content(browser: &mut Browser) -> Value {
    let seen = Rc::new(RefCell::new(Value::Null));
    let look = Rc::clone(&seen);
    visit(browser, move |session| {
        *look.borrow_mut() = session.entries().expect("it is JSON").into();
    })
    .await;
    seen.take()
}

#[actix_web::test]
async fn a_session_is_new_until_a_request_has_saved_it() {
    let mut browser = Browser::new();
    for _ in 0..2 {
        visit(&mut browser, |session| assert!(session.is_new())).await;
    }
    visit(&mut browser, |session| session.insert("a", 1).unwrap()).await;
    visit(&mut browser, |session| assert!(!session.is_new())).await;
    visit(&mut browser, |session| {
        session.purge().unwrap();
        assert!(session.is_new());
    })
    .await;
    visit(&mut browser, |session| assert!(session.is_new())).await;
}

#[actix_web::test]
async fn a_permanent_session_has_an_expiry_until_it_is_made_temporary() {
    let mut browser = visitor().await;
    let persistent = |answer: &Answer| {
        let cookie = answer.cookie().expect("the session is saved");
        (cookie.attribute("Max-Age").map(str::to_owned), cookie.attribute("Expires").is_some())
    };
    let answer = visit(&mut browser, |session| {
        assert!(!session.permanent());
        session.set_permanent(true).unwrap();
        assert!(session.permanent() && session.is_modified());
    })
    .await;
    assert_eq!(persistent(&answer), (Some("2678400".to_owned()), true));
    assert_eq!(content(&mut browser).await, json!({"_permanent": true, "a": 1}));
    let answer = visit(&mut browser, |session| {
        assert!(session.permanent());
        session.set_permanent(false).unwrap();
        assert!(!session.permanent());
    })
    .await;
    assert_eq!(persistent(&answer), (None, false));
}

#[actix_web::test]
async fn saying_what_is_so_already_is_no_modification() {
    let mut browser = visitor().await;
    let answer = visit(&mut browser, |session| session.set_permanent(false).unwrap()).await;
    assert_eq!(answer.cookie(), None);
}

#[actix_web::test]
async fn modified_can_be_declared_and_taken_back() {
    let mut browser = visitor().await;
    let answer = visit(&mut browser, |session| {
        session.set_modified(true).unwrap();
        assert!(session.is_modified());
    })
    .await;
    assert!(answer.cookie().is_some_and(|cookie| !cookie.is_removal()));
    let answer = visit(&mut browser, |session| {
        session.set_modified(true).unwrap();
        session.set_modified(false).unwrap();
        assert!(!session.is_modified());
    })
    .await;
    assert_eq!(answer.cookie(), None);
    let answer = visit(&mut browser, |session| {
        session.insert("a", 2).unwrap();
        session.set_modified(false).unwrap();
        assert!(session.is_modified(), "a changed key counts all the same");
    })
    .await;
    assert!(answer.cookie().is_some());
}

#[actix_web::test]
async fn only_looking_is_access() {
    let mut browser = visitor().await;
    let answer = visit(&mut browser, |session| {
        assert!(!session.is_accessed() && !session.is_modified());
        assert!(!session.is_accessed());
        assert!(session.contains_key("a"));
        assert!(session.is_accessed());
    })
    .await;
    assert_eq!(answer.all("vary"), ["Cookie"]);
}

#[actix_web::test]
async fn purging_removes_the_cookie_and_everything_in_it() {
    let mut browser = visitor().await;
    let answer = visit(&mut browser, |session| {
        session.purge().unwrap();
        assert!(session.is_empty() && session.is_modified());
    })
    .await;
    assert!(answer.cookie().is_some_and(|cookie| cookie.is_removal()));
    assert_eq!(browser.cookie("session"), None);
    assert_eq!(content(&mut browser).await, json!({}));
}

#[actix_web::test]
async fn renewing_and_rotating_make_a_token_of_the_same_content() {
    for change in [Session::renew, Session::rotate] {
        let mut browser = visitor().await;
        let answer = visit(&mut browser, move |session| {
            change(session).unwrap();
            assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
            assert!(!session.is_modified());
        })
        .await;
        assert!(answer.cookie().is_some_and(|cookie| !cookie.is_removal()));
        assert_eq!(content(&mut browser).await, json!({"a": 1}));
    }
}

#[actix_web::test]
async fn renewing_and_rotating_an_empty_new_session_sets_nothing() {
    for change in [Session::renew, Session::rotate] {
        let answer = visit(&mut Browser::new(), move |session| change(session).unwrap()).await;
        assert_eq!(answer.cookie(), None);
    }
}

#[actix_web::test]
async fn a_rollback_takes_back_changes_and_neither_renew_nor_rotate_nor_purge() {
    let mut browser = visitor().await;
    let change = |session: &Session| {
        session.insert("a", 2).unwrap();
        session.insert("b", 2).unwrap();
        session.update("c", |c: Option<u32>| c.unwrap_or(3)).unwrap();
        session.set_permanent(true).unwrap();
        session.set_modified(true).unwrap();
    };
    let answer = visit(&mut browser, move |session| {
        change(session);
        session.rollback().unwrap();
        assert!(!session.is_modified());
        assert_eq!(session.keys(), ["a"]);
        assert_eq!(session.get::<u32>("a").unwrap(), Some(1));
    })
    .await;
    assert_eq!(answer.cookie(), None);
    for new_token in [Session::renew, Session::rotate] {
        let answer = visit(&mut browser, move |session| {
            new_token(session).unwrap();
            change(session);
            session.rollback().unwrap();
        })
        .await;
        assert!(answer.cookie().is_some_and(|cookie| !cookie.is_removal()));
        assert_eq!(content(&mut browser).await, json!({"a": 1}));
    }
    let answer = visit(&mut browser, move |session| {
        session.purge().unwrap();
        change(session);
        session.rollback().unwrap();
        assert!(session.is_empty());
    })
    .await;
    assert!(answer.cookie().is_some_and(|cookie| cookie.is_removal()));
}

#[actix_web::test]
async fn flashes_are_taken_once_the_oldest_first() {
    let mut browser = visitor().await;
    visit(&mut browser, |session| {
        session.flash("info", "one").unwrap();
        session.flash(String::from("error"), "two").unwrap();
    })
    .await;
    visit(&mut browser, |session| session.flash("info", "three").unwrap()).await;
    let pairs = json!([["info", "one"], ["error", "two"], ["info", "three"]]);
    assert_eq!(content(&mut browser).await, json!({"_flashes": pairs, "a": 1}));
    let answer = visit(&mut browser, move |session| {
        assert_eq!(json!(session.take_flashes().unwrap()), pairs);
        assert!(session.take_flashes().unwrap().is_empty());
    })
    .await;
    assert!(answer.cookie().is_some());
    assert_eq!(content(&mut browser).await, json!({"a": 1}));
}

#[actix_web::test]
async fn taking_no_flashes_is_no_modification() {
    for mut browser in [Browser::new(), visitor().await] {
        let answer = visit(&mut browser, |session| {
            assert!(session.take_flashes().unwrap().is_empty());
            assert!(!session.is_modified());
        })
        .await;
        assert_eq!(answer.cookie(), None);
        assert_eq!(answer.all("vary"), ["Cookie"]);
    }
}

#[actix_web::test]
async fn a_flash_taken_by_the_request_that_left_it_leaves_no_session() {
    let answer = visit(&mut Browser::new(), |session| {
        session.flash("info", "here").unwrap();
        assert_eq!(session.take_flashes().unwrap().len(), 1);
    })
    .await;
    assert_eq!(answer.cookie().as_ref().map(SetCookie::is_removal), None);
}
