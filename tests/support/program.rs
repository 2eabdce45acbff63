//! The programs of the examples, run as they are. Unix alone: signals.
#![allow(dead_code, missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::{Reply, exchange};

/// Asks again and again until there is an answer.
pub fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// A running program that serves. Ends with the test.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    lines: Receiver<String>,
    stderr: TempDir,
}

/// What a server had left to say.
#[derive(Debug)]
pub struct Stopped {
    pub printed: Vec<String>,
    pub log: String,
}

impl Server {
    /// Starts a program that was told to listen on any free port, and says on which one it does.
    #[track_caller]
    pub fn of(program: &mut Command) -> Self {
        let stderr = tempfile::tempdir().unwrap();
        let mut child = program
            .stdout(Stdio::piped())
            .stderr(fs::File::create(stderr.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stdout.lines().try_for_each(|line| sender.send(line.unwrap())));
        let address = SocketAddr::from(([0; 4], 0));
        let mut server = Self { child, address, lines, stderr };
        let first = server.next_line();
        server.address = first.strip_prefix("listening on http://").expect(&first).parse().unwrap();
        assert_ne!(server.address.port(), 0);
        server
    }

    pub fn next_line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The target of the next link that was printed.
    pub fn next_link(&self) -> String {
        let link = self.next_line();
        link.strip_prefix(&format!("http://{}", self.address)).expect(&link).to_owned()
    }

    /// The target of the link that it says to open, or to play, in the next line.
    pub fn told_to(&self, verb: &str) -> String {
        let line = self.next_line();
        line.strip_prefix(&format!("{verb} http://{}", self.address)).expect(&line).to_owned()
    }

    pub fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    /// What it has logged by now.
    pub fn log(&self) -> String {
        fs::read_to_string(self.stderr.path().join("log")).unwrap()
    }

    pub fn interrupt(&self) {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    pub fn exit_code(&mut self) -> Option<i32> {
        until("the server exits", || self.child.try_wait().unwrap()).code()
    }

    pub fn stop(mut self) -> Stopped {
        self.interrupt();
        assert_eq!(self.exit_code(), Some(0));
        Stopped { log: self.log(), printed: self.lines.iter().collect() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An example, with these keys or none.
pub fn example(name: &'static str, args: &[&str], keys: Option<&str>) -> Command {
    static BUILT: Mutex<BTreeMap<&str, PathBuf>> = Mutex::new(BTreeMap::new());
    let path = BUILT.lock().unwrap().entry(name).or_insert_with(|| build(name)).clone();
    let mut command = Command::new(path);
    command.args(args).env_remove("SIGNED_URL_KEYS").envs(keys.map(|keys| ("SIGNED_URL_KEYS", keys)));
    command
}

/// `cargo test` has built the examples, `cargo test --test file_server` has not: cargo knows what there is to do.
fn build(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        profile => profile,
    };
    // The features that this test was built with, so that nothing is built twice.
    let features: &[_] = match () {
        () if cfg!(feature = "full") => &["--features", "full"],
        () if cfg!(feature = "axum") => &[],
        () => &["--no-default-features"],
    };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", name, "--profile", profile])
        .args(features)
        .arg("--target-dir")
        .arg(folder.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    folder.join("examples").join(name)
}
