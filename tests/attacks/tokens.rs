//! One credential in place of another, several at once, and cookies that somebody else planted.

use tower_signed_url::RejectionKind::{
    Context, Expired, Malformed, Method, Missing, NotAuthentic, Scope, Unenforceable,
};
use tower_signed_url::{DEFAULT_COOKIE, Policy, SignedUrlLayer, Verifier};

use super::carriers::{builder, cookie, encoded, token, verifier};
use super::door::{Answer, Case, Door, get};
use super::support::by_hand::{mac, signed};
use super::support::{NOW, at, figure_keys, fixed_verifier};

#[test]
fn one_kind_of_credential_is_no_other() {
    let v = token("/v/");
    let exact = signed("/v/a?exp=1790000000");
    let exact_run = exact.split_once('?').unwrap().1;
    let base64 = encoded(&v);
    let mut cases = vec![
        get("an exact URL", &*exact).served("/v/a"),
        get("a token as a parameter", format!("/v/a?token={base64}")).refused(Missing),
        get("a token as the cookie has it", format!("/v/a?{base64}")).refused(Missing),
        get("a token as the path has it", format!("/v/a?~{base64}")).refused(Missing),
        get("a cookie as a parameter", format!("/v/a?{}", cookie(&v))).refused(Missing),
        get("a cookie for a path", format!("/{}/v/a", cookie(&v))).refused(Missing),
        get("a token as it is, for a segment", format!("/~{v}/v/a")).refused(Missing),
        get("a token as it is, in a cookie", "/v/a").field("cookie", format!("{DEFAULT_COOKIE}={v}")).refused(Missing),
        get("a token as a password", "/v/a").field("authorization", format!("Bearer {v}")).refused(Missing),
        get("a token in a field of its name", "/v/a").field(DEFAULT_COOKIE, base64.as_str()).refused(Missing),
        get("a token in `Referer`", "/v/a").field("referer", format!("http://h/v/a?{v}")).refused(Missing),
        get("a link in `Referer`", "/v/a").field("referer", format!("http://h{exact}")).refused(Missing),
    ];
    for (name, credential) in
        [("an exact URL", &*exact), ("an exact URL's run", exact_run), ("a path and a token", &format!("/v/a?{v}"))]
    {
        cases.push(get(format!("{name}, in a cookie"), "/v/a").field("cookie", cookie(credential)).refused(Missing));
        cases.push(get(format!("{name}, for a segment"), format!("/~{}/v/a", encoded(credential))).refused(Missing));
    }
    Door::new(&verifier()).check(&cases);

    // Where no carrier was asked for, there is none but the query.
    Door::new(&fixed_verifier()).check(&[
        get("in the query", format!("/v/a?{v}")).served("/v/a"),
        get("in a cookie", "/v/a").field("cookie", cookie(&v)).refused(Missing),
        get("in the path", format!("/~{base64}/v/a")).refused(Unenforceable),
    ]);
}

#[test]
fn of_two_credentials_there_is_no_choice() {
    let (v, all) = (token("/v/"), token("/"));
    let expired = signed("sig-scope=/v/&exp=1789999000");
    let exact_run = signed("/v/a?exp=1790000000").split_once('?').unwrap().1.to_owned();
    let segment = format!("/~{}", encoded(&v));
    let mut cases = vec![
        get("two tokens", format!("/v/a?{v}&{all}")).refused(Malformed),
        get("the same token twice", format!("/v/a?{v}&{v}")).refused(Malformed),
        get("two tokens, a parameter between", format!("/v/a?{v}&a=1&{all}")).refused(Malformed),
        get("a token and a link", format!("/v/a?{v}&{exact_run}")).refused(Malformed),
        get("a link and a token", format!("/v/a?{exact_run}&{v}")).refused(Malformed),
        get("a token, then a link that covers it", signed(&format!("/v/a?{v}&exp=1790000000"))).refused(Malformed),
        get("in the path and in the query", format!("{segment}/v/a?{v}")).refused(Malformed),
        get("in the path, and half a link", format!("{segment}/v/a?exp=1790000000")).refused(Malformed),
        get("in the path, and a link for what follows", format!("{segment}/v/a?{exact_run}")).refused(Malformed),
        get("in the path, and a link for all of it", signed(&format!("{segment}/v/a?exp=1790000000")))
            .refused(Malformed),
        get("in the path twice", format!("{segment}{segment}/v/a")).refused(Malformed),
        // What the URL says goes before what a browser adds.
        get("in the query, and a cookie that would not do", format!("/v/a?{v}"))
            .field("cookie", cookie(&expired))
            .served("/v/a"),
        get("an expired one in the query, and a cookie", format!("/v/a?{expired}"))
            .field("cookie", cookie(&v))
            .refused(Expired),
        get("half a link, and a cookie", "/v/a?exp=1790000000").field("cookie", cookie(&v)).refused(Malformed),
        get("a reserved name, and a cookie", "/v/a?sig-new=1").field("cookie", cookie(&v)).refused(Malformed),
        get("in the path, and a cookie that would not do", format!("{segment}/v/a"))
            .field("cookie", cookie(&expired))
            .served("/v/a"),
        get("half a token in the path, and a cookie", "/~c2lnLXNjb3BlPS/v/a")
            .field("cookie", cookie(&all))
            .refused(Malformed),
    ];
    // A token in the query is one run of bytes, whatever was signed.
    for (name, target) in [
        ("split by a parameter", format!("/v/a?{}", signed("sig-scope=/v/&a=1&exp=1790000000"))),
        ("split by an empty parameter", format!("/v/a?{}", signed("sig-scope=/v/&&exp=1790000000"))),
        ("a parameter before the MAC", format!("/v/a?{}", signed("sig-scope=/v/&exp=1790000000&a=1"))),
        ("a parameter put in", format!("/v/a?{}", v.replace("&exp", "&a=1&exp"))),
        ("the scope last", format!("/v/a?{}", signed("exp=1790000000&sig-scope=/v/"))),
        ("the scope in the middle", format!("/v/a?{}", signed("exp=1790000000&sig-scope=/v/&sig-id=a"))),
        ("the scope last, exactly signed", signed("/v/a?exp=1790000000&sig-scope=/v/")),
        ("the scope twice", format!("/v/a?{}", signed("sig-scope=/v/&sig-scope=/&exp=1790000000"))),
        ("the scope behind `exp` once more", format!("/v/a?{}", signed("sig-scope=/v/&exp=1790000000&sig-scope=/"))),
        ("the scope as an array", format!("/v/a?{}", signed("sig-scope[]=/v/&exp=1790000000"))),
        ("the MAC first", format!("/v/a?sig={}&sig-scope=/v/&exp=1790000000", mac("sig-scope=/v/&exp=1790000000"))),
        ("joined by `;`", format!("/v/a?{}", v.replace('&', ";"))),
        ("joined by `&amp;`", format!("/v/a?{}", v.replace('&', "&amp;"))),
        ("a name of the format behind", format!("/v/a?{v}&sig-id=a")),
        ("a name of the format before", format!("/v/a?sig-id=a&{v}")),
    ] {
        cases.push(get(name, target).refused(Malformed));
    }
    cases.push(get("parameters around it", format!("/v/a?a=1&{v}&b=2")).served("/v/a?a=1&b=2"));
    let upper = signed("SIG-SCOPE=/v/&exp=1790000000");
    cases.push(get("a scope by another letter case", format!("/v/a?{upper}")).refused(NotAuthentic));
    Door::new(&verifier()).check(&cases);
}

/// A `GET` of `/v/w/a` with these `Cookie` fields.
fn with_cookies(name: &str, fields: &[String]) -> Case {
    fields.iter().fold(get(name, "/v/w/a"), |case, field| case.field("cookie", field.as_str()))
}

#[test]
fn of_several_cookies_the_longest_scope_counts_and_of_equal_ones_the_first() {
    let (v, w, expired_w) =
        (cookie(&token("/v/")), cookie(&token("/v/w/")), cookie(&signed("sig-scope=/v/w/&exp=1789999000")));
    let forged_w = cookie(&token("/v/w/").replace("1790000000", "1790000001"));
    let nonsense = cookie("sig-scope=/v/w/a");
    let elsewhere = cookie(&token("/v/w/x/"));
    let slashless = cookie(&token("/v/w/a"));
    let line = |cookies: &[&String]| vec![cookies.iter().map(|cookie| cookie.as_str()).collect::<Vec<_>>().join("; ")];
    let lines = |cookies: &[&String]| cookies.iter().map(|cookie| (*cookie).clone()).collect::<Vec<_>>();
    let mut cases = Vec::new();
    for (name, cookies, kind) in [
        ("the longer scope last", vec![&v, &expired_w], Some(Expired)),
        ("the longer scope first", vec![&expired_w, &v], Some(Expired)),
        ("the longer scope, which is good, last", vec![&v, &w], None),
        ("equal scopes, the first expired", vec![&expired_w, &w], Some(Expired)),
        ("equal scopes, the first good", vec![&w, &expired_w], None),
        ("equal scopes, the first forged", vec![&forged_w, &w], Some(NotAuthentic)),
        ("equal scopes, the second forged", vec![&w, &forged_w], None),
        ("three, the longest in the middle", vec![&v, &expired_w, &v], Some(Expired)),
        ("one for another path, which is longer still", vec![&elsewhere, &w, &elsewhere], None),
        // Whoever can set a cookie, a subdomain say, can shut a client out by a longer scope, and let nobody in.
        ("a planted one of a longer scope", vec![&v, &forged_w], Some(NotAuthentic)),
        ("a planted one of a longer scope, first", vec![&forged_w, &v], Some(NotAuthentic)),
        ("a planted one for the whole path", vec![&v, &slashless], Some(Malformed)),
        ("a planted one that is half a token", vec![&v, &nonsense], Some(Malformed)),
    ] {
        for (form, fields) in [("one field", line(&cookies)), ("several fields", lines(&cookies))] {
            let case = with_cookies(&format!("{name}, {form}"), &fields);
            cases.push(match kind {
                Some(kind) => case.refused(kind),
                None => case.served("/v/w/a"),
            });
        }
    }
    Door::new(&verifier()).check(&cases);
}

#[test]
fn a_cookie_is_what_a_browser_sends() {
    let (good, value) = (cookie(&token("/v/")), encoded(&token("/v/")));
    let expired = cookie(&signed("sig-scope=/v/&exp=1789999000"));
    let mut cases = Vec::new();
    for (name, field) in [
        ("among others", format!("a=b; {good}; c=d")),
        ("without spaces", format!("a=b;{good};c=d")),
        ("among empty ones", format!(";; ;{good};;")),
        ("behind one without a name", format!("=x; {good}")),
        ("behind one without a value", format!("a; {good}")),
        ("behind a quote that is left open", format!("a=\"b; {good}")),
        ("behind one of that name that is no token", format!("{DEFAULT_COOKIE}=x; {good}")),
        ("behind one of that name that is empty", format!("{DEFAULT_COOKIE}=; {good}")),
        ("behind bytes that are not text", format!("a=\u{e9}; {good}")),
        ("spaces around the `=`", format!("{DEFAULT_COOKIE} = {value}")),
        ("before one that has ended", format!("{good}; {expired}")),
    ] {
        cases.push(get(name, "/v/a").field("cookie", field).served("/v/a"));
    }
    for (name, field) in [
        ("in quotes", format!("{DEFAULT_COOKIE}=\"{value}\"")),
        ("padded", format!("{good}=")),
        ("padded, encoded", format!("{good}%3D")),
        ("encoded", format!("{DEFAULT_COOKIE}=%63{}", &value[1..])),
        ("a space inside", format!("{DEFAULT_COOKIE}={} {}", &value[..9], &value[9..])),
        ("a byte less", good[..good.len() - 1].into()),
        ("joined by a comma", format!("a=b, {good}")),
        ("another letter case", format!("Signed-URL={value}")),
        ("an encoded name", format!("signed%2Durl={value}")),
        ("a prefix to its name", format!("__Secure-{good}")),
        ("an array", format!("{DEFAULT_COOKIE}[]={value}")),
        ("in another's value", format!("a={good}")),
        ("by RFC 2965", format!("$Version=1, {good}")),
    ] {
        cases.push(get(name, "/v/a").field("cookie", field).refused(Missing));
    }
    cases.push(get("a byte more", "/v/a").field("cookie", format!("{good}A")).refused(Malformed));
    cases.push(get("in a second field", "/v/a").field("cookie", "a=b").field("cookie", &*good).served("/v/a"));
    cases.push(get("in `Cookie2`", "/v/a").field("cookie2", &*good).refused(Missing));
    cases.push(get("in `Set-Cookie`", "/v/a").field("set-cookie", &*good).refused(Missing));
    Door::new(&verifier()).check(&cases);
}

#[test]
fn a_cookie_is_not_believed_for_more_than_reading() {
    let all = signed("sig-scope=/v/&exp=1790000000&sig-methods=GET,PUT,POST,DELETE");
    let ask = |name: &str, method| get(name, "/v/a").field("cookie", cookie(&all)).method(method);
    let by_query = |method| get("in the query", format!("/v/a?{all}")).method(method);
    Door::new(&verifier()).check(&[
        ask("reading", "GET").served("/v/a"),
        ask("reading a head", "HEAD").served("/v/a"),
        ask("writing", "PUT").refused(Method),
        ask("a form", "POST").body(b"a=b").refused(Method),
        ask("taking away", "DELETE").refused(Method),
        ask("a method of another's", "PATCH").refused(Method),
        by_query("PUT").served("/v/a"),
        ask("a WebSocket", "GET").field("upgrade", "websocket").refused(Method).but_over_http2(Answer::Unread),
        ask("a WebSocket, as a browser asks", "GET")
            .field("connection", "upgrade")
            .field("upgrade", "websocket")
            .refused(Method)
            .but_over_http2(Answer::Unread),
        ask("an upgrade to nothing", "GET").field("upgrade", "").refused(Method).but_over_http2(Answer::Unread),
    ]);
    let told_otherwise = builder().allow_any_method_by_cookie().build().unwrap();
    Door::new(&told_otherwise).check(&[
        ask("writing", "PUT").served("/v/a"),
        ask("a method that it does not name", "PATCH").refused(Method),
        ask("a WebSocket", "GET").field("upgrade", "websocket").served("/v/a").but_over_http2(Answer::Unread),
    ]);
}

#[test]
fn in_optional_mode_a_cookie_that_fails_is_none_and_a_url_that_fails_is_refused() {
    let put = signed("sig-scope=/v/&exp=1790000000&sig-methods=PUT");
    let expired = signed("sig-scope=/v/&exp=1789999000");
    let bound = signed("sig-scope=/v/&exp=1790000000&sig-bind=user");
    let forged = token("/v/").replace("/v/", "/");
    let ask = |name: &str, token: &str| get(name, "/v/a").field("cookie", cookie(token));
    let source = builder().bind("user", |_| None).build().unwrap();
    Door::with_layer(SignedUrlLayer::new(source).optional()).check(&[
        ask("a good one", &token("/v/")).served("/v/a"),
        ask("expired", &expired).anonymous("/v/a"),
        ask("forged", &forged).anonymous("/v/a"),
        ask("half a token", "sig-scope=/v/a").anonymous("/v/a"),
        ask("bound to nobody", &bound).anonymous("/v/a"),
        ask("for another method", &put).anonymous("/v/a"),
        ask("for what a cookie does not grant", &put).method("PUT").anonymous("/v/a"),
        get("no credential", "/v/a").anonymous("/v/a"),
        get("in the query, expired", format!("/v/a?{expired}")).refused(Expired),
        get("in the query, forged", format!("/v/a?{forged}")).refused(NotAuthentic),
        get("in the query, bound to nobody", format!("/v/a?{bound}")).refused(Context),
        get("in the path, expired", format!("/~{}/v/a", encoded(&expired))).refused(Expired),
        get("half a link, and a good cookie", "/v/a?sig=x").field("cookie", cookie(&token("/v/"))).refused(Malformed),
    ]);
}

#[test]
fn a_token_in_the_path_is_its_first_segment_and_nothing_else() {
    let (v, all) = (encoded(&token("/v/")), encoded(&token("/")));
    // The last character holds four bits that have to be zero.
    let (all_but_one, last) = v.split_at(v.len() - 1);
    let other_bits = format!("{all_but_one}{}", char::from(last.as_bytes()[0] + 1));
    let swapped: String =
        v.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }).collect();
    Door::new(&verifier()).check(&[
        get("first", format!("/~{v}/v/a")).served("/v/a"),
        get("second", format!("/v/~{v}/a")).refused(Missing),
        get("last", format!("/v/a/~{v}")).refused(Missing),
        get("behind an empty segment", format!("//~{v}/v/a")).refused(Missing),
        get("behind a dot", format!("/./~{v}/v/a")).refused(Missing),
        get("behind a folder and up", format!("/x/../~{v}/v/a")).refused(Missing),
        get("an encoded `~`", format!("/%7e{v}/v/a")).refused(Missing),
        get("an encoded letter", format!("/~%63{}/v/a", &v[1..])).refused(Missing),
        get("an encoded slash behind", format!("/~{v}%2fv/a")).refused(Malformed),
        get("another letter case", format!("/~{swapped}/v/a")).refused(Missing),
        get("a parameter", format!("/~{v};x=1/v/a")).refused(Malformed),
        get("padded", format!("/~{v}=/v/a")).refused(Malformed),
        get("a byte more", format!("/~{v}A/v/a")).refused(Malformed),
        get("other trailing bits", format!("/~{other_bits}/v/a")).refused(Malformed),
        get("two slashes behind", format!("/~{v}//v/a")).refused(Scope),
        get("a slash behind", format!("/~{v}/")).refused(Scope),
        get("nothing behind", format!("/~{v}")).refused(Malformed),
        get("a query behind", format!("/~{v}?/v/a")).refused(Malformed),
        get("twice", format!("/~{v}/~{v}/v/a")).refused(Malformed),
        // Under `/` the second would be a name like any other, and reach the service.
        get("twice, for everything", format!("/~{all}/~{all}/v/a")).refused(Malformed),
        get("absolute form", format!("http://evil.example/~{v}/v/a")).served("/v/a").but_over_http2(Answer::Unread),
    ]);
    // What begins a token depends on the name prefix.
    let prefixed = Verifier::builder(&figure_keys()).clock(|| at(NOW)).policy(Policy::new().prefix("x-")).token_path();
    let token = {
        let covered = "x-sig-scope=/v/&x-exp=1790000000";
        format!("{covered}&x-sig={}", mac(format!("x-\n{covered}")))
    };
    Door::new(&prefixed.build().unwrap()).check(&[
        get("with the prefix", format!("/~{}/v/a", encoded(&token))).served("/v/a"),
        get("without", format!("/~{v}/v/a")).refused(Missing),
    ]);
}
