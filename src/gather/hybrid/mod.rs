//! Reads the components of Apigee hybrid from the cluster, one source per file, and fills the evidence.
//!
//! A source that fails is recorded with its reason and does not affect the others. `cluster` runs them
//! concurrently.

pub mod cluster;
mod envoy;
pub mod follow;
mod gateway;
mod gateway_options;
mod issues;
#[cfg(test)]
mod lost_tests;
pub(in crate::gather) mod mesh;
pub mod names;
pub mod pod_logs;
mod pods;
mod preflight;
pub mod recorder;
pub mod retained;
pub(in crate::gather) mod routes;
mod secrets;
mod services;
mod silence;
pub(in crate::gather) mod tls_secrets;

pub use self::gateway_options::{GatewayProbe, Places};
