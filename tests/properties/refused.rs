//! A refusal allocates nothing, whatever is refused, where no context is bound, no token has to be decoded, and no list
//! has more than 16 entries.

use std::fmt::Debug;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use proptest::sample::select;
use tower_signed_url::{Head, Policy, Rejection, Verifier, Verify};

use super::hostile::{Judge, judge, uri};
use super::support::by_hand::signed;
use super::support::{NOW, at, figure_keys};
use super::{METHODS, cases};

/// What a verifier may be set up to enforce.
#[derive(Clone, Copy, Debug)]
enum Enforces {
    /// The format's rules alone.
    Little,
    /// Addresses as well, and lifetimes of a minute.
    Much,
    /// A context that the links here do not bind.
    Context,
}

impl Enforces {
    fn verifier(self) -> Verifier {
        let policy = Policy::new().tolerate("utm_source");
        let builder = Verifier::builder(&figure_keys()).clock(|| at(NOW)).policy(policy.clone());
        let builder = match self {
            Self::Little => builder,
            Self::Much => {
                let policy = policy.max_lifetime(Duration::from_secs(60));
                builder.policy(policy).client_ip(|_| "192.0.2.7".parse().ok())
            }
            Self::Context => builder.bind("user", |_| Some("42".into())).require("user"),
        };
        builder.build().unwrap()
    }
}

/// Parameters of a run, most of them sound, in any order.
fn run() -> impl Strategy<Value = String> {
    let exp = select(vec!["exp=1790000000", "exp=1789999001", "exp=1789998999", "exp=4000000000", "exp=0", "exp"]);
    let restriction = prop_oneof![
        9 => select(
            "sig-start=1789998000 sig-start=1789999999 sig-start= sig-methods=PUT sig-methods=GET,POST sig-methods=PUT,PUT \
             sig-ip=192.0.2.7 sig-ip=198.51.100.0/24,2001:db8::/32 sig-ip=192.0.2.7/24 sig-id=a sig-id=a.b sig-uses=3 \
             sig-max-bytes=2 sig-max-bytes=99 sig-max-bytes=+1 sig-type=image/png sig-type=*/* sig-download=a%C3%A4.txt \
             sig-download=%2F sig-scope=/a/ sig-x=1 sig-x sig x=1 utm_source=m"
                .split_ascii_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        ),
        1 => "sig-(download|type|methods|ip|start|id|max-bytes)=[!$%*+,./:;=?@A-Za-z0-9-]{0,99}",
        1 => list(),
    ];
    (exp, proptest::collection::vec(restriction, 0..4))
        .prop_map(|(exp, restrictions)| restrictions.iter().fold(exp.to_owned(), |run, next| format!("{run}&{next}")))
}

/// Up to sixteen entries: longer lists are compared on the heap.
fn list() -> impl Strategy<Value = String> {
    (0..16_u8, 0..16_u8, any::<bool>()).prop_map(|(entries, repeated, methods)| {
        let numbers = (0..entries).chain((repeated < entries).then_some(repeated));
        let method = |n: u8| format!("{}{}", char::from(b'A' + n % 26), "-".repeat(usize::from(n / 26)));
        if methods {
            format!("sig-methods={}", numbers.map(method).collect::<Vec<_>>().join(","))
        } else {
            format!("sig-ip={}", numbers.map(|n| format!("192.0.2.{n}")).collect::<Vec<_>>().join(","))
        }
    })
}

/// A target, an exact URL's or with a scope token in its query, under the MAC of the right key.
fn signed_target() -> impl Strategy<Value = String> {
    let path = select(vec!["/a/b", "/a/", "/", "/a/../b", "/a/%2e%2e/b", "/a//b", "/a/%C3%A4;x", "/%zz"]);
    let after = select(vec!["", "", "", "&utm_source=m", "&x=1", "&sig-x", "&exp=1"]);
    (path, run(), after, any::<bool>()).prop_map(|(path, run, after, token)| {
        if token {
            format!("{path}?{}{after}", signed(&format!("sig-scope=/a/&{run}")))
        } else {
            format!("{}{after}", signed(&format!("{path}?{run}")))
        }
    })
}

fn headers() -> impl Strategy<Value = Vec<(HeaderName, HeaderValue)>> {
    let field = select(vec![
        (CONTENT_LENGTH, HeaderValue::from_static("3")),
        (CONTENT_LENGTH, HeaderValue::from_static("18446744073709551616")),
        (CONTENT_TYPE, HeaderValue::from_static("image/png; q=\"a,b\"")),
        (CONTENT_TYPE, HeaderValue::from_static("text/html, image/png")),
        (TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
    ]);
    proptest::collection::vec(field, 0..3)
}

fn refuse<T: Debug>(verifier: &Verifier, request: &Request<T>) -> Result<Option<Rejection>, TestCaseError> {
    let verify = || verifier.verify(Head::of(request)).map(drop).err();
    // The first load of an `ArcSwap` on a thread allocates.
    let Some(refusal) = verify() else { return Ok(None) };
    let allocated = allocation_counter::measure(|| {
        verify();
    });
    prop_assert_eq!(allocated.count_total, 0, "{} {}: {}", request.method(), request.uri(), refusal);
    Ok(Some(refusal))
}

proptest! {
    // What is accepted does not count: at most every other request.
    #![proptest_config(ProptestConfig { max_global_rejects: 10_000, ..cases(10_000) })]

    #[test]
    fn refusing_a_correctly_signed_link_allocates_nothing(
        enforces in select(vec![Enforces::Little, Enforces::Much, Enforces::Much, Enforces::Context]),
        target in signed_target(), method in select(METHODS.to_vec()), headers in headers(),
    ) {
        let mut request = Request::builder().method(method).uri(&target).body(()).unwrap();
        request.headers_mut().extend(headers);
        prop_assume!(refuse(&enforces.verifier(), &request)?.is_some());
    }

    #[test]
    fn refusing_any_target_allocates_nothing(
        judge in judge().prop_filter("lets all in", |judge| !matches!(judge, Judge::Anything)), uri in uri(),
        method in select(METHODS.to_vec()),
    ) {
        let mut request = Request::builder().method(method).body(()).unwrap();
        *request.uri_mut() = uri;
        prop_assume!(refuse(&judge.verifier(), &request)?.is_some());
    }
}

#[test]
fn refusing_a_media_type_allocates_nothing() {
    let target = signed("/a?exp=1790000000&sig-type=image/png");
    for sent in ["text/plain", "text/plain; q=\"a,b\"", "image/png, text/html", "image/png;x=\"a", ""] {
        let request = Request::get(&target).header(CONTENT_LENGTH, "3").header(CONTENT_TYPE, sent).body(()).unwrap();
        let refusal = refuse(&Enforces::Little.verifier(), &request).unwrap();
        assert_eq!(refusal.map(|refusal| refusal.status().as_u16()), Some(415), "{sent}");
    }
}
