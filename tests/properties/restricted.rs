//! Links with any of the format's restrictions: they hold for the request that they are for, and no byte of them can be
//! changed.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, Request, Uri};
use proptest::prelude::*;
use proptest::sample::{Index, subsequence};
use tower_signed_url::{Head, Mint, Obligations, SignedUrl, Verifier, Verify};
use url::Url;

use super::support::{NOW, at, figure_keys};
use super::{cases, change, each_change, is_refused_or_the_same, target};

type Restrict = for<'a> fn(Mint<'a>) -> Mint<'a>;

/// What each is called in a link, and how it gets there.
const RESTRICTIONS: [(&str, Restrict); 8] = [
    ("sig-start=", |mint| mint.not_before(at(NOW - 9))),
    ("sig-methods=", |mint| mint.method(Method::PUT).method(Method::POST)),
    ("sig-ip=", |mint| mint.client_ip("192.0.2.0/24").client_ip("2001:db8::1")),
    ("sig-bind=", |mint| mint.bind("user", "42").bind("tenant", "a:b")),
    ("sig-id=", |mint| mint.id("for_A-1")),
    ("sig-max-bytes=", |mint| mint.max_bytes(10)),
    ("sig-type=", |mint| mint.media_type("image/*")),
    ("sig-download=", |mint| mint.download("Öl & \"Öl\".txt")),
];

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys())
        .bind("user", |_| Some("42".into()))
        .bind("tenant", |_| Some("a:b".into()))
        .client_ip(|_| "192.0.2.7".parse().ok())
        .clock(|| at(NOW))
        .build()
        .unwrap()
}

fn link(verifier: &Verifier, target: &str, restrictions: &[usize]) -> Option<SignedUrl> {
    let signer = verifier.signer();
    let mint = restrictions.iter().fold(signer.url(target), |mint, place| RESTRICTIONS[*place].1(mint));
    mint.sign_until(at(NOW + 1000)).ok()
}

/// The request that such a link is for.
fn request(link: &str) -> Request<()> {
    let method = if link.contains("&sig-methods=") { Method::PUT } else { Method::GET };
    let request = Request::builder().method(method).uri(link);
    request.header(CONTENT_LENGTH, "3").header(CONTENT_TYPE, "image/png").body(()).unwrap()
}

fn restrictions() -> impl Strategy<Value = Vec<usize>> {
    subsequence((0..RESTRICTIONS.len()).collect::<Vec<_>>(), 0..=RESTRICTIONS.len()).prop_shuffle()
}

proptest! {
    #![proptest_config(cases(1000))]

    #[test]
    fn a_restricted_link_verifies_strips_and_comes_back(target in target(), restrictions in restrictions()) {
        let verifier = verifier();
        let link = link(&verifier, &target, &restrictions);
        prop_assume!(link.is_some());
        let link = link.unwrap().into_string();
        for (place, (name, _)) in RESTRICTIONS.iter().enumerate() {
            prop_assert_eq!(link.contains(&format!("&{name}")), restrictions.contains(&place), "{}", link);
        }
        let verified = verifier.verify(Head::of(&request(&link)));
        prop_assert!(verified.is_ok_and(|verified| verified.discharge(Obligations::DOWNLOAD).is_ok()), "{}", link);
        prop_assert_eq!(verifier.strip(&link), Some(target));
        let page = Url::parse("https://example.com/deep/down/page?x#y").unwrap();
        prop_assert_eq!(page.join(&link).map(String::from), Ok(format!("https://example.com{link}")));
        prop_assert_eq!(link.parse::<Uri>().unwrap().to_string(), link);
    }

    #[test]
    fn no_byte_of_a_restricted_link_can_be_changed(
        target in target(), restrictions in restrictions(), place: Index, byte: u8, how in 0..3_u8,
    ) {
        let verifier = verifier();
        let link = link(&verifier, &target, &restrictions);
        prop_assume!(link.is_some());
        let link = link.unwrap().into_string();
        let changed = change(&link, place, byte, how);
        let text = String::from_utf8_lossy(&changed);
        prop_assert!(is_refused_or_the_same(&verifier, &link, &changed, request(&link)), "{}", text);
    }
}

#[test]
fn no_byte_of_a_link_with_all_restrictions_can_be_changed() {
    let verifier = verifier();
    let all: Vec<usize> = (0..RESTRICTIONS.len()).collect();
    let link = link(&verifier, "/in/a?x=1", &all).unwrap().into_string();
    assert!(verifier.verify(Head::of(&request(&link))).is_ok(), "{link}");
    each_change(&link, |what, changed| {
        assert!(is_refused_or_the_same(&verifier, &link, changed, request(&link)), "{what}");
    });
}
