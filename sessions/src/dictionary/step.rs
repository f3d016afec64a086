//! The steps of a change set. Those that later ones make up for are dropped, so that a request that
//! writes one key again and again keeps one step for it.

use std::{collections::HashSet, sync::Arc};

use super::Dictionary;
use crate::error::SessionError;

/// A closure that can run again: an `update` of one key, or a `modify` of typed content.
pub(crate) type Replay = Arc<dyn Fn(&mut Dictionary) -> Result<(), SessionError> + Send + Sync>;

/// A change of a request.
#[derive(Clone)]
pub(super) enum Step {
    Set {
        key: Box<str>,
        json: String,
    },
    /// A value for a key that had none: the first one stays.
    SetIfAbsent {
        key: Box<str>,
        json: String,
    },
    Remove {
        key: Box<str>,
    },
    /// Removes the value that the handler was given. Another one, or none, supersedes the request.
    Take {
        key: Box<str>,
        json: String,
    },
    /// What is left of a `Take` once the steps around it are undone: the opened value of its key.
    Require {
        key: Box<str>,
        opened: Option<String>,
    },
    /// The opened keys and values: a key with another value is not removed.
    Clear {
        opened: Arc<[(Box<str>, String)]>,
    },
    /// A closure that reads and writes this key, or any where there is none.
    Replay {
        key: Option<Box<str>>,
        replay: Replay,
    },
}

/// Returns the fewest of these steps that do the same on every state of the session, and the others.
///
/// A step that sets or removes a key drops those before it on that key, unless one between them reads
/// it. To take a value that an earlier step set is to remove it, under no condition.
pub(super) fn coalesce(mut steps: Vec<Step>) -> (Vec<Step>, Vec<Step>) {
    let conditional = conditional(&steps);
    for (step, conditional) in steps.iter_mut().zip(conditional) {
        match step {
            Step::Take { key, .. } if !conditional => {
                *step = Step::Remove { key: std::mem::take(key) };
            }
            _ => {}
        }
    }
    let kept = kept(&steps);
    let (kept, dropped): (Vec<_>, Vec<_>) =
        steps.into_iter().zip(kept).partition(|(_, is_kept)| *is_kept);
    let steps = |steps: Vec<(Step, bool)>| steps.into_iter().map(|(step, _)| step).collect();
    (steps(kept), steps(dropped))
}

/// Whether each step depends on a value that no step before it has set: on one that another request
/// may take too.
pub(super) fn conditional(steps: &[Step]) -> Vec<bool> {
    let is_condition = |step: &Step| matches!(step, Step::Take { .. } | Step::Require { .. });
    if !steps.iter().any(is_condition) {
        return vec![false; steps.len()];
    }
    // Keys whose value does not depend on the state that the steps are made on.
    let mut own = HashSet::<&str>::new();
    let mut conditional = Vec::with_capacity(steps.len());
    for step in steps {
        conditional.push(match step {
            Step::Take { key, .. } => own.insert(key),
            Step::Require { .. } => true,
            Step::Set { key, .. } | Step::Remove { key } => {
                own.insert(key);
                false
            }
            Step::Clear { .. } | Step::Replay { key: None, .. } => {
                own.clear();
                false
            }
            Step::SetIfAbsent { .. } | Step::Replay { key: Some(_), .. } => false,
        });
    }
    conditional
}

/// Whether each step is needed, seen from the last one.
fn kept(steps: &[Step]) -> Vec<bool> {
    // Keys that a later step sets or removes, whatever they hold.
    let mut overwritten = HashSet::<&str>::new();
    let mut kept: Vec<_> = steps
        .iter()
        .rev()
        .map(|step| match step {
            Step::Set { key, .. } | Step::Remove { key } => overwritten.insert(key),
            Step::SetIfAbsent { key, .. } | Step::Replay { key: Some(key), .. } => {
                !overwritten.contains(&**key)
            }
            Step::Take { key, .. } => {
                overwritten.remove(&**key);
                true
            }
            Step::Require { .. } => true,
            Step::Clear { .. } | Step::Replay { key: None, .. } => {
                overwritten.clear();
                true
            }
        })
        .collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Step, coalesce};
    use crate::dictionary::{ChangeSet, Dictionary, changes::replay_all};

    /// A fixed sequence that looks random.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) % limit
        }

        fn key(&mut self) -> Box<str> {
            ["a", "b", "c"][usize::try_from(self.below(3)).unwrap()].into()
        }

        fn json(&mut self) -> String {
            self.below(2).to_string()
        }

        fn step(&mut self) -> Step {
            let (key, json) = (self.key(), self.json());
            let twice = key.clone();
            let update = move |dictionary: &mut Dictionary| {
                let text = dictionary.raw(&twice).unwrap_or("0").to_owned();
                dictionary.set_untracked(&twice, format!("[{text}]"));
                Ok(())
            };
            let swap = |dictionary: &mut Dictionary| {
                if let Some(json) = dictionary.raw("a").map(str::to_owned) {
                    dictionary.set_untracked("b", json);
                }
                Ok(())
            };
            match self.below(8) {
                0 | 1 => Step::Set { key, json },
                2 => Step::SetIfAbsent { key, json },
                3 => Step::Remove { key },
                4 | 5 => Step::Take { key, json },
                6 => Step::Replay { key: Some(key), replay: Arc::new(update) },
                _ => Step::Replay { key: None, replay: Arc::new(swap) },
            }
        }
    }

    #[test]
    fn fewer_steps_do_the_same_on_every_state() {
        let mut random = Random(7);
        let (mut before, mut after, mut done) = (0, 0, 0);
        for _ in 0..5_000 {
            let length = 1 + random.below(8);
            let steps: Vec<_> = (0..length).map(|_| random.step()).collect();
            let (fewer, _) = coalesce(steps.clone());
            (before, after) = (before + steps.len(), after + fewer.len());
            for base in ["{}", r#"{"a":0}"#, r#"{"a":1,"b":0}"#, r#"{"a":0,"b":1,"c":1}"#] {
                let made = |steps: &[Step]| {
                    let mut dictionary = Dictionary::from_json(base).unwrap();
                    replay_all(steps, &mut dictionary).map(|()| dictionary.to_json()).ok()
                };
                // A condition that only an own value fails is none that another request can fail.
                if let Some(expected) = made(&steps) {
                    done += 1;
                    assert_eq!(made(&fewer), Some(expected));
                }
            }
        }
        assert!(after < before && done > 2_500, "{before} {after} {done}");
    }

    #[test]
    fn a_key_that_is_written_again_and_again_is_a_few_steps() {
        let mut changes = ChangeSet::default();
        for number in 0..1_000_u32 {
            changes.set("a", &number.to_string());
            changes.set("b", &number.to_string());
            changes.take("b", &number.to_string());
            changes.remove("c");
        }
        assert!(changes.len() <= 128, "{}", changes.len());
        let mut dictionary = Dictionary::from_json(r#"{"b":7,"c":7}"#).unwrap();
        changes.replay(&mut dictionary).unwrap();
        assert_eq!(dictionary.to_json(), r#"{"a":999}"#);
    }
}
