//! Rotation: what becomes of links that are out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tower_signed_url::{Keyring, Policy, RejectionKind, SignedUrl, SigningKey, Verifier};

use super::support::{NOW, at};
use super::{HEX, MINUTE, TEXT, check, id, key, link, verifier};

#[test]
fn links_live_as_long_as_their_key() {
    let keys = Keyring::new(key("a"));
    let clone = keys.clone();
    let verifier = verifier(&keys);
    let of_a = link(&keys);
    clone.accept(key("b")).unwrap();
    assert_eq!(link(&keys), of_a, "accepting lets no key sign");
    keys.activate(&id("b")).unwrap();
    let of_b = link(&clone);
    assert_ne!(of_b, of_a, "a clone is the same ring");
    keys.activate(&id("b")).unwrap();
    assert_eq!((check(&verifier, &of_a), check(&verifier, &of_b)), (Ok(()), Ok(())), "both known");
    clone.retire(&id("a")).unwrap();
    assert_eq!(check(&verifier, &of_a), Err(RejectionKind::UnknownKey), "retired");
    assert_eq!(check(&verifier, &of_b), Ok(()), "the other stays");
    keys.accept(key("a")).unwrap();
    assert_eq!(check(&verifier, &of_a), Ok(()), "accepted again");
    keys.rotate(key("c")).unwrap();
    assert_eq!((check(&verifier, &of_b), check(&verifier, &link(&keys))), (Ok(()), Ok(())), "rotated");
    keys.replace(key("d"), [key("b")]).unwrap();
    for (name, link, expected) in [
        ("kept", &of_b, Ok(())),
        ("left out", &of_a, Err(RejectionKind::UnknownKey)),
        ("new", &link(&keys), Ok(())),
        ("its own", &link(&Keyring::new(key("d"))), Ok(())),
    ] {
        assert_eq!(check(&verifier, link), expected, "replaced, {name}");
    }
    // The same id and another secret: known, and not the one.
    keys.replace(SigningKey::from_bytes(&[5; 32]).unwrap().with_id(id("b")), []).unwrap();
    assert_eq!(check(&verifier, &of_b), Err(RejectionKind::NotAuthentic), "another secret");
}

#[test]
fn a_key_without_an_id_leaves_only_by_replace() {
    let keys = Keyring::new(SigningKey::from_bytes(&[9; 32]).unwrap());
    let plain = link(&keys);
    keys.rotate(key("a")).unwrap();
    assert_eq!(check(&verifier(&keys), &plain), Ok(()));
    keys.replace(key("a"), []).unwrap();
    assert_eq!(check(&verifier(&keys), &plain), Err(RejectionKind::UnknownKey));
}

#[test]
fn nothing_shows_a_secret() {
    let bytes: Vec<u8> = (0..32).collect();
    let named = || SigningKey::from_bytes(&bytes).unwrap().with_id(id("2026-11"));
    assert_eq!(format!("{:?}", named()), r#"SigningKey { id: Some(KeyId("2026-11")), .. }"#);
    let keys = Keyring::new(named());
    keys.accept(SigningKey::from_hex(HEX).unwrap()).unwrap();
    let all = Verifier::builder(&keys);
    let verifier = verifier(&keys);
    let signer = verifier.signer();
    let mint = signer.url("/a");
    let wrong = [
        format!("{:?}", SigningKey::from_base64url(&format!("{TEXT}=")).unwrap_err()),
        format!("{:?}", SigningKey::from_hex(&format!("{HEX}0")).unwrap_err()),
        SigningKey::from_hex(&format!("{HEX}g0")).unwrap_err().to_string(),
        format!("{:?}", format!("a:{TEXT},a:{TEXT}").parse::<Keyring>().unwrap_err()),
        format!("{:?}", keys.accept(named()).unwrap_err()),
    ];
    let shown = format!("{keys:?} {keys:#?} {all:?} {verifier:?} {verifier:#?} {signer:?} {mint:?} {wrong:?}");
    assert!(shown.contains("2026-11"), "{shown}");
    // As base64url, hexadecimal, and the lists that `Debug` makes of bytes and of SHA-256's words.
    for secret in [&TEXT[..8], &TEXT[20..28], &HEX[..8], &HEX[20..28], "0, 1, 2", "30, 31", "0x00", "state", "inner"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// Two replicas with rings, and a clock, of their own.
struct Replicas {
    clock: Arc<AtomicU64>,
    rings: [Keyring; 2],
    verifiers: [Verifier; 2],
    out: Vec<SignedUrl>,
}

impl Replicas {
    fn new() -> Self {
        let clock = Arc::new(AtomicU64::new(NOW));
        let rings = [Keyring::new(key("old")), Keyring::new(key("old"))];
        let verifiers = [0, 1].map(|n| {
            let clock = Arc::clone(&clock);
            let builder = Verifier::builder(&rings[n]).policy(Policy::new().max_lifetime(MINUTE));
            builder.clock(move || at(clock.load(Ordering::Relaxed))).build().unwrap()
        });
        Self { clock, rings, verifiers, out: Vec::new() }
    }

    /// Lets each mint a link, and each check all that are out. Gives what was refused.
    fn work(&mut self) -> Vec<RejectionKind> {
        let now = at(self.clock.load(Ordering::Relaxed));
        self.out.retain(|link| link.expires_at() > now);
        self.out.extend(self.verifiers.iter().map(|v| v.signer().url("/a").sign_for(MINUTE).unwrap()));
        let checks = self.out.iter().flat_map(|link| self.verifiers.iter().map(move |v| check(v, link)));
        checks.filter_map(Result::err).collect()
    }
}

#[test]
fn the_documented_rotation_refuses_no_link_on_any_replica() {
    // Each bit says which replica is reached first in a step.
    for order in 0..8 {
        let mut replicas = Replicas::new();
        assert_eq!(replicas.work(), [], "{order:03b} before");
        for step in 0..3 {
            if step == 2 {
                replicas.clock.fetch_add(MINUTE.as_secs(), Ordering::Relaxed);
            }
            let first = order >> step & 1;
            for n in [first, 1 - first] {
                let ring = &replicas.rings[n];
                match step {
                    0 => ring.accept(key("new")),
                    1 => ring.activate(&id("new")),
                    _ => ring.retire(&id("old")),
                }
                .unwrap();
                assert_eq!(replicas.work(), [], "{order:03b}, step {step} on {n}");
            }
        }
    }
}

#[test]
fn another_order_refuses_links() {
    let mut replicas = Replicas::new();
    replicas.rings[0].rotate(key("new")).unwrap();
    assert_eq!(replicas.work(), [RejectionKind::UnknownKey], "signed before it is accepted everywhere");
    replicas.rings[1].rotate(key("new")).unwrap();
    assert_eq!(replicas.work(), [], "accepted");
    replicas.rings[0].retire(&id("old")).unwrap();
    assert_eq!(replicas.work(), [RejectionKind::UnknownKey], "retired before its links have expired");
}

#[test]
fn a_ring_turns_under_threads_that_sign_and_verify() {
    let keys = Keyring::new(key("first"));
    let verifier = verifier(&keys);
    let first = link(&keys);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let signer = verifier.signer();
                    let mut rounds = 0_u32;
                    while rounds < 100 || !done.load(Ordering::Relaxed) {
                        let link = signer.url("/a").sign_for(MINUTE).unwrap();
                        assert_eq!((check(&verifier, &link), check(&verifier, &first)), (Ok(()), Ok(())));
                        rounds += 1;
                    }
                })
            })
            .collect();
        for n in 0..100 {
            keys.rotate(key(&format!("r{n}"))).unwrap();
            keys.accept(key(&format!("a{n}"))).unwrap();
            keys.activate(&id(&format!("a{n}"))).unwrap();
            // No thread has a link of this one: it never signed.
            keys.accept(key("unused")).unwrap();
            keys.retire(&id("unused")).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    for n in 0..100 {
        keys.retire(&id(&format!("r{n}"))).unwrap();
    }
    assert_eq!(check(&verifier, &first), Ok(()));
    keys.retire(&id("first")).unwrap();
    assert_eq!(check(&verifier, &first), Err(RejectionKind::UnknownKey));
    assert_eq!(check(&verifier, &verifier.signer().url("/a").sign_for(Duration::from_secs(1)).unwrap()), Ok(()));
}
