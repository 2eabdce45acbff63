use std::time::SystemTime;

/// Where the time comes from. Closures are clocks, so that a test can choose the time:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use tower_signed_url::{Keyring, SigningKey, Verifier};
///
/// let keys = Keyring::new(SigningKey::generate()?);
/// let verifier = Verifier::builder(&keys)
///     .clock(|| SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// Whole seconds from now to then; none if that is past.
pub(crate) fn seconds_until(then: SystemTime, now: SystemTime) -> u64 {
    then.duration_since(now).unwrap_or_default().as_secs()
}

/// The system's clock, [`SystemTime::now`].
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

impl<F> Clock for F
where
    F: Fn() -> SystemTime + Send + Sync,
{
    fn now(&self) -> SystemTime {
        self()
    }
}
