//! What the fuzz targets share: how they read their input, how they sign, and a plain model of the format to compare with.

mod check;
mod input;
pub mod model;
mod path;
mod setup;
mod sign;

pub use self::check::{assert_hides, assert_no_reserved, compare, is_one_cut};
pub use self::input::Input;
pub use self::path::where_it_leads;
pub use self::setup::{COOKIE_NAME, Setup, now, request};
pub use self::sign::{KEYS, mac, sign};

/// The time that everything is judged at: that of the attack suite, whose requests are the seeds.
pub const NOW: u64 = 1_789_999_000;
