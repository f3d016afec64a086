//! The programs of the guide, as they stand there.

mod devices;
mod django;
mod hello;
mod testing;
