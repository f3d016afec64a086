//! The programs of `docs/recipes.md`, as they stand there.

mod callbacks;
mod changed_types;
mod cors;
mod cut_off;
mod extracting;
mod kiosk;
mod localhost;
mod moved_cookies;
