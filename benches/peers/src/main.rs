//! The same check by other means, on the same bytes, in one run: `benches/peers/run.sh` starts it.
//!
//! Prints two tables (checking, minting) and what they were measured with. Needs a C compiler, and in `PEERS_PYTHON` the
//! Python that has itsdangerous. Each check has been seen to refuse what it has to before it is timed.

mod axum_signed_urls;
mod by_hand;
mod itsdangerous;
mod jwt;
mod ours;
mod peer;
#[path = "../../support/mod.rs"]
mod support;
mod versions;

use std::time::{Duration, SystemTime};

use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use tower_signed_url::{Keyring, SigningKey, Verifier};

use itsdangerous::Python;
use peer::{Links, Peer, LENGTHS};
use support::link::Link;
use support::race::{Entry, Race};
use versions::{print_machine, version_of};

const QUIET_TURNS: usize = 1_001;
const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn main() {
    std::env::set_var("AXUM_SECRET", SECRET);
    let secret = SECRET.as_bytes();
    let keys = Keyring::new(SigningKey::from_bytes(secret).unwrap().with_id("2026-11".parse().unwrap()));
    let verifier = Verifier::new(&keys);
    let links = LENGTHS.map(|covered| links(&verifier, secret, covered));

    let [floor, ring, aws, by_hand @ ..] = by_hand::peers(secret, &links);
    let checks = [floor, ring, aws, ours::verify(&verifier, &links)]
        .into_iter()
        .chain(by_hand)
        .chain([jwt::verify(secret, &links), axum_signed_urls::verify(&links)]);
    let mints = [ours::sign(&verifier, &links), jwt::sign(secret, &links), axum_signed_urls::sign(&links)];

    let python = Python::run(SECRET);

    let mut race = Race::default();
    let checks = Row::enter(checks, &mut race);
    let mints = Row::enter(mints, &mut race);
    // They are counted afterwards: counting takes about as long as an allocation.
    allocation_counter::opt_out(|| race.run(QUIET_TURNS));
    let floors = checks[0].entries;

    print_head("checking a link");
    for row in checks {
        row.print(floors, &mut race);
    }
    println!(
        "{}",
        python.row("the MAC alone, `hmac.new(…).digest()`", "hmac", "what the rows in Python are compared with")
    );
    println!(
        "{}",
        python.row(
            "`TimestampSigner.unsign`",
            "unsign",
            "path (compared), age; in constant time, keyed anew each time"
        )
    );
    println!("{}", python.row("`URLSafeTimedSerializer.loads`", "loads", "the same, of JSON in base64url"));
    println!();
    print_head("minting one");
    for row in mints {
        row.print(floors, &mut race);
    }
    println!("{}", python.row("`TimestampSigner.sign`", "sign", ""));
    println!("{}", python.row("`URLSafeTimedSerializer.dumps`", "dumps", ""));
    println!();
    print_machine(&python.version);
    println!(
        "Medians of {QUIET_TURNS} turns in which nobody shared the core; all take turns. Allocations are those of Rust's allocator."
    );
}

fn links(verifier: &Verifier, secret: &[u8], covered: usize) -> Links {
    let mac: Hmac<Sha256> = Hmac::new_from_slice(secret).unwrap();
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    let signer = verifier.signer();
    let valid = Link::new(&signer, &mac, covered);
    Links { valid, expired: Link::new(&signer.with_clock(move || yesterday), &mac, covered) }
}

/// One line of a table, being timed.
struct Row {
    what: &'static str,
    package: &'static str,
    notes: &'static str,
    entries: [Entry; 2],
}

impl Row {
    /// First all with the shorter link, then all with the longer: none follows itself and finds its code in the cache.
    fn enter(peers: impl IntoIterator<Item = Peer>, race: &mut Race) -> Vec<Self> {
        let enter_shorter = |Peer { what, package, notes, calls: [shorter, longer] }| {
            let shorter = race.enter(shorter);
            (Self { what, package, notes, entries: [shorter; 2] }, longer)
        };
        let rows: Vec<_> = peers.into_iter().map(enter_shorter).collect();
        rows.into_iter().map(|(row, longer)| Self { entries: [row.entries[0], race.enter(longer)], ..row }).collect()
    }

    fn print(&self, floors: [Entry; 2], race: &mut Race) {
        let Self { what, package, notes, entries } = self;
        let [shorter, longer] = entries.map(|entry| race.median(entry));
        let [floor, longer_floor] = floors.map(|entry| race.median(entry));
        println!(
            "| {what} | {package} {} | {shorter:.0} | {:.2} | {longer:.0} | {:.2} | {} | {notes} |",
            version_of(package),
            shorter / floor,
            longer / longer_floor,
            allocation_counter::measure(race.contender(entries[0])).count_total
        );
    }
}

fn print_head(what: &str) {
    let [shorter, longer] = LENGTHS;
    println!("| {what} | version | {shorter} bytes, ns | / the MAC | {longer} bytes, ns | / the MAC | allocations | |");
    println!("| --- | --- | --: | --: | --: | --: | --: | --- |");
}
