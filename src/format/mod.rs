//! The wire format, version 1: names, the split of a target, the values, the MAC's text, and what may be signed.
//!
//! Nothing here holds a key, reads a clock or knows an HTTP type.

mod fault;
mod hide;
mod names;
mod signature;
mod split;
mod stable;
mod terms;
mod time;

pub(crate) use self::fault::{Fault, FaultKind};
pub(crate) use self::hide::{hide, strip};
pub(crate) use self::names::{InvalidName, Names, is_id};
pub(crate) use self::signature::MAC_TEXT;
pub(crate) use self::split::{split, split_query};
pub(crate) use self::stable::{Unstable, check_path, check_target};
pub(crate) use self::terms::{Terms, is_method};
pub(crate) use self::time::is_writable;
