//! What the MAC is over: the names in their order and a line for each, which no value can forge.

use http::Request;
use tower_signed_url::RejectionKind::{
    Client, Context, Expired, Malformed, Method, NotAuthentic, Unenforceable, UnknownKey,
};
use tower_signed_url::{Head, RejectionKind, SignErrorKind, Verifier, Verify, client_ip};

use super::{
    NOW, Outcome, Tenant, User, at, authentic, builder, check, get, get_by, keys, link, mac, secret, sign, unsigned,
    verifier,
};

/// A request that shows a user, a tenant and a role, each if it is not empty.
fn showing(target: &str, user: &str, tenant: &str, role: &str) -> Request<()> {
    let mut request = get(target, &[]);
    if !user.is_empty() {
        request.extensions_mut().insert(User(user.into()));
    }
    if !tenant.is_empty() {
        request.extensions_mut().insert(Tenant(tenant.into()));
    }
    if !role.is_empty() {
        request.headers_mut().insert("x-role", role.parse().unwrap());
    }
    request
}

#[test]
fn several_contexts_stand_in_the_order_of_their_names() {
    let three = "\nuser:42\ntenant:t1\nrole:admin";
    let bound = link("user,tenant,role", three);
    for (name, target, (user, tenant, role), expected) in [
        ("as it was signed", bound.clone(), ("42", "t1", "admin"), Ok(())),
        ("another user", bound.clone(), ("43", "t1", "admin"), unsigned(NotAuthentic)),
        ("another tenant", bound.clone(), ("42", "t2", "admin"), unsigned(NotAuthentic)),
        ("another role", bound.clone(), ("42", "t1", "guest"), unsigned(NotAuthentic)),
        ("two values swapped", bound.clone(), ("t1", "42", "admin"), unsigned(NotAuthentic)),
        ("no user", bound.clone(), ("", "t1", "admin"), unsigned(Context)),
        ("no tenant", bound.clone(), ("42", "", "admin"), unsigned(Context)),
        ("no role", bound.clone(), ("42", "t1", ""), unsigned(Context)),
        (
            "names in another order",
            bound.replace("user,tenant", "tenant,user"),
            ("42", "t1", "admin"),
            unsigned(NotAuthentic),
        ),
        ("a name less", bound.replace(",role", ""), ("42", "t1", "admin"), unsigned(NotAuthentic)),
        ("a name more", bound.replace(",role", ",role,host"), ("42", "t1", "admin"), unsigned(Context)),
        (
            "bound in another order",
            link("role,tenant,user", "\nrole:admin\ntenant:t1\nuser:42"),
            ("42", "t1", "admin"),
            Ok(()),
        ),
        // Signed, and nothing that a signer writes.
        (
            "lines in another order",
            link("user,tenant,role", "\ntenant:t1\nuser:42\nrole:admin"),
            ("42", "t1", "admin"),
            unsigned(NotAuthentic),
        ),
        (
            "a line less",
            link("user,tenant,role", "\nuser:42\ntenant:t1"),
            ("42", "t1", "admin"),
            unsigned(NotAuthentic),
        ),
        ("a line more", link("user,tenant", three), ("42", "t1", "admin"), unsigned(NotAuthentic)),
        ("no lines", link("user,tenant,role", ""), ("42", "t1", "admin"), unsigned(NotAuthentic)),
        ("lines without names", sign("/a?exp=1790000000", three), ("42", "t1", "admin"), unsigned(NotAuthentic)),
        (
            "a line break last",
            link("user,tenant,role", &format!("{three}\n")),
            ("42", "t1", "admin"),
            unsigned(NotAuthentic),
        ),
        ("a space after the colon", link("user", "\nuser: 42"), ("42", "", ""), unsigned(NotAuthentic)),
        ("an equals sign for the colon", link("user", "\nuser=42"), ("42", "", ""), unsigned(NotAuthentic)),
        ("no line break before", link("user", "user:42"), ("42", "", ""), unsigned(NotAuthentic)),
        ("a carriage return before", link("user", "\r\nuser:42"), ("42", "", ""), unsigned(NotAuthentic)),
        ("the value alone", link("user", "\n42"), ("42", "", ""), unsigned(NotAuthentic)),
        ("the name alone", link("user", "\nuser:"), ("42", "", ""), unsigned(NotAuthentic)),
        ("the line of another name", link("user", "\nrole:42"), ("42", "", "42"), unsigned(NotAuthentic)),
        ("the value beside the name", link("user", "\nuser:42\nuser:42"), ("42", "", ""), unsigned(NotAuthentic)),
    ] {
        check(&verifier(), name, &showing(&target, user, tenant, role), expected);
    }
}

/// `user` = `42⏎tenant:t1` and `user` = `42`, `tenant` = `t1` would be the same text: neither values nor minting can
/// make it.
#[test]
fn no_value_forges_another_line() {
    let text = "\nuser:42\ntenant:t1\ntenant:t2";
    for (name, target, user, tenant) in [
        ("a line in the first value", link("user,tenant", text), "42\ntenant:t1", "t2"),
        ("a line in the last value", link("user,tenant", text), "42", "t1\ntenant:t2"),
        ("a line for a name that is not bound", link("user", "\nuser:42\nrole:admin"), "42\nrole:admin", ""),
        ("the whole of another link's lines", link("user", "\nuser:42\ntenant:t1"), "42\ntenant:t1", "t1"),
        ("a line break alone", link("user,tenant", "\nuser:\n\ntenant:t1"), "\n", "t1"),
        // A target holds no line break, so that none of its bytes is taken for a line, nor a line for one of them.
        ("a target in a value", link("user", "\nuser:42\n/b?exp=1790000000"), "42\n/b?exp=1790000000", ""),
    ] {
        check(&verifier(), name, &showing(&target, user, tenant, ""), unsigned(Context));
        let error =
            verifier().signer().url("/a").bind("user", user).bind("tenant", tenant).sign_until(at(1_790_000_000));
        assert_eq!(error.unwrap_err().kind(), SignErrorKind::Context, "{name}");
    }
    let encoded = sign("/a%0Auser:42?exp=1790000000", "");
    check(&verifier(), "an encoded line break is none", &get_by(&encoded, "42"), Ok(()));
    check(&verifier(), "nor bound", &get_by(&encoded.replace("%0Auser:42", ""), "42"), unsigned(NotAuthentic));
    assert!("/a\nuser:42?exp=1790000000".parse::<http::Uri>().is_err());
}

/// The name prefix is a line of the MAC's input as well, and the first.
#[test]
fn the_lines_follow_a_name_prefix() {
    let prefixed = builder().policy(tower_signed_url::Policy::new().prefix("x-")).build().unwrap();
    let covered = "/a?x-exp=1790000000&x-sig-bind=user";
    let by_hand = |text: &str| format!("{covered}&x-sig={}", mac(&secret(), text));
    for (name, text, expected) in [
        ("prefix, target, lines", format!("x-\n{covered}\nuser:42"), Ok(())),
        ("no prefix", format!("{covered}\nuser:42"), unsigned(NotAuthentic)),
        ("prefix among the lines", format!("{covered}\nx-\nuser:42"), unsigned(NotAuthentic)),
        ("names with the prefix", format!("x-\n{covered}\nx-user:42"), unsigned(NotAuthentic)),
    ] {
        check(&prefixed, name, &get_by(&by_hand(&text), "42"), expected);
    }
    let minted = prefixed.signer().url("/a").bind("user", "42").sign_until(at(1_790_000_000)).unwrap();
    assert_eq!(minted.as_str(), by_hand(&format!("x-\n{covered}\nuser:42")));
    check(
        &prefixed,
        "without the prefix it is the application's",
        &get_by("/a?sig-bind=user", "42"),
        unsigned(RejectionKind::Missing),
    );
}

/// Of a long list all names are compared, too, where there are as many sources.
#[test]
fn a_name_that_stands_far_behind_its_like_is_found() {
    let names: Vec<_> = (0..20).map(|n| format!("n{n}")).collect();
    let builder = Verifier::builder(&keys()).clock(|| at(NOW));
    let verifier =
        names.iter().fold(builder, |builder, name| builder.bind(name, |_| Some("v".into()))).build().unwrap();
    for (name, last, expected) in
        [("all different", "n18", Ok(())), ("the last one as the first", "n0", authentic(Malformed))]
    {
        let list = [&names[..18].join(","), last].join(",");
        let lines: String = list.split(',').map(|name| format!("\n{name}:v")).collect();
        check(&verifier, name, &get(&link(&list, &lines), &[]), expected);
    }
}

/// The MAC's own input depends on it, so its syntax is judged first: whatever else is wrong, and whatever the key.
#[test]
fn the_syntax_of_the_names_comes_before_the_mac() {
    let (long, longer) = ("n".repeat(32), "n".repeat(33));
    let numbers = (0..3000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let malformed = unsigned(Malformed);
    for (name, names, expected) in [
        ("empty", "", malformed),
        ("a comma", ",", malformed),
        ("a comma last", "user,", malformed),
        ("a comma first", ",user", malformed),
        ("two commas", "user,,role", malformed),
        ("one twice", "user,user", malformed),
        ("one twice, apart", "user,role,user", malformed),
        ("password twice", "password,password", malformed),
        ("upper case", "User", malformed),
        ("an underscore", "user_id", malformed),
        ("a dot", "user.id", malformed),
        ("a colon", "user:42", malformed),
        ("a semicolon", "user;role", malformed),
        ("a plus for a space", "user,+role", malformed),
        ("an encoded comma", "user%2Crole", malformed),
        ("an encoded letter", "%75ser", malformed),
        ("an encoded line break", "user%0Arole", malformed),
        ("an equals sign", "user=42", malformed),
        ("a star", "*", malformed),
        ("beyond ASCII", "üser", malformed),
        ("33 characters", &longer, malformed),
        ("password, and a name that is none", "password,User", malformed),
        ("3000 names, one twice", &format!("{numbers},0"), unsigned(Unenforceable)),
        ("32 characters", &long, unsigned(Unenforceable)),
        ("unknown", "nobody", unsigned(Unenforceable)),
        ("a hyphen", "-", unsigned(Unenforceable)),
        ("a digit", "0", unsigned(Unenforceable)),
        ("known, and unknown", "user,nobody", unsigned(Unenforceable)),
        ("a longer name", "users", unsigned(Unenforceable)),
        ("3000 unknown names", &numbers, unsigned(Unenforceable)),
    ] {
        let covered = format!("/a?exp=1790000000&sig-bind={names}");
        let unknown_key = format!("{covered}&sig=z.AAAA");
        let key_first = if expected == malformed { malformed } else { unsigned(UnknownKey) };
        for (row, target, expected) in [
            ("signed without lines", sign(&covered, ""), expected),
            ("signed with a line", sign(&covered, &format!("\n{names}:42")), expected),
            ("no MAC", format!("{covered}&sig="), expected),
            ("expired", sign(&covered.replace("exp=179", "exp=178"), ""), expected),
            ("another malformed value", sign(&covered.replace("1790000000", "x"), ""), expected),
            ("an unknown key", unknown_key, key_first),
        ] {
            let request = showing(&target, "42", "t1", "admin");
            check(&verifier(), &format!("{name}, {row}"), &request, expected);
            if expected == malformed {
                let rejection = verifier().verify(Head::of(&request)).unwrap_err();
                assert_eq!(rejection.parameter(), Some("sig-bind"), "{name}, {row}");
            }
        }
    }
    let bound = link("user", "\nuser:42");
    for (name, target, expected) in [
        ("no value", sign("/a?exp=1790000000&sig-bind", ""), malformed),
        ("twice", sign("/a?exp=1790000000&sig-bind=user&sig-bind=role", "\nuser:42"), malformed),
        ("twice, equal", sign("/a?exp=1790000000&sig-bind=user&sig-bind=user", "\nuser:42"), malformed),
        ("before `exp`", sign("/a?sig-bind=user&exp=1790000000", "\nuser:42"), malformed),
        ("after `sig`", format!("{}&sig-bind=user", sign("/a?exp=1790000000", "")), malformed),
        ("after `sig` as well", format!("{bound}&sig-bind=role"), malformed),
        // Any other name is told to authentic links alone, and to these a link binds nothing.
        ("signed, in another case", sign("/a?exp=1790000000&sig-Bind=user", ""), authentic(Unenforceable)),
        ("signed, encoded", sign("/a?exp=1790000000&sig-%62ind=user", ""), authentic(Unenforceable)),
        (
            "signed with a line, in another case",
            sign("/a?exp=1790000000&sig-Bind=user", "\nuser:42"),
            unsigned(NotAuthentic),
        ),
    ] {
        check(&verifier(), name, &get_by(&target, "42"), expected);
    }
}

#[test]
fn neither_a_bound_link_nor_another_passes_for_the_other() {
    let (plain, bound) = (sign("/a?exp=1790000000", ""), link("user", "\nuser:42"));
    let mac_of = |link: &str| link[link.len() - 43..].to_owned();
    let with_mac = |link: &str, other: &str| format!("{}{}", &link[..link.len() - 43], mac_of(other));
    for (name, target, expected) in [
        ("bound", bound.clone(), Ok(())),
        ("not bound", plain.clone(), Ok(())),
        ("bound, with the other's MAC", with_mac(&bound, &plain), unsigned(NotAuthentic)),
        ("not bound, with the other's MAC", with_mac(&plain, &bound), unsigned(NotAuthentic)),
        ("the name taken out", bound.replace("&sig-bind=user", ""), unsigned(NotAuthentic)),
        ("a name put in", plain.replace("&sig=", "&sig-bind=user&sig="), unsigned(NotAuthentic)),
        ("bound to another name of the same value", bound.replace("=user", "=tenant"), unsigned(NotAuthentic)),
        ("bound to another user", link("user", "\nuser:43"), unsigned(NotAuthentic)),
        ("signed as if it were not bound", link("user", ""), unsigned(NotAuthentic)),
        ("a MAC too short", bound[..bound.len() - 1].into(), unsigned(NotAuthentic)),
        ("no MAC", bound[..bound.len() - 43].into(), unsigned(NotAuthentic)),
        ("another key's MAC", bound.replace("&sig=", "&sig=k."), unsigned(NotAuthentic)),
        (
            "a key's own",
            format!(
                "/a?exp=1790000000&sig-bind=user&sig=k.{}",
                mac(&[1; 32], "/a?exp=1790000000&sig-bind=user\nuser:42")
            ),
            Ok(()),
        ),
        ("an unknown key", bound.replace("&sig=", "&sig=z."), unsigned(UnknownKey)),
    ] {
        check(&verifier(), name, &showing(&target, "42", "42", ""), expected);
    }
}

/// FORMAT section 5. Each link has every fault from its own on.
#[test]
fn bound_values_come_after_the_key_and_before_the_mac() {
    let verifier = builder().client_ip(|_: Head<'_>| None).build().unwrap();
    let no_ip = builder().build().unwrap();
    let rest = "sig-methods=PUT&sig-ip=10.0.0.1";
    let expired = format!("exp=1789999000&sig-bind=user&{rest}");
    let told = |kind, status| Err((kind, status, true));
    let (no_value, value) = ("", "42");
    let rows: [(&str, &Verifier, String, &str, Outcome); 10] = [
        ("2. unknown key, nothing shown", &verifier, format!("/a?{expired}&sig=z."), no_value, unsigned(UnknownKey)),
        (
            "2. unknown key, no source",
            &verifier,
            format!("/a?{}&sig=z.", expired.replace("user", "nobody")),
            no_value,
            unsigned(UnknownKey),
        ),
        ("3. nothing shown, MAC too short", &verifier, format!("/a?{expired}&sig=AA"), no_value, unsigned(Context)),
        ("3. nothing shown, signed", &verifier, sign(&format!("/a?{expired}"), "\nuser:"), no_value, unsigned(Context)),
        (
            "3. no source, MAC too short",
            &verifier,
            format!("/a?{}&sig=AA", expired.replace("user", "nobody")),
            value,
            unsigned(Unenforceable),
        ),
        ("4. MAC too short", &verifier, format!("/a?{expired}&sig-new&sig=AA"), value, unsigned(NotAuthentic)),
        (
            "5. unknown name",
            &verifier,
            sign(&format!("/a?{expired}&sig-new"), "\nuser:42"),
            value,
            authentic(Unenforceable),
        ),
        ("5. not enforced", &no_ip, sign(&format!("/a?{expired}"), "\nuser:42"), value, authentic(Unenforceable)),
        ("7. expired", &verifier, sign(&format!("/a?{expired}"), "\nuser:42"), value, told(Expired, 410)),
        (
            "9. method",
            &verifier,
            sign(&format!("/a?exp=1790000000&sig-bind=user&{rest}"), "\nuser:42"),
            value,
            told(Method, 403),
        ),
    ];
    for (name, verifier, target, user, expected) in rows {
        check(verifier, name, &showing(&target, user, "", ""), expected);
    }
    let address = sign("/a?exp=1790000000&sig-bind=user&sig-ip=10.0.0.1", "\nuser:42");
    check(&verifier, "10. address", &showing(&address, value, "", ""), told(Client, 403));
    let from = builder().client_ip(client_ip::extension(|user: &User| {
        if user.0 == "42" { [10, 0, 0, 1].into() } else { [10, 0, 0, 2].into() }
    }));
    check(&from.build().unwrap(), "all is well", &showing(&address, value, "", ""), Ok(()));
}
