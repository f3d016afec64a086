//! The lab in a real browser.

mod api;
mod backends;
mod chromium;
mod cookies;
mod inspector;
mod looks;
mod other_sites;
mod sites;
mod walk;
