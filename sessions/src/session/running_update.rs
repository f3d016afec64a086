//! Which sessions this thread is updating: the closure of an update may run again, so it must not
//! write to its session.

use std::cell::{Cell, RefCell};

thread_local! {
    /// The slots, by address, in the order in which their updates began.
    static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    /// The length of `RUNNING`, which each write reads and which is mostly 0.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// An update that runs on this thread, until it is dropped.
pub(super) struct RunningUpdate(());

impl RunningUpdate {
    pub(super) fn of<S: ?Sized>(slot: &S) -> Self {
        RUNNING.with_borrow_mut(|running| running.push(address(slot)));
        COUNT.set(COUNT.get() + 1);
        Self(())
    }

    /// Whether this thread runs an update of the slot.
    pub(super) fn is_of<S: ?Sized>(slot: &S) -> bool {
        COUNT.get() > 0 && RUNNING.with_borrow(|running| running.contains(&address(slot)))
    }
}

impl Drop for RunningUpdate {
    fn drop(&mut self) {
        // Updates on one thread are nested, so the last is this one.
        RUNNING.with_borrow_mut(Vec::pop);
        COUNT.set(COUNT.get() - 1);
    }
}

fn address<S: ?Sized>(slot: &S) -> usize {
    std::ptr::from_ref(slot).cast::<()>().addr()
}
