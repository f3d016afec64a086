//! What a request costs behind logins and a gate: calls of the store, and questions to the users.

use sessions::{MemoryStore, ServerSide};
use sessions_tests::{Browser, Call, HookedStore, When, key};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use crate::site::{Site, log_in};

/// Counts the calls of a store.
fn counted() -> (ServerSide<HookedStore<MemoryStore>>, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&calls);
    let store = HookedStore::new(MemoryStore::new(), move |_: Call, when| {
        if when == When::Before {
            counts.fetch_add(1, Ordering::SeqCst);
        }
        Box::pin(async { Ok(()) })
    });
    (ServerSide::new(store), calls)
}

#[actix_web::test]
async fn untouched_is_free_a_read_is_one_call_and_a_write_two() {
    for is_signed in [false, true] {
        let (backend, calls) = counted();
        let site = Site::new(if is_signed { backend.signed(key(1)) } else { backend });
        let app = site.app().await;
        let mut browser = Browser::new();
        log_in(&mut browser, &app, "alice").await;
        calls.store(0, Ordering::SeqCst);
        site.accounts.asked();
        // Calls of the store, and questions to the users.
        let costs = [
            ("/plain", "plain", 0, 0),
            ("/me", "alice", 1, 1),
            ("/maybe", "alice", 1, 1),
            ("/all", r#"alice alice Some("alice")"#, 1, 1),
            ("/delete", "alice is deleted", 1, 1),
            ("/admin/me", "alice", 1, 1),
            ("/admin/visits", "alice 1", 2, 1),
        ];
        for (path, body, store, users) in costs {
            assert_eq!(browser.get(&app, path).await.body, body, "{path}");
            assert_eq!(calls.swap(0, Ordering::SeqCst), store, "{path}");
            assert_eq!(site.accounts.asked(), users, "{path}");
        }
        // A visitor is known as one by its missing cookie.
        assert_eq!(Browser::new().get(&app, "/maybe").await.body, "nobody");
        assert_eq!(Browser::new().get(&app, "/admin/me").await.status, 401);
        assert_eq!((calls.load(Ordering::SeqCst), site.accounts.asked()), (0, 0));
    }
}

#[actix_web::test]
async fn a_page_that_does_not_ask_stays_cacheable() {
    let (backend, _) = counted();
    let site = Site::new(backend);
    let app = site.app().await;
    let mut browser = Browser::new();
    log_in(&mut browser, &app, "alice").await;
    let answer = browser.get(&app, "/plain").await;
    assert_eq!((answer.all("vary"), answer.all("cache-control")), (vec![], vec![]));
    assert_eq!(browser.get(&app, "/me").await.all("vary"), ["Cookie"]);
}
