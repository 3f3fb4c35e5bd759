//! What follows from the findings: the cause, and the remedy as something that can be pasted.

pub mod overrides_diff;
