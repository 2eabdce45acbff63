use std::time::{Duration, SystemTime};

use super::error::{SignError, SignErrorKind};
use super::mint::Mint;
use crate::format::is_writable;

/// Seconds since the Unix epoch, as they are written.
#[derive(Debug)]
pub struct Times {
    pub(super) expires_at: u64,
    pub(super) not_before: Option<u64>,
}

impl<O> Mint<'_, O> {
    pub(super) fn times_for(&self, lifetime: Duration) -> Result<Times, SignError> {
        if lifetime.is_zero() {
            return Err(SignErrorKind::NotInFuture.into());
        }
        let max = self.signer.rules().max_lifetime();
        let window = Duration::from_secs(self.window()?.unwrap_or(0));
        if lifetime.checked_add(window).is_none_or(|total| total > max) {
            return Err(SignErrorKind::LifetimeTooLong.into());
        }
        self.times(|from| {
            let expiry = round_up(from.checked_add(lifetime)?)?;
            // A lifetime within a second of the maximum is rounded down after all.
            Some(from.checked_add(max).map_or(expiry, |latest| expiry.min(latest.as_secs())))
        })
    }

    pub(super) fn times_until(&self, time: SystemTime) -> Result<Times, SignError> {
        let end = since_epoch(time)?.as_secs();
        self.times(|_| Some(end))
    }

    /// `expiry` is told from when the lifetime counts, and gives seconds before rounding.
    fn times(&self, expiry: impl FnOnce(Duration) -> Option<u64>) -> Result<Times, SignError> {
        let out_of_range = SignErrorKind::TimeOutOfRange;
        let now = since_epoch(self.signer.clock().now())?;
        let not_before = match self.not_before {
            Some(time) => Some(round_up(since_epoch(time)?).ok_or(out_of_range)?),
            None => None,
        };
        let start = not_before.map_or(Duration::ZERO, Duration::from_secs);

        let mut expires_at = expiry(now.max(start)).ok_or(out_of_range)?;
        if let Some(window) = self.window()? {
            expires_at = expires_at.checked_next_multiple_of(window).ok_or(out_of_range)?;
        }
        if let Some(latest) = self.latest {
            expires_at = expires_at.min(since_epoch(latest)?.as_secs());
        }

        let end = Duration::from_secs(expires_at);
        if end <= now {
            return Err(SignErrorKind::NotInFuture.into());
        }
        if end <= start {
            return Err(SignErrorKind::BeginsTooLate.into());
        }
        if !not_before.into_iter().chain([expires_at]).all(is_writable) {
            return Err(out_of_range.into());
        }
        // A checker holds the span from `sig-start` to the maximum, even if it began in the past.
        let from = not_before.map_or(now, |_| start);
        if end - from > self.signer.rules().max_lifetime() {
            return Err(SignErrorKind::LifetimeTooLong.into());
        }
        Ok(Times { expires_at, not_before })
    }

    fn window(&self) -> Result<Option<u64>, SignError> {
        match self.rounding {
            Some(Duration::ZERO) => Err(SignErrorKind::Rounding.into()),
            Some(window) => Ok(Some(round_up(window).ok_or(SignErrorKind::Rounding)?)),
            None => Ok(None),
        }
    }
}

fn since_epoch(time: SystemTime) -> Result<Duration, SignError> {
    time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| SignErrorKind::TimeOutOfRange.into())
}

/// Whole seconds, part of a second counting as a whole one.
fn round_up(time: Duration) -> Option<u64> {
    time.as_secs().checked_add(u64::from(time.subsec_nanos() > 0))
}
