//! An allocator that keeps what was in the blocks that are freed, and the forms in which a key may be
//! found there.

mod allocator;
mod forms;

pub use self::{
    allocator::{Keeper, freed_by},
    forms::{Forms, escaped, hex},
};
