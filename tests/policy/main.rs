//! The policies: from code, configuration and attributes, and which of them are refused.

mod at_start;
mod clocks;
mod configuration;
mod contradictions;
mod custom_policies;
mod hosts;
mod lifetimes;
mod listed;
mod no_limit;
mod own_lifetimes;
mod policies;
mod precedence;
mod remembered;
mod skewed_hosts;
mod uses;
mod wrong_settings;
