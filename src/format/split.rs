use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::fault::Fault;
use super::list::{FEW, has_repeats};
use super::names::{Name, Names};
use super::parameter::name_of;
use super::signature::Signature;

/// A credential taken apart: an exact URL's, or a scope token. It is structurally sound, and not yet believed.
#[derive(Debug)]
pub(crate) struct Credential<'t> {
    /// The target, or a token that came by itself.
    text: &'t str,
    /// Where the run of reserved parameters begins and ends.
    run: Range<usize>,
    covered: &'t str,
    scope: Option<&'t str>,
    exp: &'t str,
    exp_value: &'t str,
    plain: bool,
    restrictions: &'t str,
    bind: Option<&'t str>,
    signature: Signature<'t>,
}

impl<'t> Credential<'t> {
    /// What the MAC is over, up to and without the `&` before `sig`: the target from its beginning, or the token from its
    /// own.
    #[inline]
    pub(crate) fn covered(&self) -> &'t str {
        self.covered
    }

    /// The scope of a token.
    #[inline]
    pub(crate) fn scope(&self) -> Option<&'t str> {
        self.scope
    }

    /// Where a token stands.
    #[inline]
    pub(crate) fn token(&self) -> Option<Range<usize>> {
        self.scope.map(|_| self.run.clone())
    }

    /// The parameter `exp`, and its value.
    #[inline]
    pub(crate) fn exp(&self) -> (&'t str, &'t str) {
        (self.exp, self.exp_value)
    }

    /// Whether it is an exact URL's, and says nothing but when it ends.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// The reserved parameters between `exp` and `sig`, with an `&` before each.
    #[inline]
    pub(super) fn restrictions(&self) -> &'t str {
        self.restrictions
    }

    #[inline]
    pub(crate) fn signature(&self) -> Signature<'t> {
        self.signature
    }

    /// The value of `sig-bind`: it says what else the MAC is over.
    #[inline]
    pub(crate) fn bind(&self) -> Option<&'t str> {
        self.bind
    }

    /// The bytes of the target that go when the credential is stripped.
    #[inline]
    pub(crate) fn cut(&self) -> Range<usize> {
        let Range { start, end } = self.run;
        // The separator before it goes too, but for a `?` that something else follows.
        let separator = start.saturating_sub(1);
        if end < self.text.len() && self.text.as_bytes().get(separator) == Some(&b'?') {
            start..end + 1
        } else {
            separator..end
        }
    }
}

/// Takes a request target apart in one pass; `query` is the end of it that follows the first `?`.
///
/// Checks structure only: the reserved parameters stand together, an exact URL's `exp` first or a token's `sig-scope` and
/// then `exp`, and `sig` last; no name of the table twice; and nothing but tolerated parameters after an exact URL's.
#[inline]
pub(crate) fn split<'t>(target: &'t str, query: Option<&'t str>, names: &Names) -> Result<Credential<'t>, Fault<'t>> {
    let query = query.ok_or(Fault::MISSING)?;
    Split::through(target, query, names)?.finish(target.starts_with('/'))
}

/// Takes apart what most links are: `exp` and `sig`, with nothing else in the query. Of any other it gives nothing, sound or
/// not; of these it gives what [`split`] does.
#[inline(always)] // the compiler is to see how little such a link says
pub(crate) fn split_bare<'t>(target: &'t str, query: Option<&'t str>, names: &Names) -> Option<Credential<'t>> {
    let query = query.filter(|_| names.prefix().is_empty() && target.starts_with('/'))?;
    let exp_value = query.strip_prefix("exp=")?;
    let (exp_value, rest) = exp_value.split_at_checked(memchr(b'&', exp_value.as_bytes())?)?;
    let signature = rest.strip_prefix("&sig=")?;
    if memchr(b'&', signature.as_bytes()).is_some() {
        return None;
    }
    let start = target.len() - query.len();
    let covered = target.get(..target.len() - rest.len())?;
    Some(Credential {
        text: target,
        run: start..target.len(),
        covered,
        scope: None,
        exp: covered.get(start..)?,
        exp_value,
        plain: true,
        restrictions: "",
        bind: None,
        signature: Signature(signature),
    })
}

/// Takes apart a scope token that stands by itself.
pub(crate) fn split_token<'t>(token: &'t str, names: &Names) -> Result<Credential<'t>, Fault<'t>> {
    let credential = Split::through(token, token, names)?.finish(true)?;
    if credential.token() == Some(0..token.len()) {
        Ok(credential)
    } else {
        Err(Fault::malformed("", "a scope token holds more than a token"))
    }
}

/// The scope that a token which stands by itself begins with, not judged.
pub(crate) fn peek_scope<'t>(token: &'t str, names: &Names) -> Option<&'t str> {
    let (_, first) = pieces(token, b'&').next()?;
    match names.reserved(first)? {
        (Name::Scope, value) => value,
        _ => None,
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

/// 1 to 32 of `a-z 0-9 -`: the name of a bound context.
pub(crate) fn is_context_name(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// How far the split has come.
struct Split<'t, 'n> {
    names: &'n Names,
    stage: Stage,
    /// The names of the table that were seen.
    reserved: u16,
    /// The tolerated names that were seen, on either side of `sig`.
    tolerated: u64,
    /// What is wrong with an exact URL and nothing to a token, whose neighbours are its application's own.
    unless_token: Option<Fault<'t>>,
    /// Where `exp` ends.
    exp_end: usize,
    credential: Credential<'t>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    BeforeRun,
    /// A token's `sig-scope` was read: its `exp` has to follow.
    AfterScope,
    InRun,
    AfterSig,
}

impl<'t, 'n> Split<'t, 'n> {
    /// Reads the query that `text` ends with.
    #[inline]
    fn through(text: &'t str, query: &'t str, names: &'n Names) -> Result<Self, Fault<'t>> {
        let mut split = Self {
            names,
            stage: Stage::BeforeRun,
            reserved: 0,
            tolerated: 0,
            unless_token: None,
            exp_end: 0,
            credential: Credential {
                text,
                run: 0..0,
                covered: "",
                scope: None,
                exp: "",
                exp_value: "",
                plain: false,
                restrictions: "",
                bind: None,
                signature: Signature(""),
            },
        };
        let path = text.len() - query.len();
        for (start, parameter) in pieces(query, b'&') {
            split.parameter(path + start, parameter)?;
        }
        Ok(split)
    }

    #[inline]
    fn finish(self, begins_with_slash: bool) -> Result<Credential<'t>, Fault<'t>> {
        match (self.stage, self.unless_token) {
            (Stage::BeforeRun, _) => Err(Fault::MISSING),
            (Stage::AfterScope, _) => Err(Fault::malformed("", "`sig-scope` stands without `exp` and `sig`")),
            (Stage::InRun, _) => Err(Fault::malformed("", "`exp` stands without `sig`")),
            (Stage::AfterSig, Some(fault)) if self.credential.scope.is_none() => Err(fault),
            (Stage::AfterSig, _) if begins_with_slash => Ok(self.credential),
            (Stage::AfterSig, _) => Err(Fault::malformed("", "the request target does not begin with `/`")),
        }
    }

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
            (Stage::BeforeRun | Stage::AfterScope, Name::Exp, value) => {
                if self.stage == Stage::BeforeRun {
                    self.credential.run.start = start;
                }
                self.stage = Stage::InRun;
                self.exp_end = end;
                (self.credential.exp, self.credential.exp_value) = (parameter, value.unwrap_or_default());
            }
            (Stage::InRun, Name::Sig, Some(value)) => {
                self.stage = Stage::AfterSig;
                self.credential.run.end = end;
                self.credential.signature = Signature(value);
                return self.cover(start - 1);
            }
            (Stage::BeforeRun, Name::Scope, value) => {
                self.stage = Stage::AfterScope;
                self.credential.run.start = start;
                self.credential.scope = Some(value.unwrap_or_default());
            }
            (Stage::InRun, Name::Bind, value) => {
                self.credential.bind = Some(read_bind(parameter, value.unwrap_or_default())?);
            }
            (Stage::InRun, Name::Sig, None) => return Err(Fault::malformed(parameter, "has no value")),
            (Stage::InRun, Name::Scope, _) => {
                return Err(Fault::malformed(parameter, "stands after `exp`; it comes first, and makes a scope token"));
            }
            (Stage::InRun, ..) => {}
            (Stage::BeforeRun, ..) => {
                return Err(Fault::malformed(parameter, "stands before `exp`, which comes first"));
            }
            (Stage::AfterScope, ..) => {
                return Err(Fault::malformed(parameter, "follows `sig-scope`, which `exp` has to follow"));
            }
            (Stage::AfterSig, ..) => {
                return Err(Fault::malformed(parameter, "stands after `sig`, which comes last"));
            }
        }
        Ok(())
    }

    /// Takes what the MAC covers, which ends before `sig`: a target from its beginning, a token from its own.
    #[inline]
    fn cover(&mut self, end: usize) -> Result<(), Fault<'t>> {
        let Credential { text, run, scope, covered, plain, restrictions, .. } = &mut self.credential;
        *covered = text.get(..end).unwrap_or_default();
        // Not told by the text: one that could not be cut out would look like none.
        *plain = scope.is_none() && self.exp_end == end;
        *restrictions = covered.get(self.exp_end..).unwrap_or_default();
        if scope.is_none() {
            return Ok(());
        }
        *covered = covered.get(run.start..).unwrap_or_default();
        check_token(text.get(run.clone()).unwrap_or_default())
    }

    #[inline]
    fn unreserved(&mut self, parameter: &'t str) -> Result<(), Fault<'t>> {
        if matches!(self.stage, Stage::InRun | Stage::AfterScope) {
            return Err(Fault::malformed(
                parameter,
                "stands inside of the signature's own parameters, where only reserved names may (does a proxy sort the query, or was the link taken out of HTML with its `&amp;`?)",
            ));
        }
        let follows_link = self.stage == Stage::AfterSig && self.credential.scope.is_none();
        match self.names.tolerated(parameter) {
            Some(bit) if self.tolerated & bit != 0 => {
                self.unless_token = Some(Fault::malformed(parameter, "is tolerated once, and stands twice"));
            }
            Some(bit) if !follows_link || !name_of(parameter).contains('%') => self.tolerated |= bit,
            _ if follows_link => {
                return Err(Fault::malformed(
                    parameter,
                    "follows `sig` and is not tolerated there (does a proxy sort the query? for what mail systems add, the policy has `tolerate` and `tolerate_trackers`)",
                ));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A token is printable ASCII. An exact URL may hold whatever a target may.
fn check_token(token: &str) -> Result<(), Fault<'static>> {
    if token.bytes().all(|b| b.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Fault::malformed("", "a scope token holds something that is not printable ASCII"))
    }
}

/// The value of `sig-bind`, whose syntax is judged before the MAC: one or more names, none twice.
#[inline(never)]
fn read_bind<'t>(parameter: &'t str, value: &'t str) -> Result<&'t str, Fault<'t>> {
    if !value.split(',').all(is_context_name) {
        return Err(Fault::malformed(parameter, "is not a list of names of 1 to 32 of a-z 0-9 -"));
    }
    // Anyone can write a long list. One that is authentic is read to its end.
    if has_repeats(value.split(',').take(FEW)) {
        return Err(Fault::malformed(parameter, "names a context twice"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::super::FaultKind;
    use super::*;

    fn tolerant() -> Names {
        Names::new(None, &["utm".into(), "fbclid".into()]).unwrap()
    }

    fn split_whole(target: &str) -> Result<Credential<'_>, Fault<'_>> {
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
            assert_eq!(super::super::strip(target, &tolerant(), false).unwrap(), stripped, "{target}, unjudged");
        }
    }

    #[test]
    fn a_bare_link_is_what_the_split_makes_of_it() {
        let bare = |target: &'static str, names: &Names| {
            let query = target.split_once('?').map(|(_, query)| query);
            let bare = split_bare(target, query, names).map(|credential| format!("{credential:?}"));
            assert!(
                bare.is_none() || bare == split(target, query, names).ok().map(|split| format!("{split:?}")),
                "{target}"
            );
            bare.is_some()
        };
        for target in
            ["/?exp=1&sig=m", "/a?exp=&sig=", "/é?exp=é&sig=é", "/a?exp=1=exp&sig=2=sig?", "/a?exp=sig=&sig=exp="]
        {
            assert!(bare(target, &tolerant()), "{target}");
        }
        for target in [
            "/a",
            "/a?",
            "/a?exp=1",
            "/a?exp=1&",
            "/a?exp=1&sig",
            "/a?exp&sig=m",
            "/a?sig=m&exp=1",
            "/a?x&exp=1&sig=m",
            "/a?exp=1&sig=m&",
            "/a?exp=1&sig=m&utm=1",
            "/a?exp=1&sig=m&sig=m",
            "/a?exp=1&exp=1&sig=m",
            "/a?exp=1&&sig=m",
            "/a?exp=1&sig-id=1&sig=m",
            "/a?EXP=1&sig=m",
            "a?exp=1&sig=m",
            "*?exp=1&sig=m",
            "?exp=1&sig=m",
        ] {
            assert!(!bare(target, &tolerant()), "{target}");
        }
        // Behind a prefix, these are the application's own.
        let prefixed = Names::new(Some("x-"), &[]).unwrap();
        assert!(!bare("/a?exp=1&sig=m", &prefixed) && !bare("/a?x-exp=1&x-sig=m", &prefixed));
    }

    #[test]
    fn a_token_is_taken_out_of_its_neighbours() {
        const TOKEN: &str = "sig-scope=/v/&exp=1&sig-id=2&sig=m";
        for (before, after, stripped) in [
            ("/v/a?", "", "/v/a"),
            ("/v/a?x=1&", "", "/v/a?x=1"),
            ("/v/a?", "&y", "/v/a?y"),
            ("/v/a?x=1&", "&y", "/v/a?x=1&y"),
            ("/v/a?utm=1&utm=2&", "&utm=3&y", "/v/a?utm=1&utm=2&utm=3&y"),
            ("/v/a?&", "&", "/v/a?&"),
        ] {
            let target = format!("{before}{TOKEN}{after}");
            let credential = split_whole(&target).unwrap();
            assert_eq!(&target[credential.token().unwrap()], TOKEN);
            assert_eq!(credential.covered(), "sig-scope=/v/&exp=1&sig-id=2", "{target}");
            assert_eq!(credential.scope(), Some("/v/"), "{target}");
            let mut rest = target.clone();
            rest.replace_range(credential.cut(), "");
            assert_eq!(rest, stripped, "{target}");
            assert_eq!(super::super::strip(&target, &tolerant(), false).unwrap(), stripped, "{target}, unjudged");
        }
        let alone = |token: &str| split_token(token, &tolerant()).map(|token| token.covered().len()).ok();
        assert_eq!(alone(TOKEN), Some(28));
        for other in ["", "&", "exp=1&sig=m", "/v/a", "x&sig-scope=/&exp=1&sig=m", "sig-scope=/&exp=1&sig=m&utm=1"] {
            assert_eq!(alone(other), None, "{other}");
        }
    }

    #[test]
    fn anything_else_is_a_fault_with_the_name_of_the_parameter() {
        use FaultKind::{Malformed, Missing};
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
            ("/a?utm=1&utm=1", Missing, ""),
            ("/a?sig-scope=/", Malformed, ""),
            ("/a?sig-scope=/&sig=m", Malformed, "sig"),
            ("/a?sig-scope=/&exp=1", Malformed, ""),
            ("/a?sig-scope=/&x=1&exp=1&sig=m", Malformed, "x"),
            ("/a?sig-scope=/&sig-id=1&exp=1&sig=m", Malformed, "sig-id"),
            ("/a?sig-scope=/&sig-scope=/&exp=1&sig=m", Malformed, "sig-scope"),
            ("/a?sig-scope=/&exp=1&sig-scope=/&sig=m", Malformed, "sig-scope"),
            ("/a?exp=1&sig-scope=/&sig=m", Malformed, "sig-scope"),
            ("/a?exp=1&sig=m&sig-scope=/", Malformed, "sig-scope"),
            ("/a?exp=1&sig%3Dm", Malformed, "sig"),
            ("/a?exp=1&sig=m&next%253d=1%3D2", Malformed, "next"),
            ("/a?sig-scope=/&exp=1&x=1&sig=m", Malformed, "x"),
            ("/a?sig-scope=/&exp=1&sig=m&sig-id=1", Malformed, "sig-id"),
            ("/a?sig-id=1&sig-scope=/&exp=1&sig=m", Malformed, "sig-id"),
            ("/a?sig-scope=/é/&exp=1&sig=m", Malformed, ""),
            ("/a?exp=1&sig-bind&sig=m", Malformed, "sig-bind"),
            ("/a?exp=1&sig-bind=&sig=m", Malformed, "sig-bind"),
            ("/a?exp=1&sig-bind=host,&sig=m", Malformed, "sig-bind"),
            ("/a?exp=1&sig-bind=Host&sig=m", Malformed, "sig-bind"),
            ("/a?exp=1&sig-bind=a,b,a&sig=m", Malformed, "sig-bind"),
            ("/a?exp=1&sig-bind=abcdefghijabcdefghijabcdefghijabc&sig=m", Malformed, "sig-bind"),
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
