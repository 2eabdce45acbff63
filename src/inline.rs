use std::cmp::Ordering;
use std::fmt;

/// A short text kept in place, so that a grant or a rejection carries one without allocating.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Inline<const N: usize> {
    len: u8,
    bytes: [u8; N],
}

impl<const N: usize> Inline<N> {
    /// `text`, or as much of its beginning as fits.
    pub(crate) fn truncated(text: &str) -> Self {
        let mut len = text.len().min(N).min(usize::from(u8::MAX));
        while !text.is_char_boundary(len) {
            len -= 1;
        }
        let mut bytes = [0; N];
        if let (Some(to), Some(from)) = (bytes.get_mut(..len), text.as_bytes().get(..len)) {
            to.copy_from_slice(from);
        }
        Self { len: u8::try_from(len).unwrap_or(0), bytes }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// In the order of the texts; the derived one would go by length first.
impl<const N: usize> Ord for Inline<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl<const N: usize> PartialOrd for Inline<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> fmt::Debug for Inline<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_at_a_character() {
        for (text, kept) in [("", ""), ("abc", "abc"), ("abcd", "abcd"), ("abcde", "abcd"), ("abcé", "abc")] {
            assert_eq!(Inline::<4>::truncated(text).as_str(), kept);
        }
    }
}
