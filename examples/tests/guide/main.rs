//! The programs of the guide, as they stand there.

mod api_client;
mod devices;
mod django;
mod hello;
mod testing;
