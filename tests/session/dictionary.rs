//! The dictionary against a plain map, and what it does on a newer state.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use sessions::{
    SessionError, SessionState,
    interface::{NullSession, SessionStatus},
};

type Model = BTreeMap<String, Value>;

#[derive(Clone, Debug)]
enum Step {
    Insert(String, Value),
    Remove(String),
    Clear,
    Rollback,
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("_permanent".to_owned()),
        Just("quote\"back\\slash".to_owned()),
        Just(String::new()),
        "\\PC{1,4}",
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no infinities", |n| n.is_finite()).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (key(), value()).prop_map(|(key, value)| Step::Insert(key, value)),
        3 => key().prop_map(Step::Remove),
        1 => Just(Step::Clear),
        1 => Just(Step::Rollback),
    ]
}

fn content(dictionary: &SessionState) -> Model {
    dictionary
        .iter()
        .map(|(key, json)| (key.to_owned(), serde_json::from_str(json).expect("JSON")))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map_and_is_modified_when_it_differs_from_what_was_opened(
        base in prop::collection::btree_map(key(), value(), 0..6),
        steps in prop::collection::vec(step(), 0..16),
    ) {
        let opened = serde_json::to_string(&base).unwrap();
        let mut dictionary = SessionState::from_json(opened.as_str()).unwrap();
        let mut model = base.clone();
        prop_assert!(!dictionary.is_new());
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    dictionary.insert(&key, &value).unwrap();
                    model.insert(key, value);
                }
                Step::Remove(key) => {
                    prop_assert_eq!(dictionary.remove(&key).unwrap(), model.remove(&key).is_some());
                }
                Step::Clear => {
                    dictionary.clear().unwrap();
                    model.clear();
                }
                Step::Rollback => {
                    dictionary.rollback().unwrap();
                    model = base.clone();
                }
            }
            prop_assert_eq!(&content(&dictionary), &model);
            prop_assert_eq!(dictionary.len(), model.len());
            prop_assert_eq!(dictionary.is_empty(), model.is_empty());
            prop_assert_eq!(dictionary.is_modified(), model != base);
            for key in model.keys() {
                prop_assert!(dictionary.contains_key(key));
                let value: Option<Value> = dictionary.get(key).unwrap();
                prop_assert_eq!(value.as_ref(), model.get(key));
            }
        }
        let written: Model = serde_json::from_str(&dictionary.to_json()).unwrap();
        prop_assert_eq!(&written, &model);
        prop_assert_eq!(&content(&SessionState::from_json(dictionary.to_json()).unwrap()), &model);
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC*|[{}\\[\\]\",:0-9a-z\\\\ ]*") {
        if let Ok(dictionary) = SessionState::from_json(text) {
            let _ = content_or_raw(&dictionary);
            let again = SessionState::from_json(dictionary.to_json()).unwrap();
            prop_assert_eq!(content_or_raw(&dictionary), content_or_raw(&again));
        }
    }

    #[test]
    fn replayed_changes_merge_key_by_key(
        base in prop::collection::btree_map(key(), value(), 0..6),
        mine in prop::collection::btree_map(key(), value(), 0..4),
        theirs in prop::collection::btree_map(key(), value(), 0..4),
    ) {
        let base = serde_json::to_string(&base).unwrap();
        let mut this = SessionState::from_json(base.as_str()).unwrap();
        this.keep_changes();
        let mut other = SessionState::from_json(base.as_str()).unwrap();
        for (key, value) in &mine {
            this.insert(key, value).unwrap();
        }
        for (key, value) in &theirs {
            other.insert(key, value).unwrap();
        }
        let mut newer = SessionState::from_json(other.to_json()).unwrap();
        this.changes().unwrap().apply_to(&mut newer).unwrap();
        let mut expected = content(&other);
        expected.extend(mine);
        prop_assert_eq!(content(&newer), expected);
    }
}

fn content_or_raw(dictionary: &SessionState) -> Vec<(String, String)> {
    dictionary.iter().map(|(key, json)| (key.to_owned(), json.to_owned())).collect()
}

#[test]
fn the_last_of_equal_keys_wins() {
    let dictionary = SessionState::from_json(r#"{"b":0,"a":1,"a":2,"b":3,"\u0061":4}"#).unwrap();
    assert_eq!(content_or_raw(&dictionary), [("a".into(), "4".into()), ("b".into(), "3".into())]);
}

#[test]
fn an_equal_value_in_another_spelling_is_no_change() {
    let mut dictionary =
        SessionState::from_json(r#"{"map":{"b":1,"a":[ 1, 2 ]},"text":"\u00e9","n":1}"#).unwrap();
    dictionary.insert("map", &json!({"a": [1, 2], "b": 1})).unwrap();
    dictionary.insert("text", "é").unwrap();
    assert!(!dictionary.is_modified());
    dictionary.insert("n", &1.0).unwrap();
    assert!(dictionary.is_modified());
}

#[test]
fn values_that_json_readers_refuse_pass_through_and_fail_their_own_get() {
    let text = r#"{"big":123456789012345678901234567890,"n":1,"nan":NaN,"s":"\ud800"}"#;
    let mut dictionary = SessionState::from_json(text).unwrap();
    assert!(matches!(dictionary.get::<f64>("nan"), Err(SessionError::Decode { .. })));
    assert!(matches!(dictionary.get::<String>("s"), Err(SessionError::Decode { .. })));
    assert!(matches!(dictionary.get::<u64>("big"), Err(SessionError::Decode { .. })));
    dictionary.insert("n", &2).unwrap();
    assert_eq!(dictionary.to_json(), text.replace("\"n\":1", "\"n\":2"));
}

#[test]
fn a_clear_on_a_newer_state_removes_what_nobody_else_changed() {
    let base = r#"{"a":1,"b":1}"#;
    let mut cleared = SessionState::from_json(base).unwrap();
    cleared.keep_changes();
    cleared.insert("lost", &1).unwrap();
    cleared.clear().unwrap();
    cleared.insert("c", &1).unwrap();
    let mut newer = SessionState::from_json(r#"{"a":1,"b":2,"d":3}"#).unwrap();
    cleared.changes().unwrap().apply_to(&mut newer).unwrap();
    assert_eq!(newer.to_json(), r#"{"b":2,"c":1,"d":3}"#);
}

#[test]
fn a_removal_on_a_newer_state_removes_whatever_is_there() {
    let mut removed = SessionState::from_json(r#"{"a":1}"#).unwrap();
    removed.keep_changes();
    assert!(removed.remove("a").unwrap());
    let mut newer = SessionState::from_json(r#"{"a":2,"b":1}"#).unwrap();
    removed.changes().unwrap().apply_to(&mut newer).unwrap();
    assert_eq!(newer.to_json(), r#"{"b":1}"#);
}

#[test]
fn a_change_set_is_kept_only_when_asked_for() {
    let mut dictionary = SessionState::new();
    dictionary.insert("a", &1).unwrap();
    assert!(dictionary.changes().is_none());
    dictionary.keep_changes();
    dictionary.insert("b", &1).unwrap();
    let mut newer = SessionState::new();
    dictionary.changes().unwrap().apply_to(&mut newer).unwrap();
    assert_eq!(newer.to_json(), r#"{"b":1}"#);
}

#[test]
fn what_is_rolled_back_or_purged_is_not_done_again() {
    let purge = |dictionary: &mut SessionState| dictionary.purge().map(drop);
    for undo in [SessionState::rollback, purge] {
        let mut dictionary = SessionState::from_json(r#"{"a":1}"#).unwrap();
        dictionary.keep_changes();
        dictionary.insert("a", &2).unwrap();
        dictionary.set_permanent(true).unwrap();
        undo(&mut dictionary).unwrap();
        dictionary.insert("b", &3).unwrap();
        let mut newer = SessionState::from_json(r#"{"a":5}"#).unwrap();
        dictionary.changes().unwrap().apply_to(&mut newer).unwrap();
        assert_eq!(newer.to_json(), r#"{"a":5,"b":3}"#);
    }
}

#[test]
fn a_null_dictionary_reads_as_empty_and_refuses_every_write() {
    let mut null = SessionState::null(NullSession::new("there is no key; set one"));
    assert!(null.is_empty());
    assert_eq!(null.get::<u32>("a").unwrap(), None);
    let refused = [
        null.insert("a", &1),
        null.remove("a").map(drop),
        null.clear(),
        null.rollback(),
        null.set_permanent(true),
        null.set_modified(true),
        null.renew(),
        null.rotate(),
        null.purge().map(drop),
    ];
    for result in refused {
        let err = result.unwrap_err();
        assert_eq!(err.to_string(), "there is no session to write to: there is no key; set one");
    }
    assert!(!null.is_modified());
}

#[test]
fn what_happened_to_the_session_as_a_whole() {
    let opened = || SessionState::from_json(r#"{"a":1}"#).unwrap();
    assert_eq!(opened().status(), SessionStatus::Unchanged);

    let mut changed = opened();
    changed.remove("a").unwrap();
    assert_eq!(changed.status(), SessionStatus::Changed);

    let mut renewed = opened();
    renewed.renew().unwrap();
    assert_eq!(renewed.status(), SessionStatus::Renewed);
    renewed.insert("a", &2).unwrap();
    assert_eq!(renewed.status(), SessionStatus::Renewed);
    renewed.rotate().unwrap();
    assert_eq!(renewed.status(), SessionStatus::Renewed);

    let mut rotated = opened();
    rotated.rotate().unwrap();
    assert_eq!(rotated.status(), SessionStatus::Rotated);
    assert!(!rotated.is_modified());
    rotated.insert("a", &2).unwrap();
    rotated.rollback().unwrap();
    assert_eq!(rotated.status(), SessionStatus::Rotated);
    rotated.renew().unwrap();
    assert_eq!(rotated.status(), SessionStatus::Renewed);

    let mut logged_in = opened();
    logged_in.rotate().unwrap();
    logged_in.set_owner("ada").unwrap();
    assert_eq!(logged_in.status(), SessionStatus::Renewed);

    let mut purged = opened();
    purged.renew().unwrap();
    purged.purge().unwrap();
    purged.renew().unwrap();
    purged.rotate().unwrap();
    purged.insert("b", &1).unwrap();
    assert_eq!(purged.status(), SessionStatus::Purged);
    assert!(purged.is_new());
    assert_eq!(purged.to_json(), r#"{"b":1}"#);
    purged.rollback().unwrap();
    assert_eq!(purged.status(), SessionStatus::Purged);
    assert!(purged.is_empty());
}

#[test]
fn the_time_it_began_is_kept_and_shown_to_no_one() {
    let mut dictionary = SessionState::from_json(r#"{"_started":1700000000,"a":1}"#).unwrap();
    assert!(dictionary.started().is_some());
    assert_eq!(dictionary.len(), 1);
    assert!(!dictionary.contains_key("_started"));
    assert_eq!(dictionary.get::<u64>("_started").unwrap(), None);
    assert!(matches!(dictionary.insert("_started", &1), Err(SessionError::ReservedKey { .. })));
    assert!(matches!(dictionary.remove("_started"), Err(SessionError::ReservedKey { .. })));
    dictionary.remove("a").unwrap();
    assert!(dictionary.is_empty());
    dictionary.clear().unwrap();
    dictionary.insert("b", &1).unwrap();
    assert_eq!(dictionary.to_json(), r#"{"_started":1700000000,"b":1}"#);
}

#[test]
fn the_number_of_a_seal_is_reserved_and_shown_to_no_one() {
    let mut dictionary = SessionState::from_json(r#"{"_seal":7}"#).unwrap();
    assert!(dictionary.is_empty());
    assert!(!dictionary.contains_key("_seal"));
    assert_eq!(dictionary.get::<u64>("_seal").unwrap(), None);
    assert!(matches!(dictionary.insert("_seal", &1), Err(SessionError::ReservedKey { .. })));
    assert!(matches!(dictionary.remove("_seal"), Err(SessionError::ReservedKey { .. })));
}
