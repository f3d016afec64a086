//! The operations of a store.

/// An operation of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::create`](crate::store::Store::create).
    Create,
    /// [`Store::load`](crate::store::Store::load).
    Load,
    /// [`Store::replace`](crate::store::Store::replace).
    Replace,
    /// [`Store::delete`](crate::store::Store::delete).
    Delete,
    /// [`Store::delete_if`](crate::store::Store::delete_if).
    DeleteIf,
    /// [`OwnerIndex::add`](crate::store::OwnerIndex::add).
    IndexAdd,
    /// [`OwnerIndex::remove`](crate::store::OwnerIndex::remove).
    IndexRemove,
    /// [`OwnerIndex::keys`](crate::store::OwnerIndex::keys).
    IndexKeys,
    /// [`OwnerIndex::state`](crate::store::OwnerIndex::state).
    OwnerState,
    /// [`OwnerIndex::end_before`](crate::store::OwnerIndex::end_before).
    EndBefore,
    /// [`Store::ready`](crate::store::Store::ready).
    Ready,
}

impl Operation {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Ready as usize + 1;
}
