use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::percent_decode_str;

use super::parameter::name_of;

/// How many names may be tolerated: one bit each while a target is split.
const MAX_TOLERATED: usize = u64::BITS as usize;

/// Which parameter names are the credential's, which may follow it, and how a path token begins.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: Option<Box<str>>,
    /// Sorted, without repetition, at most [`MAX_TOLERATED`].
    tolerated: Box<[Box<str>]>,
    token_start: Box<str>,
}

/// A reserved name. `Other` begins like one and is not in the format's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Exp,
    Sig,
    Start,
    Methods,
    Ip,
    Bind,
    Scope,
    Id,
    Uses,
    MaxBytes,
    Type,
    Download,
    Other,
}

/// The names that begin with `sig-`, as they are read and written.
const RESTRICTIONS: [(Name, &str); 10] = [
    (Name::Start, "sig-start"),
    (Name::Methods, "sig-methods"),
    (Name::Ip, "sig-ip"),
    (Name::Bind, "sig-bind"),
    (Name::Scope, "sig-scope"),
    (Name::Id, "sig-id"),
    (Name::Uses, "sig-uses"),
    (Name::MaxBytes, "sig-max-bytes"),
    (Name::Type, "sig-type"),
    (Name::Download, "sig-download"),
];

/// Why a prefix or a tolerated name cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvalidName {
    Prefix,
    Tolerated,
    Reserved,
    TooMany,
}

impl Default for Names {
    fn default() -> Self {
        Self { prefix: None, tolerated: Box::default(), token_start: token_start("") }
    }
}

impl Names {
    /// `tolerated` in any order; an error comes with the name that is at fault.
    pub(crate) fn new<'n>(prefix: Option<&'n str>, tolerated: &'n [Box<str>]) -> Result<Self, (InvalidName, &'n str)> {
        let mut names = Self::default();
        if let Some(prefix) = prefix {
            if !is_prefix(prefix) {
                return Err((InvalidName::Prefix, prefix));
            }
            names.prefix = Some(prefix.into());
            names.token_start = token_start(prefix);
        }
        for name in tolerated {
            if !is_tolerable(name) {
                return Err((InvalidName::Tolerated, name));
            }
            if names.reserved(name).is_some() {
                return Err((InvalidName::Reserved, name));
            }
        }
        let mut tolerated = tolerated.to_vec();
        tolerated.sort_unstable();
        tolerated.dedup();
        if tolerated.len() > MAX_TOLERATED {
            return Err((InvalidName::TooMany, ""));
        }
        names.tolerated = tolerated.into_boxed_slice();
        Ok(names)
    }

    /// What stands before every reserved name, `""` for nothing.
    pub(crate) fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or("")
    }

    /// What the MAC covers before the target, if there is anything.
    pub(crate) fn mac_prefix(&self) -> Option<&str> {
        self.prefix.as_deref()
    }

    /// The reserved name that a parameter (`name`, or `name=value`) carries, and its value.
    #[inline]
    pub(super) fn reserved<'p>(&self, parameter: &'p str) -> Option<(Name, Option<&'p str>)> {
        let rest = match &self.prefix {
            Some(prefix) => parameter.strip_prefix(&**prefix)?,
            None => parameter,
        };
        // Byte patterns: nearly every parameter is someone else's, and is passed over here.
        let name = match rest.as_bytes() {
            [b'e', b'x', b'p'] | [b'e', b'x', b'p', b'=', ..] => Name::Exp,
            [b's', b'i', b'g'] | [b's', b'i', b'g', b'=', ..] => Name::Sig,
            [b's', b'i', b'g', b'-', ..] => return Some(Name::read_sig_name(rest)),
            _ => return None,
        };
        Some((name, rest.get("exp=".len()..)))
    }

    pub(crate) fn is_reserved(&self, parameter: &str) -> bool {
        self.reserved(parameter).is_some()
    }

    /// Whether `text` begins like a reserved name: a quick no for most.
    pub(super) fn may_begin(&self, text: &str) -> bool {
        let rest = text.strip_prefix(self.prefix());
        rest.is_some_and(|rest| rest.starts_with("exp") || rest.starts_with("sig"))
    }

    /// Whether a reserved name or the beginning of a scope token may stand somewhere in `text`: a quick no for most texts.
    pub(super) fn may_occur_in(&self, text: &str) -> bool {
        ["exp", "sig", self.token_text()].into_iter().any(|part| text.contains(part))
    }

    /// The bit of the tolerated name that a parameter carries, percent-encoded or not: to whoever reads it after us, both are
    /// one name.
    pub(super) fn tolerated(&self, parameter: &str) -> Option<u64> {
        if self.tolerated.is_empty() {
            return None;
        }
        let name = name_of(parameter);
        let index = if name.contains('%') {
            self.tolerated.binary_search_by(|t| t.bytes().cmp(percent_decode_str(name))).ok()?
        } else {
            self.tolerated.binary_search_by(|t| (**t).cmp(name)).ok()?
        };
        Some(1 << index)
    }

    pub(super) fn is_tolerated(&self, parameter: &str) -> bool {
        self.tolerated(parameter).is_some()
    }

    /// The first segment of a target's path, if it begins like a scope token.
    #[inline]
    pub(crate) fn token_segment<'t>(&self, target: &'t str) -> Option<&'t str> {
        let path = target.strip_prefix('/')?;
        // Every token begins with `~`: a quick no for most.
        if !path.starts_with('~') || !self.is_token_segment(path) {
            return None;
        }
        path.split(['/', '?']).next()
    }

    /// How every token's text begins, without the `~` before it in a path.
    pub(super) fn token_text(&self) -> &str {
        self.token_start.get(1..).unwrap_or_default()
    }

    /// Whether a path segment begins like a scope token.
    pub(super) fn is_token_segment(&self, segment: &str) -> bool {
        segment.starts_with(&*self.token_start)
    }
}

impl Name {
    /// A parameter that begins with `sig-`.
    fn read_sig_name(parameter: &str) -> (Self, Option<&str>) {
        let (name, value) = match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        };
        let known = RESTRICTIONS.iter().find(|(_, text)| *text == name);
        (known.map_or(Name::Other, |(name, _)| *name), value)
    }

    /// The name as it is written, without a prefix.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Name::Exp => "exp",
            Name::Sig => "sig",
            name => RESTRICTIONS.iter().find(|(known, _)| *known == name).map_or("sig-", |(_, text)| text),
        }
    }

    /// A bit of its own for each name of the table; none for [`Name::Other`], which falls later.
    pub(super) fn bit(self) -> u16 {
        match self {
            Name::Other => 0,
            name => 1 << (name as u16),
        }
    }
}

/// The most bytes of an id.
pub(crate) const MAX_ID: usize = 64;

/// 1 to 64 of `A-Z a-z 0-9 _ -`: a key id, or the value of `sig-id`.
pub(crate) fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_prefix(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && text.ends_with('-')
        && !text.starts_with("sig-")
}

fn is_tolerable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$*,/:;?@[]()".contains(&b))
}

/// `~` and the base64url characters that every token's first bytes, `<prefix>sig-scope=/`, fix.
fn token_start(prefix: &str) -> Box<str> {
    let start = format!("{prefix}sig-scope=/");
    let fixed = start.len() * 8 / 6;
    let mut text = URL_SAFE_NO_PAD.encode(start);
    text.truncate(fixed);
    format!("~{text}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_start_is_the_one_in_the_specification() {
        assert_eq!(&*token_start(""), "~c2lnLXNjb3BlPS");
    }

    #[test]
    fn reserved_names_are_raw_bytes() {
        let plain = Names::default();
        let prefixed = Names::new(Some("x-"), &[]).unwrap();
        for (parameter, in_plain, in_prefixed) in [
            ("exp", Some(Name::Exp), None),
            ("exp=", Some(Name::Exp), None),
            ("exp=1=2", Some(Name::Exp), None),
            ("expires=1", None, None),
            ("Exp=1", None, None),
            ("%65xp=1", None, None),
            ("sig", Some(Name::Sig), None),
            ("sig=a", Some(Name::Sig), None),
            ("signature=a", None, None),
            ("sig-", Some(Name::Other), None),
            ("sig-start", Some(Name::Start), None),
            ("sig-starts=1", Some(Name::Other), None),
            ("sig-max-bytes=1", Some(Name::MaxBytes), None),
            ("sig-MAX-bytes=1", Some(Name::Other), None),
            ("x-exp=1", None, Some(Name::Exp)),
            ("x-sig=1", None, Some(Name::Sig)),
            ("x-sig-ip=1", None, Some(Name::Ip)),
            ("x-sig-no", None, Some(Name::Other)),
            ("x-", None, None),
            ("", None, None),
        ] {
            assert_eq!(plain.reserved(parameter).map(|r| r.0), in_plain, "{parameter}");
            assert_eq!(prefixed.reserved(parameter).map(|r| r.0), in_prefixed, "{parameter} under x-");
        }
    }

    #[test]
    fn a_value_is_all_after_the_first_equals_sign() {
        let names = Names::default();
        let value = |parameter| names.reserved(parameter).unwrap().1;
        for (parameter, expected) in [
            ("exp", None),
            ("exp=", Some("")),
            ("exp=1=2", Some("1=2")),
            ("sig=é", Some("é")),
            ("sig-start", None),
            ("sig-start==", Some("=")),
        ] {
            assert_eq!(value(parameter), expected, "{parameter}");
        }
    }

    #[test]
    fn prefixes_and_tolerated_names_are_checked() {
        for good in ["x-", "a1-", "0-", "-", "sig2-", "abcdefghijklmno-"] {
            assert!(is_prefix(good), "{good}");
        }
        for bad in ["", "x", "X-", "sig-", "sig-a-", "abcdefghijklmnop-", "x_-", "é-"] {
            assert!(!is_prefix(bad), "{bad}");
        }
        let tolerate = |name: &str| Names::new(None, &[name.into()]).map(drop).map_err(|e| e.0);
        assert_eq!(tolerate("utm_source"), Ok(()));
        assert_eq!(tolerate("exp"), Err(InvalidName::Reserved));
        assert_eq!(tolerate("sig-anything"), Err(InvalidName::Reserved));
        for bad in ["", "a=b", "a&b", "a b", "é", "a%62", "a+b", "a#"] {
            assert_eq!(tolerate(bad), Err(InvalidName::Tolerated), "{bad}");
        }
        let many: Vec<Box<str>> = (0..65).map(|n| format!("n{n}").into()).collect();
        assert_eq!(Names::new(None, &many).map(drop).map_err(|e| e.0), Err(InvalidName::TooMany));
        let same: Vec<Box<str>> = (0..65).map(|_| "n".into()).collect();
        assert!(Names::new(None, &same).is_ok());
    }
}
