//! Logins: users, login pages, gates and recent logins, as an application sees them.

mod costs;
mod devices;
mod next_pages;
mod outages;
mod recent_logins;
mod refusals;
mod same_origin;
mod site;
mod users;
