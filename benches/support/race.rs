//! Contenders that take turns in every round of one run, so that a busy machine slows all of them.

use std::time::{Duration, Instant};

/// As many calls as one reading of the clock is nothing to.
const CALLS_A_TURN: u32 = 50;
/// Longer turns are fewer calls, or a busy machine interrupts every one of them.
const TURN: Duration = Duration::from_micros(100);

/// A thing to time.
struct Contender {
    call: Box<dyn FnMut()>,
    calls: u32,
    nanos: Vec<f64>,
}

/// Contenders that take turns.
#[derive(Default)]
pub struct Race(Vec<Contender>);

/// A contender's place.
#[derive(Clone, Copy)]
pub struct Entry(usize);

impl Race {
    pub fn enter(&mut self, call: impl FnMut() + 'static) -> Entry {
        self.0.push(Contender { call: Box::new(call), calls: CALLS_A_TURN, nanos: Vec::new() });
        Entry(self.0.len() - 1)
    }

    pub fn run(&mut self, rounds: usize) {
        for Contender { call, calls, nanos } in &mut self.0 {
            let fastest = (0..5).map(|_| time(call, 1)).fold(f64::INFINITY, f64::min);
            while *calls > 1 && f64::from(*calls) * fastest > TURN.as_nanos() as f64 {
                *calls -= 1;
            }
            nanos.reserve(rounds);
        }
        for _ in 0..rounds {
            for Contender { call, calls, nanos } in &mut self.0 {
                nanos.push(time(call, *calls));
            }
        }
    }

    /// Nanoseconds of a call.
    pub fn median(&mut self, entry: Entry) -> f64 {
        let nanos = &mut self.0[entry.0].nanos;
        nanos.sort_by(f64::total_cmp);
        nanos[nanos.len() / 2]
    }

    pub fn allocations(&mut self, entry: Entry) -> u64 {
        allocation_counter::measure(&mut self.0[entry.0].call).count_total
    }
}

/// Nanoseconds of each of these calls.
fn time(call: &mut dyn FnMut(), calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
