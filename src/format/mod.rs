//! The wire format, version 1: names, the split of a target, the values, the MAC's text, and what may be signed.
//!
//! Nothing here holds a key, reads a clock or knows an HTTP type.

mod address;
mod fault;
mod hide;
mod list;
mod names;
mod parameter;
mod percent;
mod scope;
mod signature;
mod soft;
mod split;
mod stable;
mod terms;
mod time;
mod token;

pub(crate) use self::address::{Networks, read_network};
pub(crate) use self::fault::{Fault, FaultKind};
pub(crate) use self::hide::{hide, strip};
pub(crate) use self::names::{InvalidName, MAX_ID, Name, Names, is_id};
pub(crate) use self::scope::{check_scope, check_under};
pub(crate) use self::signature::{MAC_TEXT, Signature};
pub(crate) use self::soft::read_soft_expiry;
pub(crate) use self::split::{Credential, is_context_name, peek_scope, split, split_bare, split_query, split_token};
pub(crate) use self::stable::{Unstable, check_path, check_target, check_unsigned, is_stable_value};
pub(crate) use self::terms::{MediaType, Terms, file_name, is_in_file_name, is_method};
pub(crate) use self::time::{is_writable, read_time};
pub(crate) use self::token::{decode_token, encode_token};
