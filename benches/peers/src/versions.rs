//! What was measured, and on what.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;

const LOCK: &str = include_str!("../Cargo.lock");

/// The version of a package that this crate depends on.
pub fn version_of(package: &str) -> &'static str {
    // Where the lock has several, this crate's entry names its own: `"hmac 0.13.0"`.
    let (_, own) = LOCK.split_once("name = \"peers\"").unwrap();
    let (own, _) = own.split_once("\n]").unwrap();
    let named = own.split_once(&format!("\"{package} ")).map(|(_, version)| version);
    let locked = LOCK.split_once(&format!("name = \"{package}\"\nversion = \"")).map(|(_, version)| version);
    named.or(locked).unwrap().split('"').next().unwrap()
}

pub fn print_machine(python: &str) {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unknown processor");
    let cores = available_parallelism().unwrap();
    let rustc = Command::new("rustc").arg("--version").output().unwrap().stdout;
    println!(
        "{}, cores: {cores}. {}, {python}.",
        model.trim_start_matches([' ', '\t', ':']),
        String::from_utf8(rustc).unwrap().trim()
    );
}
