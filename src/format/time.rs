use std::time::{Duration, SystemTime};

/// From this number on a time is in milliseconds, below it in seconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Time(u64);

impl Time {
    /// A clock's time, rounded down. A time before 1970 is 0: no link's lifetime is short enough for that.
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }

    /// The value of a time parameter: 1 to 13 digits, no leading zero.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let digits = value.as_bytes();
        if !(1..=13).contains(&digits.len()) || digits.first() == Some(&b'0') {
            return None;
        }
        let mut number = 0_u64;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + u64::from(digit - b'0');
        }
        Some(if number < MILLISECONDS_FROM { Self(number * 1000) } else { Self(number) })
    }

    /// Whole seconds as they are written, unless they would be read as something else.
    pub(crate) fn writable(seconds: u64) -> bool {
        (1..MILLISECONDS_FROM).contains(&seconds)
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    pub(crate) fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl From<Time> for SystemTime {
    fn from(time: Time) -> Self {
        SystemTime::UNIX_EPOCH + Duration::from_millis(time.0)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_strictly() {
        for (text, millis) in [
            ("1", Some(1000)),
            ("1790000000", Some(1_790_000_000_000)),
            ("99999999999", Some(99_999_999_999_000)),
            ("100000000000", Some(100_000_000_000)),
            ("1790000000123", Some(1_790_000_000_123)),
            ("9999999999999", Some(9_999_999_999_999)),
            ("", None),
            ("0", None),
            ("01", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("1 ", None),
            ("1.5", None),
            ("1e9", None),
            ("0x1", None),
            ("1_0", None),
            ("\u{661}", None),
            ("10000000000000", None),
        ] {
            assert_eq!(Time::parse(text), millis.map(Time), "{text}");
        }
    }
}
