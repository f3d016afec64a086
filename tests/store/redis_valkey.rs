//! The store in Redis is one in Valkey too.

use sessions::{store::Store, test::store::conformance};
use sessions_redis::RedisStore;
use sessions_tests::Redis;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs valkey-server: run scripts/test"]
async fn valkey_keeps_the_contract() {
    let valkey = Redis::valkey();
    let about: String = valkey.command(&["INFO", "server"]);
    let version = about.lines().find_map(|line| line.strip_prefix("valkey_version:"));
    println!("Valkey {}", version.expect("it is no Redis"));
    let store = RedisStore::connect(valkey.url()).await.unwrap();
    store.ready().await.unwrap();
    conformance(store).await;
    let store = RedisStore::connect(valkey.url()).await.unwrap();
    for setting in [["maxmemory", "100mb"], ["maxmemory-policy", "allkeys-lru"]] {
        valkey.command::<()>(&["CONFIG", "SET", setting[0], setting[1]]);
    }
    let err = store.ready().await.expect_err("it evicts").to_string();
    assert!(err.contains("`allkeys-lru`"), "{err}");
}
