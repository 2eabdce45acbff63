//! What a request says of the host, and of the URL that it was before somebody rewrote it: a link is for the request as it
//! came, and for the one host that it names.

use tower_signed_url::RejectionKind::{Context, NotAuthentic};
use tower_signed_url::{Verifier, context};

use super::door::{Answer, Door, get};
use super::support::by_hand::{signed, signed_with};
use super::support::{NOW, at, figure_keys};

fn verifier() -> Verifier {
    Verifier::builder(&figure_keys()).clock(|| at(NOW)).bind("host", context::host()).build().unwrap()
}

fn bound(host: &str) -> String {
    signed_with("/a?exp=1790000000&sig-bind=host", &format!("\nhost:{host}"))
}

#[test]
fn a_link_for_one_host_opens_no_other() {
    let link = bound("files.example.com");
    let ask = |name: &str, hosts: &[&'static str]| get(name, &*link).hosts(hosts);
    Door::new(&verifier()).check(&[
        ask("its own", &["files.example.com"]).served("/a"),
        ask("letter case", &["FILES.example.com"]).served("/a"),
        ask("a usual port", &["files.example.com:443"]).served("/a"),
        ask("another", &["evil.example"]).refused(NotAuthentic),
        ask("another port", &["files.example.com:8443"]).refused(NotAuthentic),
        ask("an empty port", &["files.example.com:"]).refused(NotAuthentic),
        ask("a port with a zero", &["files.example.com:0443"]).refused(NotAuthentic),
        ask("two usual ports", &["files.example.com:80:443"]).refused(NotAuthentic).but_over_http2(Answer::Unread),
        ask("a dot last", &["files.example.com."]).refused(NotAuthentic),
        ask("a longer name", &["files.example.com.evil.example"]).refused(NotAuthentic),
        ask("below it", &["x.files.example.com"]).refused(NotAuthentic),
        ask("a list", &["files.example.com,evil.example"]).refused(NotAuthentic),
        ask("the host as a user", &["files.example.com@evil.example"]).refused(Context),
        ask("the host behind a user", &["evil.example@files.example.com"]).refused(Context),
        ask("the host and a port as a user", &["files.example.com:443@evil.example"]).refused(Context),
        // Over HTTP/2 the first of two is the authority.
        ask("its own twice", &["files.example.com", "files.example.com"])
            .refused(Context)
            .but_over_http2(Answer::Served("/a".into())),
        ask("its own first", &["files.example.com", "evil.example"]).refused(Context),
        ask("its own last", &["evil.example", "files.example.com"]).refused(Context),
        ask("three times", &["files.example.com", "files.example.com", "files.example.com"]).refused(Context),
        ask("none", &[]).refused(Context).not_over_http2(),
        ask("an empty one", &[""]).refused(Context).not_over_http2(),
    ]);
    let absolute = |name: &str, origin: &str, hosts: &[&'static str]| get(name, format!("{origin}{link}")).hosts(hosts);
    Door::new(&verifier()).check(&[
        absolute("both its own", "http://files.example.com", &["files.example.com"])
            .served("/a")
            .but_over_http2(Answer::Unread),
        absolute("the authority alone", "http://files.example.com", &[]).served("/a").not_over_http2(),
        absolute("`Host` another", "http://files.example.com", &["evil.example"]).refused(Context).not_over_http2(),
        absolute("the authority another", "http://evil.example", &["files.example.com"])
            .refused(Context)
            .but_over_http2(Answer::Unread),
        absolute("a user", "http://files.example.com@evil.example", &["evil.example"])
            .refused(Context)
            .but_over_http2(Answer::Unread),
        absolute("another scheme and port", "ftp://files.example.com:21", &["files.example.com"])
            .refused(Context)
            .but_over_http2(Answer::Unread),
    ]);
}

#[test]
fn no_field_tells_of_another_request() {
    let (here, other) = (signed("/a?exp=1790000000"), signed("/public/b?exp=1790000000"));
    let of_host = bound("files.example.com");
    let run = other.rsplit_once("?").unwrap().1;
    let mut cases = Vec::new();
    for (name, value) in [
        ("x-original-url", "/public/b"),
        ("x-rewrite-url", "/public/b"),
        ("x-original-uri", "/public/b"),
        ("x-forwarded-uri", "/public/b"),
        ("x-forwarded-path", "/public/b"),
        ("x-forwarded-prefix", "/public"),
        ("x-script-name", "/public"),
        ("x-envoy-original-path", "/public/b"),
        ("x-http-destinationurl", "http://h/public/b"),
        ("content-location", "/public/b"),
        ("referer", "http://h/public/b"),
    ] {
        let ask = |case: &str, target: &str| get(format!("{name}, {case}"), target).field(name, value);
        cases.push(ask("a link for what it says", &format!("/b?{run}")).refused(NotAuthentic));
        cases.push(ask("a link for where it is", &here).served("/a"));
        let repeated = get(format!("{name}, with a whole link"), &*here).field(name, &*other);
        cases.push(repeated.served("/a"));
    }
    for (name, value) in [
        ("x-forwarded-host", "files.example.com"),
        ("x-host", "files.example.com"),
        ("x-original-host", "files.example.com"),
        ("x-forwarded-server", "files.example.com"),
        ("x-http-host-override", "files.example.com"),
        ("forwarded", "host=files.example.com"),
        ("origin", "https://files.example.com"),
        ("via", "1.1 files.example.com"),
    ] {
        let ask = |case: &str, host: &'static str| {
            get(format!("{name}, {case}"), &*of_host).hosts(&[host]).field(name, value)
        };
        cases.push(ask("at another host", "evil.example").refused(NotAuthentic));
        let evil = get(format!("{name}, saying another"), &*of_host).hosts(&["files.example.com"]);
        cases.push(evil.field(name, value.replace("files.example.com", "evil.example")).served("/a"));
    }
    Door::new(&verifier()).check(&cases);
}
