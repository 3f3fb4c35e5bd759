//! Asks the cluster for what Apigee hybrid consists of, one source per file, and fills the evidence.
//!
//! A source that fails is recorded with its reason and costs only itself. `cluster` runs all of them side by side.

pub mod cluster;
mod envoy;
mod gateway;
mod gateway_options;
mod greeting;
mod issues;
pub mod kept;
mod mesh;
pub mod pod_logs;
mod pods;
mod routes;
mod secrets;
mod services;
mod tls_secrets;

pub use self::gateway_options::{GatewayProbe, Places};
