//! Asks one source each and returns its evidence, or the reason why there is none.

pub mod log_file;
