//! itsdangerous, in a Python process of its own, with an environment of its own in `target/`.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::peer::LENGTHS;

const ITSDANGEROUS: &str = "2.2.0";
const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// What one run of the script has shown.
pub struct Python {
    /// By name: nanoseconds with either length.
    nanos: HashMap<String, [f64; 2]>,
    /// Python's own.
    pub version: String,
}

impl Python {
    pub fn run(secret: &str) -> Self {
        let environment = Path::new(CRATE).join("target/itsdangerous");
        let python = environment.join("bin/python").display().to_string();
        output("python3", &["-m", "venv", &environment.display().to_string()]);
        let package = format!("itsdangerous=={ITSDANGEROUS}");
        output(&python, &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", &package]);

        // A time and the dots are 7 of the covered bytes.
        let [shorter, longer] = LENGTHS.map(|covered| format!("/{}", "a".repeat(covered - 8)));
        let script = format!("{CRATE}/itsdangerous_peer.py");
        let figures = output(&python, &[&script, secret, &shorter, &longer]);
        let nanos = figures.lines().map(|line| {
            let mut fields = line.split(' ');
            let mut field = || fields.next().unwrap();
            (field().to_owned(), [field().parse().unwrap(), field().parse().unwrap()])
        });
        Self { nanos: nanos.collect(), version: output(&python, &["--version"]).trim().to_owned() }
    }

    /// A line of a table, compared with Python's own MAC.
    pub fn row(&self, what: &str, name: &str, notes: &str) -> String {
        let ([shorter, longer], [floor, longer_floor]) = (self.nanos[name], self.nanos["hmac"]);
        let version = if name == "hmac" { self.version.clone() } else { format!("itsdangerous {ITSDANGEROUS}") };
        format!(
            "| {what} | {version} | {shorter:.0} | {:.2} | {longer:.0} | {:.2} | | {notes} |",
            shorter / floor,
            longer / longer_floor
        )
    }
}

/// What a program writes; its complaints go where ours go.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}
