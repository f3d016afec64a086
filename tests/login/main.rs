//! Logins: users, login pages, gates and recent logins, as an application sees them.

mod adopted_owners;
mod attacks;
mod bearer;
mod costs;
mod devices;
mod flask_login;
mod next_pages;
mod outages;
mod recent_logins;
mod refusals;
mod same_origin;
mod site;
mod users;
