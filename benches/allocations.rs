//! How often each contender of `cost` allocates, a line each. A program by itself, which `cost` runs: an allocator that
//! counts would slow what is timed there.

#[path = "support/contenders.rs"]
mod contenders;
mod support;

use allocation_counter::measure;
use contenders::contenders;

fn main() {
    let (mut race, _) = contenders();
    for entry in race.entries() {
        let call = race.contender(entry);
        call(); // the first load of an `ArcSwap` on a thread allocates
        println!("{}", measure(call).count_total);
    }
}
