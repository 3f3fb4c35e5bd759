//! Finds out why a TLS handshake with an Apigee ingress fails.
//!
//! Data flows one way: `cli` → `commands` → `gather` → `evidence` → `checks` → `verdict` → `report`.

pub mod evidence;
pub mod gather;
pub mod verdict;
pub mod wire;
