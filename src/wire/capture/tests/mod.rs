//! Captures made by hand: files of every form, link layers and tunnels, broken streams, handshakes that go
//! any way.

#[expect(unreachable_pub, reason = "tests of the program include the file too")]
mod builder;
mod corpus;
mod decrypted;
mod delivery;
mod directions;
mod flows;
mod forms;
mod hellos;
mod hidden;
mod layers;
mod order;
#[expect(unreachable_pub, reason = "tests of checks include the file too")]
mod reading;
mod records;
#[expect(unreachable_pub, reason = "tests of the program include the file too")]
mod sealed;
mod secrets;
#[expect(unreachable_pub, reason = "tests of copies include the file too")]
mod small;
mod streams;
#[expect(dead_code, reason = "tests of gathering have a use for the rest")]
#[path = "../../../gather/test_certificates.rs"]
mod test_certificates;

use self::reading::{flow, read, read_with, snapped};
use crate::evidence::capture::Flow;
