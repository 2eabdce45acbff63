//! Who is asked for a password, and who is not: the whole of FORMAT sections 4 and 5 for links that bind one.

use std::time::Duration;

use http_body_util::BodyExt;
use tower_signed_url::RejectionKind::{
    Context, Expired, LifetimeTooLong, Malformed, Method, NotAuthentic, NotYetValid, PasswordRequired, Unenforceable,
    WrongPassword,
};
use tower_signed_url::{Policy, SignedUrlLayer, Verifier, context, reject};

use super::password::{basic, bound, with_password};
use super::{NOW, Outcome, User, ask, at, authentic, check, get, keys, mac, secret, sign, unsigned, verifier};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Password {
    Right,
    Wrong,
    Absent,
    Empty,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    Alive,
    Expired,
    Malformed,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum MacText {
    Right,
    Wrong,
    Short,
}

/// What the link binds besides the password.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Beside {
    Shown,
    NotShown,
    NoExtractor,
    /// Not even for the password.
    NoExtractorAtAll,
}

/// FORMAT sections 4 and 5, for a link that binds `password`.
fn expected(password: Password, life: Life, key_known: bool, mac: MacText, beside: Beside) -> Outcome {
    match beside {
        Beside::Shown => {}
        Beside::NotShown => return unsigned(Context),
        Beside::NoExtractor | Beside::NoExtractorAtAll => return unsigned(Unenforceable),
    }
    let matches = password == Password::Right && key_known && mac == MacText::Right;
    match (matches, life, password) {
        (true, Life::Alive, _) => Ok(()),
        (true, Life::Expired, _) => authentic(Expired),
        (true, Life::Malformed, _) => authentic(Malformed),
        // A dead link is no oracle: as if there were no password to ask for.
        (false, Life::Expired | Life::Malformed, _) => unsigned(NotAuthentic),
        (false, Life::Alive, Password::Absent | Password::Empty) => Err((PasswordRequired, 401, false)),
        (false, Life::Alive, Password::Right | Password::Wrong) => Err((WrongPassword, 401, false)),
    }
}

#[test]
fn who_is_asked_for_a_password() {
    let without_password = Verifier::builder(&keys()).clock(|| at(NOW)).build().unwrap();
    let mut rows = 0;
    for (names, lines) in
        [("user,password", "\nuser:42\npassword:hunter2"), ("password,user", "\npassword:hunter2\nuser:42")]
    {
        for beside in [Beside::Shown, Beside::NotShown, Beside::NoExtractor, Beside::NoExtractorAtAll] {
            for (life, exp) in [
                (Life::Alive, "1790000000"),
                (Life::Alive, "1789999001"),
                (Life::Alive, "1789999000001"),
                (Life::Expired, "1789999000"),
                (Life::Expired, "1789998999"),
                (Life::Expired, "1"),
                (Life::Expired, "1789999000000"),
                (Life::Malformed, "0"),
                (Life::Malformed, ""),
                (Life::Malformed, "x"),
                (Life::Malformed, "-1"),
                (Life::Malformed, "01790000000"),
                (Life::Malformed, "17900000000000"),
                (Life::Malformed, "1790000000,"),
            ] {
                let (names, lines) = match beside {
                    Beside::NoExtractor => (names.replace("user", "nobody"), lines.replace("user", "nobody")),
                    _ => (names.to_owned(), lines.to_owned()),
                };
                let covered = format!("/a?exp={exp}&sig-bind={names}");
                let right = mac(&secret(), &[&*covered, &lines].concat());
                for (key_known, id) in [(true, ""), (false, "z.")] {
                    for (kind, text) in [
                        (MacText::Right, right.clone()),
                        (MacText::Wrong, mac(&secret(), &covered)),
                        (MacText::Wrong, mac(&[9; 32], &[&*covered, &lines].concat())),
                        (MacText::Short, right[..42].to_owned()),
                        (MacText::Short, String::new()),
                        (MacText::Short, format!("{right}A")),
                    ] {
                        for (password, field) in [
                            (Password::Right, Some("user:hunter2")),
                            (Password::Wrong, Some("user:hunter3")),
                            (Password::Absent, None),
                            (Password::Empty, Some("user:")),
                        ] {
                            let mut request = get(&format!("{covered}&sig={id}{text}"), &[]);
                            if let Some(field) = field {
                                request.headers_mut().insert("authorization", basic(field).parse().unwrap());
                            }
                            if beside != Beside::NotShown {
                                request.extensions_mut().insert(User("42".into()));
                            }
                            let judge =
                                if beside == Beside::NoExtractorAtAll { &without_password } else { &verifier() };
                            let row = format!("{names}: {password:?}, {life:?}, {key_known}, {kind:?}, {beside:?}");
                            check(judge, &row, &request, expected(password, life, key_known, kind, beside));
                            rows += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(rows, 2 * 4 * 14 * 2 * 6 * 4);
}

/// What else may be wrong with a link whose password is right is told to whoever knows it, and to nobody else.
#[test]
fn a_right_password_is_asked_what_the_link_says() {
    for (name, run, expected) in [
        ("nothing wrong", "", Ok(())),
        ("not yet valid", "&sig-start=1789999999", authentic(NotYetValid)),
        ("another method", "&sig-methods=PUT", authentic(Method)),
        ("malformed", "&sig-id=", authentic(Malformed)),
        ("not enforced", "&sig-new", authentic(Unenforceable)),
    ] {
        let alive = sign(&format!("/a?exp=1790000000&sig-bind=password{run}"), "\npassword:hunter2");
        check(&verifier(), name, &with_password(&alive, "hunter2"), expected);
        check(&verifier(), name, &with_password(&alive, "hunter3"), Err((WrongPassword, 401, false)));
        check(&verifier(), name, &get(&alive, &[]), Err((PasswordRequired, 401, false)));
    }
    let long = Verifier::builder(&keys()).clock(|| at(NOW)).bind("password", context::basic_password());
    let long = long.policy(Policy::new().max_lifetime(Duration::from_secs(1))).build().unwrap();
    let too_long = authentic(LifetimeTooLong);
    check(&long, "lives too long", &with_password(&bound(), "hunter2"), too_long);
    check(&long, "lives too long", &with_password(&bound(), "hunter3"), Err((WrongPassword, 401, false)));

    for (name, target) in [
        ("two credentials", format!("{}&exp=1", bound())),
        ("a parameter behind", format!("{}&x=1", bound())),
        ("no MAC at all", "/a?exp=1790000000&sig-bind=password".into()),
        ("no value of `sig`", "/a?exp=1790000000&sig-bind=password&sig".into()),
        ("not one name", sign("/a?exp=1790000000&sig-bind=password,", "\npassword:hunter2")),
    ] {
        check(&verifier(), &format!("structure: {name}"), &with_password(&target, "hunter2"), unsigned(Malformed));
    }
}

#[test]
fn a_dead_link_answers_every_password_alike() {
    let dead = sign("/a?exp=1789999000&sig-bind=password", "\npassword:hunter2");
    let layer = || SignedUrlLayer::new(verifier());
    for (name, layer) in [
        ("by default", layer()),
        ("the status alone", layer().on_reject(reject::status_only)),
        ("JSON", layer().on_reject(reject::problem_json)),
    ] {
        let wire = [
            with_password(&dead, "hunter2"),
            with_password(&dead, "hunter3"),
            with_password(&dead, ""),
            get(&dead, &[]),
            get(&dead.replace("exp=1789999000", "exp=x"), &[]),
            with_password(&dead.replace("&sig=", "&sig=z."), "hunter2"),
            get("/a", &[]),
        ];
        let wire = wire.map(|request| {
            let (parts, body) = ask(&layer, &request).into_parts();
            let body = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(body.collect());
            (parts.status.as_u16(), parts.headers, body.unwrap().to_bytes())
        });
        assert_eq!(wire[0].0, 403, "{name}");
        assert!(wire.iter().all(|other| *other == wire[0]), "{name}: {wire:?}");
    }
}
