//! Diagnoses TLS handshake failures at Apigee ingress gateways.
//!
//! Data flows one way: `cli` → `commands` → `gather` → `evidence` → `checks` → `playbooks` → `judgement` →
//! `report` → `bundle::pages`. ARCHITECTURE.md describes each room and where it stops.

pub mod bundle;
pub mod checks;
pub mod cli;
pub mod commands;
pub mod gather;
pub mod judgement;
pub mod plan;
pub mod playbooks;
pub mod redact;
pub mod report;
pub mod run;
pub mod serve;
pub mod terminal;
pub mod verdict;

// These are rooms too; they are packages because `wire` is compiled for speed.
pub use apigee_tls_facts::{evidence, text};
pub use apigee_tls_wire::wire;

use apigee_tls_facts::secrets;

// What tests of several packages use.
#[cfg(test)]
mod test_captures;
#[cfg(test)]
#[path = "evidence/test_leaf.rs"]
mod test_leaf;
