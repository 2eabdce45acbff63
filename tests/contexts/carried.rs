//! Scope tokens that bind contexts, whatever they come in, and what is taken out of a request before it is judged.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use tower::Layer;
use tower::service_fn;
use tower_signed_url::RejectionKind::{Context, NotAuthentic, PasswordRequired, Unenforceable};
use tower_signed_url::{ConcealLayer, DEFAULT_COOKIE, Rejection, RejectionKind, SignedUrlLayer, Verifier};

use super::log::{boxed, respond};
use super::{Outcome, builder, check, get, get_by, link, sign, unsigned};

fn token(names: &str, lines: &str) -> String {
    sign(&format!("sig-scope=/b/&exp=1790000000&sig-bind={names}"), lines)
}

fn verifier() -> Verifier {
    builder().token_cookie(DEFAULT_COOKIE).token_path().build().unwrap()
}

fn encode(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(token)
}

#[test]
fn a_token_is_bound_whatever_it_comes_in() {
    let signed = token("user", "\nuser:42");
    let exact = sign("/b/a?exp=1790000000&sig-bind=user", "\nuser:42");
    let of_exact = exact.rsplit_once('=').unwrap().1;
    let (wrong, none): (Outcome, Outcome) = (unsigned(NotAuthentic), unsigned(Context));
    for (name, token, user, expected) in [
        ("as it was signed", signed.clone(), Some("42"), Ok(())),
        ("another user", signed.clone(), Some("43"), wrong),
        ("nobody", signed.clone(), None, none),
        ("a line break", token("user", "\nuser:4\n2"), Some("4\n2"), none),
        ("not bound", signed.replace("&sig-bind=user", ""), Some("42"), wrong),
        ("bound to another name", signed.replace("=user", "=role"), Some("42"), none),
        ("signed without lines", token("user", ""), Some("42"), wrong),
        ("an exact URL's MAC", format!("{}{of_exact}", &signed[..signed.len() - 43]), Some("42"), wrong),
        ("no source", token("nobody", "\nnobody:42"), Some("42"), unsigned(Unenforceable)),
    ] {
        let carried = [
            ("query", get(&format!("/b/a?{token}"), &[])),
            ("path", get(&format!("/~{}/b/a", encode(&token)), &[])),
            ("cookie", get("/b/a", &[("cookie", format!("{DEFAULT_COOKIE}={}", encode(&token)).as_bytes())])),
        ];
        for (carrier, mut request) in carried {
            request.extensions_mut().extend(get_by("/", user.unwrap_or_default()).extensions().clone());
            if user.is_none() {
                request.extensions_mut().clear();
            }
            check(&verifier(), &format!("{carrier}: {name}"), &request, expected);
        }
    }
    let malformed = sign("sig-scope=/b/&exp=1790000000&sig-bind=User", "");
    check(&verifier(), "syntax", &get_by(&format!("/b/a?{malformed}"), "42"), unsigned(RejectionKind::Malformed));
    let first = sign("sig-scope=/b/&sig-bind=user&exp=1790000000", "\nuser:42");
    check(&verifier(), "before `exp`", &get_by(&format!("/b/a?{first}"), "42"), unsigned(RejectionKind::Malformed));
    let exact_with_token_mac = format!("{}{}", &exact[..exact.len() - 43], signed.rsplit_once('=').unwrap().1);
    check(&verifier(), "a token's MAC", &get_by(&exact_with_token_mac, "42"), wrong);
}

#[test]
fn a_cookie_that_needs_a_password_asks_for_it() {
    let signed = encode(&token("password", "\npassword:pw"));
    let cookie = format!("{DEFAULT_COOKIE}={signed}");
    let lines: &[(&str, &[u8])] = &[("cookie", cookie.as_bytes()), ("authorization", b"Basic OnB3")]; // `:pw`
    check(&verifier(), "right", &get("/b/a", lines), Ok(()));
    check(&verifier(), "absent", &get("/b/a", &lines[..1]), Err((PasswordRequired, 401, false)));
    let optional = SignedUrlLayer::new(verifier()).optional();
    let answer = super::ask(&optional, &get("/b/a", &lines[..1]));
    assert_eq!((answer.status().as_u16(), answer.headers().contains_key("www-authenticate")), (200, false), "optional");
}

/// A session's cookie, and a token's beside it: what a `ConcealLayer` takes out must not make one cookie two.
#[test]
fn the_cookies_beside_a_concealed_token_are_what_they_were() {
    let by_session = |target: &str, cookies: &[&str]| {
        let mut request = Request::get(target).body(axum::body::Body::empty()).unwrap();
        for cookie in cookies {
            request.headers_mut().append("cookie", cookie.parse().unwrap());
        }
        request
    };
    let token = format!("{DEFAULT_COOKIE}={}", encode(&token("session", "\nsession:abc")));
    let exact = link("session", "\nsession:abc");
    // Answers with the `Cookie` fields that it was given.
    let service = service_fn(async |request: axum::extract::Request| {
        let mut response = axum::response::Response::new(axum::body::Body::empty());
        for field in request.headers().get_all("cookie") {
            response.headers_mut().append("x-cookie", field.clone());
        }
        Ok::<_, std::convert::Infallible>(response)
    });
    let signed = || SignedUrlLayer::new(verifier()).layer(service);
    for (name, target, cookies, expected) in [
        ("a link", &*exact, &["session=abc"][..], Ok(&["session=abc"][..])),
        ("a link, others beside it", &exact, &["a=1; session=abc; b=2"], Ok(&["a=1; session=abc; b=2"])),
        ("a link, a token beside it", &exact, &[&format!("session=abc; {token}")], Ok(&["session=abc"])),
        ("a link, a token in another field", &exact, &["session=abc", &token], Ok(&["session=abc"])),
        ("a token", "/b/a", &[&format!("session=abc; {token}")], Ok(&["session=abc"])),
        ("a token first", "/b/a", &[&format!("{token}; session=abc; b=2")], Ok(&["session=abc; b=2"])),
        ("a token in another field", "/b/a", &["session=abc", &token], Ok(&["session=abc"])),
        ("two tokens", "/b/a", &[&format!("{token}; session=abc; {token}")], Ok(&["session=abc"])),
        ("a token, another's session", "/b/a", &[&format!("session=abd; {token}")], Err(NotAuthentic)),
        ("a token, two sessions", "/b/a", &[&format!("session=abc; {token}; session=abc")], Err(Context)),
        ("a token, no session", "/b/a", &[&token], Err(Context)),
    ] {
        for (arrangement, service) in [
            ("the layer alone", boxed(signed())),
            ("ConcealLayer", boxed(ConcealLayer::new(verifier()).layer(signed()))),
        ] {
            let (answer, _) = respond(service, by_session(target, cookies));
            let found = match answer.extensions().get().map(Rejection::kind) {
                Some(kind) => Err(kind),
                None => {
                    let left = answer.headers().get_all("x-cookie").iter();
                    Ok(left.map(|field| field.to_str().unwrap()).collect::<Vec<_>>())
                }
            };
            assert_eq!(found, expected.map(<[&str]>::to_vec), "{arrangement}: {name}");
        }
    }
}
