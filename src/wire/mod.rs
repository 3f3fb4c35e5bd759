//! Bytes of TLS, X.509 and access logs, turned into facts: bounded, and never with a panic.

pub mod x509;
