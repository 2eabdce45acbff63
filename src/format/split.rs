use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::fault::Fault;
use super::names::{Name, Names};
use super::signature::Signature;

/// An exact URL taken apart, structurally sound and not yet believed.
///
/// Holds places in the target, so that no more is copied than is looked at.
#[derive(Debug)]
pub(crate) struct Exact<'t> {
    target: &'t str,
    /// Where `exp` begins and ends.
    exp: Range<usize>,
    exp_value: usize,
    /// Where `sig` begins and ends.
    sig: Range<usize>,
    sig_value: usize,
    bind: Option<&'t str>,
}

impl<'t> Exact<'t> {
    /// What the MAC is over: the target up to, and without, the `&` before `sig`.
    #[inline]
    pub(crate) fn covered(&self) -> &'t str {
        self.slice(0..self.sig.start - 1)
    }

    /// The parameter `exp`, and its value.
    #[inline]
    pub(super) fn exp(&self) -> (&'t str, &'t str) {
        (self.slice(self.exp.clone()), self.slice(self.exp_value..self.exp.end))
    }

    /// The reserved parameters between `exp` and `sig`, with an `&` before each.
    #[inline]
    pub(super) fn restrictions(&self) -> &'t str {
        self.slice(self.exp.end..self.sig.start - 1)
    }

    #[inline]
    pub(crate) fn signature(&self) -> Signature<'t> {
        Signature::read(self.slice(self.sig_value..self.sig.end))
    }

    /// The `sig-bind` parameter: it says what else the MAC is over.
    pub(crate) fn bind(&self) -> Option<&'t str> {
        self.bind
    }

    /// The bytes of the target that go when the credential is stripped.
    #[inline]
    pub(crate) fn cut(&self) -> Range<usize> {
        // The separator before `exp` goes too, but for a `?` that something else follows.
        let separator = self.exp.start - 1;
        if self.sig.end < self.target.len() && self.target.as_bytes().get(separator) == Some(&b'?') {
            self.exp.start..self.sig.end + 1
        } else {
            separator..self.sig.end
        }
    }

    #[inline]
    fn slice(&self, place: Range<usize>) -> &'t str {
        self.target.get(place).unwrap_or_default()
    }
}

/// Takes a request target apart in one pass; `query` is the end of it that follows the first `?`.
///
/// A scope token, in the path or in the query, cannot be enforced yet and is refused.
///
/// Checks structure only: the reserved parameters stand together, `exp` first and `sig` last, no name of the table
/// twice, and nothing but tolerated parameters after them.
#[inline]
pub(crate) fn split<'t>(target: &'t str, query: Option<&'t str>, names: &Names) -> Result<Exact<'t>, Fault<'t>> {
    if target.get(1..).is_some_and(|path| names.is_token_segment(path)) {
        return Err(Fault::TOKEN_IN_PATH);
    }
    let query = query.ok_or(Fault::MISSING)?;
    let path = target.len() - query.len();
    let mut split = Split {
        names,
        stage: Stage::BeforeRun,
        reserved: 0,
        tolerated: 0,
        exact: Exact { target, exp: 0..0, exp_value: 0, sig: 0..0, sig_value: 0, bind: None },
    };
    for (start, parameter) in pieces(query, b'&') {
        split.parameter(path + start, parameter)?;
    }
    match split.stage {
        Stage::BeforeRun => Err(Fault::MISSING),
        Stage::InRun => Err(Fault::malformed("", "`exp` stands without `sig`")),
        Stage::AfterSig if target.starts_with('/') => Ok(split.exact),
        Stage::AfterSig => Err(Fault::malformed("", "the request target does not begin with `/`")),
    }
}

/// The path, and what follows the first `?`.
pub(crate) fn split_query(target: &str) -> (&str, Option<&str>) {
    match memchr(b'?', target.as_bytes()) {
        Some(end) => (target.get(..end).unwrap_or_default(), target.get(end + 1..)),
        None => (target, None),
    }
}

/// The pieces of `text` between separators, and where they begin. The separator is ASCII.
pub(super) fn pieces(text: &str, separator: u8) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    memchr_iter(separator, text.as_bytes()).chain([text.len()]).map(move |end| {
        let piece = (start, text.get(start..end).unwrap_or_default());
        start = end + 1;
        piece
    })
}

/// How far the split has come.
struct Split<'t, 'n> {
    names: &'n Names,
    stage: Stage,
    /// The names of the table that were seen.
    reserved: u16,
    /// The tolerated names that were seen, on either side of `sig`.
    tolerated: u64,
    exact: Exact<'t>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    BeforeRun,
    InRun,
    AfterSig,
}

impl<'t> Split<'t, '_> {
    #[inline]
    fn parameter(&mut self, start: usize, parameter: &'t str) -> Result<(), Fault<'t>> {
        match self.names.reserved(parameter) {
            Some((name, value)) => self.reserved(name, value, start, parameter),
            None => self.unreserved(parameter),
        }
    }

    #[inline]
    fn reserved(
        &mut self,
        name: Name,
        value: Option<&'t str>,
        start: usize,
        parameter: &'t str,
    ) -> Result<(), Fault<'t>> {
        if self.reserved & name.bit() != 0 {
            return Err(Fault::malformed(parameter, "stands twice"));
        }
        self.reserved |= name.bit();

        let end = start + parameter.len();
        match (self.stage, name, value) {
            (Stage::BeforeRun, Name::Exp, value) => {
                self.stage = Stage::InRun;
                self.exact.exp = start..end;
                self.exact.exp_value = end - value.map_or(0, str::len);
            }
            (Stage::InRun, Name::Sig, Some(value)) => {
                self.stage = Stage::AfterSig;
                self.exact.sig = start..end;
                self.exact.sig_value = end - value.len();
            }
            (Stage::InRun, Name::Bind, _) => self.exact.bind = Some(parameter),
            (Stage::InRun, Name::Sig, None) => return Err(Fault::malformed(parameter, "has no value")),
            (Stage::InRun, ..) => {}
            (Stage::BeforeRun, Name::Scope, _) => return Err(Fault::unenforceable(parameter)),
            (Stage::BeforeRun, ..) => {
                return Err(Fault::malformed(parameter, "stands before `exp`, which comes first"));
            }
            (Stage::AfterSig, ..) => {
                return Err(Fault::malformed(parameter, "stands after `sig`, which comes last"));
            }
        }
        Ok(())
    }

    #[inline]
    fn unreserved(&mut self, parameter: &'t str) -> Result<(), Fault<'t>> {
        if self.stage == Stage::InRun {
            return Err(Fault::malformed(
                parameter,
                "stands between `exp` and `sig`, where only reserved names may (does a proxy sort the query?)",
            ));
        }
        match self.names.tolerated(parameter) {
            Some(bit) if self.tolerated & bit != 0 => {
                Err(Fault::malformed(parameter, "is tolerated once, and stands twice"))
            }
            Some(bit) => {
                self.tolerated |= bit;
                Ok(())
            }
            None if self.stage == Stage::AfterSig => Err(Fault::malformed(
                parameter,
                "follows `sig` and is not tolerated there (does a proxy sort the query or add to it?)",
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::FaultKind;
    use super::*;

    fn tolerant() -> Names {
        Names::new(None, &["utm".into(), "fbclid".into()]).unwrap()
    }

    fn split_whole(target: &str) -> Result<Exact<'_>, Fault<'_>> {
        split(target, target.split_once('?').map(|(_, query)| query), &tolerant())
    }

    #[test]
    fn a_sound_target_is_taken_apart() {
        for (target, covered, exp, restrictions, stripped) in [
            ("/a?exp=1&sig=m", "/a?exp=1", "1", "", "/a"),
            ("/a?&exp=1&sig=m", "/a?&exp=1", "1", "", "/a?"),
            ("/a?x=1&exp=1&sig=m", "/a?x=1&exp=1", "1", "", "/a?x=1"),
            ("/a?x=1&&exp=1&sig=m", "/a?x=1&&exp=1", "1", "", "/a?x=1&"),
            ("/a?exp=1&sig=m&utm=2", "/a?exp=1", "1", "", "/a?utm=2"),
            ("/a?x=1&exp=1&sig=m&utm=2&fbclid", "/a?x=1&exp=1", "1", "", "/a?x=1&utm=2&fbclid"),
            ("/a?utm=1&exp=1&sig=m&fbclid=2", "/a?utm=1&exp=1", "1", "", "/a?utm=1&fbclid=2"),
            ("/a?b?exp=2&exp=1&sig=m", "/a?b?exp=2&exp=1", "1", "", "/a?b?exp=2"),
            ("/a?exp=1&sig-id=2&sig=m", "/a?exp=1&sig-id=2", "1", "&sig-id=2", "/a"),
            ("/a?exp&sig-x&sig-x&sig=", "/a?exp&sig-x&sig-x", "", "&sig-x&sig-x", "/a"),
            ("/é?é=1&exp=1&sig=é", "/é?é=1&exp=1", "1", "", "/é?é=1"),
        ] {
            let exact = split_whole(target).unwrap();
            assert_eq!((exact.covered(), exact.exp().1), (covered, exp), "{target}");
            assert_eq!(exact.restrictions(), restrictions, "{target}");
            let mut rest = target.to_owned();
            rest.replace_range(exact.cut(), "");
            assert_eq!(rest, stripped, "{target}");
            assert_eq!(super::super::strip(target, &tolerant()).unwrap(), stripped, "{target}, unjudged");
        }
    }

    #[test]
    fn anything_else_is_a_fault_with_the_name_of_the_parameter() {
        use FaultKind::{Malformed, Missing, Unenforceable};
        for (target, kind, name) in [
            ("", Missing, ""),
            ("/", Missing, ""),
            ("*", Missing, ""),
            ("/a?", Missing, ""),
            ("/a?b=1&utm=1", Missing, ""),
            ("/a?EXP=1&SIG=m", Missing, ""),
            ("/a?exp=1", Malformed, ""),
            ("/a?sig=m", Malformed, "sig"),
            ("/a?sig=m&exp=1", Malformed, "sig"),
            ("/a?sig-x&exp=1&sig=m", Malformed, "sig-x"),
            ("/a?sig-start=1&exp=1&sig=m", Malformed, "sig-start"),
            ("/a?sig-scope=/&exp=1&sig=m", Unenforceable, "sig-scope"),
            ("/~c2lnLXNjb3BlPSx/a", Unenforceable, ""),
            ("/~c2lnLXNjb3BlPSx/a?exp=1&sig=m", Unenforceable, ""),
            ("/~c2lnLXNjb3BlPR/a", Missing, ""),
            ("/a/~c2lnLXNjb3BlPSx", Missing, ""),
            ("/a?exp=1&exp=1&sig=m", Malformed, "exp"),
            ("/a?exp=1&sig=m&sig=m", Malformed, "sig"),
            ("/a?exp=1&sig=m&exp=1", Malformed, "exp"),
            ("/a?exp=1&sig=m&sig-id=1", Malformed, "sig-id"),
            ("/a?exp=1&sig-id=1&sig-id=1&sig=m", Malformed, "sig-id"),
            ("/a?exp=1&x=1&sig=m", Malformed, "x"),
            ("/a?exp=1&&sig=m", Malformed, ""),
            ("/a?exp=1&sig", Malformed, "sig"),
            ("/a?exp=1&sig=m&", Malformed, ""),
            ("/a?exp=1&sig=m&x=secret", Malformed, "x"),
            ("/a?exp=1&sig=m&utm=1&utm=2", Malformed, "utm"),
            ("/a?utm=1&exp=1&sig=m&utm=2", Malformed, "utm"),
            ("/a?utm=1&utm=1&exp=1&sig=m", Malformed, "utm"),
            ("/a?exp=1&utm=1&sig=m", Malformed, "utm"),
            ("/a?exp=1&sig=m&Utm=1", Malformed, "Utm"),
            ("?exp=1&sig=m", Malformed, ""),
            ("*?exp=1&sig=m", Malformed, ""),
        ] {
            let fault = split_whole(target).unwrap_err();
            assert_eq!((fault.kind, fault.name), (kind, name), "{target}");
        }
    }
}
