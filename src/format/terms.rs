use std::time::SystemTime;

use super::fault::Fault;
use super::names::{Name, Names, is_id};
use super::split::{Exact, pieces};
use super::time::read_time;

/// What an authentic link says: its values, read strictly.
#[derive(Debug)]
pub(crate) struct Terms<'t> {
    pub(crate) expires_at: SystemTime,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) id: Option<&'t str>,
    /// The value of `sig-methods`.
    methods: Option<&'t str>,
}

impl<'t> Terms<'t> {
    /// Reads an exact URL. Call it only once the MAC has matched.
    ///
    /// A name that cannot be enforced is a fault, whether the format knows it or not.
    #[inline]
    pub(crate) fn read(exact: &Exact<'t>, names: &Names) -> Result<Self, Fault<'t>> {
        let (parameter, value) = exact.exp();
        let expires_at = time(parameter, value)?;
        let unrestricted = Self { expires_at, not_before: None, id: None, methods: None };
        match exact.restrictions().strip_prefix('&') {
            Some(restrictions) => unrestricted.restricted(restrictions, names),
            None => Ok(unrestricted),
        }
    }

    #[inline(never)]
    fn restricted(mut self, restrictions: &'t str, names: &Names) -> Result<Self, Fault<'t>> {
        for (_, parameter) in pieces(restrictions, b'&') {
            self.restrict(parameter, names)?;
        }
        if self.not_before.is_some_and(|start| start >= self.expires_at) {
            return Err(Fault::malformed("", "`sig-start` is not before `exp`"));
        }
        Ok(self)
    }

    fn restrict(&mut self, parameter: &'t str, names: &Names) -> Result<(), Fault<'t>> {
        let Some((name, value)) = names.reserved(parameter) else {
            return Err(Fault::unenforceable(parameter));
        };
        let value = value.unwrap_or_default();
        match name {
            Name::Start => self.not_before = Some(time(parameter, value)?),
            Name::Methods => self.methods = Some(read_methods(parameter, value)?),
            Name::Id if is_id(value) => self.id = Some(value),
            Name::Id => return Err(Fault::malformed(parameter, "is not 1 to 64 of A-Z a-z 0-9 _ -")),
            _ => return Err(Fault::unenforceable(parameter)),
        }
        Ok(())
    }

    /// Whether the link may be used with `method`.
    #[inline]
    pub(crate) fn allow_method(&self, method: &str) -> bool {
        let allowed = |wanted: &str| match self.methods {
            Some(methods) => methods.split(',').any(|allowed| allowed == wanted),
            None => wanted == "GET",
        };
        allowed(method) || (method == "HEAD" && allowed("GET"))
    }
}

/// Lists of so many methods are compared each with each.
const FEW: usize = 16;

/// One or more of `A-Z -`.
pub(crate) fn is_method(method: &str) -> bool {
    !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
}

#[inline]
fn time<'t>(parameter: &'t str, value: &str) -> Result<SystemTime, Fault<'t>> {
    read_time(value).ok_or_else(|| Fault::malformed(parameter, "is not a time: 1 to 13 digits without a leading zero"))
}

fn read_methods<'t>(parameter: &'t str, value: &'t str) -> Result<&'t str, Fault<'t>> {
    if !value.split(',').all(is_method) {
        return Err(Fault::malformed(parameter, "is not a list of methods of A-Z and -"));
    }
    let methods = value.split(',');
    let repeats = match methods.clone().count() {
        // No allocation for a list that a person would write, and no quadratic work for any other.
        ..=FEW => {
            methods.clone().enumerate().any(|(at, method)| methods.clone().skip(at + 1).any(|later| later == method))
        }
        _ => {
            let mut sorted: Vec<_> = methods.collect();
            sorted.sort_unstable();
            sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
        }
    };
    if repeats {
        return Err(Fault::malformed(parameter, "names a method twice"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::super::FaultKind::{Malformed, Unenforceable};
    use super::super::split;
    use super::*;

    fn read(run: &'static str) -> Result<Terms<'static>, Fault<'static>> {
        let query: &str = format!("{run}&sig=").leak();
        let target: &str = format!("/?{query}").leak();
        Terms::read(&split(target, target.get(2..), &Names::default()).unwrap(), &Names::default())
    }

    #[test]
    fn values_that_are_not_written_as_they_should_be_are_faults() {
        for (run, kind, name) in [
            ("exp", Malformed, "exp"),
            ("exp=", Malformed, "exp"),
            ("exp=0", Malformed, "exp"),
            ("exp=1&sig-start=", Malformed, "sig-start"),
            ("exp=1&sig-start=1", Malformed, ""),
            ("exp=1&sig-start=2", Malformed, ""),
            ("exp=1790000000&sig-start=1790000000000", Malformed, ""),
            ("exp=1&sig-methods", Malformed, "sig-methods"),
            ("exp=1&sig-methods=", Malformed, "sig-methods"),
            ("exp=1&sig-methods=get", Malformed, "sig-methods"),
            ("exp=1&sig-methods=GET,", Malformed, "sig-methods"),
            ("exp=1&sig-methods=GET,GET", Malformed, "sig-methods"),
            ("exp=1&sig-methods=PUT, GET", Malformed, "sig-methods"),
            ("exp=1&sig-methods=A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q,A", Malformed, "sig-methods"),
            ("exp=1&sig-id=", Malformed, "sig-id"),
            ("exp=1&sig-id=a.b", Malformed, "sig-id"),
            ("exp=1&sig-uses=1", Unenforceable, "sig-uses"),
            ("exp=1&sig-new=1", Unenforceable, "sig-new"),
            ("exp=1&sig-scope=/a/", Unenforceable, "sig-scope"),
        ] {
            let fault = read(run).unwrap_err();
            assert_eq!((fault.kind, fault.name), (kind, name), "{run}");
        }
    }

    #[test]
    fn get_includes_head_and_nothing_else_includes_anything() {
        for (run, allowed, refused) in [
            ("exp=1", &["GET", "HEAD"][..], &["PUT", "get", "", "OPTIONS"][..]),
            ("exp=1&sig-methods=PUT", &["PUT"], &["GET", "HEAD", "PU", "PUT,", "POST"]),
            ("exp=1&sig-methods=GET,M-SEARCH", &["GET", "HEAD", "M-SEARCH"], &["PUT", "GET,M-SEARCH"]),
            ("exp=1&sig-methods=HEAD", &["HEAD"], &["GET"]),
            ("exp=1&sig-methods=A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,Q,R", &["A", "R"], &["S"]),
        ] {
            let terms = read(run).unwrap();
            for method in allowed {
                assert!(terms.allow_method(method), "{run} {method}");
            }
            for method in refused {
                assert!(!terms.allow_method(method), "{run} {method}");
            }
        }
    }
}
