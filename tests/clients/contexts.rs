//! Requests bound to what both ends see, or know: the host, a field, an extension, whom a process speaks for.

use http::HeaderValue;
use http::header::{HOST, HeaderName};
use tower::Layer;
use tower_signed_url::SignErrorKind::{Context, ContextNotShown, ContextRequired, Unenforceable};
use tower_signed_url::{Policy, SignRequestLayer, Signer, Verifier, VerifierBuilder, context};

use super::support::{NOW, at, figure_keys, fixed_verifier};
use super::{Http, ask, echoing, hyper, kind, noting, request, serve, sign, signer, told};

const TENANT: HeaderName = HeaderName::from_static("x-tenant");

fn verifier() -> VerifierBuilder {
    Verifier::builder(&figure_keys()).clock(|| at(NOW))
}

fn by_host() -> Verifier {
    verifier().bind("host", context::host()).require("host").build().unwrap()
}

fn sign_host() -> SignRequestLayer {
    sign(by_host().signer().allow_http_to("a.example")).bind("host", context::host())
}

#[tokio::test]
async fn a_receiver_has_no_use_for_a_signature_at_another_host() {
    for http in [Http::One, Http::Two] {
        for (row, layer, server, elsewhere) in [
            ("bound", sign_host(), by_host(), (403, "NotAuthentic")),
            // What the docs warn of.
            ("not bound", sign(signer().allow_http_to("a.example")), fixed_verifier(), (200, "POST /a")),
        ] {
            let [a, b] = [serve(echoing(&server)).await, serve(echoing(&server)).await];
            let (client, sent) = noting(hyper(http, &[("a.example", a), ("b.example", b)]));
            let signing = layer.layer(client.clone());
            assert_eq!(told(&signing, "POST", "http://a.example/a").await, (200, "POST /a".into()), "{http:?}: {row}");

            let link = sent.lock().unwrap().pop().unwrap().to_string();
            assert_eq!(told(&client, "POST", &link).await, (200, "POST /a".into()), "{http:?}: {row}: sent again");
            let sent_on = told(&client, "POST", &link.replace("a.example", "b.example")).await;
            assert_eq!(sent_on, (elsewhere.0, elsewhere.1.into()), "{http:?}: {row}: sent on");
        }
    }
}

/// Who sends a request on also writes its `Host`. So the receiver has to say itself what its host is.
#[tokio::test]
async fn a_receiver_that_believes_the_host_it_is_told_is_no_other_host() {
    let its_own = |host: &'static str| verifier().bind("host", move |_| Some(host.into())).build().unwrap();
    for (row, at_a, at_b, expected) in [
        ("its own name", its_own("a.example"), its_own("b.example"), (403, "NotAuthentic")),
        // What the docs warn of.
        ("what it is told", by_host(), by_host(), (200, "POST /a")),
    ] {
        let [a, b] = [serve(echoing(at_a)).await, serve(echoing(at_b)).await];
        let (client, sent) = noting(hyper(Http::One, &[("a.example", a)]));
        let signed = told(&sign_host().layer(client), "POST", "http://a.example/a").await;
        assert_eq!(signed, (200, "POST /a".into()), "{row}");

        let link = sent.lock().unwrap().pop().unwrap().to_string();
        let dishonest = hyper(Http::One, &[("a.example", b)]);
        assert_eq!(told(&dishonest, "POST", &link).await, (expected.0, expected.1.into()), "{row}: sent on");
    }
}

#[tokio::test]
async fn both_ends_see_the_same_host() {
    let server = serve(echoing(by_host())).await;
    let with_port = server.to_string();
    for http in [Http::One, Http::Two] {
        let (client, sent) = noting(hyper(http, &[("a.example", server)]));
        let client = sign_host().layer(client);
        for (row, host, field, expected) in [
            ("a name", "a.example", None, Ok(200)),
            ("capitals", "A.Example", None, Ok(200)),
            ("an address with its port", &*with_port, None, Ok(200)),
            ("a field that says the same", "a.example", Some("A.example"), Ok(200)),
            ("a field that says another", "a.example", Some("b.example"), Err(Some(ContextNotShown))),
            ("user information", "user@a.example", None, Err(Some(ContextNotShown))),
        ] {
            let mut request = request("GET", &format!("http://{host}/a"));
            request.headers_mut().extend(field.map(|host| (HOST, HeaderValue::from_static(host))));
            sent.lock().unwrap().clear();
            let answer = ask(&client, request).await.map(|(status, ..)| status).map_err(|error| kind(&error));
            assert_eq!(answer, expected, "{http:?}: {row}");
            assert_eq!(sent.lock().unwrap().len(), usize::from(expected.is_ok()), "{http:?}: {row}");
        }
    }
}

#[tokio::test]
async fn a_path_alone_is_for_the_host_of_the_base() {
    let server = serve(echoing(by_host())).await;
    let (client, sent) = noting(hyper(Http::One, &[("a.example", server)]));
    let based = by_host().signer().allow_http_to("a.example").with_base("http://a.example").unwrap();
    for (row, signer, field, expected) in [
        ("a base", based.clone(), None, Ok((200, "GET /a".to_owned()))),
        ("a base, and a field that says another", based, Some("b.example"), Err(Some(ContextNotShown))),
        ("no base", by_host().signer(), None, Err(Some(ContextNotShown))),
    ] {
        let client = sign(signer).bind("host", context::host()).layer(client.clone());
        let mut request = request("GET", "/a");
        request.headers_mut().extend(field.map(|host| (HOST, HeaderValue::from_static(host))));
        let answer = ask(&client, request).await;
        let answer = answer.map(|(status, told, _)| (status, told)).map_err(|error| kind(&error));
        assert_eq!(answer, expected, "{row}");
    }
    assert_eq!(sent.lock().unwrap().len(), 1);
}

/// What an application puts into its requests.
#[derive(Clone)]
struct Tenant(&'static str);

/// Sends a request with these values of its field, and with an extension, and gives the answer.
async fn answer(server: Verifier, layer: SignRequestLayer, fields: &[&'static str]) -> Result<(u16, String), String> {
    let address = serve(echoing(server)).await;
    let (client, sent) = noting(hyper(Http::One, &[]));
    let mut request = request("GET", &format!("http://{address}/a"));
    request.extensions_mut().insert(Tenant("42"));
    for value in fields {
        request.headers_mut().append(TENANT, HeaderValue::from_static(value));
    }
    let answer = ask(&layer.layer(client), request).await;
    assert_eq!(sent.lock().unwrap().len(), usize::from(answer.is_ok()));
    answer.map(|(status, told, _)| (status, told)).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_sources_of_both_ends_have_to_give_the_same() {
    let by_field = || verifier().bind("tenant", context::header(TENANT)).build().unwrap();
    let by_itself = |tenant: &'static str| verifier().bind("tenant", move |_| Some(tenant.into())).build().unwrap();
    let layer = || sign(by_field().signer());
    let by_extension = || layer().bind("tenant", context::extension(|tenant: &Tenant| tenant.0));
    let (saw, differs) = ((200, "GET /a"), (403, "NotAuthentic"));
    for (row, server, layer, fields, expected) in [
        ("a field", by_field(), layer().bind("tenant", context::header(TENANT)), &["42"][..], saw),
        ("an extension", by_itself("42"), by_extension(), &[], saw),
        ("a constant", by_itself("42"), layer().bind("tenant", |_| Some("42".into())), &[], saw),
        ("another constant", by_itself("43"), layer().bind("tenant", |_| Some("42".into())), &[], differs),
        ("another field", by_field(), by_extension(), &["43"], differs),
        ("no field", by_field(), layer().bind("tenant", |_| Some("42".into())), &[], (403, "Context")),
        ("nobody's", fixed_verifier(), layer().bind("tenant", |_| Some("42".into())), &[], (403, "Unenforceable")),
    ] {
        let answer = answer(server, layer, fields).await;
        assert_eq!(answer, Ok((expected.0, expected.1.to_owned())), "{row}");
    }
}

#[tokio::test]
async fn what_cannot_be_bound_is_not_sent() {
    let with_policy = |policy: Policy| sign(Signer::new(&figure_keys()).with_policy(policy).unwrap());
    let tenant = || with_policy(Policy::new().allow_context("tenant").allow_context("host"));
    let required = || with_policy(Policy::new().require_context("tenant"));
    let a_value = "the link cannot bind this value of \"tenant\": give one that is not empty";
    let not_shown = "the request does not show \"tenant\", or not clearly";
    for (row, layer, fields, expected, message) in [
        ("no field", tenant().bind("tenant", context::header(TENANT)), &[][..], ContextNotShown, not_shown),
        ("two fields", tenant().bind("tenant", context::header(TENANT)), &["1", "2"], ContextNotShown, not_shown),
        ("an empty field", tenant().bind("tenant", context::header(TENANT)), &[""], Context, a_value),
        ("a line break", tenant().bind("tenant", |_| Some("4\n2".into())), &[], Context, a_value),
        ("nothing", tenant().bind("tenant", |_| None), &[], ContextNotShown, not_shown),
        (
            "no extension",
            tenant().bind("tenant", context::extension(|text: &String| text)),
            &[],
            ContextNotShown,
            not_shown,
        ),
        (
            "one name twice",
            tenant().bind("tenant", |_| Some("4".into())).bind("tenant", |_| Some("2".into())),
            &[],
            Context,
            a_value,
        ),
        (
            "a host in capitals",
            tenant().bind("host", |_| Some("A.example".into())),
            &[],
            Context,
            "a host in lower case",
        ),
        (
            "a name that the policy does not know",
            sign(signer()).bind("tenant", |_| Some("42".into())),
            &[],
            Unenforceable,
            "nobody would enforce \"tenant\"",
        ),
        (
            "a name that the policy requires",
            required(),
            &[],
            ContextRequired,
            "the policy requires links to bind \"tenant\": add `bind(\"tenant\", …)`",
        ),
        ("a required one without a value", required().bind("tenant", |_| None), &[], ContextNotShown, not_shown),
    ] {
        let (client, sent) = noting(hyper(Http::One, &[]));
        let mut request = request("GET", "http://127.0.0.1/a");
        for value in fields {
            request.headers_mut().append(TENANT, HeaderValue::from_static(value));
        }
        let error = ask(&layer.layer(client), request).await.unwrap_err();
        assert_eq!(kind(&error), Some(expected), "{row}");
        assert!(error.to_string().contains(message), "{row}: {error}");
        assert_eq!(*sent.lock().unwrap(), [""; 0], "{row}");
    }
}
