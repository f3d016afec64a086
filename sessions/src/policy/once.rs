//! Warnings that are written once in a process.

use std::{
    any::TypeId,
    borrow::Cow,
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

type Subject = (TypeId, Cow<'static, str>);

/// Returns whether this process asks for the first time about an interface and a subject: an
/// application has a service in each worker, and each of them sees the same.
pub(crate) fn is_first<I: 'static>(subject: impl Into<Cow<'static, str>>) -> bool {
    static SEEN: Mutex<Option<HashSet<Subject>>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.get_or_insert_default().insert((TypeId::of::<I>(), subject.into()))
}

#[cfg(test)]
mod tests {
    use super::is_first;

    #[test]
    fn each_interface_and_subject_is_first_once() {
        struct One;
        struct Other;
        assert!(is_first::<One>("a"));
        assert!(!is_first::<One>("a"));
        assert!(is_first::<One>("b"));
        assert!(is_first::<Other>("a"));
        assert!(!is_first::<Other>("a"));
    }
}
