//! A password goes no further than the layer: neither the service nor a log nor a cache is given it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version};
use tower::{Layer, ServiceBuilder, service_fn};
use tower_signed_url::{
    Cache, ConcealLayer, DEFAULT_COOKIE, Decision, Grant, Head, Policy, Rejection, RejectionKind, SignedUrlLayer,
    Verify, reject,
};

use super::log::{Boxed, answer, boxed, plain_trace, respond};
use super::{CHALLENGE, EXP, ask, at, builder, check, get, link, seen, sign, verifier};

pub(super) fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

pub(super) fn with_password(target: &str, password: &str) -> Request<()> {
    get(target, &[("authorization", basic(&format!("user:{password}")).as_bytes())])
}

pub(super) fn bound() -> String {
    link("password", "\npassword:hunter2")
}

fn dead() -> String {
    sign("/a?exp=1789999000&sig-bind=password", "\npassword:hunter2")
}

#[test]
fn the_service_sees_no_password_and_every_other_authorization() {
    let right = basic("user:hunter2");
    let plain = sign("/a?exp=1790000000", "");
    let by_role = link("role", "\nrole:admin");
    let layer = SignedUrlLayer::new(verifier());
    for (name, layer, target, lines, left) in [
        ("a link that binds it", layer.clone(), bound(), &[&*right][..], &[][..]),
        ("one that binds more", layer.clone(), link("role,password", "\nrole:admin\npassword:hunter2"), &[&right], &[]),
        ("one that binds nothing", layer.clone(), plain.clone(), &[&right], &[&*right]),
        ("one that binds something else", layer.clone(), by_role, &[&right], &[&right]),
        ("another scheme", layer.clone(), plain.clone(), &["Bearer abc"], &["Bearer abc"]),
        ("two fields", layer.clone(), plain.clone(), &["Bearer abc", &right], &["Bearer abc", &right]),
        ("no link", layer.clone().optional(), "/a".into(), &[&right], &[&right]),
        (
            "a scope token",
            layer,
            format!("/b/a?{}", sign("sig-scope=/b/&exp=1790000000&sig-bind=password", "\npassword:hunter2")),
            &[&right],
            &[],
        ),
    ] {
        let mut request = get(&target, &[("x-role", b"admin"), ("proxy-authorization", right.as_bytes())]);
        for line in lines {
            request.headers_mut().append("authorization", line.parse().unwrap());
        }
        let answer = ask(&layer, &request);
        let parts = seen(&answer).unwrap_or_else(|| panic!("{name}: {answer:?}"));
        let found: Vec<_> = parts.headers.get_all("authorization").iter().collect();
        assert_eq!(found, left, "{name}");
        assert_eq!(parts.headers["proxy-authorization"], right, "{name}");
        assert!(parts.uri.query().is_none(), "{name}");
    }
}

#[test]
fn neither_live_authorization_nor_what_was_concealed_brings_it_back() {
    let forbid = async |_: Grant, parts: http::request::Parts| {
        Ok(if parts.headers.contains_key("authorization") { Decision::Forbidden } else { Decision::Allow })
    };
    let service = service_fn(async |request: axum::extract::Request| {
        assert!(!request.headers().contains_key("authorization"));
        answer(request).await
    });
    let live = || SignedUrlLayer::new(verifier()).authorize(forbid).layer(service);
    for (name, service) in [
        ("live", boxed(live())),
        ("concealed", boxed(ConcealLayer::new(verifier()).layer(SignedUrlLayer::new(verifier()).layer(service)))),
        ("both", boxed(ConcealLayer::new(verifier()).layer(live()))),
    ] {
        let request = with_password(&bound(), "hunter2").map(|()| axum::body::Body::empty());
        assert_eq!(respond(service, request).0.status(), 200, "{name}");
    }
}

#[test]
fn a_callback_is_shown_no_password_that_the_link_asked_for() {
    let shows = |rejected: tower_signed_url::Rejected<'_>| {
        let shown = if rejected.headers().contains_key("authorization") { "shown" } else { "gone" };
        Response::builder().status(rejected.status()).header("x-password", shown).body("").unwrap()
    };
    let layer = SignedUrlLayer::new(verifier()).on_reject(shows);
    let put = |mut request: Request<()>| {
        *request.method_mut() = Method::PUT;
        request
    };
    for (name, request, expected) in [
        ("right, another method", put(with_password(&bound(), "hunter2")), (403, "gone")),
        ("wrong", with_password(&bound(), "hunter3"), (401, "gone")),
        ("wrong, expired", with_password(&dead(), "hunter3"), (403, "gone")),
        ("no link at all", with_password("/a", "hunter2"), (403, "shown")),
        ("a link that binds none", put(with_password(&sign("/a?exp=1790000000", ""), "hunter2")), (403, "shown")),
    ] {
        let answer = ask(&layer, &request);
        assert_eq!(answer.status().as_u16(), expected.0, "{name}");
        assert_eq!(answer.headers()["x-password"], expected.1, "{name}");
    }
    // Where something was taken out of the URI, and what brought the password is refused for that.
    let rewrite = |mut request: axum::extract::Request| {
        *request.uri_mut() = "/b".parse().unwrap();
        request
    };
    let inner = || layer.layer(service_fn(answer));
    let prefixed = builder().policy(Policy::new().prefix("x-")).token_cookie(DEFAULT_COOKIE).build().unwrap();
    let another = SignedUrlLayer::new(prefixed).optional().on_reject(shows).layer(service_fn(answer));
    let of_another = URL_SAFE_NO_PAD.encode("x-sig-scope=/&x-exp=1790000000&x-sig-bind=password&x-sig=x");
    let conceal = || ServiceBuilder::new().layer(ConcealLayer::new(verifier()));
    for (name, service) in [
        ("rewritten", boxed(conceal().map_request(rewrite).service(inner()))),
        ("another's link", boxed(conceal().service(another))),
    ] {
        let mut request = with_password(&bound(), "hunter2").map(|()| axum::body::Body::empty());
        request.headers_mut().insert("cookie", format!("{DEFAULT_COOKIE}={of_another}").parse().unwrap());
        let answer = respond(service, request).0;
        let kind = answer.extensions().get::<Rejection>().map(Rejection::kind);
        assert_eq!(kind, Some(RejectionKind::Malformed), "{name}");
        assert_eq!(answer.headers()["x-password"], "gone", "{name}");
    }
}

/// In optional mode a cookie that fails counts as absent; the password that it was tried with is no less one.
#[test]
fn what_passes_without_its_cookie_passes_without_the_password() {
    let bound = "sig-scope=/b/&exp=1790000000&sig-bind=password";
    let (plain, late) = ("sig-scope=/b/&exp=1790000000", bound.replace("1790000000", "1789999000"));
    let (more, user, role) =
        (format!("{bound}&sig-methods=PUT"), format!("{bound},user"), format!("{plain}&sig-bind=role"));
    let (early, limited) = (format!("{bound}&sig-start=1789999900"), format!("{bound}&sig-ip=192.0.2.1"));
    let (right, wrong, bearer) = (&*basic("user:hunter2"), &*basic("user:hunter3"), "Bearer abc");
    let verifier = || builder().token_cookie(DEFAULT_COOKIE).build().unwrap();
    let forbid = async |_: Grant, _: http::request::Parts| Ok(Decision::Forbidden);
    for (name, covered, method, target, lines, left) in [
        ("another method", bound, "PUT", "/b/a", &[right][..], &[][..]),
        ("the method that it is for", &more, "PUT", "/b/a", &[right], &[]),
        ("wrong", bound, "GET", "/b/a", &[wrong], &[]),
        ("expired", &late, "GET", "/b/a", &[right], &[]),
        ("expired, wrong", &late, "GET", "/b/a", &[wrong], &[]),
        ("not yet valid", &early, "GET", "/b/a", &[right], &[]),
        ("not enforceable", &limited, "GET", "/b/a", &[right], &[]),
        ("another thing missing", &user, "GET", "/b/a", &[right], &[]),
        ("letter case", bound, "GET", "/b/a", &["bAsic dXNlcjpodW50ZXIz"], &[]),
        ("no space", bound, "GET", "/b/a", &["BasicdXNlcjpodW50ZXIy"], &[]),
        ("two", bound, "GET", "/b/a", &[right, right], &[]),
        ("one of another scheme first", bound, "GET", "/b/a", &[bearer, right], &[]),
        ("forbidden, live", bound, "GET", "/b/a", &[right], &[]),
        ("another scheme", bound, "GET", "/b/a", &[bearer], &[bearer]),
        ("another scheme, expired", &late, "GET", "/b/a", &[bearer], &[bearer]),
        ("another path", bound, "GET", "/c/a", &[right], &[right]),
        ("it binds nothing", plain, "PUT", "/b/a", &[right], &[right]),
        ("it binds something else", &role, "PUT", "/b/a", &[right], &[right]),
        ("no token", "", "GET", "/b/a", &[right], &[right]),
        ("no token, two", "", "GET", "/b/a", &[right, bearer], &[right, bearer]),
    ] {
        let signed = sign(covered, if covered.contains("password") { "\npassword:hunter2" } else { "" });
        let cookie = format!("{DEFAULT_COOKIE}={}", URL_SAFE_NO_PAD.encode(signed));
        let service = service_fn(async |request: axum::extract::Request| {
            let mut response = Response::new(axum::body::Body::empty());
            response.extensions_mut().insert(request.into_parts().0);
            Ok::<_, std::convert::Infallible>(response)
        });
        let signed = SignedUrlLayer::new(verifier()).optional();
        let mut arrangements = vec![boxed(signed.clone().authorize(forbid).layer(service))];
        if name != "forbidden, live" {
            arrangements.push(boxed(signed.layer(service)));
            arrangements.push(boxed(ConcealLayer::new(verifier()).layer(signed.layer(service))));
        }
        for service in arrangements {
            let mut request = get(target, &[("cookie", cookie.as_bytes())]).map(|()| axum::body::Body::empty());
            *request.method_mut() = method.parse().unwrap();
            for line in lines {
                request.headers_mut().append("authorization", line.parse().unwrap());
            }
            let answer = respond(service, request).0;
            let parts = seen(&answer).unwrap_or_else(|| panic!("{name}: {answer:?}"));
            let found: Vec<_> = parts.headers.get_all("authorization").iter().collect();
            assert_eq!(found, left, "{name}");
            assert!(parts.extensions.get::<Grant>().is_none(), "{name}");
        }
    }
}

#[test]
fn an_answer_that_a_password_decided_is_nobody_elses() {
    for (cache, target, expected) in [
        (Cache::Shared, sign("/a?exp=1790000000", ""), "public, s-maxage=999"),
        (Cache::Shared, bound(), "private, max-age=0"),
        (Cache::Shared, link("role", "\nrole:admin"), "private, max-age=0"),
        (Cache::Shared, link("session", "\nsession:abc"), "private, max-age=0"),
        (Cache::Private, bound(), "private, max-age=0"),
        (Cache::NoStore, bound(), "no-store"),
    ] {
        let mut request = get(&target, &[("x-role", b"admin"), ("cookie", b"session=abc")]);
        if target == bound() {
            request.headers_mut().insert("authorization", basic("user:hunter2").parse().unwrap());
        }
        let answer = ask(&SignedUrlLayer::new(verifier()).cache(cache), &request);
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["cache-control"].as_bytes()),
            (200, expected.as_bytes()),
            "{target}"
        );
    }
    let answer = ask(&SignedUrlLayer::new(verifier()).cache(Cache::Shared), &get(&bound(), &[]));
    assert_eq!(answer.headers()["cache-control"], "no-store", "a refusal");
}

#[test]
fn whatever_a_callback_answers_asks_for_the_password() {
    type Answer = fn(tower_signed_url::Rejected<'_>) -> Response<bytes::Bytes>;
    let callbacks: [(&str, Answer); 5] = [
        ("plain text", reject::plain_text),
        ("the status", reject::status_only),
        ("JSON", reject::problem_json),
        ("no status", |_| Response::default()),
        ("a challenge of its own", |_| {
            Response::builder().status(401).header("www-authenticate", "Bearer").body(bytes::Bytes::new()).unwrap()
        }),
    ];
    for (name, callback) in callbacks {
        let layer = SignedUrlLayer::new(verifier()).on_reject(callback);
        let answer = ask(&layer, &get(&bound(), &[]));
        assert_eq!(answer.status(), 401, "{name}");
        let challenges: Vec<_> = answer.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges, [CHALLENGE], "{name}");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{name}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer", "{name}");
    }
    let elsewhere = SignedUrlLayer::new(verifier())
        .on_reject(|_| Response::builder().status(303).header("location", "/password").body("").unwrap());
    let answer = ask(&elsewhere, &get(&bound(), &[]));
    assert_eq!((answer.status().as_u16(), answer.headers().get("www-authenticate")), (303, None), "a page of its own");
}

#[test]
fn a_grpc_call_is_told_that_it_is_not_authenticated() {
    let post = |exp: &str| sign(&format!("/a?exp={exp}&sig-methods=POST&sig-bind=password"), "\npassword:hunter2");
    let (alive, dead) = (post("1790000000"), post("1789999000"));
    for (name, target, password, grpc) in [
        ("right", &alive, Some("hunter2"), None),
        ("wrong", &alive, Some("hunter3"), Some(("16", "This link needs a password."))),
        ("absent", &alive, None, Some(("16", "This link needs a password."))),
        ("expired, right", &dead, Some("hunter2"), Some(("7", "This link is not valid here."))),
        ("expired, wrong", &dead, Some("hunter3"), Some(("7", "This link is not valid here."))),
        ("expired, absent", &dead, None, Some(("7", "This link is not valid here."))),
    ] {
        let mut request = get(target, &[("content-type", b"application/grpc")]);
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        if let Some(password) = password {
            request.headers_mut().insert("authorization", basic(&format!("u:{password}")).parse().unwrap());
        }
        let answer = ask(&SignedUrlLayer::new(verifier()), &request);
        let text = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap());
        assert_eq!(answer.status(), 200, "{name}");
        assert_eq!(text("grpc-status").zip(text("grpc-message")), grpc, "{name}");
        assert_eq!(text("www-authenticate"), None, "{name}");
        assert_eq!(seen(&answer).is_some(), grpc.is_none(), "{name}");
    }
}

#[test]
fn no_log_line_holds_a_password() {
    let signed = || SignedUrlLayer::new(verifier());
    let conceal = || ConcealLayer::new(verifier());
    let inner = || boxed(service_fn(answer));
    let echo = || {
        boxed(service_fn(async |request: axum::extract::Request| {
            tracing::info!(headers = ?request.headers(), "called");
            answer(request).await
        }))
    };
    #[cfg_attr(not(feature = "trace"), expect(unused_mut, reason = "nothing is added"))]
    let mut arrangements: Vec<(&str, Boxed, bool)> = vec![
        ("no trace", boxed(signed().layer(inner())), false),
        ("a service that logs headers", boxed(signed().layer(echo())), false),
        ("the layer outside", boxed(signed().layer(plain_trace().layer(inner()))), false),
        ("ConcealLayer", boxed(conceal().layer(plain_trace().layer(signed().layer(inner())))), false),
        // The mistake: it shows that the log is looked at in the right place.
        ("the trace outside", boxed(plain_trace().layer(signed().layer(inner()))), true),
    ];
    #[cfg(feature = "trace")]
    {
        let span = || {
            super::log::trace(
                tower_signed_url::ConcealSpan::new(verifier()).include_headers(true).level(tracing::Level::INFO),
            )
        };
        arrangements.push(("ConcealSpan", boxed(span().layer(signed().layer(inner()))), false));
    }
    let put = sign("/a?exp=1790000000&sig-methods=PUT&sig-bind=password", "\npassword:hunter2");
    let field = |credentials: &str| basic(credentials);
    for (arrangement, service, mistaken) in arrangements {
        for (row, target, fields, status) in [
            ("right", bound(), vec![field("user:hunter2")], 200),
            ("wrong", bound(), vec![field("user:hunter2x")], 401),
            ("tampered with", bound().replace("/a", "/b"), vec![field("user:hunter2")], 401),
            ("two", bound(), vec![field("user:hunter2"), field("other:hunter2")], 401),
            ("not encoded", bound(), vec!["Basic user:hunter2".to_owned()], 401),
            ("expired", dead(), vec![field("user:hunter2")], 403),
            ("another method", put.clone(), vec![field("user:hunter2")], 403),
            ("malformed", format!("{}&x", bound()), vec![field("user:hunter2")], 403),
            (
                "another thing missing",
                link("password,user", "\npassword:hunter2\nuser:42"),
                vec![field("user:hunter2")],
                403,
            ),
        ] {
            let mut request = get(&target, &[]).map(|()| axum::body::Body::empty());
            for field in &fields {
                request.headers_mut().append("authorization", field.parse().unwrap());
            }
            let (answer, log) = respond(service.clone(), request);
            assert_eq!(answer.status().as_u16(), status, "{arrangement}: {row}");
            let secrets = ["hunter2"].into_iter().chain(fields.iter().map(|field| &field[6..]));
            let found: Vec<_> = secrets.filter(|secret| log.text.contains(secret)).collect();
            assert_eq!(!found.is_empty(), mistaken, "{arrangement}: {row}: {found:?} in {}", log.text);
            let shown = format!("{answer:?}");
            assert!(!shown.contains("hunter2"), "{arrangement}: {row}: {shown}");
        }
    }
}

#[test]
fn nothing_shows_a_password() {
    let layer = SignedUrlLayer::new(verifier());
    let right = with_password(&bound(), "hunter2");
    let verified = verifier().verify(Head::of(&right)).unwrap();
    let mut shown = vec![
        format!("{:?} {verified:?} {:?}", Head::of(&right), builder()),
        format!("{layer:?} {:?} {:?}", verifier(), layer.layer(())),
    ];
    for password in ["hunter3", ""] {
        let rejection: Rejection = verifier().verify(Head::of(&with_password(&bound(), password))).unwrap_err();
        shown.push(format!("{rejection} {rejection:?}"));
    }
    for shown in shown {
        assert!(!shown.contains("hunter") && !shown.contains(&STANDARD.encode("user:hunter2")), "{shown}");
    }
    let told = std::sync::Mutex::new(String::new());
    let told: &'static std::sync::Mutex<String> = Box::leak(Box::new(told));
    let layer = layer.on_reject(move |rejected| {
        *told.lock().unwrap() = format!("{rejected:?} {:?}", rejected.headers());
        Response::new("")
    });
    ask(&layer, &with_password(&bound(), "hunter3"));
    assert!(told.lock().unwrap().contains("WrongPassword"), "{told:?}");
    let found = ["hunter3", &STANDARD.encode("user:hunter3")].map(|secret| told.lock().unwrap().contains(secret));
    assert_eq!(found, [false; 2], "{told:?}");
}

#[test]
fn a_minted_link_asks_for_its_password() {
    let signer = verifier().signer();
    let url = signer.url("/a").bind("password", "hunter2").sign_until(at(EXP)).unwrap();
    assert_eq!(url.as_str(), bound());
    let by_hand: HeaderMap =
        [("authorization".parse().unwrap(), HeaderValue::from_static("Basic OmEgbG9uZyBvbmU6IMOkIPCfkIg="))]
            .into_iter()
            .collect();
    let url = signer.url("/a").bind("password", "a long one: ä 🐈").sign_until(at(EXP)).unwrap();
    let mut request = get(url.as_str(), &[]);
    *request.headers_mut() = by_hand;
    check(&verifier(), "as a browser sends it", &request, Ok(()));
}
