//! The lab in a real browser.

mod chromium;
mod cookies;
mod looks;
mod other_sites;
mod sites;
mod walk;
