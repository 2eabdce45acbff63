use std::time::{Duration, SystemTime};

/// From this number on a time is in milliseconds, below it in seconds.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// Reads the value of a time parameter: 1 to 13 digits, no leading zero.
#[inline]
pub(crate) fn read_time(value: &str) -> Option<SystemTime> {
    if value.len() > 13 || !matches!(value.as_bytes(), [b'1'..=b'9', ..]) {
        return None;
    }
    let number: u64 = value.parse().ok()?;
    let since_epoch =
        if number < MILLISECONDS_FROM { Duration::from_secs(number) } else { Duration::from_millis(number) };
    SystemTime::UNIX_EPOCH.checked_add(since_epoch)
}

/// Whether a time in whole seconds can be written without being read as something else.
pub(crate) fn is_writable(seconds: u64) -> bool {
    (1..MILLISECONDS_FROM).contains(&seconds)
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
            let time = millis.map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            assert_eq!(read_time(text), time, "{text}");
        }
    }
}
