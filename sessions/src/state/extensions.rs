//! Data that backends attach to a session between opening and saving it.

use std::{any::Any, fmt, sync::Arc};

use smallvec::SmallVec;

/// A type map: values that a backend stores when it opens a session and reads when it saves it.
///
/// It holds one value of each type. A backend that wraps another one uses a type of its own.
#[derive(Default)]
pub struct Extensions {
    values: SmallVec<[Arc<dyn Any + Send + Sync>; 1]>,
}

impl Extensions {
    /// Stores a value and replaces one of the same type.
    #[inline]
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.insert_shared(Arc::new(value));
    }

    /// Like [`insert`](Self::insert), for a value that many sessions share.
    pub(crate) fn insert_shared<T: Send + Sync + 'static>(&mut self, value: Arc<T>) {
        self.values.retain(|present| !present.is::<T>());
        self.values.push(value);
    }

    /// Returns the stored `T`, if there is one.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.iter().find_map(|value| value.downcast_ref())
    }

    /// Like [`get`](Self::get), to be shared.
    pub(crate) fn get_shared<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let found = self.values.iter().find(|value| value.is::<T>())?;
        Arc::clone(found).downcast().ok()
    }
}

impl fmt::Debug for Extensions {
    /// Shows how many values there are.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extensions").field("len", &self.values.len()).finish_non_exhaustive()
    }
}
