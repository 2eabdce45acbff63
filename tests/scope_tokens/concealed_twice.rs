//! A `ConcealLayer` for each of several verifiers: what one takes out, the next neither loses nor makes good, in any order.

use std::array::from_fn;

use RejectionKind::{Expired, Malformed, Missing, NotAuthentic, Unenforceable};
use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::any;
use http::header::REFERER;
use tower::util::BoxCloneSyncService;

use super::*;

const EXPIRED: &str = "sig-scope=/v/&exp=1789999000";
const PREFIXED_COOKIE: &str = "x-token";

fn plain() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).build().unwrap()
}

fn by_cookie() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE).build().unwrap()
}

fn by_path() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_path().build().unwrap()
}

fn prefixed() -> Verifier {
    let builder = Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(PREFIXED_COOKIE);
    builder.policy(Policy::new().prefix("x-")).build().unwrap()
}

/// An exact URL for `/v/a` that ends then.
fn exact(exp: &str) -> String {
    let covered = format!("/v/a?exp={exp}");
    format!("{covered}&sig={}", mac(&covered))
}

fn with_prefix(covered: &str) -> String {
    format!("{covered}&x-sig={}", mac(&format!("x-\n{covered}")))
}

type Boxed = BoxCloneSyncService<Request<Full<Bytes>>, Response<ResponseBody<Full<Bytes>>>, Infallible>;

/// The layer, and around it those that conceal, the first one outermost.
fn stack(conceal: &[Verifier], layer: &SignedUrlLayer) -> Boxed {
    let innermost = BoxCloneSyncService::new(layer.layer(service_fn(tell)));
    conceal
        .iter()
        .rev()
        .fold(innermost, |inner, verifier| BoxCloneSyncService::new(ConcealLayer::new(verifier).layer(inner)))
}

/// All orders of the four verifiers, and one in which each conceals twice.
fn orders() -> Vec<Vec<Verifier>> {
    let all = [plain(), by_cookie(), by_path(), prefixed()];
    let mut orders: Vec<Vec<Verifier>> = Vec::new();
    for place in 0..256 {
        let order: [usize; 4] = from_fn(|n| place >> (2 * n) & 3);
        if (0..4).all(|n| order.contains(&n)) {
            orders.push(order.map(|n| all[n].clone()).into());
        }
    }
    assert_eq!(orders.len(), 24);
    orders.push([&all[..], &all[..]].concat());
    orders
}

/// Whether nothing that the service was called with holds a piece of a credential.
fn assert_clean(name: &str, seen: &Parts) {
    let fields = seen.headers.values().map(|value| str::from_utf8(value.as_bytes()).unwrap().to_owned());
    let original = seen.extensions.get::<OriginalUri>().map(|original| original.0.to_string());
    let shown: Vec<_> = fields.chain(original).chain([seen.uri.to_string()]).collect();
    for shown in shown {
        for secret in ["exp=", "sig", "token", "c2ln"] {
            assert!(!shown.contains(secret), "{name}: {shown}");
        }
    }
    assert_eq!(values(&seen.headers, "cookie"), ["a=1"], "{name}");
}

type Row<'r> = (&'r str, &'r Verifier, String, Vec<String>, (u16, Option<RejectionKind>, Option<(String, bool)>));

#[test]
fn no_order_of_layers_loses_what_one_of_them_took() {
    let (plain, by_cookie, by_path, prefixed) = (&plain(), &by_cookie(), &by_path(), &prefixed());
    let (good, dead) = (exact("1790000000"), exact("1789999000"));
    let (none, half, tampered_link) = ("/v/a".to_owned(), "/v/a?exp=1790000000".to_owned(), good.replace("/a", "/b"));
    let x_good = with_prefix("/v/a?x-exp=1790000000");
    let x_dead = with_prefix("/v/a?x-exp=1789999000");
    let both = format!("/v/a?x-exp=1&x-sig=2&exp=1790000000&sig={}", mac("/v/a?x-exp=1&x-sig=2&exp=1790000000"));
    let in_path = |covered: &str| format!("/~{}/v/a", encode(&token(covered)));
    let named = |name: &str, token: &str| format!("{name}={}", encode(token));
    let cookie = named(DEFAULT_COOKIE, &token(COVERED));
    let (junk, x_junk) = (format!("{DEFAULT_COOKIE}=x"), format!("{PREFIXED_COOKIE}=x"));
    let bad = named(DEFAULT_COOKIE, &format!("{COVERED}&sig={}", mac("another")));
    let dead_cookie = named(DEFAULT_COOKIE, &token(EXPIRED));
    let x_cookie = named(PREFIXED_COOKIE, &with_prefix("x-sig-scope=/v/&x-exp=1790000000"));
    let x_bad = named(PREFIXED_COOKIE, &with_prefix("x-sig-scope=/v/&x-exp=1789999000"));
    let [granted, gone] = [granted("/v/a"), refused(Expired)];
    let [missing, malformed, not_authentic] = [Missing, Malformed, NotAuthentic].map(refused);
    let rows: Vec<Row<'_>> = vec![
        ("a link", plain, good.clone(), vec![], granted.clone()),
        ("a link, a cookie of no use", plain, good.clone(), vec![junk.clone()], granted.clone()),
        ("a link, both cookies of no use", plain, good.clone(), vec![junk.clone(), x_junk.clone()], granted.clone()),
        ("a link, a good cookie", plain, good.clone(), vec![cookie.clone()], granted.clone()),
        ("an expired link", plain, dead.clone(), vec![], gone.clone()),
        ("an expired link, a cookie of no use", plain, dead.clone(), vec![junk.clone()], gone.clone()),
        ("an expired link, a good cookie", plain, dead.clone(), vec![cookie.clone()], gone.clone()),
        ("tampered with, a good cookie", plain, tampered_link.clone(), vec![cookie.clone()], not_authentic.clone()),
        ("half a link, a good cookie", plain, half.clone(), vec![cookie.clone()], malformed.clone()),
        ("a cookie that is not read", plain, none.clone(), vec![cookie.clone(), x_cookie.clone()], missing.clone()),
        ("nothing", plain, none.clone(), vec![], missing.clone()),
        ("a link that is another's", plain, x_good.clone(), vec![], malformed.clone()),
        ("a link that is another's, a cookie", plain, x_good.clone(), vec![cookie.clone()], malformed.clone()),
        ("two links", plain, both.clone(), vec![], malformed.clone()),
        ("two links, cookies", plain, both.clone(), vec![cookie.clone(), x_cookie.clone()], malformed.clone()),
        ("cookie: a good one", by_cookie, none.clone(), vec![cookie.clone()], granted.clone()),
        ("cookie: another's", by_cookie, none.clone(), vec![x_cookie.clone()], missing.clone()),
        ("cookie: and another's", by_cookie, none.clone(), vec![cookie.clone(), x_cookie.clone()], granted.clone()),
        ("cookie: behind another's", by_cookie, none.clone(), vec![format!("{x_junk}; {cookie}")], granted.clone()),
        ("cookie: a link, a good one", by_cookie, good.clone(), vec![cookie.clone()], granted.clone()),
        ("cookie: a link, a bad one", by_cookie, good.clone(), vec![bad.clone()], granted.clone()),
        ("cookie: an expired link, a good one", by_cookie, dead, vec![cookie.clone()], gone.clone()),
        ("cookie: tampered with, a good one", by_cookie, tampered_link, vec![cookie.clone()], not_authentic),
        ("cookie: half a link, a good one", by_cookie, half, vec![cookie.clone()], malformed.clone()),
        ("cookie: a link that is another's", by_cookie, x_good.clone(), vec![cookie.clone()], malformed.clone()),
        ("cookie: the same, a bad one", by_cookie, x_good.clone(), vec![bad], malformed.clone()),
        ("cookie: the same, an expired one", by_cookie, x_good.clone(), vec![dead_cookie], malformed.clone()),
        ("cookie: two links, a good one", by_cookie, both.clone(), vec![cookie.clone()], malformed.clone()),
        ("cookie: a token in the path", by_cookie, in_path(COVERED), vec![cookie.clone()], refused(Unenforceable)),
        ("path: a token", by_path, in_path(COVERED), vec![], granted.clone()),
        ("path: a token, cookies", by_path, in_path(COVERED), vec![junk.clone(), x_cookie.clone()], granted.clone()),
        ("path: an expired token, cookies", by_path, in_path(EXPIRED), vec![cookie, x_cookie.clone()], gone.clone()),
        ("path: and half a link", by_path, in_path(COVERED) + "?exp=1", vec![junk.clone()], malformed.clone()),
        ("path: and another's link", by_path, in_path(COVERED) + "?x-exp=1", vec![junk.clone()], malformed.clone()),
        ("prefix: a link", prefixed, x_good.clone(), vec![junk.clone()], granted.clone()),
        ("prefix: a link, cookies", prefixed, x_good, vec![junk.clone(), x_cookie.clone()], granted.clone()),
        ("prefix: an expired link, cookies", prefixed, x_dead, vec![junk.clone(), x_cookie.clone()], gone),
        ("prefix: a cookie", prefixed, none, vec![junk, x_cookie.clone()], granted),
        ("prefix: a link that is another's", prefixed, good.clone(), vec![x_cookie.clone()], malformed.clone()),
        ("prefix: the same, a bad cookie", prefixed, good, vec![x_bad], malformed.clone()),
        ("prefix: two links", prefixed, both, vec![x_cookie], malformed),
    ];
    let orders = orders();
    for (name, verifier, target, cookies, expected) in rows {
        let absent = expected.1 == Some(Missing);
        let strict = SignedUrlLayer::new(verifier);
        let lenient = (strict.clone().optional(), if absent { anonymous("/v/a") } else { expected.clone() });
        for (layer, expected) in [(strict, expected), lenient] {
            for (at, order) in orders.iter().enumerate() {
                let name = format!("{name}, order {at}");
                let mut fields: Vec<_> = cookies.iter().map(String::as_str).collect();
                fields.insert(0, "a=1");
                let mut request = with_cookies(&target, &fields);
                request.headers_mut().insert(REFERER, format!("https://example.com{target}").parse().unwrap());
                let answer = respond(stack(order, &layer), request);
                assert_eq!(result(&answer), expected, "{name}");
                if let Some(seen) = seen(&answer) {
                    assert_clean(&name, seen);
                }
            }
        }
    }
}

/// What only one layer knows to be wrong is not forgotten by the others.
#[test]
fn a_fault_that_one_layer_found_stays() {
    let (good, cookie) = (exact("1790000000"), format!("{DEFAULT_COOKIE}={}", encode(&token(COVERED))));
    for verifier in [plain(), by_cookie(), by_path(), prefixed()] {
        let layer = SignedUrlLayer::new(&verifier).optional();
        for order in orders() {
            let mut rewritten = with_cookies(&good, &[&cookie, &format!("{PREFIXED_COOKIE}=x")]);
            rewritten.extensions_mut().insert(OriginalUri(good.replace("/a", "/b").parse().unwrap()));
            assert_eq!(result(&respond(stack(&order, &layer), rewritten)), refused(Malformed));
        }
    }
    // A router has chosen the route by the token, and a layer further in takes a cookie.
    let routed = |outer: Verifier, inner: Verifier| {
        Router::new()
            .route("/{*rest}", any(async || "served").layer(SignedUrlLayer::new(by_cookie()).optional()))
            .layer(ConcealLayer::new(inner))
            .layer(ConcealLayer::new(outer))
    };
    for (outer, inner) in [(by_path(), by_cookie()), (by_cookie(), by_path())] {
        let request = with_cookies(&format!("/~{}/v/a", encode(&token(COVERED))), &[&cookie]);
        assert_eq!(result(&respond(routed(outer, inner), request)), refused(Malformed));
    }
}

#[test]
fn an_expiry_that_was_taken_out_is_missed_behind_any_number_of_layers() {
    for order in orders() {
        let innermost = BoxCloneSyncService::new(SoftExpiryLayer::unsigned().layer(service_fn(tell)));
        let stack = order
            .iter()
            .fold(innermost, |inner, verifier| BoxCloneSyncService::new(ConcealLayer::new(verifier).layer(inner)));
        let junk = [format!("{DEFAULT_COOKIE}=x"), format!("{PREFIXED_COOKIE}=x")];
        let request = with_cookies("/v/a?exp=1789999000", &[&junk[0], &junk[1]]);
        assert_eq!(result(&respond(stack, request)), refused(Unenforceable));
    }
}

/// Extensions that a middleware keeps, and gives to another request.
#[test]
fn what_was_taken_out_of_one_request_opens_no_other() {
    let good = exact("1790000000");
    let kept = respond(ConcealLayer::new(plain()).layer(service_fn(tell)), get(&good)).into_parts().0;
    let kept = kept.extensions.get::<Seen>().unwrap().0.extensions.clone();
    let junk = format!("{DEFAULT_COOKIE}=x");
    for (name, target, expected) in [
        ("the same", "/v/a", granted("/v/a")),
        ("another path", "/v/b", refused(Malformed)),
        ("another query", "/v/a?x", refused(Malformed)),
        ("a link of its own", &good, refused(Malformed)),
        ("half a link", "/v/a?sig", refused(Malformed)),
    ] {
        for order in [vec![plain(), by_cookie()], vec![by_cookie(), plain()], vec![by_cookie()]] {
            let mut request = with_cookies(target, &[&junk]);
            *request.extensions_mut() = kept.clone();
            let answer = respond(stack(&order, &SignedUrlLayer::new(plain()).optional()), request);
            assert_eq!(result(&answer), expected, "{name}");
        }
    }
}
