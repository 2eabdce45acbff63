//! What holds for every target, not for those alone that someone thought of.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[path = "properties/hostile.rs"]
mod hostile;
#[path = "properties/refused.rs"]
mod refused;
#[path = "properties/restricted.rs"]
mod restricted;
mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::extract::OriginalUri;
use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::Empty;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use support::{NOW, at, figure_key, fixed_verifier};
use tower::{Layer, Service};
use tower_signed_url::{
    ConcealLayer, Grant, Head, KeyId, Keyring, Obligations, Policy, RejectionKind, SignErrorKind, SignedUrl,
    SignedUrlLayer, Verifier, Verify,
};
use url::Url;

const METHODS: [Method; 6] = [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE, Method::PATCH];

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// A target that may well be accepted.
fn target() -> impl Strategy<Value = String> {
    "(/[A-Za-z0-9._~!$&'()*+,;=:@%\\[\\]-]{0,9}){1,4}(\\?[A-Za-z0-9._~!$&()*+,;=:@%/?\\[\\]-]{0,30})?"
}

/// Text of the characters that URLs are made of and those that break them.
fn awkward() -> impl Strategy<Value = String> {
    let pieces = select(
        "/ / / ? & = . .. %2e %2E %2f %5C % %zz # ; + : @ ! $ ' ( ) * , ~ - _ [ ] \" < > ` { } | \\ ^ \t \n \r \0 \
         \u{7f} \u{85} \u{e9} \u{661} \u{ff0f} \u{202e} \u{1f600} a b C 0 exp=1 sig sigma ~c2lnLXNjb3BlPS //"
            .split(' ')
            .chain([" "])
            .collect::<Vec<_>>(),
    );
    proptest::collection::vec(pieces, 0..10).prop_map(|pieces| format!("/{}", pieces.concat()))
}

/// A verifier with a name prefix, and a key with an id, or without.
fn verifier() -> impl Strategy<Value = Verifier> {
    let prefix = proptest::option::of("[a-z0-9-]{0,15}-".prop_filter("reserved", |p| !p.starts_with("sig-")));
    (prefix, proptest::option::of("[A-Za-z0-9_-]{1,64}")).prop_map(|(prefix, id)| {
        let key = figure_key();
        let keys = Keyring::new(match id {
            Some(id) => key.with_id(id.parse().unwrap()),
            None => key,
        });
        let policy = prefix.iter().fold(Policy::new().tolerate("utm_source"), |policy, prefix| policy.prefix(prefix));
        Verifier::builder(&keys).policy(policy).clock(|| at(NOW)).build().unwrap()
    })
}

fn mint(verifier: &Verifier, target: &str) -> Result<SignedUrl, SignErrorKind> {
    verifier.signer().url(target).sign_for(Duration::from_secs(60)).map_err(|error| error.kind())
}

/// What a service saw of a request that reached it.
#[derive(Clone, Debug)]
struct Seen {
    uri: Uri,
    original: Option<Uri>,
    granted: bool,
}

fn inner() -> impl Service<Request<Empty<Bytes>>, Response = Response<()>, Error = Infallible, Future = Done> + Clone {
    tower::service_fn(|request: Request<Empty<Bytes>>| {
        let original = request.extensions().get::<OriginalUri>().map(|original| original.0.clone());
        let granted = request.extensions().get::<Grant>().is_some();
        let mut response = Response::new(());
        response.extensions_mut().insert(Seen { uri: request.uri().clone(), original, granted });
        ready(Ok(response))
    })
}

type Done = Ready<Result<Response<()>, Infallible>>;

/// Sends a request through the layer, with a [`ConcealLayer`] around it or without; gives what the service saw.
fn send<V: Verify + Clone>(verify: &V, conceal: bool, optional: bool, request: Request<Empty<Bytes>>) -> Option<Seen> {
    fn answer<S, B>(mut service: S, request: Request<Empty<Bytes>>) -> Option<Seen>
    where
        S: Service<Request<Empty<Bytes>>, Response = Response<B>, Error = Infallible>,
    {
        match pin!(service.call(request)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => {
                let seen = response.extensions().get().cloned();
                assert_eq!(response.status().is_success(), seen.is_some(), "an answer without the service");
                seen
            }
            Poll::Pending => panic!("nothing here waits"),
        }
    }
    let layer = SignedUrlLayer::custom(verify.clone());
    let service = if optional { layer.optional() } else { layer }.layer(inner());
    if conceal {
        answer(ConcealLayer::custom(verify.clone()).layer(service), request)
    } else {
        answer(service, request)
    }
}

fn request(method: &Method, uri: &str) -> Request<Empty<Bytes>> {
    Request::builder().method(method).uri(uri).body(Empty::new()).unwrap_or_else(|error| panic!("{uri}: {error}"))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_minted_verifies(
        verifier in verifier(), target in target(), methods in subsequence(METHODS.to_vec(), 0..=6),
        id in proptest::option::of("[A-Za-z0-9_-]{1,64}"), start in proptest::option::of(0..=60_u64),
    ) {
        let signer = verifier.signer();
        let mint = methods.iter().fold(signer.url(&target), |mint, method| mint.method(method.clone()));
        let mint = id.iter().fold(mint, |mint, id| mint.id(id));
        let mint = start.iter().fold(mint, |mint, start| mint.not_before(at(NOW + start)));
        let link = mint.sign_until(at(NOW + 100));
        prop_assume!(link.is_ok());
        let link = link.unwrap();
        for method in METHODS {
            let request = request(&method, link.as_str());
            let allowed = match method {
                Method::GET => methods.is_empty() || methods.contains(&method),
                Method::HEAD => methods.is_empty() || methods.contains(&Method::GET) || methods.contains(&method),
                _ => methods.contains(&method),
            };
            let verified = verifier.verify(Head::of(&request)).map_err(|rejection| rejection.kind());
            prop_assert_eq!(verified.is_ok(), allowed, "{} {}", method, link);
            match verified {
                Ok(verified) => {
                    let grant = verified.discharge(Obligations::NONE).unwrap();
                    prop_assert_eq!((grant.expires_at(), grant.id()), (at(NOW + 100), id.as_deref()));
                    let signed_by = link.as_str().rsplit_once("sig=").unwrap().1.split_once('.').map(|(id, _)| id);
                    prop_assert_eq!(grant.key_id().map(KeyId::as_str), signed_by);
                }
                Err(kind) => prop_assert_eq!(kind, RejectionKind::Method),
            }
        }
    }

    #[test]
    fn what_passes_on_is_the_target_that_was_signed(
        verifier in verifier(), target in target(), conceal: bool, optional: bool, tracked: bool,
    ) {
        let link = mint(&verifier, &target);
        prop_assume!(link.is_ok());
        let (link, target) = if tracked {
            let separator = if target.contains('?') { '&' } else { '?' };
            (format!("{}&utm_source=m", link.unwrap()), format!("{target}{separator}utm_source=m"))
        } else {
            (link.unwrap().into_string(), target)
        };
        let seen = send(&verifier, conceal, optional, request(&Method::GET, &link)).expect("it is valid");
        prop_assert!(seen.granted);
        prop_assert_eq!(seen.uri.to_string(), target.clone());
        prop_assert_eq!(verifier.strip(&link), Some(target.clone()));
        prop_assert_eq!(verifier.hide(&link), Some(target));
    }

    #[test]
    fn what_is_minted_comes_back_from_a_browser_byte_for_byte(verifier in verifier(), target in target()) {
        let link = mint(&verifier, &target);
        prop_assume!(link.is_ok());
        let link = link.unwrap();
        let page = Url::parse("https://example.com/deep/down/page?x#y").unwrap();
        prop_assert_eq!(page.join(link.as_str()).map(String::from), Ok(format!("https://example.com{link}")));
        prop_assert_eq!(link.as_str().parse::<Uri>().unwrap().to_string(), link.as_str());
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn what_is_refused_would_not_have_come_back(target in awkward()) {
        let base = Url::parse("https://example.com/").unwrap();
        let read = base.join(&target).map(|url| url.as_str().strip_prefix("https://example.com").map(str::to_owned));
        let survives = read.ok().flatten().as_deref() == Some(&*target);
        match mint(&fixed_verifier(), &target) {
            Ok(_) => prop_assert!(survives, "{:?} was signed", target),
            Err(SignErrorKind::Character) => {
                // FORMAT section 7's list; of most, a parser re-encodes some in some places.
                let query = target.split_once('?').map_or("", |(_, query)| query);
                let listed = target.chars().any(|c| !c.is_ascii_graphic() || "\"<>`{}|\\^".contains(c));
                prop_assert!(listed || query.contains('\''), "{:?}", target);
            }
            Err(SignErrorKind::DotSegment) => prop_assert!(!survives, "{:?}", target),
            Err(SignErrorKind::Fragment) => prop_assert!(target.contains('#'), "{:?}", target),
            Err(SignErrorKind::Target) => prop_assert!(target.starts_with("//"), "{:?}", target),
            Err(SignErrorKind::ReservedName) => prop_assert!(
                ["exp", "sig", "~c2lnLXNjb3BlPS"].iter().any(|name| target.contains(name)), "{:?}", target
            ),
            Err(other) => prop_assert!(false, "{:?}: {:?}", target, other),
        }
    }

    #[test]
    fn an_absolute_url_comes_back_too(
        https: bool,
        host in prop_oneof![
            "[a-z0-9_-]{1,6}(\\.[a-z0-9_-]{1,6}){0,3}\\.?",
            "(xn--)?[a-z0-9-]{1,6}\\.(xn--[a-z0-9-]{0,6}|com|0x[0-9a-f]{0,3}|[0-9]{1,3})",
            "[A-Za-z%é．。\u{ad}]{1,3}\\.com",
            any::<std::net::Ipv4Addr>().prop_map(|address| address.to_string()),
            any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]")),
            "\\[[0-9a-f:]{2,9}\\]",
        ],
        port in proptest::option::of(prop_oneof![
            Just("80".to_owned()), Just("443".to_owned()), any::<u16>().prop_map(|port| port.to_string()), "[0-9]{0,6}",
        ]),
        path in "(/[a-z.%]{0,3}){0,2}",
    ) {
        let origin = if https { format!("https://{host}") } else { format!("http://{host}") };
        let origin = port.iter().fold(origin, |origin, port| format!("{origin}:{port}"));
        let signer = fixed_verifier().signer().allow_http_to(&host);
        let links = [
            signer.url(&format!("{origin}{path}")).sign_for(Duration::from_secs(60)).ok(),
            signer.clone().with_base(&format!("{origin}{path}")).ok()
                .and_then(|signer| signer.url("/a?b").sign_for(Duration::from_secs(60)).ok()),
        ];
        for link in links.iter().flatten() {
            let read = Url::parse(link.as_str()).map(String::from);
            prop_assert_eq!(read, Ok(link.to_string()));
            prop_assert_eq!(link.as_str().parse::<Uri>().map(|uri| uri.to_string()).ok(), Some(link.to_string()));
        }
    }

    #[test]
    fn no_byte_of_an_exact_url_can_be_changed(
        verifier in verifier(), target in target(), place: Index, byte: u8, how in 0..3_u8,
    ) {
        let link = mint(&verifier, &target);
        prop_assume!(link.is_ok());
        let link = link.unwrap();
        let changed = change(link.as_str(), place, byte, how);
        let text = String::from_utf8_lossy(&changed);
        prop_assert!(is_refused_or_the_same(&verifier, link.as_str(), &changed, Request::new(())), "{}", text);
    }
}

/// The link with a byte replaced, inserted or removed.
fn change(link: &str, place: Index, byte: u8, how: u8) -> Vec<u8> {
    let mut bytes = link.as_bytes().to_vec();
    match how {
        0 => bytes[place.index(link.len())] = byte,
        1 => bytes.insert(place.index(link.len() + 1), byte),
        _ => drop(bytes.remove(place.index(link.len()))),
    }
    bytes
}

/// Each change of one byte of a link, and what it is.
fn each_change(link: &str, mut judge: impl FnMut(&str, &[u8])) {
    for (place, was) in link.bytes().chain([0]).enumerate() {
        let (before, after) = link.as_bytes().split_at(place);
        for byte in 0..=u8::MAX {
            judge(&format!("{byte:#x} before {place}"), &[before, &[byte], after].concat());
            if byte != was && !after.is_empty() {
                judge(&format!("{byte:#x} at {place}"), &[before, &[byte], &after[1..]].concat());
            }
        }
        if !after.is_empty() {
            judge(&format!("without {place}"), &[before, &after[1..]].concat());
        }
    }
}

/// `http::Uri` reads some changes as no change: a fragment at the end, say.
fn is_refused_or_the_same(verifier: &Verifier, link: &str, bytes: &[u8], mut request: Request<()>) -> bool {
    match Uri::try_from(bytes) {
        Ok(uri) if uri.path_and_query().is_some_and(|read| read.as_str() == link) => true,
        Ok(uri) => {
            *request.uri_mut() = uri;
            let refusal = verifier.verify(Head::of(&request)).map(drop);
            refusal.is_err_and(|refusal| !refusal.is_authentic() && refusal.status() == 403)
        }
        Err(_) => true,
    }
}

#[test]
fn no_byte_of_a_figure_can_be_changed() {
    let verifier = fixed_verifier();
    let link = "/photos/cat.jpg?exp=1790000000&sig=FH3AB_Fk_WuVl-j69DjbqY8OKnjGnQBXyFd3dCuHJFA";
    assert!(send(&verifier, false, false, request(&Method::GET, link)).is_some_and(|seen| seen.granted));
    each_change(link, |what, changed| {
        assert!(is_refused_or_the_same(&verifier, link, changed, Request::new(())), "{what}");
    });
}
