//! What backends keep with a session between opening and saving it.

use std::{any::Any, fmt, sync::Arc};

use smallvec::SmallVec;

/// Values of any type, one of each, that backends note when they open a session and read when they
/// save it. A backend around another one notes a type of its own.
#[derive(Default)]
pub struct Extensions {
    values: SmallVec<[Arc<dyn Any + Send + Sync>; 1]>,
}

impl Extensions {
    /// Notes a value, in place of one of the same type.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.insert_shared(Arc::new(value));
    }

    /// As [`insert`](Self::insert), for a value that many sessions share.
    pub(crate) fn insert_shared<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.values.retain(|present| !present.is::<T>());
        self.values.push(value);
    }

    /// Returns the `T` that was [inserted](Self::insert).
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.iter().find_map(|value| value.downcast_ref())
    }
}

impl fmt::Debug for Extensions {
    /// Shows how many values there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("len", &self.values.len()).finish_non_exhaustive()
    }
}
