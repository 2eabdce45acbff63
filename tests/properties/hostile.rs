//! Arbitrary bytes for targets: nothing panics, and no reserved name gets through.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::OriginalUri;
use http::{Method, Request, Uri};
use http_body_util::Empty;
use proptest::prelude::*;
use proptest::sample::select;
use tower_signed_url::{Grant, Head, Policy, Rejection, Verified, Verifier, Verify};

use super::support::{NOW, at, figure_keys, fixed_verifier};
use super::{cases, mint, request, send};
#[cfg(feature = "axum")]
use super::{target, verifier};

/// Lets everything in: whatever a [`Verify`] of someone's own says, the layer has to cope.
struct Anything(Verifier);

impl Verify for Anything {
    fn verify(&self, _: Head<'_>) -> Result<Verified, Rejection> {
        Ok(Verified::new(Grant::until(at(NOW + 60))))
    }

    fn strip(&self, target: &str) -> Option<String> {
        self.0.strip(target)
    }

    fn hide(&self, url: &str) -> Option<String> {
        self.0.hide(url)
    }

    fn cookies(&self) -> &[Box<str>] {
        &[]
    }

    fn now(&self) -> SystemTime {
        at(NOW)
    }
}

/// What judges, and the prefix of its names.
#[derive(Clone, Copy, Debug)]
pub enum Judge {
    Plain,
    Prefixed,
    Anything,
}

impl Judge {
    fn prefix(self) -> &'static str {
        if matches!(self, Self::Prefixed) { "x-" } else { "" }
    }

    pub fn verifier(self) -> Verifier {
        let policy = Policy::new().tolerate("utm_source");
        let policy = if self.prefix().is_empty() { policy } else { policy.prefix(self.prefix()) };
        Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap()
    }

    fn verify(self) -> Arc<dyn Verify> {
        let verifier = self.verifier();
        if matches!(self, Self::Anything) { Arc::new(Anything(verifier)) } else { Arc::new(verifier) }
    }
}

pub fn judge() -> impl Strategy<Value = Judge> {
    select(vec![Judge::Plain, Judge::Plain, Judge::Prefixed, Judge::Prefixed, Judge::Anything])
}

/// Pieces of targets, sound links among them, in any order, with any bytes between.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let prefixed =
        Verifier::builder(&figure_keys()).policy(Policy::new().prefix("x-")).clock(|| at(NOW)).build().unwrap();
    let mut pieces: Vec<Vec<u8>> = ["/a", "/", "/a?x=1", "/in/a?x"]
        .iter()
        .flat_map(|target| [mint(&fixed_verifier(), target).unwrap(), mint(&prefixed, target).unwrap()])
        .map(|link| link.into_string().into_bytes())
        .collect();
    pieces.extend(
        "/ / /a ? ? & & & = ; # % %2e . .. // * a é exp exp= exp=1790000000 sig sig= sig=k. sig-id=a sig-x \
         sig-scope=/ x-exp=1790000000 x-sig=a x-sig-y utm_source=m http://h https://u@h:1 h:443 ~c2lnLXNjb3BlPSx"
            .split(' ')
            .map(|piece| piece.as_bytes().to_vec()),
    );
    let piece = prop_oneof![9 => select(pieces), 1 => proptest::collection::vec(any::<u8>(), 1..4)];
    proptest::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

pub fn uri() -> impl Strategy<Value = Uri> {
    bytes().prop_filter_map("no URI", |bytes| Uri::try_from(&*bytes).ok())
}

/// FORMAT section 2, read again.
fn has_reserved(text: &str, prefix: &str) -> bool {
    let names = text.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|p| p.strip_prefix(prefix));
    let mut names = names.map(|p| p.split('=').next().unwrap_or(p));
    names.any(|name| name == "exp" || name == "sig" || name.starts_with("sig-"))
}

/// Where the request says that it was before a router shortened it.
fn original_of(uri: &Uri, how: u8, other: Uri) -> Option<Uri> {
    match how {
        0 => None,
        1 => Some(uri.clone()),
        2 => format!("/in{uri}").parse().ok(),
        3 => format!("http://h?{}", uri.query().unwrap_or_default()).parse().ok(),
        _ => Some(other),
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn whatever_is_asked_for_no_reserved_name_reaches_the_service(
        judge in judge(), uri in uri(), how in 0..5_u8, other in uri(), method in select(vec!["GET", "CONNECT", "PUT"]),
    ) {
        let (verify, prefix) = (judge.verify(), judge.prefix());
        let original = original_of(&uri, how, other).filter(|_| cfg!(feature = "axum"));
        for (conceal, optional) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut request = Request::builder().method(method).body(Empty::new()).unwrap();
            *request.uri_mut() = uri.clone();
            if let Some(original) = original.clone() {
                request.extensions_mut().insert(OriginalUri(original));
            }
            if let Some(seen) = send(&verify, conceal, optional, request) {
                prop_assert!(!has_reserved(&seen.uri.to_string(), prefix), "{:?} of {}", seen, uri);
                prop_assert!(seen.granted || optional, "{:?} of {}", seen, uri);
                if let Some(original) = &seen.original {
                    prop_assert!(!has_reserved(&original.to_string(), prefix), "{:?} of {}", seen, uri);
                }
                // Half a credential is not none.
                let carried = has_reserved(&uri.to_string(), prefix);
                prop_assert!(seen.granted || !carried, "{:?} of {}", seen, uri);
            }
        }
    }

    #[test]
    #[cfg(feature = "axum")]
    fn a_nested_request_is_judged_and_stripped_by_its_original_uri(
        verifier in verifier(), target in target(), conceal: bool, optional: bool,
    ) {
        let whole = format!("/in{target}");
        let link = mint(&verifier, &whole);
        prop_assume!(link.is_ok());
        let link = link.unwrap().into_string();
        let mut request = request(&Method::GET, &link["/in".len()..]);
        request.extensions_mut().insert(OriginalUri(link.parse().unwrap()));
        let seen = send(&verifier, conceal, optional, request).expect("it is valid");
        prop_assert!(seen.granted);
        prop_assert_eq!(seen.uri.to_string(), target);
        prop_assert_eq!(seen.original.map(|original| original.to_string()), Some(whole));
    }

    #[test]
    fn stripping_leaves_nothing_to_strip(judge in judge(), bytes in bytes()) {
        let (verify, prefix) = (judge.verify(), judge.prefix());
        let text = String::from_utf8_lossy(&bytes);
        for strip in [true, false] {
            let take = |text: &str| if strip { verify.strip(text) } else { verify.hide(text) };
            let once = take(&text);
            prop_assert!(once.as_deref() != Some(&*text), "nothing was taken from {:?}", text);
            let once = once.unwrap_or(text.to_string());
            prop_assert!(!has_reserved(&once, prefix), "{:?} of {:?}", once, text);
            prop_assert_eq!(take(&once), None);
            // What is left has its bytes in their order, but for the `/` of a path that lost all of its segments.
            let mut rest = text.chars();
            prop_assert!(once == "/" || once.chars().all(|kept| rest.any(|c| c == kept)), "{:?} of {:?}", once, text);
        }
    }
}

/// A name is whole only once something was taken out of it.
#[test]
fn hiding_a_credential_does_not_leave_another() {
    let verifier = fixed_verifier();
    for url in ["/a?sig~c2lnLXNjb3BlPSx=1", "/a?expc2lnLXNjb3BlPSx=1", "/a?sig%26exp=1", "/a?exp?sig=1"] {
        assert_eq!(verifier.hide(url).as_deref(), Some("/a"), "{url}");
    }
}

/// An absolute request target need have no path, and what is behind it may have been given one.
#[test]
fn an_original_uri_without_a_path_does_not_panic() {
    for original in ["http://h?x=1", "http://h", "h:443", "*", "?x=1", "/?x=1"] {
        for uri in ["/?x=1", "/", "*"] {
            let mut request = request(&Method::GET, uri);
            let Ok(parsed) = original.parse() else { continue };
            request.extensions_mut().insert(OriginalUri(parsed));
            let verify: Arc<dyn Verify> = Arc::new(Anything(fixed_verifier()));
            let seen = send(&verify, false, false, request);
            assert!(seen.is_none_or(|seen| seen.granted), "{original} {uri}");
        }
    }
}
