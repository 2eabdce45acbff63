//! `CsrfLayer`: it knows of no links. An upload by link from another site's page is one that it refuses, in either order,
//! unless that site is trusted; and a token in a cookie that may do more than read is what it is for.

use axum::Router;
use axum::response::Html;
use axum::routing::{any, get, post};
use http::{HeaderMap, Method};
use tower::layer::util::Identity;
use tower_http::csrf::CsrfLayer;
use tower_signed_url::{DEFAULT_COOKIE, SignedUrlLayer, Verifier};

use crate::browser::Browser;
use crate::support::{NOW, at, cookie, exchange, figure_keys, fixed_verifier};
use crate::wire::{Server, signed as sign};
use crate::{FRESH, NO_STORE, STALE, link, signed, told};

const PAGE: &str = "https://page.example.com";
const CROSS_SITE: [(&str, &str); 2] = [("origin", PAGE), ("sec-fetch-site", "cross-site")];
const SAME_ORIGIN: [(&str, &str); 1] = [("sec-fetch-site", "same-origin")];
/// A form on a page with `Referrer-Policy: no-referrer`, which the layer sets, does not say where it is.
const FORM: [(&str, &str); 2] = [("origin", "null"), ("sec-fetch-site", "same-origin")];
/// The same where browsers say nothing else: over plain HTTP, but to this machine.
const FORM_WITHOUT_TLS: [(&str, &str); 1] = [("origin", "null")];

fn routes() -> Router {
    Router::new().route("/inbox/cat.png", any(|| async { "done" }))
}

#[test]
fn an_upload_from_another_site_needs_a_trusted_origin_in_either_order() {
    let csrf = CsrfLayer::new;
    let trusting = || CsrfLayer::new().add_trusted_origin(PAGE).unwrap();
    let signer = fixed_verifier().signer();
    let upload = signer.url("/inbox/cat.png").method(Method::PUT).method(Method::GET);
    let upload = upload.sign_until(at(NOW + 1000)).unwrap().into_string();
    let expired = sign(&format!("/inbox/cat.png?exp={NOW}&sig-methods=PUT,GET"));
    let passes = (200, FRESH);
    let gone = (410, NO_STORE);
    // Its own refusal, which inside gets what everything behind a link gets.
    let (outside, inside) = ((403, None), (403, STALE));

    for (order, servers, by_csrf, expired_by_csrf) in [
        ("outside", stacks!(routes(), csrf(), signed()), outside, outside),
        ("inside", stacks!(routes(), signed(), csrf()), inside, gone),
        ("outside, trusting", stacks!(routes(), trusting(), signed()), passes, gone),
        ("inside, trusting", stacks!(routes(), signed(), trusting()), passes, gone),
    ] {
        let not_trusted = if order.starts_with("outside") { outside } else { inside };
        for (stack, server) in &servers {
            for (row, method, target, headers, expected) in [
                ("PUT, cross-site", "PUT", &upload, &CROSS_SITE[..], by_csrf),
                ("PUT, cross-site, expired", "PUT", &expired, &CROSS_SITE, expired_by_csrf),
                ("PUT, same origin", "PUT", &upload, &SAME_ORIGIN, passes),
                ("PUT, no browser", "PUT", &upload, &[], passes),
                ("PUT, a form behind a link", "PUT", &upload, &FORM, passes),
                ("PUT, a form behind a link, no TLS", "PUT", &upload, &FORM_WITHOUT_TLS, not_trusted),
                ("GET, cross-site", "GET", &upload, &CROSS_SITE, passes),
                ("GET, cross-site, expired", "GET", &expired, &CROSS_SITE, gone),
            ] {
                let reply = exchange(server.address, method, target, headers, b"");
                assert_eq!(told(&reply), expected, "{order}, {stack}: {row}");
            }
        }
    }
}

#[test]
fn a_token_in_a_cookie_that_may_write_is_protected_in_either_order() {
    let builder = || Verifier::builder(&figure_keys()).clock(|| at(NOW)).token_cookie(DEFAULT_COOKIE);
    let reading = || SignedUrlLayer::new(builder().build().unwrap());
    let writing = || SignedUrlLayer::new(builder().allow_any_method_by_cookie().build().unwrap());
    let signer = fixed_verifier().signer();
    let token = signer.scope("/inbox/").method(Method::DELETE).method(Method::GET);
    let cookie = cookie(&token.sign_until(at(NOW + 1000)).unwrap());
    let cookie = [("cookie", &*cookie)];

    let none = Identity::new;
    let passes = (200, FRESH);
    let by_layer = (403, NO_STORE);
    for (order, servers, same_origin, cross_site) in [
        ("none, what a cookie may do", stacks!(routes(), reading(), none()), by_layer, by_layer),
        ("none, any method", stacks!(routes(), writing(), none()), passes, passes),
        ("outside", stacks!(routes(), CsrfLayer::new(), writing()), passes, (403, None)),
        ("inside", stacks!(routes(), writing(), CsrfLayer::new()), passes, (403, STALE)),
    ] {
        for (stack, server) in &servers {
            for (row, method, headers, expected) in [
                ("DELETE, same origin", "DELETE", &SAME_ORIGIN[..], same_origin),
                ("DELETE, cross-site", "DELETE", &CROSS_SITE, cross_site),
                ("GET, cross-site", "GET", &CROSS_SITE, passes),
            ] {
                let headers = [headers, &cookie].concat();
                let reply = exchange(server.address, method, "/inbox/cat.png", &headers, b"");
                assert_eq!(told(&reply), expected, "{order}, {stack}: {row}");
            }
        }
    }
}

#[test]
fn a_form_on_a_page_behind_a_link_is_of_the_same_origin() {
    const PAGE: &str = "<form method=post action=/own><button>Send</button></form>";
    let Some(browser) = Browser::start() else { return };
    let tell = async |headers: HeaderMap| {
        ["origin", "sec-fetch-site"]
            .map(|name| headers.get(name).map_or("none", |value| value.to_str().unwrap()))
            .join(" ")
    };
    let routes = Router::new().route("/page", get(async || Html(PAGE))).route_layer(signed());
    let server = Server::start(routes.route("/own", post(tell)).layer(CsrfLayer::new()));
    browser.open(&server.url(&link("/page")));
    browser.click("button");
    browser.wait_until("location.pathname == '/own' && document.readyState == 'complete'");
    assert_eq!((browser.status(), &*browser.text()), (200, "null same-origin"));
}
