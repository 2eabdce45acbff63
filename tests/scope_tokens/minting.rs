//! Minting tokens: what is refused, how it is said, and that what is made works.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use tower_signed_url::SignErrorKind::*;
use url::Url;

use super::*;

fn signer() -> Signer {
    verifier().signer()
}

fn mint(scope: &str) -> Result<ScopeToken, SignError> {
    signer().scope(scope).sign_until(at(1_790_000_000))
}

#[test]
fn a_scope_that_is_none_is_refused_with_what_to_change() {
    const FORM: &str = "write a path like /videos/42/, with a `/` at both ends";
    for (name, scope, kind, told) in [
        ("empty", "", Scope, FORM),
        ("no slash before", "v/", Scope, FORM),
        ("no slash behind", "/v", Scope, FORM),
        ("a file", "/v/a.ts", Scope, FORM),
        ("two slashes", "/v//", Scope, FORM),
        ("two slashes before", "//v/", Scope, FORM),
        ("an absolute URL", "https://example.com/v/", Scope, FORM),
        ("a dot segment", "/v/../w/", Scope, FORM),
        ("an escaped dot segment", "/v/%2e%2E/", Scope, FORM),
        ("a dot segment with a parameter", "/..;x/", Scope, FORM),
        ("an escaped slash", "/v%2fw/", Scope, FORM),
        ("an escaped back slash", "/v%5Cw/", Scope, FORM),
        ("an escaped `%`", "/v%25/", Scope, FORM),
        ("an escaped NUL", "/v%00/", Scope, FORM),
        ("half an escape", "/v%2/", Scope, FORM),
        ("overlong UTF-8", "/%C0%AE/", Scope, FORM),
        ("not ASCII", "/\u{e9}/", Scope, FORM),
        ("a space", "/a b/", Scope, FORM),
        ("a line feed", "/a\n/", Scope, FORM),
        ("a back slash", "/a\\b/", Scope, FORM),
        ("an `&`", "/a&b/", Scope, "holds one of `& ; , ? # '`"),
        ("a `;`", "/a;b/", Scope, "holds one of `& ; , ? # '`"),
        ("a `,`", "/a,b/", Scope, "holds one of `& ; , ? # '`"),
        ("a `?`", "/a?b/", Scope, "holds one of `& ; , ? # '`"),
        ("a `#`", "/a#b/", Scope, "holds one of `& ; , ? # '`"),
        ("a `'`", "/a'b/", Scope, "holds one of `& ; , ? # '`"),
        ("a quotation mark", "/a\"b/", Character, "percent-encode it"),
        ("an angle bracket", "/a<b/", Character, "percent-encode it"),
        ("a brace", "/{a}/", Character, "percent-encode it"),
        ("a bar", "/a|b/", Character, "percent-encode it"),
        ("a path token's beginning", "/~c2lnLXNjb3BlPSx/v/", ReservedName, "reserved for the signature"),
        ("a path token further in", "/v/~c2lnLXNjb3BlPSx/", ReservedName, "reserved for the signature"),
    ] {
        let error = mint(scope).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.to_string().contains(told), "{name}: {error}");
    }
    for scope in ["/", "/v/", "/a/b/c/", "/caf%C3%A9/", "/a!$()*+-._~:@=/", "/.../", "/%41/", "/~c2/", "/-/"] {
        assert_eq!(mint(scope).unwrap().scope(), scope);
    }
}

#[test]
fn what_a_token_cannot_say_is_refused() {
    let signer = signer();
    let scope = || signer.scope("/v/");
    let day = Duration::from_secs(86_400);
    for (name, token, kind) in [
        ("not in the future", scope().sign_until(at(NOW)), NotInFuture),
        ("over the maximum", scope().sign_for(8 * day), LifetimeTooLong),
        ("a start behind its end", scope().not_before(at(NOW + 9)).sign_until(at(NOW + 9)), BeginsTooLate),
        ("an id", scope().id("a.b").sign_for(day), Id),
        ("a method", scope().method("get".parse().unwrap()).sign_for(day), Method),
        ("an address nobody asks for", scope().client_ip("192.0.2.7").sign_for(day), Unenforceable),
        ("a context without a source", scope().bind("user", "42").sign_for(day), Unenforceable),
        ("a media type", scope().media_type("*/*").sign_for(day), MediaType),
        ("a file name", scope().download("a/b").sign_for(day), Download),
    ] {
        assert_eq!(token.unwrap_err().kind(), kind, "{name}");
    }
    let required = builder().bind("user", |_| Some("42".into())).require("user").build().unwrap().signer();
    assert_eq!(required.scope("/v/").sign_for(day).unwrap_err().kind(), ContextRequired);
    let all = scope()
        .method("PUT".parse().unwrap())
        .method("GET".parse().unwrap())
        .id("a")
        .not_before(at(NOW))
        .max_bytes(9)
        .media_type("a/*");
    let all = all.download("b c").sign_until(at(1_790_000_000)).unwrap();
    let covered = "sig-scope=/v/&exp=1790000000&sig-start=1789999000&sig-methods=PUT,GET&sig-id=a&sig-max-bytes=9\
        &sig-type=a/*&sig-download=b%20c";
    assert_eq!(all.to_string(), token(covered));
    assert_eq!((all.scope(), all.expires_at()), ("/v/", at(1_790_000_000)));
}

#[test]
fn a_url_that_is_not_under_the_scope_is_refused_with_what_to_change() {
    let token = mint("/v/").unwrap();
    let signed = token.in_query("/v/a").unwrap().into_string();
    let in_path = token.in_path("/v/a").unwrap().into_string();
    let exact = signer().url("/v/a").sign_until(at(NOW + 9)).unwrap().into_string();
    let long = format!("/v/{}", "a".repeat(65_600));
    for (name, url, kind, told) in [
        ("another path", "/w/a", OutsideScope, "give one that begins with it"),
        ("the scope without its slash", "/v", OutsideScope, "give one that begins with it"),
        ("a sibling", "/v2/a", OutsideScope, "give one that begins with it"),
        ("the scope in the query", "/?/v/a", OutsideScope, "give one that begins with it"),
        ("an escaped scope", "/%76/a", OutsideScope, "give one that begins with it"),
        ("two slashes", "/v//a", AmbiguousPath, "sign the URL by itself"),
        ("an escaped slash", "/v/a%2Fb", AmbiguousPath, "sign the URL by itself"),
        ("an escaped `%`", "/v/100%25", AmbiguousPath, "sign the URL by itself"),
        ("half an escape", "/v/100%", AmbiguousPath, "sign the URL by itself"),
        ("a byte that is no UTF-8", "/v/caf%E9", AmbiguousPath, "sign the URL by itself"),
        ("a parameter as a segment", "/v/..;/a", AmbiguousPath, "sign the URL by itself"),
        ("a dot segment", "/v/../w", DotSegment, "resolve it first"),
        ("an escaped one", "/v/%2e%2e/w", DotSegment, "resolve it first"),
        ("two slashes before", "//v/a", Target, "exactly one `/`"),
        ("none", "v/a", Target, "exactly one `/`"),
        ("empty", "", Target, "exactly one `/`"),
        ("a fragment", "/v/a#b", Fragment, "append the fragment"),
        ("not ASCII", "/v/\u{e9}", Character, "percent-encode it"),
        ("a `'` in the query", "/v/a?b='", Character, "percent-encode it"),
        ("a reserved name", "/v/a?exp=1", ReservedName, "rename it"),
        ("another reserved name", "/v/a?w&sig-x", ReservedName, "rename it"),
        ("signed already", &signed, ReservedName, "rename it"),
        ("by an exact URL's", &exact, ReservedName, "rename it"),
        ("in the path already", &in_path, ReservedName, "\"~…\""),
        ("too long", &long, TooLong, "shorten the target, or the scope"),
        ("a plain URL", "http://example.com/v/a", PlainHttp, "use https"),
        ("another scheme", "ftp://example.com/v/a", AbsoluteUrl, "as a browser writes it"),
    ] {
        for error in [token.in_query(url).unwrap_err(), token.in_path(url).unwrap_err()] {
            assert_eq!(error.kind(), kind, "{name}: {error}");
            assert!(error.to_string().contains(told), "{name}: {error}");
        }
    }
    let everything = mint("/").unwrap();
    for (name, made, expected) in [
        ("a query", token.in_query("/v/a?w=1"), format!("/v/a?w=1&{token}")),
        ("none", token.in_query("/v/a"), format!("/v/a?{token}")),
        ("an empty query", token.in_query("/v/?"), format!("/v/?&{token}")),
        ("the scope", token.in_query("/v/"), format!("/v/?{token}")),
        ("everything", everything.in_query("/"), format!("/?{everything}")),
        ("an absolute URL", token.in_query("https://example.com/v/a"), format!("https://example.com/v/a?{token}")),
        ("a path", token.in_path("/v/a?w=1"), format!("/~{}/v/a?w=1", encode(token.as_str()))),
        ("the root", everything.in_path("/"), format!("/~{}/", encode(everything.as_str()))),
        (
            "a path of an absolute URL",
            token.in_path("https://example.com/v/a"),
            format!("https://example.com/~{}/v/a", encode(token.as_str())),
        ),
    ] {
        assert_eq!(made.map(SignedUrl::into_string), Ok(expected), "{name}");
    }
    // Names that an exact URL could not hold are the application's own here.
    let policy = Policy::new().tolerate("utm_source");
    let token = signer().with_policy(policy).unwrap().scope("/v/").sign_until(at(NOW + 9)).unwrap();
    assert_eq!(token.in_query("/v/a?utm_source=1").unwrap().as_str(), format!("/v/a?utm_source=1&{token}"));
}

#[test]
fn a_base_goes_before_what_the_browser_sees() {
    for (base, before, path) in [
        ("https://example.com", "https://example.com", ""),
        ("https://example.com/", "https://example.com", ""),
        ("https://example.com/cdn", "https://example.com/cdn", "/cdn"),
        ("https://example.com:8443/a/b/", "https://example.com:8443/a/b", "/a/b"),
    ] {
        let signer = signer().with_base(base).unwrap();
        let token = signer.scope("/v/").sign_until(at(1_790_000_000)).unwrap();
        assert_eq!(token.as_str(), super::token(COVERED), "{base}: the base is not signed");
        let segment = format!("/~{}", encode(token.as_str()));
        assert_eq!(token.in_query("/v/a").unwrap().as_str(), format!("{before}/v/a?{token}"), "{base}");
        assert_eq!(token.in_path("/v/a").unwrap().as_str(), format!("{before}{segment}/v/a"), "{base}");
        let absolute = format!("{before}/v/a");
        assert_eq!(token.in_path(&absolute).unwrap().as_str(), format!("{before}{segment}/v/a"), "{base}");
        let cookie = token.set_cookie(DEFAULT_COOKIE).unwrap();
        let expected = format!(
            "signed-url={}; Path={path}/v/; Max-Age=1000; Secure; HttpOnly; SameSite=Lax",
            encode(token.as_str())
        );
        assert_eq!((cookie.to_str().unwrap(), cookie.is_sensitive()), (&*expected, true), "{base}");
        for outside in ["https://example.org/v/a", "https://example.comm/v/a", "https://example.com.evil.example/v/a"] {
            assert_eq!(token.in_query(outside).unwrap_err().kind(), OutsideBase, "{base}: {outside}");
        }
        let with_prefix = format!("{before}{path}/w/a");
        assert!([OutsideScope, OutsideBase].contains(&token.in_query(&with_prefix).unwrap_err().kind()), "{base}");
    }
}

#[test]
fn a_cookie_is_as_long_as_browsers_keep() {
    let token = |scope: &str, name: &str| {
        let signer = signer();
        signer.scope(scope).download(name).sign_until(at(1_790_000_000)).unwrap()
    };
    let (long, too_long) = (format!("/{}/", "v".repeat(1022)), format!("/{}/", "v".repeat(1023)));
    let pair = |name: &str, token: &ScopeToken| name.len() + encode(token.as_str()).len();
    let fits = token("/v/", &"d".repeat(2973));
    assert_eq!(pair("signed-url", &fits), 4094);
    for (row, token, name, fits) in [
        ("a long path", token(&long, "d"), "t", true),
        ("too long a path", token(&too_long, "d"), "t", false),
        ("4096 bytes", fits.clone(), "signed-url12", true),
        ("4097 bytes", fits, "signed-url123", false),
    ] {
        let made = token.set_cookie(name).map_err(|error| (error.kind(), error.to_string()));
        assert_eq!(made.is_ok(), fits, "{row}: {made:?}");
        if let Err((kind, told)) = made {
            assert_eq!(kind, TooLong, "{row}");
            assert!(told.ends_with("shorten the target, or the scope"), "{row}: {told}");
        }
    }
    let expired = signer().with_clock(|| at(NOW - 9)).scope("/v/").sign_until(at(NOW)).unwrap();
    assert!(expired.set_cookie("t").unwrap().to_str().unwrap().contains("Max-Age=9;"), "by the signer's clock");
}

fn segment() -> impl Strategy<Value = String> {
    "([A-Za-z0-9._~!$()*+=:@-]|%C3%A9|%20|%2E){1,8}"
}

fn scope() -> impl Strategy<Value = String> {
    proptest::collection::vec(segment(), 0..4)
        .prop_map(|segments| segments.iter().fold("/".to_owned(), |path, segment| format!("{path}{segment}/")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_minted_opens_every_path_under_it(
        scope in scope(), rest in "([A-Za-z0-9._~!$&'()*+,;=:@-]|%C3%A9|%20|/){0,12}",
        query in proptest::option::of("[A-Za-z0-9&=?/:;,-]{0,12}"), prefix in proptest::option::of("[a-r]{1,3}-"),
        place: Index, byte in any::<u8>().prop_filter("another", |byte| *byte != 0),
    ) {
        let policy = prefix.iter().fold(Policy::new(), |policy, prefix| policy.prefix(prefix));
        let verifier = builder().policy(policy).build().unwrap();
        let token = verifier.signer().scope(&scope).sign_until(at(1_790_000_000));
        prop_assume!(token.is_ok());
        let token = token.unwrap();
        let target = query.iter().fold(format!("{scope}{rest}"), |path, query| format!("{path}?{query}"));
        let (by_query, by_path) = (token.in_query(&target), token.in_path(&target));
        prop_assume!(by_query.is_ok());
        let (by_query, by_path) = (by_query.unwrap(), by_path.unwrap());
        let pair = token.set_cookie(DEFAULT_COOKIE).unwrap();
        let pair = pair.to_str().unwrap().split(';').next().unwrap().to_owned();

        let page = Url::parse("https://example.com/deep/down/page?x#y").unwrap();
        for link in [&by_query, &by_path] {
            prop_assert_eq!(page.join(link.as_str()).map(String::from), Ok(format!("https://example.com{link}")));
            prop_assert_eq!(link.as_str().parse::<http::Uri>().unwrap().to_string(), link.as_str());
        }
        for (carrier, request) in [
            (InQuery, get(by_query.as_str())),
            (InPath, get(by_path.as_str())),
            (InCookie, with_cookies(&target, &[&pair])),
        ] {
            let grant = verifier.verify(Head::of(&request)).unwrap().discharge(Obligations::NONE).unwrap();
            prop_assert_eq!(grant.scope(), Some(&*scope), "{:?}", carrier);
            let answer = call(&SignedUrlLayer::new(&verifier), request, &HeaderMap::new());
            prop_assert_eq!(result(&answer), granted(&target), "{:?}", carrier);
        }

        // One byte of the token, and of its base64url.
        let replace = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let place = place.index(bytes.len());
            bytes[place] ^= byte;
            String::from_utf8(bytes).ok()
        };
        let uris = [
            replace(token.as_str()).map(|token| format!("{scope}?{token}")),
            replace(token.as_str()).map(|token| format!("/~{}{scope}", encode(&token))),
            replace(&encode(token.as_str())).map(|encoded| format!("/~{encoded}{scope}")),
        ];
        for uri in uris.into_iter().flatten() {
            // A `#` ends what a server is sent, and no byte of the token may be left of it.
            let Ok(uri) = uri.parse::<http::Uri>() else { continue };
            let mut request = Request::new(());
            *request.uri_mut() = uri.clone();
            let refusal = verifier.verify(Head::of(&request)).map(drop);
            prop_assert!(refusal.is_err_and(|refusal| !refusal.is_authentic()), "{}", uri);
        }
        if let Some(encoded) = replace(&encode(token.as_str()))
            && let Ok(field) = HeaderValue::try_from(format!("{DEFAULT_COOKIE}={encoded}"))
        {
            let mut request = get(&scope);
            request.headers_mut().insert(COOKIE, field);
            let refusal = verifier.verify(Head::of(&request)).map(drop);
            prop_assert!(refusal.is_err_and(|refusal| !refusal.is_authentic()), "{}", encoded);
        }
    }
}
