//! A MAC that is right for something else: an exact URL's for a token, a bound context's for a link without one, and
//! the other way round.

use http::HeaderName;
use tower_signed_url::RejectionKind::{Context, Malformed, Missing, NotAuthentic, Scope, Unenforceable};
use tower_signed_url::{Policy, Verifier, context};

use super::carriers::{CARRIERS, Carrier, verifier};
use super::door::{Case, Door, get};
use super::support::by_hand::{mac, signed, signed_with};
use super::support::{NOW, at, figure_keys};

#[test]
fn a_link_is_no_token_and_a_token_is_no_link() {
    const LINK: &str = "/v/1?exp=1790000000";
    const TOKEN: &str = "sig-scope=/v/&exp=1790000000";
    let token_with = |mac: &str| format!("{TOKEN}&sig={mac}");
    let in_query = |token: &str| format!("/v/1?{token}");
    let right = signed(TOKEN);
    let mut cases = vec![
        get("a link", signed(LINK)).served("/v/1"),
        get("a link with a token's MAC", format!("{LINK}&sig={}", mac(TOKEN))).refused(NotAuthentic),
        get("a token under the whole target's MAC", signed("/v/1?sig-scope=/v/&exp=1790000000")).refused(NotAuthentic),
        get("a token under its path's MAC", format!("/v/1?{}", token_with(&mac("/v/&exp=1790000000"))))
            .refused(NotAuthentic),
        get("a token under the root's MAC", format!("/?{}", token_with(&mac("/?sig-scope=/v/&exp=1790000000"))))
            .refused(NotAuthentic),
        get("a token, its scope taken off", format!("/v/1?exp=1790000000&sig={}", mac(TOKEN))).refused(NotAuthentic),
        get("a token, its scope behind exp", format!("/v/1?exp=1790000000&sig-scope=/v/&sig={}", mac(TOKEN)))
            .refused(Malformed),
        get("a link, a scope put in", format!("/v/1?sig-scope=/v/&exp=1790000000&sig={}", mac(LINK)))
            .refused(NotAuthentic),
        get("a link, a scope signed in", signed("/v/1?exp=1790000000&sig-scope=/v/")).refused(Malformed),
        get("a token, a wider scope", in_query(&right).replace("=/v/", "=/")).refused(NotAuthentic),
        get("a token, another scope signed", in_query(&signed("sig-scope=/w/&exp=1790000000"))).refused(Scope),
        get("a token as the target", right.clone()).unread(),
        get("a token as the target, behind a slash", format!("/{right}")).refused(Missing),
        get("a token as the target, behind `/?`", format!("/?{right}")).refused(Scope),
        // A cookie without a scope that leads here is not looked at.
        Carrier::Cookie.get("a link", b"/v/1", &signed(LINK)).refused(Missing),
        Carrier::Path.get("a link", b"/v/1", &signed(LINK)).refused(Missing),
        Carrier::Path
            .get("a link's text for a token's beginning", b"/v/1", &signed("sig-scope=/v/?exp=1790000000"))
            .refused(Malformed),
    ];
    for carrier in CARRIERS {
        cases.push(carrier.get("a token", b"/v/1", &right).served("/v/1"));
        let with_links_mac = carrier.get("a token with a link's MAC", b"/v/1", &token_with(&mac(LINK)));
        cases.push(with_links_mac.refused(NotAuthentic));
    }
    Door::new(&verifier()).check(&cases);
}

#[test]
fn a_token_of_another_prefix_is_none() {
    let policy = Policy::new().prefix("x-");
    let prefixed = Verifier::builder(&figure_keys()).policy(policy).clock(|| at(NOW)).build().unwrap();
    let token = "x-sig-scope=/v/&x-exp=1790000000";
    let with = |text: &str| format!("/v/1?{token}&x-sig={}", mac(text));
    Door::new(&prefixed).check(&[
        get("a prefixed token", with(&format!("x-\n{token}"))).served("/v/1"),
        get("a prefixed token without its line", with(token)).refused(NotAuthentic),
        get("a prefixed token with a plain one's MAC", with("sig-scope=/v/&exp=1790000000")).refused(NotAuthentic),
        get("a prefixed token with a link's MAC", with("x-\n/v/1?x-exp=1790000000")).refused(NotAuthentic),
        get(
            "a prefixed link with a token's MAC",
            format!("/v/1?x-exp=1790000000&x-sig={}", mac(format!("x-\n{token}"))),
        )
        .refused(NotAuthentic),
        get("a plain token", format!("/v/1?{}", signed("sig-scope=/v/&exp=1790000000"))).refused(Missing),
    ]);
}

/// Who is asking, as a field of the request tells that a proxy sets.
fn bound() -> Verifier {
    let field = |name| context::header(HeaderName::from_static(name));
    let builder = Verifier::builder(&figure_keys()).bind("user", field("x-user")).bind("tenant", field("x-tenant"));
    builder.bind("host", context::host()).clock(|| at(NOW)).build().unwrap()
}

fn link(binds: &str, lines: &str) -> String {
    signed_with(&format!("/a?exp=1790000000&sig-bind={binds}"), lines)
}

/// Asked for with these values; without the field where one is empty.
fn ask(name: &str, target: impl Into<Vec<u8>>, user: &str, tenant: &str) -> Case {
    let fields = [("x-user", user), ("x-tenant", tenant)].into_iter().filter(|(_, value)| !value.is_empty());
    fields.fold(get(name, target), |case, (field, value)| case.field(field, value))
}

#[test]
fn a_bound_link_is_for_what_it_binds() {
    let by_user = link("user", "\nuser:42");
    let by_both = link("user,tenant", "\nuser:42\ntenant:t1");
    let plain = signed("/a?exp=1790000000");
    let mac_of = |link: &str| link[link.len() - 43..].to_owned();
    Door::new(&bound()).check(&[
        ask("bound", &*by_user, "42", "").served("/a"),
        ask("not bound", &*plain, "", "").served("/a"),
        ask("two bound", &*by_both, "42", "t1").served("/a"),
        ask("two bound, in another order", link("tenant,user", "\ntenant:t1\nuser:42"), "42", "t1").served("/a"),
        ask("another user", &*by_user, "43", "").refused(NotAuthentic),
        ask("the user's beginning", &*by_user, "4", "").refused(NotAuthentic),
        ask("the user and more", &*by_user, "421", "").refused(NotAuthentic),
        ask("nobody", &*by_user, "", "").refused(Context),
        ask("the field without a value", &*by_user, "", "").field("x-user", "").refused(Context),
        ask("the field twice", &*by_user, "42", "").field("x-user", "42").refused(Context),
        ask("the field twice, another first", &*by_user, "43", "").field("x-user", "42").refused(Context),
        ask("both in one field", &*by_user, "42,43", "").refused(NotAuthentic),
        ask("the other field", &*by_user, "", "42").refused(Context),
        ask("the binding taken off", by_user.replace("&sig-bind=user", ""), "42", "").refused(NotAuthentic),
        ask("one of two taken off", by_both.replace(",tenant", ""), "42", "t1").refused(NotAuthentic),
        ask("the binding put on", plain.replace("&sig=", "&sig-bind=user&sig="), "42", "").refused(NotAuthentic),
        ask("the order changed", by_both.replace("user,tenant", "tenant,user"), "42", "t1").refused(NotAuthentic),
        ask("the values swapped", &*by_both, "t1", "42").refused(NotAuthentic),
        ask("bound to another name", by_user.replace("=user", "=tenant"), "42", "42").refused(NotAuthentic),
        ask("bound to a name that is unknown", by_user.replace("=user", "=users"), "42", "").refused(Unenforceable),
        ask("signed as if not bound", link("user", ""), "42", "").refused(NotAuthentic),
        ask("a line more", link("user", "\nuser:42\ntenant:t1"), "42", "t1").refused(NotAuthentic),
        ask("a line less", link("user,tenant", "\nuser:42"), "42", "t1").refused(NotAuthentic),
        ask("no line break", link("user", "user:42"), "42", "").refused(NotAuthentic),
        ask("an escaped line break", link("user", "%0Auser:42"), "42", "").refused(NotAuthentic),
        ask("the value alone", link("user", "\n42"), "42", "").refused(NotAuthentic),
        ask("a host for a user", link("host", "\nuser:h"), "h", "").refused(NotAuthentic),
        ask("bound to the host", link("host", "\nhost:h"), "", "").served("/a"),
        ask("another host", link("host", "\nhost:h"), "", "").hosts(&["other.example"]).refused(NotAuthentic),
        // The bound text as a part of a target: a link that binds nothing covers no line break.
        ask("the line in the path", format!("/a%0Auser:42?exp=1790000000&sig={}", mac_of(&by_user)), "", "")
            .refused(NotAuthentic),
        ask("the line in the run, raw", by_user.replace("&sig=", "\nuser:42&sig="), "42", "").unread(),
        ask("the line in the run, escaped", by_user.replace("&sig=", "%0Auser:42&sig="), "42", "").refused(Malformed),
        ask("the line signed into the run, escaped", signed("/a?exp=1790000000&sig-bind=user%0Auser:42"), "42", "")
            .refused(Malformed),
    ]);
}

/// Two lists of values that would be one text if nothing stood between them.
#[test]
fn no_value_runs_into_the_next() {
    let verifier = bound();
    let signer = verifier.signer();
    let minted = |user: &str, tenant: &str| {
        let mint = signer.url("/a").bind("user", user).bind("tenant", tenant);
        mint.sign_until(at(NOW + 1000)).unwrap().into_string()
    };
    let link = minted("a", "btenant:c");
    let folded = minted("42", "t1");
    Door::new(&verifier).check(&[
        ask("as it was bound", &*link, "a", "btenant:c").served("/a"),
        ask("cut elsewhere", &*link, "atenant:b", "c").refused(NotAuthentic),
        ask("cut at an escaped line break", &*link, "atenant:b%0A", "c").refused(NotAuthentic),
        ask("cut at a colon", &*minted("a:b", "c"), "a", "b:c").refused(NotAuthentic),
        ask("cut at nothing", &*minted("ab", "c"), "a", "bc").refused(NotAuthentic),
        // What a field's value cannot hold on the wire.
        ask("a line in a value", &*folded, "42\n tenant:t1", "t1").unread(),
        ask("a line in a value, with a return", &*folded, "42\r\n tenant:t1", "t1").unread(),
        ask("a return in a value", &*folded, "42\rtenant:t1", "t1").unread(),
        ask("a zero byte in a value", &*folded, "42\0", "t1").unread(),
    ]);
}
