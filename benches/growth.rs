//! How the cost of a check grows: with the length of the URL, the number of keys, and the number of threads that check at
//! the same time. `cargo bench --bench growth`.
//!
//! The MAC over the same bytes, keyed beforehand, is measured beside each, so that a busy neighbour or a core that is half
//! of another is not taken for growth. Allocations are counted while it is timed: nothing in it allocates, so nothing is slowed.
#![allow(clippy::cast_precision_loss, clippy::indexing_slicing, clippy::unwrap_used)]

mod support;

use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, available_parallelism};
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit};
use http::Method;
use sha2::Sha256;
use tower_signed_url::{Keyring, SigningKey, Verifier};

use support::link::{Link, filled, verify};
use support::race::{Entry, Race};

const QUIET_TURNS: usize = 251;
/// Of threads that check at the same time.
const ROUNDS: usize = 501;
const CALLS: u32 = 50;
/// How long threads check at the same time.
const TURN: Duration = Duration::from_millis(2);
const SECRET: [u8; 32] = [7; 32];

fn main() {
    println!("| what grows | to | verify, ns | the MAC, ns | ratio | verify grew | the MAC grew | allocations |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --: |");
    by_length();
    by_keys();
    by_threads();
}

/// One step.
struct Step {
    size: usize,
    verify: f64,
    mac: f64,
    allocations: Option<u64>,
}

/// Each against the first of them.
fn print_steps(what: &str, steps: &[Step]) {
    for Step { size, verify, mac, allocations } in steps {
        println!(
            "| {what} | {size} | {verify:.0} | {mac:.0} | {:.2} | {:.2} | {:.2} | {} |",
            verify / mac,
            verify / steps[0].verify,
            mac / steps[0].mac,
            allocations.map(|allocations| allocations.to_string()).unwrap_or_default()
        );
    }
}

/// A step that is being timed: its size, the check and the MAC.
type Timed = (usize, Entry, Entry);

fn print_timed(what: &str, timed: &[Timed], race: &mut Race) {
    let steps = timed.iter().map(|&(size, verify, mac)| Step {
        size,
        verify: race.median(verify),
        mac: race.median(mac),
        allocations: Some(allocation_counter::measure(race.contender(verify)).count_total),
    });
    print_steps(what, &steps.collect::<Vec<_>>());
}

fn by_length() {
    let verifier = Verifier::new(&Keyring::new(key("2026-11")));
    let mac = mac();
    let mut race = Race::default();
    let shapes = [
        ("bytes covered, one long segment", "/", "a"),
        ("bytes covered, segments of eight", "/", "aaaaaaa/"),
        ("bytes covered, parameters of eight", "/?a=aaaa", "&a=aaaaa"),
        ("bytes covered, parameters of two", "/?", "&a"),
    ];
    let groups = shapes.map(|(what, start, filler)| {
        let steps = [50, 100, 200, 500, 1024, 2048, 4096, 8192].map(|covered| {
            let link = Link::to(&filled(&verifier.signer(), covered, start, filler), &verifier.signer(), &mac);
            assert_eq!(link.covered.len(), covered);
            (covered, race.enter(verify(&verifier, &link.url, Method::GET, true)), race.enter(link.floor(&mac)))
        });
        (what, steps)
    });
    race.run(QUIET_TURNS);
    for (what, steps) in groups {
        print_timed(what, &steps, &mut race);
    }
}

fn by_keys() {
    let mut race = Race::default();
    let mut known = Vec::new();
    let mut unknown = Vec::new();
    for count in [1, 2, 10, 100, 1000] {
        // The active key's links are known without a search: these are an accepted one's.
        let id = |number: usize| format!("2026-{number:04}");
        let keys = Keyring::new(key("active"));
        keys.replace(key("active"), (1..=count).map(|number| key(&id(number)))).unwrap();
        let verifier = Verifier::new(&keys);
        let signer = Verifier::new(&Keyring::new(key(&id(count)))).signer();
        let link = Link::new(&signer, &mac(), 55);
        let of_none = link.url.replace(&format!("{}.", id(count)), &format!("{}.", id(count + 1)));
        let floor = race.enter(link.floor(&mac()));
        known.push((count, race.enter(verify(&verifier, &link.url, Method::GET, true)), floor));
        unknown.push((count, race.enter(verify(&verifier, &of_none, Method::GET, false)), floor));
    }
    race.run(QUIET_TURNS * 4);
    print_timed("keys accepted besides the active one, the last of them signed", &known, &mut race);
    print_timed("keys accepted besides the active one, none of them signed (refused)", &unknown, &mut race);
}

/// Nanoseconds of a call on each of the threads, which all run for the whole of a turn. The best turns: only in those had
/// each thread a core.
fn by_threads() {
    let cores = available_parallelism().unwrap().get();
    let counts: Vec<_> = (0..).map(|power| 1 << power).take_while(|&count| count < cores).chain([cores]).collect();
    let named = Verifier::new(&Keyring::new(key("2026-11")));
    let nameless = Verifier::new(&Keyring::new(SigningKey::from_bytes(&SECRET).unwrap()));
    let rings = [("threads, a key with an id", named), ("threads, a key without", nameless)];
    let mac = mac();
    let links = rings.each_ref().map(|(_, verifier)| Link::new(&verifier.signer(), &mac, 55));

    let mut nanos = vec![[const { Vec::new() }; 4]; counts.len()];
    for _ in 0..ROUNDS {
        for (&threads, nanos) in counts.iter().zip(&mut nanos) {
            for ((_, verifier), (link, nanos)) in rings.iter().zip(links.iter().zip(nanos.chunks_mut(2))) {
                nanos[0].push(turn(threads, || verify(verifier, &link.url, Method::GET, true)));
                nanos[1].push(turn(threads, || link.floor(&mac)));
            }
        }
    }
    for (ring, (what, _)) in rings.iter().enumerate() {
        let steps = counts.iter().zip(&nanos).map(|(&size, nanos)| Step {
            size,
            verify: best(&nanos[2 * ring]),
            mac: best(&nanos[2 * ring + 1]),
            allocations: None,
        });
        print_steps(what, &steps.collect::<Vec<_>>());
    }
}

fn turn<C: FnMut() + Send>(threads: usize, contender: impl Fn() -> C) -> f64 {
    let ready = AtomicUsize::new(0);
    let on_one = |mut call: C| {
        call(); // the first load of an `ArcSwap` on a thread allocates
        ready.fetch_add(1, Ordering::AcqRel);
        while ready.load(Ordering::Acquire) < threads {
            hint::spin_loop(); // to sleep is to wake up late
        }
        let start = Instant::now();
        let mut calls: u32 = 0;
        while start.elapsed() < TURN {
            (0..CALLS).for_each(|_| call());
            calls += CALLS;
        }
        (start, Instant::now(), calls)
    };
    let ran: Vec<_> = thread::scope(|scope| {
        let on_one = &on_one;
        let contenders: Vec<_> = (0..threads).map(|_| contender()).collect();
        let threads: Vec<_> = contenders.into_iter().map(|call| scope.spawn(move || on_one(call))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    // From the first start to the last end: threads that took turns on one core are not taken for two at work.
    let start = ran.iter().map(|(start, ..)| start).min().unwrap();
    let end = ran.iter().map(|(_, end, _)| end).max().unwrap();
    let calls: u32 = ran.iter().map(|(.., calls)| calls).sum();
    (*end - *start).as_nanos() as f64 * threads as f64 / f64::from(calls)
}

fn best(nanos: &[f64]) -> f64 {
    nanos.iter().copied().fold(f64::INFINITY, f64::min)
}

fn key(id: &str) -> SigningKey {
    SigningKey::from_bytes(&SECRET).unwrap().with_id(id.parse().unwrap())
}

fn mac() -> Hmac<Sha256> {
    Hmac::new_from_slice(&SECRET).unwrap()
}
