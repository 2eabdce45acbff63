//! What a request shows: the same, another's, nothing, something unclear.

use std::borrow::Cow;

use http::Request;
use tower_signed_url::RejectionKind::{Context, NotAuthentic};
use tower_signed_url::{Verifier, Verify};

use super::{EXP, Outcome, Tenant, User, at, check, get, get_by, keys, link, sign, unsigned, verifier};

/// The header lines of a request.
type Row<'r> = (&'r str, &'r [(&'r str, &'r [u8])], Outcome);

const FIGURE: &str =
    "/photos/cat.jpg?exp=1790000000&sig-bind=host,user&sig=dSHLMyYkK0hbr6Gn4EdIgdqFYDAymuZXL8X-4lAsMhA";

#[test]
fn the_figure_of_the_specification() {
    let signer = verifier().signer();
    let minted = signer.url("/photos/cat.jpg").bind("host", "files.example.com").bind("user", "42");
    assert_eq!(minted.sign_until(at(EXP)).unwrap().as_str(), FIGURE);
    assert_eq!(verifier().strip(FIGURE).as_deref(), Some("/photos/cat.jpg"));

    let swapped = signer.url("/photos/cat.jpg").bind("user", "42").bind("host", "files.example.com");
    assert_eq!(
        swapped.sign_until(at(EXP)).unwrap().as_str(),
        sign("/photos/cat.jpg?exp=1790000000&sig-bind=user,host", "\nuser:42\nhost:files.example.com"),
    );

    for (name, target, host, user, expected) in [
        ("as it was signed", FIGURE.to_owned(), Some("files.example.com"), Some("42"), Ok(())),
        ("another host", FIGURE.into(), Some("files.example.org"), Some("42"), unsigned(NotAuthentic)),
        ("another user", FIGURE.into(), Some("files.example.com"), Some("43"), unsigned(NotAuthentic)),
        ("no host", FIGURE.into(), None, Some("42"), unsigned(Context)),
        ("no user", FIGURE.into(), Some("files.example.com"), None, unsigned(Context)),
        ("neither", FIGURE.into(), None, None, unsigned(Context)),
        (
            "names swapped",
            FIGURE.replace("host,user", "user,host"),
            Some("files.example.com"),
            Some("42"),
            unsigned(NotAuthentic),
        ),
        ("values swapped", FIGURE.into(), Some("42"), Some("files.example.com"), unsigned(NotAuthentic)),
        (
            "a name left out",
            FIGURE.replace("host,user", "user"),
            Some("files.example.com"),
            Some("42"),
            unsigned(NotAuthentic),
        ),
        (
            "nothing bound",
            FIGURE.replace("&sig-bind=host,user", ""),
            Some("files.example.com"),
            Some("42"),
            unsigned(NotAuthentic),
        ),
        ("another target", FIGURE.replace("cat", "dog"), Some("files.example.com"), Some("42"), unsigned(NotAuthentic)),
    ] {
        let mut request = get(&target, &[]);
        if let Some(host) = host {
            request.headers_mut().insert("host", host.parse().unwrap());
        }
        if let Some(user) = user {
            request.extensions_mut().insert(User(user.into()));
        }
        check(&verifier(), name, &request, expected);
    }
}

#[test]
fn a_header_shows_its_value_if_it_stands_once() {
    const NAME: &str = "x-role";
    let rows: &[Row<'_>] = &[
        ("as it was signed", &[(NAME, b"admin")], Ok(())),
        ("another's", &[(NAME, b"guest")], unsigned(NotAuthentic)),
        ("letter case", &[(NAME, b"Admin")], unsigned(NotAuthentic)),
        ("a character less", &[(NAME, b"admi")], unsigned(NotAuthentic)),
        ("a character more", &[(NAME, b"admin2")], unsigned(NotAuthentic)),
        ("a space more", &[(NAME, b"admin ")], unsigned(NotAuthentic)),
        ("a list", &[(NAME, b"admin, admin")], unsigned(NotAuthentic)),
        ("quoted", &[(NAME, b"\"admin\"")], unsigned(NotAuthentic)),
        ("encoded", &[(NAME, b"%61dmin")], unsigned(NotAuthentic)),
        ("letters that look alike", &[(NAME, "аdmin".as_bytes())], unsigned(NotAuthentic)),
        ("absent", &[], unsigned(Context)),
        ("empty", &[(NAME, b"")], unsigned(Context)),
        ("twice, equal", &[(NAME, b"admin"), (NAME, b"admin")], unsigned(Context)),
        ("twice, another first", &[(NAME, b"guest"), (NAME, b"admin")], unsigned(Context)),
        ("twice, another last", &[(NAME, b"admin"), (NAME, b"guest")], unsigned(Context)),
        ("twice, one empty", &[(NAME, b"admin"), (NAME, b"")], unsigned(Context)),
        ("not UTF-8", &[(NAME, b"admin\xff")], unsigned(Context)),
        ("under another name", &[("role", b"admin"), ("x_role", b"admin")], unsigned(Context)),
    ];
    for (name, lines, expected) in rows {
        check(&verifier(), name, &get(&link("role", "\nrole:admin"), lines), *expected);
    }
}

#[test]
fn a_cookie_shows_its_value_if_it_stands_once() {
    const NAME: &str = "cookie";
    let rows: &[Row<'_>] = &[
        ("as it was signed", &[(NAME, b"session=abc")], Ok(())),
        ("among others", &[(NAME, b"a=1; session=abc; b=2")], Ok(())),
        ("in a second line", &[(NAME, b"a=1"), (NAME, b"session=abc")], Ok(())),
        ("beside one that is not text", &[(NAME, b"\xff=\xff; session=abc")], Ok(())),
        ("beside one without a value", &[(NAME, b"session; session=abc")], Ok(())),
        ("another's", &[(NAME, b"session=abd")], unsigned(NotAuthentic)),
        ("letter case", &[(NAME, b"session=ABC")], unsigned(NotAuthentic)),
        ("quoted", &[(NAME, b"session=\"abc\"")], unsigned(NotAuthentic)),
        ("encoded", &[(NAME, b"session=%61bc")], unsigned(NotAuthentic)),
        ("more of it", &[(NAME, b"session=abc=")], unsigned(NotAuthentic)),
        ("in a list of another kind", &[(NAME, b"session=abc, a=1")], unsigned(NotAuthentic)),
        ("absent", &[], unsigned(Context)),
        ("others alone", &[(NAME, b"a=1; b=2")], unsigned(Context)),
        ("empty", &[(NAME, b"session=")], unsigned(Context)),
        ("without a value", &[(NAME, b"session")], unsigned(Context)),
        ("twice, equal", &[(NAME, b"session=abc; session=abc")], unsigned(Context)),
        ("twice, another first", &[(NAME, b"session=abd; session=abc")], unsigned(Context)),
        ("twice, in two lines", &[(NAME, b"session=abc"), (NAME, b"session=abd")], unsigned(Context)),
        ("twice, one empty", &[(NAME, b"session=; session=abc")], unsigned(Context)),
        ("name in another case", &[(NAME, b"Session=abc")], unsigned(Context)),
        ("a longer name", &[(NAME, b"xsession=abc; session2=abc; __Host-session=abc")], unsigned(Context)),
        ("in the value of another", &[(NAME, b"a=session=abc")], unsigned(Context)),
        ("not UTF-8", &[(NAME, b"session=abc\xff")], unsigned(Context)),
        ("in another header", &[("set-cookie", b"session=abc")], unsigned(Context)),
    ];
    for (name, lines, expected) in rows {
        check(&verifier(), name, &get(&link("session", "\nsession:abc"), lines), *expected);
    }
}

#[test]
fn an_extension_or_a_closure_shows_what_it_says() {
    let long = "x".repeat(1 << 16);
    for (name, signed, shown, expected) in [
        ("as it was signed", "42", Some("42"), Ok(())),
        ("another's", "42", Some("43"), unsigned(NotAuthentic)),
        ("a digit more", "42", Some("420"), unsigned(NotAuthentic)),
        ("a digit less", "42", Some("4"), unsigned(NotAuthentic)),
        ("a space before", "42", Some(" 42"), unsigned(NotAuthentic)),
        ("absent", "42", None, unsigned(Context)),
        ("empty", "42", Some(""), unsigned(Context)),
        // Nobody mints these; whoever has the key can sign them.
        ("empty, signed", "", Some(""), unsigned(Context)),
        ("absent, signed as empty", "", None, unsigned(Context)),
        ("a line break, signed", "4\n2", Some("4\n2"), unsigned(Context)),
        ("a line break last, signed", "42\n", Some("42\n"), unsigned(Context)),
        ("a line break alone, signed", "\n", Some("\n"), unsigned(Context)),
        ("a line break last", "42", Some("42\n"), unsigned(Context)),
        ("a carriage return", "4\r2", Some("4\r2"), Ok(())),
        ("a null byte", "4\x002", Some("4\x002"), Ok(())),
        ("line separators of Unicode", "4\u{85}\u{2028}2", Some("4\u{85}\u{2028}2"), Ok(())),
        ("colons and commas", ":4,2:", Some(":4,2:"), Ok(())),
        ("an ampersand", "4&sig=2", Some("4&sig=2"), Ok(())),
        ("beyond ASCII", "Zoë 🐈", Some("Zoë 🐈"), Ok(())),
        ("composed otherwise", "Zo\u{eb}", Some("Zoe\u{308}"), unsigned(NotAuthentic)),
        ("64 KiB", &long, Some(&long), Ok(())),
        ("64 KiB less one", &long, Some(&long[1..]), unsigned(NotAuthentic)),
    ] {
        let mut request = get(&link("user", &format!("\nuser:{signed}")), &[]);
        request
            .extensions_mut()
            .extend(Request::builder().extension(Tenant("42".into())).body(()).unwrap().into_parts().0.extensions);
        if let Some(shown) = shown {
            request.extensions_mut().insert(User(shown.to_owned()));
        }
        check(&verifier(), &format!("extension, {name}"), &request, expected);

        let mut request = get_by(&link("tenant", &format!("\ntenant:{signed}")), "42");
        if let Some(shown) = shown {
            request.extensions_mut().insert(Tenant(shown.to_owned()));
        }
        check(&verifier(), &format!("closure, {name}"), &request, expected);
    }
}

#[test]
fn a_closure_may_show_the_same_of_every_request() {
    let by = |value: Option<&'static str>| {
        let source =
            Verifier::builder(&keys()).clock(|| at(super::NOW)).bind("region", move |_| value.map(Cow::Borrowed));
        source.build().unwrap()
    };
    let link = link("region", "\nregion:eu-1");
    for (name, value, expected) in [
        ("here", Some("eu-1"), Ok(())),
        ("elsewhere", Some("us-1"), unsigned(NotAuthentic)),
        ("nowhere", None, unsigned(Context)),
        ("empty", Some(""), unsigned(Context)),
    ] {
        check(&by(value), name, &get(&link, &[("region", b"eu-1")]), expected);
    }
}
