//! What was read: the evidence, and the leaves that every room uses.
//!
//! Pure, and of no use without the readers (`wire`), which fill it, and the rooms that judge it.

pub mod evidence;
pub mod secrets;
pub mod text;
