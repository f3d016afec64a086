//! The cookie: what it looks like, which tokens open a session, and the keys behind them.

mod bad_cookies;
mod cookie_header;
mod encrypted;
mod forged_neighbours;
mod former_cookies;
mod golden;
mod keys;
mod mutations;
mod rotation;
mod server_name;
mod set_cookie;
mod tokens;
