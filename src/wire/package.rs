//! The readers of every form. Bytes come in, facts go out: no file is opened here and no connection made.

use apigee_tls_facts::{evidence, secrets, text};

#[path = "mod.rs"]
pub mod wire;
