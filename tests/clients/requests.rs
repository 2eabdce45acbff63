//! What arrives of a signed request: the request, whatever its method, target, host and body.

use bytes::Bytes;
use http::{HeaderValue, Version};
use http_body_util::{BodyExt, Full};
use tower::{Layer, ServiceExt, service_fn};
use tower_signed_url::BoxError;

use super::support::fixed_verifier;
use super::{Http, ask, echoing, hyper, noting, request, serve, sign, signer, told};

const REQUESTS: [(&str, &str, &str); 18] = [
    ("GET", "/", ""),
    ("GET", "/reports/42", ""),
    ("GET", "/reports/42?", ""),
    ("GET", "/reports/42?page=2&page=3&x", ""),
    ("GET", "/r%C3%A9sum%C3%A9.pdf", ""),
    ("GET", "/a%2Fb%3Fc%25", ""),
    ("GET", "/a+b?q=c+d%20e&%26=%3D", ""),
    ("GET", "/a//b;v=1/@x:y,z!$&'()*=?next=/c?d", ""),
    ("HEAD", "/reports/42?page=2", ""),
    ("OPTIONS", "/reports/42", ""),
    ("DELETE", "/reports/42", ""),
    ("DELETE", "/reports?all", "yes"),
    ("POST", "/reports", r#"{"title":"spring"}"#),
    ("POST", "/reports", ""),
    ("PUT", "/reports/42?draft", "a whole new text"),
    ("PATCH", "/reports/42", "a bit of it"),
    ("PURGE", "/reports/42", ""),
    ("VERSION-CONTROL", "/reports/42", "as it is"),
];

#[tokio::test]
async fn every_request_arrives_as_it_was_made() {
    let server = serve(echoing(fixed_verifier())).await;
    let base = format!("http://{server}");
    for (http, version) in [(Http::One, "HTTP/1.1"), (Http::Two, "HTTP/2.0")] {
        let client = hyper(http, &[]);
        let absolute = sign(signer()).layer(client.clone());
        let under_base = sign(signer().with_base(&base).unwrap()).layer(client.clone());
        for (method, target, body) in REQUESTS {
            let saw = (200, format!("{method} {target}"), Bytes::from(body));
            for (row, client, uri) in [
                ("a URL", &absolute, format!("{base}{target}")),
                ("a URL under the base", &under_base, format!("{base}{target}")),
                ("a path and a base", &under_base, target.to_owned()),
            ] {
                let request = request(method, &uri).map(|_| Full::from(body));
                assert_eq!(ask(client, request).await.unwrap(), saw, "{http:?}: {method} {target}: {row}");
            }
            let unsigned = told(&client, method, &format!("{base}{target}")).await;
            assert_eq!(unsigned, (403, "Missing".into()), "{http:?}: {method} {target}: unsigned");
        }
        let answer = absolute.clone().oneshot(request("GET", &base)).await.unwrap();
        assert_eq!(answer.headers()["x-version"], version);
    }
}

#[tokio::test]
async fn nothing_but_the_target_is_changed() {
    let given_back = service_fn(|request: http::Request<Full<Bytes>>| async { Ok::<_, BoxError>(request) });
    for (row, client, uri, sent) in [
        (
            "a URL",
            signer(),
            "https://user:pw@Reports.example:8443/a?b",
            "https://user:pw@Reports.example:8443/a?b&exp=",
        ),
        ("a path", signer(), "/a?b", "/a?b&exp="),
        (
            "a path and a base",
            signer().with_base("https://r.example/x").unwrap(),
            "/a?b",
            "https://r.example/x/a?b&exp=",
        ),
    ] {
        let mut asked = request("POST", uri).map(|_| Full::from("the body"));
        *asked.version_mut() = Version::HTTP_3;
        asked.extensions_mut().insert("an extension");
        asked.headers_mut().append("x-text", HeaderValue::from_bytes(b"\xff").unwrap());
        asked.headers_mut().append("referer", HeaderValue::from_static("https://example.com/?sig=1"));
        asked.headers_mut().append("x-text", HeaderValue::from_static("twice"));
        let (expected, _) = asked.clone().into_parts();

        let (parts, body) = sign(client).layer(given_back).oneshot(asked).await.unwrap().into_parts();
        assert!(parts.uri.to_string().starts_with(sent), "{row}: {}", parts.uri);
        assert_eq!((parts.method, parts.version), (expected.method, expected.version), "{row}");
        assert_eq!(parts.headers, expected.headers, "{row}");
        assert_eq!(parts.extensions.get(), Some(&"an extension"), "{row}");
        assert_eq!(body.collect().await.unwrap().to_bytes(), "the body", "{row}");
    }
}

#[tokio::test]
async fn a_host_may_be_spelled_in_any_way() {
    let server = serve(echoing(fixed_verifier())).await;
    let hosts = ["Reports.example", "xn--bcher-kva.example", "a_b.example", "localhost"];
    let client = hyper(Http::One, &hosts.map(|host| (host, server)));
    let signer = hosts[..3].iter().fold(signer(), |signer, host| signer.allow_http_to(host));
    let client = sign(signer).layer(client);
    for host in [
        "reports.example",
        "REPORTS.example",
        "xn--bcher-kva.example",
        "Xn--Bcher-KVA.example",
        "a_b.example",
        "localhost",
        "LocalHost",
    ] {
        assert_eq!(told(&client, "GET", &format!("http://{host}/a")).await, (200, "GET /a".into()), "{host}");
    }
}

#[tokio::test]
async fn a_signature_is_for_the_method_that_it_was_made_for() {
    let server = serve(echoing(fixed_verifier())).await;
    let (client, sent) = noting(hyper(Http::One, &[]));
    let signing = sign(signer()).layer(client.clone());
    for signed in ["GET", "HEAD", "POST", "DELETE", "PURGE"] {
        assert_eq!(told(&signing, signed, &format!("http://{server}/a")).await.0, 200, "{signed}");
        let link = sent.lock().unwrap().last().unwrap().to_string();
        for used in ["GET", "HEAD", "POST", "DELETE", "PURGE"] {
            let passes = used == signed || (used, signed) == ("HEAD", "GET");
            let expected = if passes { (200, format!("{used} /a")) } else { (403, "Method".into()) };
            assert_eq!(told(&client, used, &link).await, expected, "{used} by a link for {signed}");
        }
    }
}
