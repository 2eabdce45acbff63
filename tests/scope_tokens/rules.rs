//! The path rules: no two readers of a path may disagree about where it leads.

use std::net::SocketAddr;

use tower_signed_url::RejectionKind::{Malformed, Missing, Scope};

use super::support::exchange;
use super::*;

/// A path behind the scope, and whether it can be read in one way alone.
const PATHS: [(&str, &str, bool); 91] = [
    ("a file", "a", true),
    ("nothing", "", true),
    ("folders", "a/b/c", true),
    ("a slash at the end", "a/", true),
    ("unreserved characters", "A-z_0.9~", true),
    ("sub-delimiters", "a!$&'()*+,=:@b", true),
    ("what browsers escape", "a\"b{c}", true),
    ("brackets", "a[b]", true),
    ("a path parameter", "a;b=1", true),
    ("a path parameter of a file with a dot", "a.b;c/d", true),
    ("an escaped letter", "%61", true),
    ("an escaped dot in a name", "a%2Eb", true),
    ("an escaped space in a name", "a%20b", true),
    ("UTF-8 of two bytes", "caf%C3%A9", true),
    ("UTF-8 of three bytes", "%e2%82%ac", true),
    ("UTF-8 of four bytes", "%F0%9F%90%88", true),
    ("the first character of two bytes", "%C2%80", true),
    ("the last of all", "%F4%8F%BF%BF", true),
    ("the last before the surrogates", "%ED%9F%BF", true),
    ("a byte order mark", "%EF%BB%BFa", true),
    ("three dots", "...", true),
    ("four dots", "..../a", true),
    ("a dot before", ".a", true),
    ("two dots before", "..a", true),
    ("a dot behind", "a.", true),
    ("two dots behind", "a..", true),
    ("dots apart", ".%20.", true),
    ("a space and a name", "%20a", true),
    ("dots and a name behind a space", ".%20a", true),
    ("a full stop of another script", "%E3%80%82", true),
    ("an escaped `?` and `#`", "a%3Fb%23c", true),
    ("a path token", "~c2lnLXNjb3BlPSx/a", true),
    ("a dot", ".", false),
    ("a dot and a slash", "./", false),
    ("a dot inside", "./a", false),
    ("two dots", "..", false),
    ("two dots and a slash", "../", false),
    ("two dots inside", "a/../b", false),
    ("out of the scope", "../../etc/passwd", false),
    ("an escaped dot", "%2e", false),
    ("an escaped dot, upper case", "%2E/a", false),
    ("one escaped", ".%2e/a", false),
    ("the other", "%2E./a", false),
    ("both", "%2e%2E/a", false),
    ("a dot and a parameter", ".;a/b", false),
    ("two dots and a parameter", "..;a/b", false),
    ("two dots and an empty parameter", "..;/a", false),
    ("two dots and an escaped `;`", "..%3ba/b", false),
    ("escaped dots and a parameter", "%2e%2e;/a", false),
    ("a parameter alone", ";a/b", false),
    ("a parameter alone, at the end", ";a", false),
    ("an escaped `;` alone", "%3B", false),
    ("a `;` alone", ";", false),
    ("dots in the parameter alone", ";../a", false),
    ("a space", "%20", false),
    ("a space inside", "%20/a", false),
    ("spaces and a parameter", "%20%20;a", false),
    ("two dots and a space", "..%20/a", false),
    ("a space and two dots", "%20../a", false),
    ("a dot among spaces", "%20.%20", false),
    ("two dots, a space, a parameter", "..%20;a/b", false),
    ("an empty segment", "/a", false),
    ("an empty segment inside", "a//b", false),
    ("two slashes at the end", "a//", false),
    ("an escaped slash", "a%2Fb", false),
    ("lower case", "a%2fb", false),
    ("up by an escaped slash", "..%2fa", false),
    ("an escaped back slash", "a%5Cb", false),
    ("lower case", "a%5cb", false),
    ("up by an escaped back slash", "..%5ca", false),
    ("an escaped `%`", "a%25b", false),
    ("escaped twice", "%252e%252e/a", false),
    ("a slash escaped twice", "a%252fb", false),
    ("NUL", "a%00b", false),
    ("a line feed", "a%0Ab", false),
    ("a tab in two dots", ".%09./a", false),
    ("the last control", "a%1f", false),
    ("DEL", "a%7F", false),
    ("in a parameter", "a;b%2fc", false),
    ("a control in a parameter", "a;%00", false),
    ("a `%` alone", "a%", false),
    ("one digit", "a%2", false),
    ("no digits", "a%zz", false),
    ("one digit and none", "a%2g", false),
    ("a sign for a digit", "a%+1", false),
    ("a slash, overlong", "..%C0%AFa", false),
    ("a dot, overlong", "%C0%AE%C0%AE/a", false),
    ("a slash, overlong, three bytes", "%E0%80%AF", false),
    ("a surrogate", "%ED%A0%80", false),
    ("a byte of Latin-1", "caf%E9", false),
    ("half a character", "%C3/%A9", false),
];

#[test]
fn a_path_that_can_be_read_in_two_ways_is_under_no_scope() {
    for carrier in CARRIERS {
        for (name, rest, is_clear) in PATHS {
            for scope in ["/v/", "/"] {
                // Under `/`, what begins the path stands after a first slash.
                let target = format!("{scope}{rest}");
                let token = token(&format!("sig-scope={scope}&exp=1790000000"));
                let name = format!("{name}, {carrier:?}: {target}");
                let looks_like_token = scope == "/" && rest.starts_with('~');
                let expected = match is_clear {
                    true if looks_like_token => unsigned(Malformed),
                    true => Ok(()),
                    false => authentic(Scope),
                };
                assert_eq!(outcome(&verifier(), &name, &carrier.get(&target, &token)), expected, "{name}");
            }
        }
    }
}

#[test]
fn a_scope_that_can_be_read_in_two_ways_is_none_even_signed() {
    // As a scope, what is clear as a path has to be clear with a slash behind, and hold no delimiter of its own.
    let own = ["", "&", ";", ",", "'"];
    for (name, rest, is_clear) in PATHS {
        let scope = if rest.is_empty() { "/v/".into() } else { format!("/v/{}/", rest.trim_end_matches('/')) };
        let scope = if rest.ends_with("//") { format!("/v/{rest}") } else { scope };
        if scope.contains('&') {
            continue;
        }
        let is_clear = is_clear && !own[1..].iter().any(|own| scope.contains(own));
        let token = token(&format!("sig-scope={scope}&exp=1790000000"));
        let expected = if is_clear { Ok(()) } else { authentic(Malformed) };
        assert_eq!(outcome(&verifier(), name, &InPath.get(&format!("{scope}a"), &token)), expected, "{name}: {scope}");
        // One that is not clear is told before anything about the path is.
        let elsewhere = if is_clear { authentic(Scope) } else { authentic(Malformed) };
        assert_eq!(outcome(&verifier(), name, &InPath.get("/w", &token)), elsewhere, "{name}: {scope}");
    }
    for (name, scope, by_query, by_path) in [
        ("empty", "", authentic(Malformed), authentic(Malformed)),
        ("without a slash before", "v/", authentic(Malformed), unsigned(Missing)),
        ("without a slash behind", "/v", authentic(Malformed), authentic(Malformed)),
        ("two slashes", "//", authentic(Malformed), authentic(Malformed)),
        ("two slashes before", "//v/", authentic(Malformed), authentic(Malformed)),
        ("a pattern", "/*/", authentic(Scope), authentic(Scope)),
        ("another origin", "https://example.com/v/", authentic(Malformed), unsigned(Missing)),
        ("a `?`", "/v/?/", authentic(Malformed), authentic(Malformed)),
        ("a `;`", "/v/;/", authentic(Malformed), authentic(Malformed)),
        ("a `,`", "/v/,/", authentic(Malformed), authentic(Malformed)),
        ("a `'`", "/v/'/", authentic(Malformed), authentic(Malformed)),
    ] {
        let token = token(&format!("sig-scope={scope}&exp=1790000000"));
        assert_eq!(outcome(&verifier(), name, &InQuery.get("/v/a", &token)), by_query, "{name}");
        assert_eq!(outcome(&verifier(), name, &InPath.get("/v/a", &token)), by_path, "{name}");
    }
    // These do not even come in a URL.
    for (name, scope) in
        [("a `#`", "/v/#/"), ("a space", "/v/ /"), ("a line feed", "/v/\n/"), ("not ASCII", "/\u{e9}/")]
    {
        let token = token(&format!("sig-scope={scope}&exp=1790000000"));
        let expected = if scope.contains('#') { authentic(Malformed) } else { unsigned(Malformed) };
        assert_eq!(outcome(&verifier(), name, &InPath.get("/v/a", &token)), expected, "{name}");
    }
}

/// Paths as a client writes them, which `http::Uri` might have changed: what the server makes of them is refused by
/// whoever reads them first.
#[test]
fn what_a_client_sends_is_judged_byte_for_byte() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let server: SocketAddr = listener.local_addr().unwrap();
    let inner = service_fn(|request: axum::extract::Request| {
        ready(Ok::<_, Infallible>(Response::new(axum::body::Body::from(request.uri().to_string()))))
    });
    let app = axum::Router::new().fallback_service(SignedUrlLayer::new(verifier()).layer(inner));
    runtime.spawn(axum::serve(listener, app).into_future());
    let (query, cookie) = (token(COVERED), format!("{DEFAULT_COOKIE}={}", encode(&token(COVERED))));
    for (name, path, expected) in [
        ("as it should be", "/v/a", 200),
        ("up", "/v/../secret", 403),
        ("up, escaped", "/v/%2e%2e/secret", 403),
        ("up at the end", "/v/..", 403),
        ("up before", "/../v/a", 403),
        ("two slashes before", "//v/a", 403),
        ("two slashes", "/v//a", 403),
        ("a back slash", "/v/..\\secret", 403),
        ("an escaped back slash", "/v/..%5csecret", 403),
        ("NUL, escaped", "/v/a%00.ts", 403),
        ("NUL", "/v/a\0.ts", 400),
        ("a line feed's escape", "/v/a%0d%0aX: y", 400),
        ("UTF-8", "/v/caf\u{e9}", 403),
        ("DEL", "/v/a\u{7f}", 400),
        ("a tab", "/v/a\tb", 400),
        ("a quotation mark", "/v/a\"b", 200),
        ("an authority", "http://evil.example/v/a", 200),
        ("an authority, up", "http://evil.example/v/../secret", 403),
        ("an authority and two slashes", "http://evil.example//v/a", 403),
        ("no slash", "v/a", 400),
    ] {
        for (carrier, target, fields) in [
            ("query", format!("{path}?{query}"), vec![]),
            ("cookie", path.to_owned(), vec![("cookie", cookie.as_str())]),
        ] {
            let reply = exchange(server, "GET", &target, &fields, b"");
            assert_eq!(reply.status, expected, "{name}, {carrier}: {target:?}");
            if reply.status == 200 {
                assert_eq!(String::from_utf8(reply.body).unwrap(), path, "{name}, {carrier}");
            }
        }
    }
}
