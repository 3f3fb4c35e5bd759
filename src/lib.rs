//! Finds out why a TLS handshake with an Apigee ingress fails.
//!
//! Data flows one way: `cli` → `commands` → `gather` → `evidence` → `checks` → `verdict` → `report`.

pub mod bundle;
pub mod checks;
pub mod cli;
pub mod evidence;
pub mod report;
pub mod verdict;
