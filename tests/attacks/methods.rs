//! Methods that a link is not for, said where somebody behind the layer might look for them.

use tower_signed_url::RejectionKind::{Malformed, Method, Missing, NotAuthentic};

use super::door::{Answer, Case, Door, get};
use super::support::by_hand::signed;
use super::support::fixed_verifier;

fn for_methods(methods: &str) -> String {
    signed(&format!("/a?exp=1790000000&sig-methods={methods}"))
}

#[test]
fn a_link_is_for_the_methods_that_it_names() {
    let plain = signed("/a?exp=1790000000");
    let ask = |name: &str, target: &str, method| get(name, target).method(method);
    let head = for_methods("HEAD");
    let mut cases: Vec<Case> = vec![
        ask("GET", &plain, "GET").served("/a"),
        ask("HEAD by GET", &plain, "HEAD").served("/a"),
        ask("HEAD by HEAD", &head, "HEAD").served("/a"),
        ask("GET by HEAD", &head, "GET").refused(Method),
        ask("PUT by PUT", &for_methods("PUT"), "PUT").served("/a"),
        ask("HEAD by PUT", &for_methods("PUT"), "HEAD").refused(Method),
        ask("GET by PUT", &for_methods("PUT"), "GET").refused(Method),
        ask("OPTIONS by OPTIONS", &for_methods("OPTIONS"), "OPTIONS").served("/a"),
        ask("PROPFIND by PROPFIND", &for_methods("PROPFIND"), "PROPFIND").served("/a"),
        ask("PUTS by PUT", &for_methods("PUT"), "PUTS").refused(Method),
        ask("PU by PUT", &for_methods("PUT"), "PU").refused(Method),
        ask("another's", &plain.replace("&sig=", "&sig-methods=PUT&sig="), "PUT").refused(NotAuthentic),
    ];
    for method in [
        "OPTIONS", "TRACE", "PROPFIND", "POST", "PUT", "PATCH", "DELETE", "get", "Get", "head", "GETX", "GET-HEAD",
        "PRI",
    ] {
        cases.push(ask(method, &plain, method).refused(Method));
    }
    // Only a request for a tunnel has it, and that has no path (RFC 9110 section 9.3.6).
    cases.push(ask("CONNECT", &plain, "CONNECT").refused(Method).but_over_http2(Answer::Unread));
    cases.push(ask("CONNECT to a host", "h:443", "CONNECT").refused(Missing).not_over_http2());
    Door::new(&fixed_verifier()).check(&cases);
}

#[test]
fn no_field_and_no_parameter_tells_of_another_method() {
    let (plain, form) = (signed("/a?exp=1790000000"), for_methods("POST"));
    let mut cases = vec![get("the request's own", &*plain).served("/a")];
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "x-method",
        "x-original-method",
        "x-forwarded-method",
    ] {
        cases.push(
            get(format!("POST that says GET, {name}"), &*plain).method("POST").field(name, "GET").refused(Method),
        );
        cases.push(get(format!("GET that says POST, {name}"), &*form).field(name, "POST").refused(Method));
        cases.push(get(format!("GET that says DELETE, {name}"), &*plain).field(name, "DELETE").served("/a"));
    }
    let named = signed("/a?_method=GET&exp=1790000000");
    cases.extend([
        get("a signed parameter", &*named).method("POST").refused(Method),
        get("a signed parameter, a form", &*named).method("POST").body(b"_method=GET").refused(Method),
        get("a parameter put in", plain.replace("?exp", "?_method=GET&exp")).method("POST").refused(NotAuthentic),
        get("a parameter put behind", format!("{plain}&_method=GET")).method("POST").refused(Malformed),
        get("a link in the body", "/a").method("POST").body(b"exp=1790000000").refused(Missing),
        // A body is for whoever reads it: a link without limits to it has nothing against it.
        get("a body", &*plain).body(b"_method=DELETE").served("/a"),
    ]);
    Door::new(&fixed_verifier()).check(&cases);
}
