//! What the benches share. Each uses a part of it.
#![allow(dead_code, clippy::cast_precision_loss, clippy::indexing_slicing, clippy::unwrap_used)]

pub mod cores;
pub mod link;
pub mod race;
