//! The policies: from code, configuration and attributes, and which of them are refused.

mod configuration;
mod contradictions;
mod custom_policies;
mod policies;
mod precedence;
mod wrong_settings;
