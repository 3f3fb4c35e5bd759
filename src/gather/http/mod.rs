//! HTTP to servers outside the cluster: Edge's Management API, log stores, and what gives tokens for them.
//!
//! It knows no API: each room that uses it names its server and reads its messages.

pub mod client;
