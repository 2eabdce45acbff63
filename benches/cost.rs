//! What a signed URL costs, as ratios to the MAC alone: `cargo bench --bench cost`.
//!
//! The contenders take turns in one run, and the medians of those turns are compared in which nobody shared the core (see
//! `support/race.rs`): that takes seconds, or two minutes where a core is hardly ever free. With `-- --check` the exit code is
//! 1 where a bound is broken.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/contenders.rs"]
mod contenders;
mod support;

use std::env;
use std::process::{Command, ExitCode, Stdio};

use contenders::{Comparison, contenders};
use support::race::{Entry, Race};

const QUIET_TURNS: usize = 501;

fn main() -> ExitCode {
    let check = env::args().any(|argument| argument == "--check");
    let allocations = count_allocations();
    let (mut race, comparisons) = contenders();
    assert_eq!(allocations.len(), race.entries().count(), "`allocations` is another version's");
    race.run(QUIET_TURNS);
    let rows: Vec<_> = comparisons.into_iter().map(|row| Row::of(row, &mut race, &allocations)).collect();
    print_table(&rows);
    if check && rows.iter().any(Row::is_broken) {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A comparison, measured.
struct Row {
    comparison: Comparison,
    /// Nanoseconds of a call, and of what it is compared with.
    nanos: f64,
    against: f64,
    allocations: u64,
}

impl Row {
    fn of(comparison: Comparison, race: &mut Race, allocations: &[u64]) -> Self {
        let Comparison { entry, less, against, .. } = comparison;
        let count = |entry: Entry| allocations[entry.place()];
        Self {
            nanos: race.median(entry) - less.map_or(0.0, |less| race.median(less)),
            against: race.median(against),
            allocations: count(entry) - less.map_or(0, count),
            comparison,
        }
    }

    fn ratio(&self) -> f64 {
        self.nanos / self.against
    }

    fn is_broken(&self) -> bool {
        self.comparison.bound.is_some_and(|bound| self.ratio() > bound)
            || self.comparison.allowed.is_some_and(|allowed| self.allocations > allowed)
    }
}

fn print_table(rows: &[Row]) {
    println!("| what | ns | against, ns | ratio | at most | allocations | at most | |");
    println!("| --- | --: | --: | --: | --: | --: | --: | --- |");
    for row in rows {
        let Row { comparison: Comparison { what, bound, allowed, .. }, nanos, against, allocations } = row;
        let verdict = if row.is_broken() { "BROKEN" } else { "holds" };
        let ratio = row.ratio();
        let bound = bound.map(|bound| bound.to_string()).unwrap_or_default();
        let allowed = allowed.map(|allowed| allowed.to_string()).unwrap_or_default();
        println!(
            "| {what} | {nanos:.0} | {against:.0} | {ratio:.2} | {bound} | {allocations} | {allowed} | {verdict} |"
        );
    }
}

/// How often each contender allocates, as `allocations` counts it, with the default features.
fn count_allocations() -> Vec<u64> {
    let mut count = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    count.args(["bench", "--quiet", "--bench", "allocations"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let counted = count.stderr(Stdio::inherit()).output().unwrap();
    assert!(counted.status.success());
    String::from_utf8(counted.stdout).unwrap().lines().map(|count| count.parse().unwrap()).collect()
}
