//! Captures made by hand, which the readers are tested with too.

#![expect(unreachable_pub, reason = "other programs of tests include the files too")]

#[expect(dead_code, reason = "tests of the readers have a use for the rest")]
#[path = "wire/capture/tests/builder.rs"]
pub(crate) mod builder;
#[path = "wire/capture/tests/reading.rs"]
pub(crate) mod reading;
#[path = "wire/capture/tests/small.rs"]
pub(crate) mod small;
