use std::time::SystemTime;

use super::address::Networks;
use super::fault::Fault;
use super::list::has_repeats;
use super::names::{Name, Names, is_id};
use super::percent::decode;
use super::scope::check_scope;
use super::split::{Credential, pieces};
use super::time::read_time;
use crate::quoted;

/// What an authentic link says: its values, read strictly.
#[derive(Debug)]
pub(crate) struct Terms<'t> {
    pub(crate) expires_at: SystemTime,
    pub(crate) not_before: Option<SystemTime>,
    pub(crate) id: Option<&'t str>,
    /// The value of `sig-methods`.
    methods: Option<&'t str>,
    /// The client addresses it is for.
    pub(crate) networks: Option<Networks<'t>>,
    /// The largest body, in bytes.
    pub(crate) max_bytes: Option<u64>,
    pub(crate) media_type: Option<MediaType<'t>>,
    /// The value of `sig-download`, which [`file_name`] reads.
    pub(crate) download: Option<&'t str>,
}

impl<'t> Terms<'t> {
    /// Reads a credential. Call it only once the MAC has matched.
    ///
    /// A name that cannot be enforced is a fault, whether the format knows it or not.
    pub(crate) fn read(credential: &Credential<'t>, names: &Names) -> Result<Self, Fault<'t>> {
        let mut terms = Self::read_expiry(credential)?;
        if let Some(scope) = credential.scope() {
            check_scope(scope).map_err(|ambiguous| Fault::malformed("", ambiguous.0))?;
        }
        if let Some(restrictions) = credential.restrictions().strip_prefix('&') {
            for (_, parameter) in pieces(restrictions, b'&') {
                terms.restrict(parameter, names)?;
            }
        }
        if terms.not_before.is_some_and(|start| start >= terms.expires_at) {
            return Err(Fault::malformed("", "`sig-start` is not before `exp`"));
        }
        Ok(terms)
    }

    /// Reads when a credential ends, which is all that a [plain](Credential::is_plain) one says. Call it only once the MAC has
    /// matched.
    #[inline]
    pub(crate) fn read_expiry(credential: &Credential<'t>) -> Result<Self, Fault<'t>> {
        let (parameter, value) = credential.exp();
        Ok(Self {
            expires_at: time(parameter, value)?,
            not_before: None,
            id: None,
            methods: None,
            networks: None,
            max_bytes: None,
            media_type: None,
            download: None,
        })
    }

    fn restrict(&mut self, parameter: &'t str, names: &Names) -> Result<(), Fault<'t>> {
        let Some((name, value)) = names.reserved(parameter) else {
            return Err(Fault::unenforceable(parameter, "is not known to this version"));
        };
        let value = value.unwrap_or_default();
        let malformed = |detail| Fault::malformed(parameter, detail);
        match name {
            Name::Start => self.not_before = Some(time(parameter, value)?),
            Name::Methods => self.methods = Some(read_methods(parameter, value)?),
            // The values that it names were part of the MAC.
            Name::Bind if has_repeats(value.split(',')) => return Err(malformed("names a context twice")),
            Name::Bind => {}
            Name::Id if is_id(value) => self.id = Some(value),
            Name::Id => return Err(malformed("is not 1 to 64 of A-Z a-z 0-9 _ -")),
            Name::Ip => {
                let networks = Networks::read(value);
                let detail = "is not a list of addresses and networks without host bits, each once";
                self.networks = Some(networks.ok_or(malformed(detail))?);
            }
            Name::MaxBytes => {
                self.max_bytes = Some(read_number(value).ok_or(malformed("is not a number of bytes"))?);
            }
            Name::Type => {
                self.media_type = Some(MediaType::read(value).ok_or(malformed("is not a media type, or type/*"))?);
            }
            Name::Download if file_name(value).is_some() => self.download = Some(value),
            Name::Download => return Err(malformed("is not a percent-encoded file name")),
            Name::Exp | Name::Sig | Name::Scope | Name::Uses | Name::Other => {
                return Err(Fault::unenforceable(parameter, "is not known to this version"));
            }
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

/// A media type without parameters, or all subtypes of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MediaType<'t> {
    main: &'t str,
    /// Nothing for all of them.
    sub: Option<&'t str>,
}

impl<'t> MediaType<'t> {
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let (main, sub) = text.split_once('/')?;
        let sub = Some(sub).filter(|sub| *sub != "*");
        (is_token(main) && sub.is_none_or(is_token)).then_some(Self { main, sub })
    }

    /// Whether the value of a `Content-Type` field is of this type; its parameters and letter case are ignored.
    pub(crate) fn includes(&self, content_type: &str) -> bool {
        // After a comma stands another type, and of several a browser goes by the last.
        if !quoted::is_one(content_type, ',') {
            return false;
        }
        let essence = content_type.split(';').next().unwrap_or_default().trim_matches([' ', '\t']);
        let Some((main, sub)) = essence.split_once('/') else {
            return false;
        };
        is_token(sub)
            && main.eq_ignore_ascii_case(self.main)
            && self.sub.is_none_or(|wanted| wanted.eq_ignore_ascii_case(sub))
    }
}

/// A token without `*`, which would look like a wildcard.
fn is_token(text: &str) -> bool {
    quoted::is_token(text) && !text.contains('*')
}

/// The file name that a value of `sig-download` stands for.
pub(crate) fn file_name(value: &str) -> Option<impl Iterator<Item = char>> {
    let is_valid = |c: Option<(char, bool)>| c.is_some_and(|(c, _)| is_in_file_name(c));
    (!value.is_empty() && decode(value).all(is_valid)).then(|| decode(value).flatten().map(|(c, _)| c))
}

/// Whether a character may stand in a file name: none that leads to another folder, is a control, or turns the direction
/// in which the name is read.
pub(crate) fn is_in_file_name(c: char) -> bool {
    !matches!(c, '/' | '\\' | '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One or more of `A-Z -`.
pub(crate) fn is_method(method: &str) -> bool {
    !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
}

#[inline]
fn time<'t>(parameter: &'t str, value: &str) -> Result<SystemTime, Fault<'t>> {
    read_time(value).ok_or_else(|| Fault::malformed(parameter, "is not a time: 1 to 13 digits without a leading zero"))
}

/// Decimal digits without a leading zero.
fn read_number(value: &str) -> Option<u64> {
    let is_number = value == "0" || (!value.starts_with('0') && value.bytes().all(|b| b.is_ascii_digit()));
    value.parse().ok().filter(|_| is_number)
}

fn read_methods<'t>(parameter: &'t str, value: &'t str) -> Result<&'t str, Fault<'t>> {
    if !value.split(',').all(is_method) {
        return Err(Fault::malformed(parameter, "is not a list of methods of A-Z and -"));
    }
    if has_repeats(value.split(',')) {
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
            ("exp=1&sig-ip", Malformed, "sig-ip"),
            ("exp=1&sig-ip=", Malformed, "sig-ip"),
            ("exp=1&sig-ip=192.0.2.1,", Malformed, "sig-ip"),
            ("exp=1&sig-ip=192.0.2.1,192.0.2.1/32", Malformed, "sig-ip"),
            ("exp=1&sig-ip=192.0.2.1/24", Malformed, "sig-ip"),
            ("exp=1&sig-max-bytes", Malformed, "sig-max-bytes"),
            ("exp=1&sig-max-bytes=", Malformed, "sig-max-bytes"),
            ("exp=1&sig-max-bytes=00", Malformed, "sig-max-bytes"),
            ("exp=1&sig-max-bytes=+1", Malformed, "sig-max-bytes"),
            ("exp=1&sig-max-bytes=1k", Malformed, "sig-max-bytes"),
            ("exp=1&sig-max-bytes=18446744073709551616", Malformed, "sig-max-bytes"),
            ("exp=1&sig-type", Malformed, "sig-type"),
            ("exp=1&sig-type=image", Malformed, "sig-type"),
            ("exp=1&sig-type=image/", Malformed, "sig-type"),
            ("exp=1&sig-type=/png", Malformed, "sig-type"),
            ("exp=1&sig-type=*/*", Malformed, "sig-type"),
            ("exp=1&sig-type=*/png", Malformed, "sig-type"),
            ("exp=1&sig-type=image/p*", Malformed, "sig-type"),
            ("exp=1&sig-type=image/png;q=1", Malformed, "sig-type"),
            ("exp=1&sig-type=image/png,image/gif", Malformed, "sig-type"),
            ("exp=1&sig-type=a/b/c", Malformed, "sig-type"),
            ("exp=1&sig-download", Malformed, "sig-download"),
            ("exp=1&sig-download=", Malformed, "sig-download"),
            ("exp=1&sig-download=a%2Fb", Malformed, "sig-download"),
            ("exp=1&sig-download=a/b", Malformed, "sig-download"),
            ("exp=1&sig-download=a%5Cb", Malformed, "sig-download"),
            ("exp=1&sig-download=a%0d%0aX:%20b", Malformed, "sig-download"),
            ("exp=1&sig-download=a%7F", Malformed, "sig-download"),
            ("exp=1&sig-download=a%C2%80", Malformed, "sig-download"),
            ("exp=1&sig-download=a%E2%80%AEgpj.exe", Malformed, "sig-download"),
            ("exp=1&sig-download=a%E2%81%A6", Malformed, "sig-download"),
            ("exp=1&sig-download=a%", Malformed, "sig-download"),
            ("exp=1&sig-download=a%FF", Malformed, "sig-download"),
            ("exp=1&sig-download=é", Malformed, "sig-download"),
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

    #[test]
    fn values_at_their_bounds_are_read() {
        let terms = read("exp=1&sig-max-bytes=18446744073709551615").unwrap();
        assert_eq!(terms.max_bytes, Some(u64::MAX));
        assert_eq!(read("exp=1&sig-max-bytes=0").unwrap().max_bytes, Some(0));
        let networks = read("exp=1&sig-ip=192.0.2.0/24,2001:db8::1").unwrap().networks.unwrap();
        assert!(networks.contain("192.0.2.7".parse().unwrap()));
        let name = |value| file_name(value).map(String::from_iter);
        assert_eq!(name("caf%C3%A9%20%22%F0%9F%90%88%22.pdf").as_deref(), Some("café \"🐈\".pdf"));
    }

    #[test]
    fn media_types_ignore_parameters_and_letter_case() {
        for (wanted, sent, included) in [
            ("image/png", "image/png", true),
            ("image/png", "Image/PNG; q=1", true),
            ("IMAGE/png", "image/png\t;x", true),
            ("image/svg+xml", "image/svg+xml", true),
            ("image/*", "image/anything", true),
            ("image/png", "image/pngx", false),
            ("image/png", "image/*", false),
            ("image/*", "image/*", false),
            ("image/*", "image/", false),
            ("image/*", "imagex/png", false),
            ("image/*", "image", false),
            ("image/*", "", false),
            ("image/*", "text/plain, image/png", false),
            ("image/*", "image/png, text/html", false),
            ("image/png", "image/png;x, text/html", false),
            ("image/png", "image/png;x=\"a, b\"", true),
            ("image/png", "image/png;x=\"a", false),
        ] {
            assert_eq!(MediaType::read(wanted).unwrap().includes(sent), included, "{wanted} {sent}");
        }
    }
}
