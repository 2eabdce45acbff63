//! Contenders that take turns in the rounds of one run, so that a busy machine slows all of them; the slowest in one round of
//! twenty.

use std::time::{Duration, Instant};

/// As many calls as one reading of the clock is nothing to.
const CALLS_A_TURN: u32 = 50;
/// Longer turns are fewer calls, or a busy machine interrupts every one of them.
const TURN: Duration = Duration::from_micros(100);
/// A contender whose call outlasts a turn runs in one round of so many.
const SLOW_RUNS_ONE_IN: usize = 20;

/// A thing to time.
struct Contender {
    call: Box<dyn FnMut()>,
    calls: u32,
    /// It runs in one round of so many.
    every: usize,
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
        self.0.push(Contender { call: Box::new(call), calls: CALLS_A_TURN, every: 1, nanos: Vec::new() });
        Entry(self.0.len() - 1)
    }

    pub fn run(&mut self, rounds: usize) {
        for Contender { call, calls, every, nanos } in &mut self.0 {
            let fastest = (0..5).map(|_| time(call, 1)).fold(f64::INFINITY, f64::min);
            while *calls > 1 && f64::from(*calls) * fastest > TURN.as_nanos() as f64 {
                *calls -= 1;
            }
            if fastest > TURN.as_nanos() as f64 {
                *every = SLOW_RUNS_ONE_IN;
            }
            nanos.reserve(rounds);
        }
        for round in 0..rounds {
            for Contender { call, calls, every, nanos } in &mut self.0 {
                if round % *every == 0 {
                    nanos.push(time(call, *calls));
                }
            }
        }
    }

    /// Nanoseconds of a call.
    pub fn median(&mut self, Entry(place): Entry) -> f64 {
        let nanos = &mut self.0[place].nanos;
        nanos.sort_by(f64::total_cmp);
        nanos[nanos.len() / 2]
    }

    pub fn contender(&mut self, Entry(place): Entry) -> &mut dyn FnMut() {
        &mut self.0[place].call
    }

    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        (0..self.0.len()).map(Entry)
    }
}

impl Entry {
    /// Counted from 0.
    pub fn place(self) -> usize {
        self.0
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
