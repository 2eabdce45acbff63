//! The cores that a bench may run on, and what else is running on them.

use std::hint::black_box;
use std::time::Instant;

const STEPS: u64 = 1_000;

/// Nanoseconds of a loop that gives a core as much to do at once as it can. A neighbour on the same core (another
/// machine's, say, where cores run two threads) takes half of that, and the loop feels it more than anything that is timed.
pub fn probe() -> f64 {
    let start = Instant::now();
    let mut chains = black_box([1_u64, 2, 3, 4, 5, 6]);
    for step in 0..STEPS {
        for chain in &mut chains {
            *chain = (*chain ^ step).rotate_left(7).wrapping_add(step);
        }
    }
    black_box(chains);
    start.elapsed().as_nanos() as f64
}

/// Takes the thread from core to core, and lets it go again when dropped.
#[cfg(target_os = "linux")]
pub struct Tour {
    allowed: rustix::thread::CpuSet,
    cores: std::iter::Cycle<std::vec::IntoIter<usize>>,
}

#[cfg(target_os = "linux")]
impl Tour {
    pub fn start() -> Self {
        use rustix::thread::{CpuSet, sched_getaffinity};
        let allowed = sched_getaffinity(None).unwrap();
        let cores: Vec<_> = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect();
        Self { allowed, cores: cores.into_iter().cycle() }
    }

    pub fn go_on(&mut self) {
        let mut next = rustix::thread::CpuSet::new();
        next.set(self.cores.next().unwrap());
        rustix::thread::sched_setaffinity(None, &next).unwrap();
    }
}

#[cfg(target_os = "linux")]
impl Drop for Tour {
    fn drop(&mut self) {
        rustix::thread::sched_setaffinity(None, &self.allowed).unwrap();
    }
}

/// Elsewhere the system chooses.
#[cfg(not(target_os = "linux"))]
pub struct Tour;

#[cfg(not(target_os = "linux"))]
impl Tour {
    pub fn start() -> Self {
        Self
    }

    pub fn go_on(&mut self) {}
}
