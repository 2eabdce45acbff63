//! What cannot be set up, and what cannot be minted.

use std::borrow::Cow;

use tower_signed_url::{
    ConfigError, ConfigErrorKind, Policy, SignError, SignErrorKind, Signer, Verifier, VerifierBuilder, context,
};

use super::{EXP, NOW, at, keys, link, verifier};

fn with(builder: VerifierBuilder, name: &str) -> VerifierBuilder {
    builder.bind(name, |_| Some(Cow::Borrowed("x")))
}

#[test]
fn a_verifier_says_what_is_wrong_with_its_contexts() {
    let new = || Verifier::builder(&keys());
    let long = "n".repeat(32);
    let (syntax, twice) = (ConfigErrorKind::Context, ConfigErrorKind::DuplicateContext);
    let sourceless = ConfigErrorKind::ContextWithoutSource;
    for (row, builder, expected) in [
        ("none", new(), None),
        ("one", with(new(), "user"), None),
        ("two", with(with(new(), "user"), "role"), None),
        ("32 characters", with(new(), &long), None),
        ("digits and hyphens", with(new(), "-0-"), None),
        ("required and there", with(new(), "user").require("user"), None),
        ("required before it is there", with(new().require("user"), "user"), None),
        ("allowed and there", with(new().policy(Policy::new().allow_context("user")), "user"), None),
        ("empty", with(new(), ""), Some((syntax, ""))),
        ("33 characters", with(new(), &format!("{long}n")), Some((syntax, &*format!("{long}n").leak()))),
        ("upper case", with(new(), "User"), Some((syntax, "User"))),
        ("an underscore", with(new(), "user_id"), Some((syntax, "user_id"))),
        ("a comma", with(new(), "user,role"), Some((syntax, "user,role"))),
        ("a colon", with(new(), "user:"), Some((syntax, "user:"))),
        ("a line break", with(new(), "user\n"), Some((syntax, "user\\n"))),
        ("beyond ASCII", with(new(), "üser"), Some((syntax, "üser"))),
        ("one of two", with(with(new(), "user"), "Role"), Some((syntax, "Role"))),
        ("twice", with(with(new(), "user"), "user"), Some((twice, "user"))),
        ("twice, apart", with(with(with(new(), "user"), "role"), "user"), Some((twice, "user"))),
        ("twice, ready-made", new().bind("host", context::host()).bind("host", context::host()), Some((twice, "host"))),
        ("required, no source", new().require("user"), Some((sourceless, "user"))),
        ("required, a source for another", with(new(), "role").require("user"), Some((sourceless, "user"))),
        ("required by the policy", new().policy(Policy::new().require_context("user")), Some((sourceless, "user"))),
        ("allowed, no source", new().policy(Policy::new().allow_context("user")), Some((sourceless, "user"))),
        ("required, and not a name", new().require("User"), Some((sourceless, "User"))),
    ] {
        let error = builder.build().err();
        assert_eq!(error.as_ref().map(ConfigError::kind), expected.map(|(kind, _)| kind), "{row}");
        if let (Some(error), Some((kind, name))) = (error, expected) {
            let message = match kind {
                ConfigErrorKind::Context => {
                    format!("\"{name}\" is not a name for a bound context: use 1 to 32 of a-z 0-9 -")
                }
                ConfigErrorKind::DuplicateContext => {
                    format!("the bound context \"{name}\" has two sources: register one")
                }
                _ => {
                    format!("links may bind \"{name}\", which the verifier has no source for: register one with `bind`")
                }
            };
            assert_eq!(error.to_string(), message, "{row}");
        }
    }
    for policy in [Policy::new().allow_context("User"), Policy::new().require_context("")] {
        let error = Signer::new(&keys()).with_policy(policy).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Context, "{error}");
    }
}

#[test]
fn minting_refuses_what_no_request_can_show() {
    let signer = verifier().signer();
    let alone = Signer::new(&keys()).with_clock(|| at(NOW));
    let allowed = alone.clone().with_policy(Policy::new().allow_context("user")).unwrap();
    let (value, nobody) = (SignErrorKind::Context, SignErrorKind::Unenforceable);
    for (row, signer, bound, expected) in [
        ("a value", &signer, &[("user", "42")][..], Ok(link("user", "\nuser:42"))),
        ("by a process that only signs", &allowed, &[("user", "42")], Ok(link("user", "\nuser:42"))),
        (
            "several, in their order",
            &signer,
            &[("user", "42"), ("role", "a")],
            Ok(link("user,role", "\nuser:42\nrole:a")),
        ),
        ("several, in another", &signer, &[("role", "a"), ("user", "42")], Ok(link("role,user", "\nrole:a\nuser:42"))),
        ("beyond ASCII", &signer, &[("password", "p:ä 🐈")], Ok(link("password", "\npassword:p:ä 🐈"))),
        ("a host with a port", &signer, &[("host", "h.example:8443")], Ok(link("host", "\nhost:h.example:8443"))),
        ("an IPv6 host", &signer, &[("host", "[::1]")], Ok(link("host", "\nhost:[::1]"))),
        ("empty", &signer, &[("user", "")], Err((value, "user"))),
        ("a line break", &signer, &[("user", "42\nrole:admin")], Err((value, "user"))),
        ("a line break last", &signer, &[("user", "42\n")], Err((value, "user"))),
        ("an empty password", &signer, &[("password", "")], Err((value, "password"))),
        ("a password with a line break", &signer, &[("password", "a\nb")], Err((value, "password"))),
        ("one twice, equal", &signer, &[("user", "42"), ("user", "42")], Err((value, "user"))),
        ("one twice, apart", &signer, &[("user", "42"), ("role", "a"), ("user", "43")], Err((value, "user"))),
        ("a host in upper case", &signer, &[("host", "H.example")], Err((value, "host"))),
        ("a host with :80", &signer, &[("host", "h.example:80")], Err((value, "host"))),
        ("a host with :443", &signer, &[("host", "h.example:443")], Err((value, "host"))),
        ("a host with a user", &signer, &[("host", "u@h.example")], Err((value, "host"))),
        ("an empty host", &signer, &[("host", "")], Err((value, "host"))),
        ("an unknown name", &signer, &[("nobody", "42")], Err((nobody, "nobody"))),
        ("an unknown name among others", &signer, &[("user", "42"), ("nobody", "42")], Err((nobody, "nobody"))),
        ("another case", &signer, &[("User", "42")], Err((nobody, "User"))),
        ("two names at once", &signer, &[("user,role", "42")], Err((nobody, "user,role"))),
        ("no name", &signer, &[("", "42")], Err((nobody, ""))),
        ("a signer by itself", &alone, &[("user", "42")], Err((nobody, "user"))),
        ("one that is allowed another", &allowed, &[("role", "42")], Err((nobody, "role"))),
    ] {
        let mint = bound.iter().fold(signer.url("/a"), |mint, (name, value)| mint.bind(name, value));
        let minted = mint.sign_until(at(EXP)).map(|url| url.as_str().to_owned());
        let found = minted.as_ref().map_err(SignError::kind);
        assert_eq!(found, expected.as_ref().map_err(|(kind, _)| *kind), "{row}");
        if let (Err(error), Err((kind, name))) = (minted, expected) {
            let message = if kind == nobody {
                format!(
                    "nobody would enforce \"{name}\": mint with the signer of a verifier that has a source for it, or with a policy that allows it (`allow_context`, `allow_client_ip`)"
                )
            } else {
                format!(
                    "the link cannot bind this value of \"{name}\": give one that is not empty and holds no line break, each name once, and a host in lower case without :80 or :443"
                )
            };
            assert_eq!(error.to_string(), message, "{row}");
        }
    }
}

/// A value may be a password.
#[test]
fn nothing_shows_a_value() {
    let signer = verifier().signer();
    let mint = signer.url("/a").bind("user", "SECRET").bind("password", "SECRET");
    let shown = format!("{mint:?}");
    let url = mint.sign_until(at(EXP)).unwrap();
    let errors = [("user", "SECRET\n"), ("host", "SECRET"), ("nobody", "SECRET")];
    let errors = errors.map(|(name, value)| signer.url("/a").bind(name, value).sign_until(at(EXP)).unwrap_err());
    for shown in [
        shown,
        format!("{url:?} {}", url.as_str()),
        format!("{errors:?}"),
        errors.map(|error| error.to_string()).concat(),
    ] {
        assert!(!shown.contains("SECRET"), "{shown}");
    }
}
