//! Who may read, write and end a session, on every store: the rules of `docs/architecture.md`.
//!
//! Each sentence is a test on the store in memory. One test for each other store runs them all. The clocks
//! are the test's, those of the servers too.

#![expect(clippy::unwrap_used, reason = "a sentence that unwraps in vain has failed")]

mod calls;
mod cap;
mod endings;
mod histories;
mod index;
mod owners;
mod rights;
mod strangers;
mod taken_once;
mod tokens;

use std::{env, fs, time::Duration};

use sessions::{MemoryStore, store::Store};
use sessions_redis::RedisStore;
use sessions_sqlx::{MySqlStore, PostgresStore, SqliteStore};
use sessions_tests::{MariaDb, Postgres, Redis, RedisCluster, stage::Stage};

/// How long a call waits for a connection of a pool.
const PATIENCE: Duration = Duration::from_secs(10);

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
    rights:
        a_request_from_before_a_login_writes_nothing_after_it
        nor_when_another_request_writes_for_it
        an_early_save_shows_nothing_of_a_session_that_was_logged_in_meanwhile
        emptying_after_a_login_deletes_nothing
        the_loser_of_a_renewal_writes_nothing
        a_renewal_beside_a_rotation_is_still_a_renewal
        a_login_that_loses_to_another_begins_a_session_of_its_own;
    tokens:
        a_rotation_refuses_no_write_of_the_page
        a_renewal_of_rights_leaves_no_grace
        a_plain_write_sets_no_cookie
        a_lost_login_answer_blocks_for_a_minute_and_no_longer
        of_two_tokens_of_one_session_the_present_one_counts
        a_client_that_renews_all_the_time_blocks_no_other
        a_token_opens_in_its_own_interface_only;
    endings:
        a_purge_from_before_a_login_does_not_end_the_login
        a_logout_beside_a_rotation_is_carried_out
        a_logout_is_not_starved_by_writers
        a_logout_ends_what_every_cookie_of_the_request_opens
        ending_one_from_a_list_rechecks_the_owner
        a_purge_or_a_renewal_that_is_refused_is_never_dropped;
    index:
        a_session_that_is_written_all_the_time_is_found_at_the_end_of_all
        a_record_is_not_prolonged_beyond_its_index_entry
        a_session_the_index_lost_ends_when_it_is_next_noted
        a_failed_login_leaves_no_entry;
    owners:
        hosts_minutes_apart_end_and_log_in_in_order
        after_the_stores_clock_went_back_what_was_ended_stays_ended
        end_others_does_not_undo_an_end_all
        listing_does_not_end_the_session_that_end_others_spares
        the_end_of_all_spares_a_session_that_changed_its_owner
        owners_of_two_namespaces_are_two_people
        an_ended_session_ends_no_newer_login
        a_session_that_cannot_be_ended_does_not_keep_the_others_alive
        a_login_is_dated_by_a_look_at_its_own_owner_only;
    taken_once:
        of_twenty_requests_that_take_a_value_one_is_saved
        of_twenty_handlers_that_save_before_they_act_one_acts
        a_take_that_is_refused_is_never_dropped
        a_take_that_found_nothing_removes_nothing
        a_value_that_was_changed_meanwhile_is_not_taken
        a_value_that_was_taken_and_set_again_must_still_be_there
        a_session_is_not_purged_for_a_value_that_another_request_took
        what_a_request_set_itself_it_takes_under_no_condition
        messages_that_were_added_meanwhile_stay
        of_twenty_values_that_were_made_at_once_the_first_stays
        a_removal_may_be_told_to_two;
    cap:
        of_fifty_logins_at_once_the_newest_are_left
        of_fifty_logins_at_once_so_many_succeed
        a_login_above_the_limit_ends_the_oldest
        a_login_above_the_limit_is_refused_and_leaves_all_as_it_was
        what_is_gone_does_not_count
        to_log_in_again_adds_no_session
        an_oldest_session_that_logs_in_again_is_spared
        a_failing_store_is_an_error_and_the_limit_holds_after_it
        a_login_that_was_cut_off_holds_its_place_for_seconds
        a_session_that_another_login_took_is_counted;
    strangers:
        a_visitor_s_session_is_kept_for_a_day_after_its_last_use
        sessions_that_were_renewed_or_have_an_owner_are_kept_for_their_lifetime
        the_time_of_visitors_is_a_policy_and_never_above_the_others;
    calls:
        a_request_costs_the_store_so_many_calls
        a_conflict_costs_two_calls_more
        a_limit_costs_calls_at_logins_only
        a_session_that_is_used_all_the_time_costs_few_calls_more
        two_idle_timeouts_on_one_store_settle;
}

#[test]
fn histories_in_memory() {
    histories::run(MemoryStore::new, 200);
}

#[test]
fn histories_on_sqlite() {
    let folder = env::temp_dir().join(format!("sessions-histories-{}", std::process::id()));
    fs::create_dir(&folder).expect("a folder in the temporary one");
    let open = SqliteStore::open(folder.join("sessions.db"));
    histories::run_on(async { open.await.expect("a new database") }, 50);
    fs::remove_dir_all(&folder).expect("it is there");
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn histories_on_redis() {
    let server = Redis::new();
    let open = async { RedisStore::new(server.url()).expect("a valid address") };
    histories::run_on(open, 50);
}

#[test]
#[ignore = "needs redis-server: run scripts/test"]
fn histories_on_a_cluster() {
    let cluster = RedisCluster::new();
    let open = RedisStore::connect_cluster(cluster.urls());
    histories::run_on(async { open.await.expect("a cluster that runs") }, 50);
}

#[test]
#[ignore = "needs mariadb-server: run scripts/test"]
fn histories_on_mariadb() {
    let server = MariaDb::new();
    let open = async {
        let store = MySqlStore::connect(&server.url()).await.expect("a server that runs");
        store.migrate().await.expect("a database of its own");
        store
    };
    histories::run_on(open, 50);
}

#[test]
#[ignore = "needs PostgreSQL: run scripts/test"]
fn histories_on_postgres() {
    let server = Postgres::new();
    let open = async {
        let store = PostgresStore::connect(&server.url()).await.expect("a server that runs");
        store.migrate().await.expect("a database of its own");
        store
    };
    histories::run_on(open, 50);
}

#[actix_web::test]
async fn sqlite() {
    let folder = env::temp_dir().join(format!("sessions-authority-{}", std::process::id()));
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

#[actix_web::test]
#[ignore = "needs redis-server: run scripts/test"]
async fn cluster() {
    let cluster = RedisCluster::new();
    let store = RedisStore::connect_cluster(cluster.urls()).await.expect("a cluster that runs");
    all_on(store).await;
}

#[actix_web::test]
#[ignore = "needs mariadb-server: run scripts/test"]
async fn mariadb() {
    let server = MariaDb::new();
    let store = MySqlStore::connect(&server.url()).await.expect("a server that runs");
    // Fifty logins at once wait for ten connections.
    let store = store.with_acquire_timeout(PATIENCE);
    store.migrate().await.expect("a database of its own");
    all_on(store).await;
}

#[actix_web::test]
#[ignore = "needs PostgreSQL: run scripts/test"]
async fn postgres() {
    let server = Postgres::new();
    let store = PostgresStore::connect(&server.url()).await.expect("a server that runs");
    let store = store.with_acquire_timeout(PATIENCE);
    store.migrate().await.expect("a database of its own");
    all_on(store).await;
}
