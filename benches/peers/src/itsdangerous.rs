//! itsdangerous, in a process of the Python that `run.sh` has installed it for.

use std::collections::HashMap;
use std::env;
use std::process::{Command, Stdio};

use crate::peer::LENGTHS;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/itsdangerous_peer.py");
const PACKAGE_VERSION: &str = "from importlib.metadata import version; print(version('itsdangerous'))";

/// What one run of the script has shown.
pub struct Python {
    /// By name: nanoseconds with either length.
    nanos: HashMap<String, [f64; 2]>,
    /// Python's own.
    pub version: String,
    /// itsdangerous's.
    package_version: String,
}

impl Python {
    pub fn run(secret: &str) -> Self {
        let python =
            env::var("PEERS_PYTHON").expect("PEERS_PYTHON: a Python that has itsdangerous, as run.sh installs it");
        // A dot and the time are 7.
        let [shorter, longer] = LENGTHS.map(|covered| format!("/{}", "a".repeat(covered - 8)));
        let figures = output(&python, &[SCRIPT, secret, &shorter, &longer]);
        let nanos = figures.lines().map(|line| {
            let mut fields = line.split(' ');
            let mut field = || fields.next().unwrap();
            (field().to_owned(), [field().parse().unwrap(), field().parse().unwrap()])
        });
        Self {
            nanos: nanos.collect(),
            version: output(&python, &["--version"]).trim().to_owned(),
            package_version: output(&python, &["-c", PACKAGE_VERSION]).trim().to_owned(),
        }
    }

    /// A line of a table, compared with Python's own MAC.
    pub fn row(&self, what: &str, name: &str, notes: &str) -> String {
        let ([shorter, longer], [floor, longer_floor]) = (self.nanos[name], self.nanos["hmac"]);
        let version =
            if name == "hmac" { self.version.clone() } else { format!("itsdangerous {}", self.package_version) };
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
