//! Contenders that take turns in the rounds of one run, so that a busy machine slows all of them; the slowest in one round of
//! twenty.
//!
//! A neighbour on the same core does not slow them alike: it takes half of what a core can do at once, and a MAC, one chain of
//! dependent steps, has little to do at once. So each turn stands between two probes, and what counts is the median of the
//! quietest turns. The probes choose them, never the time itself; the run goes from core to core until there are enough.

use std::time::{Duration, Instant};

use super::cores::{Tour, probe};

/// As many calls as one reading of the clock is nothing to.
const CALLS_A_TURN: u32 = 50;
/// Longer turns are fewer calls, or a busy machine interrupts every one of them.
const TURN: Duration = Duration::from_micros(100);
/// A contender whose call outlasts a turn runs in one round of so many.
const SLOW_RUNS_ONE_IN: usize = 20;
/// Rounds on one core before the next.
const STAY: usize = 100;
/// By how much a probe is slower than the fastest of all where nobody shares the core: cores do not always run equally fast.
const SLOWER_IF_QUIET: f64 = 1.1;
/// When a run ends whose turns are not quiet.
const PATIENCE: Duration = Duration::from_secs(120);

/// A thing to time.
struct Contender {
    call: Box<dyn FnMut()>,
    calls: u32,
    /// It runs in one round of so many.
    every: usize,
    turns: Vec<Turn>,
}

struct Turn {
    /// Nanoseconds of the slower of the probes before and after it.
    probe: f64,
    /// Nanoseconds of each call.
    nanos: f64,
}

/// Contenders that take turns.
#[derive(Default)]
pub struct Race {
    contenders: Vec<Contender>,
    /// How many of each contender's turns count, the quietest of them.
    counting: usize,
}

/// A contender's place.
#[derive(Clone, Copy)]
pub struct Entry(usize);

impl Race {
    pub fn enter(&mut self, call: impl FnMut() + 'static) -> Entry {
        self.contenders.push(Contender { call: Box::new(call), calls: CALLS_A_TURN, every: 1, turns: Vec::new() });
        Entry(self.contenders.len() - 1)
    }

    /// Until each contender has had so many quiet turns.
    pub fn run(&mut self, quiet_turns: usize) {
        self.counting = quiet_turns;
        for contender in &mut self.contenders {
            contender.measure_turn();
        }
        let start = Instant::now();
        let mut tour = Tour::start();
        let mut fastest_probe = f64::INFINITY;
        loop {
            tour.go_on();
            for round in 0..STAY {
                for contender in &mut self.contenders {
                    if round % contender.every == 0 {
                        fastest_probe = fastest_probe.min(contender.take_turn());
                    }
                }
            }
            let is_quiet = |turn: &&Turn| turn.probe <= SLOWER_IF_QUIET * fastest_probe;
            let has_enough = |contender: &Contender| {
                contender.turns.iter().filter(is_quiet).count() * contender.every >= quiet_turns
            };
            if self.contenders.iter().all(has_enough) {
                return;
            }
            if start.elapsed() > PATIENCE {
                eprintln!(
                    "warning: quiet turns were rare, so the ratios may be too high: a neighbour shared the cores, or their speed changed"
                );
                return;
            }
        }
    }

    /// Nanoseconds of a call.
    pub fn median(&mut self, Entry(place): Entry) -> f64 {
        let Contender { turns, every, .. } = &mut self.contenders[place];
        turns.sort_by(|a, b| a.probe.total_cmp(&b.probe));
        let counting = (self.counting / *every).clamp(1, turns.len());
        let quietest = &mut turns[..counting];
        quietest.sort_by(|a, b| a.nanos.total_cmp(&b.nanos));
        quietest[counting / 2].nanos
    }

    pub fn contender(&mut self, Entry(place): Entry) -> &mut dyn FnMut() {
        &mut self.contenders[place].call
    }

    pub fn entries(&self) -> impl Iterator<Item = Entry> + use<> {
        (0..self.contenders.len()).map(Entry)
    }
}

impl Contender {
    /// Finds out how many calls make a turn.
    fn measure_turn(&mut self) {
        let fastest = (0..5).map(|_| self.time(1)).fold(f64::INFINITY, f64::min);
        while self.calls > 1 && f64::from(self.calls) * fastest > TURN.as_nanos() as f64 {
            self.calls -= 1;
        }
        if fastest > TURN.as_nanos() as f64 {
            self.every = SLOW_RUNS_ONE_IN;
        }
    }

    /// Gives the probe's time.
    fn take_turn(&mut self) -> f64 {
        let before = probe();
        let nanos = self.time(self.calls);
        let probe = before.max(probe());
        self.turns.push(Turn { probe, nanos });
        probe
    }

    /// Nanoseconds of each of these calls.
    fn time(&mut self, calls: u32) -> f64 {
        let start = Instant::now();
        for _ in 0..calls {
            (self.call)();
        }
        start.elapsed().as_nanos() as f64 / f64::from(calls)
    }
}

impl Entry {
    /// Counted from 0.
    pub fn place(self) -> usize {
        self.0
    }
}
