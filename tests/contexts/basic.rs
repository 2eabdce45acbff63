//! How HTTP Basic shows a password, and what is none.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use tower_signed_url::RejectionKind::{PasswordRequired, WrongPassword};

use super::{Outcome, check, get, link, verifier};

const REQUIRED: Outcome = Err((PasswordRequired, 401, false));
const WRONG: Outcome = Err((WrongPassword, 401, false));

fn basic(credentials: &[u8]) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

/// A link for this password, asked for with these `Authorization` lines.
fn check_one(name: &str, password: &str, lines: &[&[u8]], expected: Outcome) {
    let lines: Vec<_> = lines.iter().map(|line| ("authorization", *line)).collect();
    check(&verifier(), name, &get(&link("password", &format!("\npassword:{password}")), &lines), expected);
}

#[test]
fn the_password_is_what_follows_the_first_colon() {
    let long = "x".repeat(1 << 14);
    for (name, password, credentials, expected) in [
        ("as it was signed", "pw", &b"user:pw"[..], Ok(())),
        ("another user", "pw", b"someone else:pw", Ok(())),
        ("no user", "pw", b":pw", Ok(())),
        ("another password", "pw", b"user:pw2", WRONG),
        ("letter case", "pw", b"user:PW", WRONG),
        ("a character less", "pw", b"user:p", WRONG),
        ("a space more", "pw", b"user:pw ", WRONG),
        ("the user's name", "pw", b"pw:user", WRONG),
        ("colons in it", "a:b:c", b"user:a:b:c", Ok(())),
        ("a colon first", ":pw", b"user::pw", Ok(())),
        ("a colon last", "pw:", b"user:pw:", Ok(())),
        ("nothing but a colon", ":", b"::", Ok(())),
        ("its last part", "c", b"user:a:b:c", WRONG),
        ("beyond ASCII", "pässwörd 🐈", "user:pässwörd 🐈".as_bytes(), Ok(())),
        ("beyond ASCII, composed otherwise", "p\u{e4}", "user:pa\u{308}".as_bytes(), WRONG),
        ("a user beyond ASCII", "pw", "Zoë:pw".as_bytes(), Ok(())),
        ("a null byte", "p\0w", b"user:p\0w", Ok(())),
        ("cut at a null byte", "p", b"user:p\0w", WRONG),
        ("16 KiB", &long, format!(":{long}").leak().as_bytes(), Ok(())),
        ("the other line's", "pw", b"user:pw\npassword:pw", REQUIRED),
        ("a line break", "p\nw", b"user:p\nw", REQUIRED),
        ("a line break last", "pw", b"user:pw\n", REQUIRED),
        ("Latin-1", "p\u{e4}", b"user:p\xe4", REQUIRED),
        ("a user in Latin-1", "pw", b"Zo\xeb:pw", REQUIRED),
        ("empty", "pw", b"user:", REQUIRED),
        ("empty, signed", "", b"user:", REQUIRED),
        ("no colon", "pw", b"pw", REQUIRED),
        ("no colon, signed", "", b"pw", REQUIRED),
        ("nothing", "pw", b"", REQUIRED),
    ] {
        check_one(name, password, &[basic(credentials).as_bytes()], expected);
    }
}

#[test]
fn only_one_field_of_the_scheme_shows_it() {
    let right = STANDARD.encode("user:pw");
    let wrong = STANDARD.encode("user:other");
    let with = |scheme: &str| format!("{scheme}{right}");
    let right = with("Basic ");
    assert_eq!(right, "Basic dXNlcjpwdw==");
    for (name, lines, expected) in [
        ("as it should be", &[&*right][..], Ok(())),
        ("lower case", &[&with("basic ")], Ok(())),
        ("upper case", &[&with("BASIC ")], Ok(())),
        ("mixed case", &[&with("bAsIc ")], Ok(())),
        ("spaces after the scheme", &[&with("Basic   ")], Ok(())),
        ("a space last", &[&format!("{right} ")], Ok(())),
        ("absent", &[], REQUIRED),
        ("empty", &[""], REQUIRED),
        ("the scheme alone", &["Basic"], REQUIRED),
        ("the scheme and a space", &["Basic "], REQUIRED),
        ("no scheme", &[&with("")], REQUIRED),
        ("no space", &[&with("Basic")], REQUIRED),
        ("a space before", &[&with(" Basic ")], REQUIRED),
        ("a tab", &[&with("Basic\t")], REQUIRED),
        ("an equals sign", &[&with("Basic=")], REQUIRED),
        ("a longer scheme", &[&with("Basics ")], REQUIRED),
        ("letters that look alike", &[&with("Bаsic ")], REQUIRED),
        ("Bearer", &[&with("Bearer ")], REQUIRED),
        ("Digest", &["Digest username=\"user\", password=\"pw\""], REQUIRED),
        ("Negotiate", &[&with("Negotiate ")], REQUIRED),
        ("not encoded", &["Basic user:pw"], REQUIRED),
        ("two equal fields", &[&right, &right], REQUIRED),
        ("two fields, a wrong one first", &[&format!("Basic {wrong}"), &right], REQUIRED),
        ("two fields, a wrong one last", &[&right, &format!("Basic {wrong}")], REQUIRED),
        ("two schemes", &["Bearer abc", &right], REQUIRED),
        ("one empty", &["", &right], REQUIRED),
        ("a list", &[&format!("{right}, {right}")], REQUIRED),
        ("two words", &[&format!("{right} {right}")], REQUIRED),
        ("no padding", &["Basic dXNlcjpwdw"], REQUIRED),
        ("half the padding", &["Basic dXNlcjpwdw="], REQUIRED),
        ("too much padding", &["Basic dXNlcjpwdw==="], REQUIRED),
        ("trailing bits", &["Basic dXNlcjpwdx=="], REQUIRED),
        ("another character", &["Basic dXNlcjpw*w=="], REQUIRED),
        ("a space within", &["Basic dXNl cjpwdw=="], REQUIRED),
        ("quoted", &["Basic \"dXNlcjpwdw==\""], REQUIRED),
        ("encoded twice", &[&basic(STANDARD.encode("user:pw").as_bytes())], REQUIRED),
    ] {
        let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
        check_one(name, "pw", &lines, expected);
    }
    check_one("not text", "pw", &[b"Basic \xff"], REQUIRED);
    check_one("not text beside it", "pw", &[b"Basic \xff", right.as_bytes()], REQUIRED);

    let (password, credentials) = ("pw?>~", "user:pw?>~");
    let (standard, url_safe) = (STANDARD.encode(credentials), URL_SAFE.encode(credentials));
    assert_ne!(standard, url_safe, "credentials in which the alphabets differ");
    assert_ne!(standard, STANDARD_NO_PAD.encode(credentials));
    check_one("the alphabet", password, &[format!("Basic {standard}").as_bytes()], Ok(()));
    check_one("the other alphabet", password, &[format!("Basic {url_safe}").as_bytes()], REQUIRED);

    for name in ["proxy-authorization", "x-authorization", "authentication", "password"] {
        let request = get(&link("password", "\npassword:pw"), &[(name, right.as_bytes())]);
        check(&verifier(), name, &request, REQUIRED);
    }
    let in_url = link("password", "\npassword:pw").replacen('/', "http://user:pw@h/", 1);
    check(&verifier(), "in the URL", &get(&in_url, &[]), REQUIRED);
}
