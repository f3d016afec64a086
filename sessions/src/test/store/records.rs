//! One call after the other: what each operation does, and what it leaves unchanged.

use std::time::Duration;

use super::{
    breach::{Checked, Found, Report, ensure},
    samples::{full_record, random_bytes, random_key, record},
};
use crate::store::{
    CreateOutcome, DeleteIfOutcome, DeleteOutcome, Loaded, Record, RecordKey, ReplaceOutcome,
    Revision, Store, Touch,
};

pub(super) const HOUR: Duration = Duration::from_secs(3_600);
const SHORT: Duration = Duration::from_secs(20);
/// How far a time may differ from what it was set to: clocks round, and tests wait for each other.
const SLACK: Duration = Duration::from_secs(15);
/// The longest content of a session by default.
const LONGEST: usize = 64 * 1024;

pub(super) async fn check(store: &impl Store, report: &mut Report) {
    let sentence = "a record is returned as it was given, byte for byte, whatever it holds";
    report.check(sentence, returns_what_it_was_given(store)).await;
    let sentence = "keys are 32 bytes: each finds its own record, and no other";
    report.check(sentence, tells_keys_apart(store)).await;
    let sentence = "`create` never overwrites, and says which of the two happened";
    report.check(sentence, never_overwrites(store)).await;
    let sentence =
        "what is not there is `None`, `Gone` or `Absent`, and still not there afterwards";
    report.check(sentence, makes_nothing_of_nothing(store)).await;
    let sentence = "`load` writes nothing but the expiry, and that only when a touch is due";
    report.check(sentence, load_only_reads(store)).await;
    let sentence = "`load` starts a record's time again when the touch is due";
    report.check(sentence, touches_what_is_due(store)).await;
    let sentence = "`replace` keeps the new record, its time and a greater revision, if the revision is the right one";
    report.check(sentence, replaces(store)).await;
    let sentence = "`replace` with another revision is a `Conflict`, and the record is as it was";
    report.check(sentence, refuses_other_revisions(store)).await;
    let sentence = "`delete` deletes whatever the revision, and may be done again";
    report.check(sentence, deletes(store)).await;
    let sentence =
        "`delete_if` deletes the record of this revision; another is a `Conflict`, and as it was";
    report.check(sentence, deletes_if(store)).await;
    let sentence = "a record that was deleted stays deleted: `replace` and `delete_if` do not bring it back, and `create` may make a new one";
    report.check(sentence, deleted_stays_deleted(store)).await;
}

/// Creates a record that is not there.
pub(super) async fn created(
    store: &impl Store,
    key: &RecordKey,
    record: &Record,
    ttl: Duration,
) -> Result<Revision, Found> {
    match store.create(key, record, ttl).await? {
        CreateOutcome::Created(revision) => Ok(revision),
        CreateOutcome::Exists => {
            Err(Found("`create` answered `Exists` for a key that was never used".to_owned()))
        }
    }
}

/// Replaces a record that has this revision.
pub(super) async fn replaced(
    store: &impl Store,
    key: &RecordKey,
    revision: Revision,
    record: &Record,
    ttl: Duration,
) -> Result<Revision, Found> {
    match store.replace(key, revision, record, ttl).await? {
        ReplaceOutcome::Replaced(revision) => Ok(revision),
        outcome => Err(Found(format!("`replace` answered {outcome:?} for the right revision"))),
    }
}

/// Loads a record that is there.
pub(super) async fn found(store: &impl Store, key: &RecordKey) -> Result<Loaded, Found> {
    let loaded = store.load(key, None).await?;
    loaded.ok_or_else(|| Found("`load` did not find a record that is there".to_owned()))
}

/// Loads a record that is there, and compares it with what it must be.
pub(super) async fn found_as(
    store: &impl Store,
    key: &RecordKey,
    record: &Record,
    revision: Revision,
    left: Duration,
) -> Checked {
    let loaded = found(store, key).await?;
    is_as(&loaded, record, revision, left)?;
    ensure!(!loaded.touched, "`load` without a touch answered that it touched the record");
    Ok(())
}

fn is_as(loaded: &Loaded, record: &Record, revision: Revision, left: Duration) -> Checked {
    let (ours, theirs) = (record.to_bytes(), loaded.record.to_bytes());
    ensure!(
        *loaded.record == *record,
        "`load` returned another record than the one that is kept: {} bytes instead of {}, the first difference at byte {}",
        theirs.len(),
        ours.len(),
        ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count()
    );
    ensure!(
        loaded.revision == revision,
        "`load` returned revision {} for a record of revision {}",
        loaded.revision.get(),
        revision.get()
    );
    ensure!(
        loaded.expires_in <= left + SLACK && loaded.expires_in + SLACK >= left,
        "`load` says that the record is kept for another {:?} instead of {left:?}",
        loaded.expires_in
    );
    Ok(())
}

async fn is_absent(store: &impl Store, key: &RecordKey) -> Checked {
    ensure!(
        store.load(key, None).await?.is_none(),
        "`load` returned a record where there must be none"
    );
    Ok(())
}

async fn returns_what_it_was_given(store: &impl Store) -> Checked {
    let long = format!("{{\"long\":\"{}\"}}", "é".repeat((LONGEST - 11) / 2));
    let payloads = [
        "{}",
        r#"{"a":1}"#,
        r#"{"quotes":"'\"; DROP TABLE sessions; -- %s $1 ? \\ \u0000"}"#,
        "{\"a\u{301}\u{2028}\u{feff}\":\"🦀\u{10ffff}\u{7f}\"}",
        "{\"line\":\n\t[1,\r\n 2]}\n",
        &long,
    ];
    for payload in payloads {
        for record in [record(payload), full_record(payload)] {
            let key = random_key();
            let revision = created(store, &key, &record, HOUR).await?;
            found_as(store, &key, &record, revision, HOUR).await?;
            // Over a record of another kind.
            let next = full_record("{\"n\":2}");
            let revision = replaced(store, &key, revision, &next, HOUR).await?;
            let revision = replaced(store, &key, revision, &record, HOUR).await?;
            found_as(store, &key, &record, revision, HOUR).await?;
            store.delete(&key).await?;
        }
    }
    Ok(())
}

async fn tells_keys_apart(store: &impl Store) -> Checked {
    let base = random_bytes();
    let changed = |at: usize, change: fn(u8) -> u8| {
        let mut bytes = base;
        bytes[at] = change(bytes[at]);
        bytes
    };
    let half = |tail: u8| {
        let mut bytes = [tail; 32];
        bytes[..16].copy_from_slice(&base[16..]);
        bytes
    };
    let keys = [
        base,
        changed(0, |byte| byte ^ 0x80),
        changed(31, |byte| byte ^ 1),
        half(0),
        half(0xff),
        half(b' '),
    ];
    // As text they differ in the case of their first letter.
    let letters = [0, 26 << 2].map(|letter: u8| {
        let mut bytes = base;
        bytes[0] = letter | 1;
        bytes[1] = !bytes[1];
        bytes
    });
    let mut kept = Vec::new();
    for (number, bytes) in keys.into_iter().chain(letters).enumerate() {
        let key = RecordKey::from_bytes(bytes);
        let record = record(&format!("{{\"n\":{number}}}"));
        let revision = created(store, &key, &record, HOUR).await?;
        kept.push((key, record, revision));
    }
    while let Some((gone, ..)) = kept.pop() {
        store.delete(&gone).await?;
        is_absent(store, &gone).await?;
        for (key, record, revision) in &kept {
            found_as(store, key, record, *revision, HOUR).await?;
        }
    }
    Ok(())
}

async fn never_overwrites(store: &impl Store) -> Checked {
    let key = random_key();
    let first = full_record(r#"{"n":1}"#);
    let revision = created(store, &key, &first, HOUR).await?;
    for other in [record(r#"{"n":2}"#), first.clone()] {
        let outcome = store.create(&key, &other, SHORT).await?;
        ensure!(
            outcome == CreateOutcome::Exists,
            "`create` answered {outcome:?} where there is a record"
        );
        found_as(store, &key, &first, revision, HOUR).await?;
    }
    store.delete(&key).await?;
    Ok(())
}

async fn makes_nothing_of_nothing(store: &impl Store) -> Checked {
    let key = random_key();
    let touch = Touch { ttl: HOUR, interval: Duration::ZERO };
    is_absent(store, &key).await?;
    ensure!(
        store.load(&key, Some(touch)).await?.is_none(),
        "`load` with a touch returned a record where there is none"
    );
    let outcome = store.replace(&key, Revision::first(), &record("{}"), HOUR).await?;
    ensure!(outcome == ReplaceOutcome::Gone, "`replace` answered {outcome:?}");
    is_absent(store, &key).await?;
    let outcome = store.delete_if(&key, Revision::first()).await?;
    ensure!(outcome == DeleteIfOutcome::Gone, "`delete_if` answered {outcome:?}");
    let outcome = store.delete(&key).await?;
    ensure!(outcome == DeleteOutcome::Absent, "`delete` answered {outcome:?}");
    is_absent(store, &key).await
}

async fn load_only_reads(store: &impl Store) -> Checked {
    let key = random_key();
    let record = full_record(r#"{"n":1}"#);
    let revision = created(store, &key, &record, HOUR).await?;
    let touches = [
        None,
        Some(Touch { ttl: HOUR, interval: Duration::from_secs(60) }),
        Some(Touch { ttl: HOUR, interval: HOUR }),
        // Another instance keeps records for less time.
        Some(Touch { ttl: SHORT, interval: Duration::ZERO }),
    ];
    for touch in touches.into_iter().cycle().take(6) {
        let loaded = store.load(&key, touch).await?;
        let loaded =
            loaded.ok_or_else(|| Found("`load` did not find a record that is there".to_owned()))?;
        is_as(&loaded, &record, revision, HOUR)?;
        ensure!(!loaded.touched, "`load` answered that it touched a record that was not due");
    }
    store.delete(&key).await?;
    Ok(())
}

async fn touches_what_is_due(store: &impl Store) -> Checked {
    let minute = Duration::from_secs(60);
    let cases = [
        // Most of the time has passed.
        (SHORT, Touch { ttl: HOUR, interval: minute }),
        (SHORT, Touch { ttl: HOUR, interval: Duration::ZERO }),
    ];
    for (ttl, touch) in cases {
        let key = random_key();
        let record = full_record(r#"{"n":1}"#);
        let revision = created(store, &key, &record, ttl).await?;
        let loaded = store.load(&key, Some(touch)).await?;
        let loaded =
            loaded.ok_or_else(|| Found("`load` did not find a record that is there".to_owned()))?;
        ensure!(
            loaded.touched,
            "`load` did not touch a record that was kept for {ttl:?}, with {touch:?}"
        );
        is_as(&loaded, &record, revision, touch.ttl)?;
        found_as(store, &key, &record, revision, touch.ttl).await?;
        let outcome = store.replace(&key, revision, &record, HOUR).await?;
        ensure!(
            matches!(outcome, ReplaceOutcome::Replaced(_)),
            "after a touch `replace` answered {outcome:?} for the revision from before"
        );
        store.delete(&key).await?;
    }
    Ok(())
}

async fn replaces(store: &impl Store) -> Checked {
    let key = random_key();
    let mut revision = created(store, &key, &record("{}"), HOUR).await?;
    for number in 0..20 {
        let ttl = if number % 2 == 0 { SHORT } else { HOUR };
        let payload = format!("{{\"n\":\"{}\"}}", "x".repeat(number % 5 * 1_000));
        let next = if number % 3 == 0 { full_record(&payload) } else { record(&payload) };
        let new = replaced(store, &key, revision, &next, ttl).await?;
        ensure!(
            new.get() > revision.get(),
            "`replace` answered revision {} after revision {}",
            new.get(),
            revision.get()
        );
        revision = new;
        found_as(store, &key, &next, revision, ttl).await?;
    }
    store.delete(&key).await?;
    Ok(())
}

async fn refuses_other_revisions(store: &impl Store) -> Checked {
    let key = random_key();
    let first = created(store, &key, &record(r#"{"n":1}"#), SHORT).await?;
    let second = record(r#"{"n":2}"#);
    let revision = replaced(store, &key, first, &second, HOUR).await?;
    for wrong in [first, revision.next()] {
        let outcome = store.replace(&key, wrong, &record(r#"{"n":3}"#), SHORT).await?;
        ensure!(
            outcome == ReplaceOutcome::Conflict,
            "`replace` answered {outcome:?} for a revision that the record does not have"
        );
        found_as(store, &key, &second, revision, HOUR).await?;
    }
    store.delete(&key).await?;
    Ok(())
}

async fn deletes(store: &impl Store) -> Checked {
    let key = random_key();
    let first = created(store, &key, &record(r#"{"n":1}"#), HOUR).await?;
    replaced(store, &key, first, &record(r#"{"n":2}"#), HOUR).await?;
    for expected in [DeleteOutcome::Deleted, DeleteOutcome::Absent, DeleteOutcome::Absent] {
        let outcome = store.delete(&key).await?;
        ensure!(outcome == expected, "`delete` answered {outcome:?} instead of {expected:?}");
        is_absent(store, &key).await?;
    }
    Ok(())
}

async fn deletes_if(store: &impl Store) -> Checked {
    let key = random_key();
    let first = created(store, &key, &record(r#"{"n":1}"#), SHORT).await?;
    let second = record(r#"{"n":2}"#);
    let revision = replaced(store, &key, first, &second, HOUR).await?;
    for wrong in [first, revision.next()] {
        let outcome = store.delete_if(&key, wrong).await?;
        ensure!(
            outcome == DeleteIfOutcome::Conflict,
            "`delete_if` answered {outcome:?} for a revision that the record does not have"
        );
        found_as(store, &key, &second, revision, HOUR).await?;
    }
    for expected in [DeleteIfOutcome::Deleted, DeleteIfOutcome::Gone] {
        let outcome = store.delete_if(&key, revision).await?;
        ensure!(outcome == expected, "`delete_if` answered {outcome:?} instead of {expected:?}");
        is_absent(store, &key).await?;
    }
    Ok(())
}

async fn deleted_stays_deleted(store: &impl Store) -> Checked {
    for conditional in [false, true] {
        let key = random_key();
        let revision = created(store, &key, &record(r#"{"n":1}"#), HOUR).await?;
        if conditional {
            store.delete_if(&key, revision).await?;
        } else {
            store.delete(&key).await?;
        }
        let outcome = store.replace(&key, revision, &record(r#"{"n":2}"#), HOUR).await?;
        ensure!(outcome == ReplaceOutcome::Gone, "`replace` answered {outcome:?}");
        is_absent(store, &key).await?;
        let outcome = store.delete_if(&key, revision).await?;
        ensure!(outcome == DeleteIfOutcome::Gone, "`delete_if` answered {outcome:?}");
        let other = record(r#"{"n":3}"#);
        let revision = created(store, &key, &other, HOUR).await?;
        found_as(store, &key, &other, revision, HOUR).await?;
        store.delete(&key).await?;
    }
    Ok(())
}
