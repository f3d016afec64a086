//! The allocator. Growing a block moves it each time, so that what is left behind is seen.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    ptr,
};

/// How much one call may free, in bytes.
const ROOM: usize = 4 << 20;

/// The system's allocator. While [`freed_by`] runs, it keeps the content of each block that the same
/// thread frees.
#[derive(Debug)]
pub struct Keeper;

/// The buffer of this thread, and how much of it is in use.
#[derive(Clone, Copy)]
struct Log {
    start: *mut u8,
    used: usize,
}

thread_local! {
    static LOG: Cell<Option<Log>> = const { Cell::new(None) };
}

// SAFETY: every block is one of the system's allocator. `realloc` and `alloc_zeroed` are the
// trait's own, which go through these two.
unsafe impl GlobalAlloc for Keeper {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, since a block that is never filled would show what was in its place before.
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // A thread that ends has no log.
        let log = LOG.try_with(Cell::get).ok().flatten();
        if let Some(log) = log.filter(|log| log.used + layout.size() < ROOM) {
            // SAFETY: the block has this size until it is freed below, and there is room in the log,
            // which overlaps with no other block. Its end is a byte that is in no form of a key.
            unsafe {
                ptr::copy_nonoverlapping(block, log.start.add(log.used), layout.size());
                *log.start.add(log.used + layout.size()) = 0;
            }
            LOG.set(Some(Log { used: log.used + layout.size() + 1, ..log }));
        } else if log.is_some() {
            // To be found out at the end.
            LOG.set(log.map(|log| Log { used: ROOM, ..log }));
        }
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Returns the content of all blocks that a call frees on this thread.
///
/// # Panics
///
/// When the call frees more than there is room for.
pub fn freed_by(call: impl FnOnce()) -> Vec<u8> {
    let mut log = vec![0; ROOM];
    LOG.set(Some(Log { start: log.as_mut_ptr(), used: 0 }));
    call();
    let used = LOG.take().expect("it was set above").used;
    assert!(used < ROOM, "more was freed than can be kept");
    log.truncate(used);
    log.shrink_to_fit();
    log
}
