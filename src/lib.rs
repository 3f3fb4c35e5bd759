//! Diagnoses TLS handshake failures at Apigee ingress gateways.
//!
//! Data flows one way: `cli` → `commands` → `gather` → `evidence` → `checks` → `playbooks` → `judgement` →
//! `report` → `bundle::pages`. ARCHITECTURE.md describes each room and where it stops.

pub mod bundle;
pub mod checks;
pub mod cli;
pub mod commands;
pub mod evidence;
pub mod gather;
pub mod judgement;
pub mod plan;
pub mod playbooks;
pub mod redact;
pub mod report;
pub mod run;
mod secrets;
pub mod serve;
pub mod terminal;
pub mod text;
pub mod verdict;
pub mod wire;
