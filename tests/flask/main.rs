//! Flask: its behaviours, its cookies to the byte, and the sessions that both read.

mod flask_conformance;
mod flask_cookie;
mod flask_expiry;
mod flask_golden;
mod flask_headers;
mod flask_saving;
mod flask_values;
