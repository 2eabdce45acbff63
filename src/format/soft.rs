use std::time::SystemTime;

use super::fault::Fault;
use super::names::{Name, Names};
use super::split::pieces;
use super::time::read_time;

/// The time that an `exp` which nothing signs tells, if there is one.
pub(crate) fn read_soft_expiry<'t>(path: &str, query: &'t str, names: &Names) -> Result<Option<SystemTime>, Fault<'t>> {
    if names.token_segment(path).is_some() {
        return Err(Fault::TOKEN_IN_PATH);
    }
    let mut expires_at = None;
    for (_, parameter) in pieces(query, b'&') {
        match names.reserved(parameter) {
            None => {}
            Some((Name::Exp, _)) if expires_at.is_some() => return Err(Fault::malformed(parameter, "stands twice")),
            Some((Name::Exp, value)) => {
                let time = value.and_then(read_time);
                expires_at = Some(time.ok_or(Fault::malformed(parameter, "is not a time"))?);
            }
            Some(_) => return Err(Fault::unenforceable(parameter, "is for `SignedUrlLayer`: nothing is checked here")),
        }
    }
    Ok(expires_at)
}
