//! Asks one source and returns its evidence, or the reason why there is none.

pub mod overrides;
