//! Contexts that every link has to bind.

use tower_signed_url::RejectionKind::{Context, Expired, Malformed, NotAuthentic};
use tower_signed_url::{Policy, Rejection, SignError, SignErrorKind, SignedUrlLayer, Signer, Verifier};

use super::{EXP, NOW, User, ask, at, authentic, builder, check, get, keys, link, sign, unsigned};

fn required() -> [(&'static str, Verifier); 3] {
    [
        ("the builder", builder().require("user").build().unwrap()),
        ("the policy", builder().policy(Policy::new().require_context("user")).build().unwrap()),
        ("the builder, a policy after it", builder().require("user").policy(Policy::new()).build().unwrap()),
    ]
}

#[test]
fn a_link_that_does_not_bind_them_is_refused() {
    for (by, verifier) in required() {
        for (name, target, expected) in [
            ("bound", link("user", "\nuser:42"), Ok(())),
            ("bound, and another", link("role,user", "\nrole:admin\nuser:42"), Ok(())),
            ("nothing bound", sign("/a?exp=1790000000", ""), authentic(Context)),
            ("another bound", link("role", "\nrole:admin"), authentic(Context)),
            ("a token", format!("/b/a?{}", sign("sig-scope=/b/&exp=1790000000", "")), authentic(Context)),
            (
                "a token, bound",
                format!("/b/a?{}", sign("sig-scope=/b/&exp=1790000000&sig-bind=user", "\nuser:42")),
                Ok(()),
            ),
            // FORMAT section 5: after the MAC and the values' syntax, before the times.
            ("not bound, tampered with", sign("/a?exp=1790000000", "").replace("/a", "/b"), unsigned(NotAuthentic)),
            ("not bound, malformed", sign("/a?exp=1790000000&sig-id=", ""), authentic(Malformed)),
            ("not bound, expired", sign("/a?exp=1789999000", ""), authentic(Context)),
            ("not bound, another method", sign("/a?exp=1790000000&sig-methods=PUT", ""), authentic(Context)),
            ("bound, expired", sign("/a?exp=1789999000&sig-bind=user", "\nuser:42"), Err((Expired, 410, true))),
            ("bound to another", link("user", "\nuser:43"), unsigned(NotAuthentic)),
        ] {
            let mut request = get(&target, &[("x-role", b"admin")]);
            request.extensions_mut().insert(User("42".into()));
            check(&verifier, &format!("required by {by}: {name}"), &request, expected);
        }
        check(
            &verifier,
            &format!("required by {by}: nothing shown"),
            &get(&link("user", "\nuser:42"), &[]),
            unsigned(Context),
        );
    }
}

#[test]
fn every_one_of_several_is_required() {
    let verifier = builder().require("user").require("role").require("user").build().unwrap();
    for (name, target, expected) in [
        ("both", link("user,role", "\nuser:42\nrole:admin"), Ok(())),
        ("the first", link("user", "\nuser:42"), authentic(Context)),
        ("the second", link("role", "\nrole:admin"), authentic(Context)),
        ("neither", sign("/a?exp=1790000000", ""), authentic(Context)),
    ] {
        let mut request = get(&target, &[("x-role", b"admin")]);
        request.extensions_mut().insert(User("42".into()));
        check(&verifier, name, &request, expected);
    }
}

#[test]
fn a_password_may_be_required() {
    let verifier = builder().require("password").build().unwrap();
    for (name, target, expected) in [
        ("not bound", sign("/a?exp=1790000000", ""), authentic(Context)),
        ("not bound, expired", sign("/a?exp=1789999000", ""), authentic(Context)),
        ("bound, right", link("password", "\npassword:pw"), Ok(())),
        (
            "bound, wrong",
            link("password", "\npassword:other"),
            Err((tower_signed_url::RejectionKind::WrongPassword, 401, false)),
        ),
    ] {
        check(&verifier, name, &get(&target, &[("authorization", b"Basic OnB3")]), expected); // `:pw`
    }
}

#[test]
fn what_has_to_be_bound_is_not_let_through_for_want_of_a_credential() {
    let layer = SignedUrlLayer::new(builder().require("user").build().unwrap()).optional();
    let kind = |target: &str| ask(&layer, &get(target, &[])).extensions().get().map(Rejection::kind);
    assert_eq!(kind("/a"), None, "no credential at all");
    assert_eq!(kind(&sign("/a?exp=1790000000", "")), Some(Context), "one that binds nothing");
    assert_eq!(kind(&link("user", "\nuser:42")), Some(Context), "one that binds what is not shown");
}

#[test]
fn nobody_mints_a_link_without_them() {
    let alone = Signer::new(&keys()).with_clock(|| at(NOW)).with_policy(Policy::new().require_context("user")).unwrap();
    let signers = required()
        .map(|(by, verifier)| (by, verifier.signer()))
        .into_iter()
        .chain([("a process that only signs", alone)]);
    for (by, signer) in signers {
        for (name, bound, expected) in [
            ("nothing", &[][..], Err(SignErrorKind::ContextRequired)),
            ("it", &[("user", "42")], Ok(link("user", "\nuser:42"))),
            ("an empty value", &[("user", "")], Err(SignErrorKind::Context)),
        ] {
            let mint = || bound.iter().fold(signer.url("/a"), |mint, (name, value)| mint.bind(name, value));
            let minted = mint().sign_until(at(EXP));
            assert_eq!(
                minted.as_ref().map(|url| url.as_str().to_owned()).map_err(SignError::kind),
                expected,
                "{by}: {name}"
            );
            if expected == Err(SignErrorKind::ContextRequired) {
                let message = "the policy requires links to bind \"user\": add `bind(\"user\", …)`";
                assert_eq!(minted.unwrap_err().to_string(), message, "{by}: {name}");
                assert_eq!(signer.scope("/b/").sign_until(at(EXP)).unwrap_err().kind(), SignErrorKind::ContextRequired);
            }
        }
    }
}
