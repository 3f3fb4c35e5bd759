//! TLS as bytes: the ClientHello that this program sends itself, and what of the answer can be read without keys.
//!
//! ```text
//! ClientHello ─ write ─ bytes ─ server ─ bytes ─ records ─ messages ─ FlightFacts
//! ```
//!
//! No cryptography: what is encrypted is counted. A handshake that has to come to its end is OpenSSL's; these readers
//! then watch its bytes pass.

mod authorities;
mod client_flight;
mod client_hello;
mod extensions;
mod fields;
pub mod groups;
mod hello;
mod malformed;
mod messages;
mod not_tls;
mod records;
mod server_flight;
mod suite_table;
pub mod suites;
mod version;

pub use self::client_flight::ClientFlight;
pub use self::client_hello::ClientHello;
pub use self::hello::ServerHello;
pub use self::malformed::{Malformed, MessageName};
pub use self::server_flight::{FlightFacts, ServerFlight, fuzz_server_flight};
pub use self::version::Version;

#[cfg(test)]
mod tests;
