//! The sizes beyond which browsers drop a cookie or an attribute.

/// The most bytes of a cookie's name and value together: 4,096.
///
/// Browsers ignore a larger cookie entirely (6265bis, section 5.6), so it has to be an error before it is sent.
pub const MAX_NAME_VALUE: usize = 4096;

/// The most bytes of one attribute's value, such as a path: 1,024.
///
/// Browsers ignore a longer attribute and keep the cookie (6265bis, section 5.6), which then has another scope than
/// the one asked for.
pub const MAX_ATTRIBUTE: usize = 1024;
