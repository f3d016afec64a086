//! Sessions of clients without cookies, whose token comes in `Authorization: Bearer`.
//!
//! Each sentence is a test on the store in memory. One test for SQLite and one for Redis run them all.

mod caches;
mod host;
mod owners;
mod races;
mod refusals;
mod surroundings;
mod tokens;

use std::{env, fs};

use sessions::{MemoryStore, store::Store};
use sessions_redis::RedisStore;
use sessions_sqlx::SqliteStore;
use sessions_tests::{Redis, stage::Stage};

/// Lists the sentences.
macro_rules! sentences {
    ($($module:ident: $($sentence:ident)+;)+) => {
        mod memory {
            use super::*;

            $(mod $module {
                use super::*;

                $(#[actix_web::test]
                async fn $sentence() {
                    crate::$module::$sentence(Stage::new(MemoryStore::new())).await;
                })+
            })+
        }

        /// Runs every sentence on a store, each with owners and sessions of its own.
        async fn all_on<S: Store + Clone>(store: S) {
            $($(
                println!("{}::{}", stringify!($module), stringify!($sentence));
                $module::$sentence(Stage::new(store.clone())).await;
            )+)+
        }
    };
}

sentences! {
    tokens:
        a_login_hands_a_token_out_which_opens_the_session_until_the_logout
        a_token_opens_only_by_the_transport_it_was_made_for
        a_bearer_token_opens_in_its_own_interface_only
        what_is_no_token_reads_an_empty_session_and_writes_nothing
        a_token_is_read_from_the_header_only
        the_scheme_is_read_in_any_case
        beside_a_bearer_token_no_cookie_is_read_or_set
        other_credentials_leave_the_cookie_alone
        a_login_or_a_renewal_ends_the_former_token
        a_rotation_needs_a_handler_that_hands_the_token_out;
    refusals:
        a_new_token_that_is_not_handed_out_is_an_error_and_nothing_is_stored
        a_logout_is_carried_out_whatever_is_written_after_it
        no_token_is_handed_out_where_the_session_s_cookie_came
        no_token_is_handed_out_of_nothing_or_twice;
    owners:
        sessions_of_both_transports_are_listed_and_ended_together
        limits_of_time_count_for_bearer_tokens
        a_request_costs_the_store_so_many_calls;
    races:
        a_request_from_before_a_login_or_a_renewal_writes_nothing_after_it
        of_two_logins_at_once_each_client_has_a_session_of_its_own
        of_two_rotations_at_once_one_has_the_token
        a_request_under_way_is_lost_with_its_session
        requests_at_once_keep_each_other_s_changes;
    caches:
        no_cache_gives_a_page_to_clients_of_the_other_transport;
}

#[actix_web::test]
async fn sqlite() {
    let folder = env::temp_dir().join(format!("sessions-bearer-{}", std::process::id()));
    fs::create_dir(&folder).expect("a folder in the temporary one");
    let store = SqliteStore::open(folder.join("sessions.db")).await.expect("a new database");
    all_on(store).await;
    fs::remove_dir_all(&folder).expect("it is there");
}

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn redis() {
    let server = Redis::new();
    all_on(RedisStore::new(server.url()).expect("a valid address")).await;
}
