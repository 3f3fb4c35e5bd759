//! Untrusted bytes to evidence: bounded, pure, never panicking. Opening and reading is the business of `gather`.

pub mod overrides;
