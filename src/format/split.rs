use std::ops::Range;

use memchr::memchr_iter;

use super::fault::Fault;
use super::names::{Name, Names};
use super::signature::Signature;

/// An exact URL taken apart, structurally sound and not yet believed.
#[derive(Debug)]
pub(crate) struct Exact<'t> {
    /// What the MAC is over: the target up to, and without, the `&` before `sig`.
    pub(crate) covered: &'t str,
    /// The value of `exp`.
    pub(crate) exp: &'t str,
    /// The reserved parameters between `exp` and `sig`, with an `&` before each.
    pub(crate) restrictions: &'t str,
    pub(crate) signature: Signature<'t>,
    /// The `sig-bind` of the run: it says what else the MAC is over.
    pub(crate) bind: Option<&'t str>,
    /// The bytes of the target that go when the credential is stripped.
    pub(crate) cut: Range<usize>,
}

/// Takes a request target apart in one pass; `query` is the end of it that follows the first `?`.
///
/// Checks structure only: the reserved parameters stand together, `exp` first and `sig` last, no name of the table
/// twice, and nothing but tolerated parameters after them.
#[inline]
pub(crate) fn split<'t>(target: &'t str, query: Option<&'t str>, names: &Names) -> Result<Exact<'t>, Fault<'t>> {
    let query = query.ok_or(Fault::MISSING)?;
    let path = target.len() - query.len();
    let mut split = Split::new(names);
    for (start, parameter) in parameters(query) {
        split.parameter(path + start, parameter)?;
    }
    split.finish(target)
}

/// The pieces between `&` and `&`, and where they begin.
pub(super) fn parameters(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    memchr_iter(b'&', text.as_bytes()).chain([text.len()]).map(move |end| {
        let parameter = (start, text.get(start..end).unwrap_or_default());
        start = end + 1;
        parameter
    })
}

/// How far the split has come.
struct Split<'t, 'n> {
    names: &'n Names,
    stage: Stage<'t>,
    /// The names of the table that were seen.
    reserved: u16,
    /// The tolerated names that were seen, on either side of `sig`.
    tolerated: u64,
    bind: Option<&'t str>,
}

enum Stage<'t> {
    BeforeRun,
    InRun(Exp<'t>),
    AfterSig { exp: Exp<'t>, sig: usize, end: usize, value: &'t str },
}

/// Where `exp` begins and ends, and its value.
#[derive(Clone, Copy)]
struct Exp<'t> {
    start: usize,
    end: usize,
    value: &'t str,
}

impl<'t, 'n> Split<'t, 'n> {
    fn new(names: &'n Names) -> Self {
        Self { names, stage: Stage::BeforeRun, reserved: 0, tolerated: 0, bind: None }
    }

    fn parameter(&mut self, start: usize, parameter: &'t str) -> Result<(), Fault<'t>> {
        match self.names.reserved(parameter) {
            Some((name, value)) => self.reserved(name, value, start, parameter),
            None => self.unreserved(parameter),
        }
    }

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
        match (&self.stage, name) {
            (Stage::BeforeRun, Name::Exp) => {
                let value = value.unwrap_or_default();
                self.stage = Stage::InRun(Exp { start, end: start + parameter.len(), value });
            }
            (Stage::BeforeRun, Name::Scope) => return Err(Fault::unenforceable(parameter)),
            (Stage::BeforeRun, _) => {
                return Err(Fault::malformed(parameter, "stands before `exp`, which comes first"));
            }
            (&Stage::InRun(exp), Name::Sig) => match value {
                Some(value) => {
                    self.stage = Stage::AfterSig { exp, sig: start, end: start + parameter.len(), value };
                }
                None => return Err(Fault::malformed(parameter, "has no value")),
            },
            (Stage::InRun(_), Name::Bind) => self.bind = Some(parameter),
            (Stage::InRun(_), _) => {}
            (Stage::AfterSig { .. }, _) => {
                return Err(Fault::malformed(parameter, "stands after `sig`, which comes last"));
            }
        }
        Ok(())
    }

    fn unreserved(&mut self, parameter: &'t str) -> Result<(), Fault<'t>> {
        if let Stage::InRun(_) = self.stage {
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
            None if matches!(self.stage, Stage::AfterSig { .. }) => Err(Fault::malformed(
                parameter,
                "follows `sig` and is not tolerated there (does a proxy sort the query or add to it?)",
            )),
            None => Ok(()),
        }
    }

    fn finish(self, target: &'t str) -> Result<Exact<'t>, Fault<'t>> {
        let (exp, sig, end, value) = match self.stage {
            Stage::BeforeRun => return Err(Fault::MISSING),
            Stage::InRun(_) => return Err(Fault::malformed("", "`exp` stands without `sig`")),
            Stage::AfterSig { exp, sig, end, value } => (exp, sig, end, value),
        };
        if !target.starts_with('/') {
            return Err(Fault::malformed("", "the request target does not begin with `/`"));
        }
        // `exp` and `sig` each have a separator before them: `?` or `&`, one byte.
        let (separator, covered) = (exp.start - 1, sig - 1);
        let first = target.as_bytes().get(separator) == Some(&b'?');
        let cut = if first && end < target.len() { exp.start..end + 1 } else { separator..end };
        Ok(Exact {
            covered: target.get(..covered).unwrap_or_default(),
            exp: exp.value,
            restrictions: target.get(exp.end..covered).unwrap_or_default(),
            signature: Signature::read(value),
            bind: self.bind,
            cut,
        })
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
            assert_eq!((exact.covered, exact.exp), (covered, exp), "{target}");
            assert_eq!(exact.restrictions, restrictions, "{target}");
            let mut rest = target.to_owned();
            rest.replace_range(exact.cut, "");
            assert_eq!(rest, stripped, "{target}");
            assert_eq!(super::super::hide(target, &tolerant()), stripped, "{target}, hidden");
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
