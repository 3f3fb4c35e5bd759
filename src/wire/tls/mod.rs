//! TLS messages as bytes: writes the ClientHello and reads the unencrypted part of the response.
//!
//! ```text
//! ClientHello ─ write ─ bytes ─ server ─ bytes ─ records ─ messages ─ FlightFacts
//! ```
//!
//! Encrypted records are only counted, unless a key log holds their secrets. OpenSSL makes the handshakes
//! that must complete, and these readers observe their bytes.

pub(in crate::wire) mod authorities;
mod client_flight;
mod client_hello;
pub(in crate::wire) mod extensions;
pub(in crate::wire) mod fields;
pub mod groups;
pub(in crate::wire) mod hello;
mod key_log;
mod malformed;
mod messages;
pub(in crate::wire) mod not_tls;
mod offer;
pub mod passive;
pub(in crate::wire) mod protection;
mod records;
mod server_flight;
mod suite_table;
pub mod suites;
mod version;

pub use self::client_flight::ClientFlight;
pub use self::client_hello::ClientHello;
pub use self::hello::ServerHello;
pub use self::key_log::{KeyLog, Random, Session};
pub use self::malformed::{Malformed, MessageName};
pub use self::offer::{Offer, fuzz_client_hello, version_name};
pub use self::server_flight::{FlightFacts, ServerFlight, fuzz_server_flight};
pub use self::version::Version;

#[cfg(test)]
mod tests;
