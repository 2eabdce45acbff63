//! The command line: `sign`, `keygen`, and what goes wrong.

use std::time::{Duration, SystemTime};

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::support::at;
use super::{FIVE_MINUTES, HOUR, KEYS, error_for, mistake, printed, run, signer, start};

#[test]
fn keygen_prints_keys_that_serve_and_sign() {
    let keygen = || printed(&run(&["keygen"], None));
    let keys = keygen();
    assert_ne!(keys, keygen());
    let (_, secret) = keys.split_once(':').unwrap();
    assert_eq!(URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32);

    let server = start(&[], Some(&keys));
    let target = printed(&run(&["sign", "/files/hello.txt"], Some(&keys)));
    assert_eq!(server.get(&target).status, 200);
    assert!(!server.stop().log.contains("restart"));
}

#[test]
fn sign_prints_the_link_that_a_signer_makes() {
    let absolute = "http://127.0.0.1:3000/files/a.txt";
    for (target, options, lifetime, method) in [
        ("/files/a.txt", &[][..], FIVE_MINUTES, Method::GET),
        ("/files/a%20b.txt?c=d", &["--expires", "2h"], 2 * HOUR, Method::GET),
        ("/files/a.txt", &["--method", "PUT", "--expires", "90s"], Duration::from_secs(90), Method::PUT),
        (absolute, &["--expires", "1m"], Duration::from_secs(60), Method::GET),
    ] {
        let earliest = SystemTime::now() + lifetime;
        let signed = printed(&run(&[&["sign", target], options].concat(), Some(KEYS)));
        let latest = SystemTime::now() + lifetime + Duration::from_secs(1);

        let exp = signed.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("exp=")).unwrap();
        let expires_at = at(exp.parse().unwrap());
        assert!((earliest..=latest).contains(&expires_at), "{signed}");
        assert_eq!(signed, signer().url(target).method(method).sign_until(expires_at).unwrap().as_str());
    }
}

#[test]
fn wrong_usage_is_told_in_a_line() {
    let server_takes = "a server takes one folder, --listen and --expires";
    let sign_takes = "sign takes one target, and every option but --listen";
    for (args, message) in [
        (&["--nonsense"][..], "unknown option --nonsense"),
        (&["--listen"], "--listen needs a value"),
        (&["--expires"], "--expires needs a value"),
        (&["--method", "P T"], "--method needs an HTTP method"),
        (&["--method", "PUT"], server_takes),
        (&["--scope"], server_takes),
        (&["--ip", "::1"], server_takes),
        (&["one", "two"], server_takes),
        (&["keygen", "more"], "keygen takes nothing else"),
        (&["keygen", "--expires", "5m"], "keygen takes nothing else"),
        (&["keygen", "--scope"], "keygen takes nothing else"),
        (&["sign"], sign_takes),
        (&["sign", "/a", "/b"], sign_takes),
        (&["sign", "/a", "--listen", "127.0.0.1:0"], sign_takes),
        (&["sign", "--scope"], sign_takes),
        (&["sign", "/a/", "--scope", "/b/"], sign_takes),
        (&["sign", "/a", "--hosts", "a"], "unknown option --hosts"),
        (&["sign", "/a", "--max-bytes", "1k"], "--max-bytes needs a number of bytes"),
        (&["sign", "/a", "--max-bytes", "-1"], "--max-bytes needs a number of bytes"),
        (&["sign", "/a", "--max-bytes", "18446744073709551616"], "--max-bytes needs a number of bytes"),
        (&["sign", "/a", "--method", "GET,PUT"], "--method needs an HTTP method"),
    ] {
        assert_eq!(mistake(args, Some(KEYS)), (2, format!("{message} (--help tells more)")), "{args:?}");
    }
    for option in
        ["--method", "--not-before", "--ip", "--bind-host", "--password", "--max-bytes", "--type", "--download", "--id"]
    {
        let message = format!("{option} needs a value (--help tells more)");
        assert_eq!(mistake(&["sign", "/a", option], Some(KEYS)), (2, message));
    }
    for text in ["", "s", "5", "5d", "-5m", "1.5h", "5ü", "0s", "0h", "99999999999999999h"] {
        let message = format!("{text:?} is not a duration: write 1s, 5m or 2h (--help tells more)");
        assert_eq!(mistake(&["--expires", text], Some(KEYS)), (2, message.clone()));
        assert_eq!(mistake(&["sign", "/a", "--not-before", text], Some(KEYS)), (2, message));
    }

    let help = run(&["sign", "--help"], None);
    assert_eq!((help.status.code(), &*help.stderr), (Some(0), &b""[..]));
    assert!(help.stdout.starts_with(b"Serves a folder through links that expire.\n"));
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let sign = &["sign", "/files/a"][..];
    let unset = "the environment variable is not set, or not UTF-8: set it to id:base64url";
    let untidy = "a key is written id:base64url, several are separated by commas";
    let short = "the key is too short: use 32 random bytes, 16 at the least";
    for (args, keys, message) in [
        (sign, None, format!("SIGNED_URL_KEYS: {unset}")),
        (sign, Some(""), format!("SIGNED_URL_KEYS: key 1: {untidy}")),
        (sign, Some("a:AAECAwQF"), format!("SIGNED_URL_KEYS: key 1: {short}")),
        (&[], Some("a:AAECAwQF"), format!("SIGNED_URL_KEYS: key 1: {short}")),
        (&["sign", "/a b"], Some(KEYS), error_for("/a b", FIVE_MINUTES)),
        (&["sign", "/a", "--expires", "200h"], Some(KEYS), error_for("/a", 200 * HOUR)),
        (&["--listen", "127.0.0.1:0", "--expires", "200h"], Some(KEYS), error_for("/a", 200 * HOUR)),
        (&["--listen", "nowhere"], Some(KEYS), "cannot listen on nowhere: invalid socket address".into()),
        (&["/no/such/folder"], Some(KEYS), "/no/such/folder: No such file or directory (os error 2)".into()),
    ] {
        assert_eq!(mistake(args, keys), (1, message), "{args:?}");
    }
}

#[test]
fn a_restriction_that_cannot_be_kept_is_told_in_a_line() {
    let (id, method) = ("the id is not usable", "is not a method of A-Z and -");
    let (ip, host) = ("is not a list of addresses and networks", "the link cannot bind this value of \"host\"");
    let (password, media_type) = ("the link cannot bind this value of \"password\"", "is not a media type");
    let (file_name, scope) = ("the file name is not usable", "the scope is not usable");
    for (args, message) in [
        (&["/a", "--ip", "nonsense"][..], ip),
        (&["/a", "--ip", ""], ip),
        (&["/a", "--ip", "192.0.2.7/24"], ip),
        (&["/a", "--ip", "::1", "--ip", "::1"], ip),
        (&["/a", "--bind-host", "Example.com"], host),
        (&["/a", "--bind-host", "example.com:443"], host),
        (&["/a", "--bind-host", ""], host),
        (&["/a", "--password", ""], password),
        (&["/a", "--password", "hunter2\n"], password),
        (&["/a", "--type", "image"], media_type),
        (&["/a", "--type", "*/*"], media_type),
        (&["/a", "--type", "text/plain; charset=utf-8"], media_type),
        (&["/a", "--download", ""], file_name),
        (&["/a", "--download", "a/b"], file_name),
        (&["/a", "--id", ""], id),
        (&["/a", "--id", "a b"], id),
        (&["/a", "--method", "get"], method),
        (&["/a", "--not-before", "18446744073709551615s"], "--not-before is too far off"),
        (&["/a", "--not-before", "99999999h"], "a time is before 1970 or after the year 5138"),
        (&["/a", "--scope"], scope),
        (&["a/", "--scope"], scope),
        (&["/a/../b/", "--scope"], scope),
        (&["/a/?b=c", "--scope"], scope),
        (&["http://127.0.0.1:3000/a/", "--scope"], scope),
        (&["/a/", "--scope", "--expires", "200h"], "the lifetime, with the rounding, is over the policy's maximum"),
        (&["/a/", "--scope", "--ip", "nonsense"], ip),
    ] {
        let (code, told) = mistake(&[&["sign"], args].concat(), Some(KEYS));
        assert_eq!(code, 1, "{args:?}");
        assert!(told.contains(message), "{args:?}: {told}");
        assert!(!told.contains("hunter2"), "{told}");
    }
}
