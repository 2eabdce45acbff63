//! The file server of the examples, run as the program that it is. Unix alone: signals and symbolic links.
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "file_server/restrictions.rs"]
mod restrictions;
#[path = "file_server/serving.rs"]
mod serving;
#[path = "file_server/signing.rs"]
mod signing;
mod support;
#[path = "file_server/tokens.rs"]
mod tokens;
#[path = "file_server/uploads.rs"]
mod uploads;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use axum::http::Method;
use tempfile::TempDir;
use tower_signed_url::{Keyring, SignedUrl, Signer};

use self::support::{Reply, exchange};

const KEYS: &str = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER_KEYS: &str = "other:Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";
const FIVE_MINUTES: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);

fn signer() -> Signer {
    Signer::new(&KEYS.parse::<Keyring>().unwrap())
}

fn sign(signer: &Signer, target: &str) -> String {
    signer.url(target).sign_for(FIVE_MINUTES).map(SignedUrl::into_string).unwrap()
}

fn link(target: &str) -> String {
    sign(&signer(), target)
}

fn put_link(target: &str) -> String {
    signer().url(target).method(Method::PUT).sign_for(FIVE_MINUTES).unwrap().into_string()
}

fn error_for(target: &str, lifetime: Duration) -> String {
    signer().url(target).sign_for(lifetime).unwrap_err().to_string()
}

/// Uploads with a link made for it.
fn put(server: SocketAddr, target: &str, body: &[u8]) -> Reply {
    exchange(server, "PUT", &put_link(target), &[], body)
}

/// Asks again and again until there is an answer.
fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

/// A folder to serve, in one that is not to be touched.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let (root, outside) = (folder.root(), folder.0.path().join("outside"));
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret.txt"), "secret").unwrap();
        fs::write(root.join(".hidden"), "hidden").unwrap();
        symlink("../outside", root.join("out")).unwrap();
        symlink("../outside/secret.txt", root.join("link.txt")).unwrap();
        symlink("folder", root.join("also")).unwrap();
        folder
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn serve(&self) -> Server {
        Server::start(&[self.root().to_str().unwrap()], Some(KEYS))
    }

    fn names(&self) -> Vec<String> {
        names(&self.root())
    }

    /// All paths, inside and out, with what the files hold.
    fn everything(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for name in names(&folder) {
                let path = folder.join(name);
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path.clone());
                }
                found.insert(path.clone(), fs::read(path).ok());
            }
        }
        found
    }

    /// Half of `0123456789` on its way: the server has begun to write.
    fn half_an_upload(&self, server: &Server, target: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let head = format!("PUT {} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n", put_link(target));
        write!(stream, "{head}content-length: 10\r\n\r\n01234").unwrap();
        let is_temporary = |name: &String| name.starts_with(".upload-");
        until("the upload has begun", || self.names().iter().any(is_temporary).then_some(stream.try_clone().unwrap()))
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The running program. Ends with the test.
struct Server {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    stderr: TempDir,
}

/// What a server had left to say.
struct Stopped {
    printed: Vec<String>,
    log: String,
}

impl Server {
    fn start(args: &[&str], keys: Option<&str>) -> Self {
        let stderr = tempfile::tempdir().unwrap();
        let mut child = program(args, keys)
            .args(["--listen", "127.0.0.1:0"])
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

    fn next_line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    /// The target of the next link that was printed.
    fn next_link(&self) -> String {
        let link = self.next_line();
        link.strip_prefix(&format!("http://{}", self.address)).expect(&link).to_owned()
    }

    fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    fn put(&self, target: &str, body: &[u8]) -> Reply {
        put(self.address, target, body)
    }

    fn interrupt(&self) {
        let killed = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    fn exit_code(&mut self) -> Option<i32> {
        until("the server exits", || self.child.try_wait().unwrap()).code()
    }

    fn stop(mut self) -> Stopped {
        self.interrupt();
        assert_eq!(self.exit_code(), Some(0));
        let log = fs::read_to_string(self.stderr.path().join("log")).unwrap();
        Stopped { printed: self.lines.iter().collect(), log }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(args: &[&str], keys: Option<&str>) -> Output {
    program(args, keys).stdin(Stdio::null()).output().unwrap()
}

/// The one line that a successful run printed.
fn printed(output: &Output) -> String {
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
    let text = str::from_utf8(&output.stdout).unwrap();
    let line = text.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    line.to_owned()
}

/// What `sign` prints.
fn signed(args: &[&str]) -> String {
    printed(&run(&[&["sign"], args].concat(), Some(KEYS)))
}

/// The exit code of a run that failed, and the one line that it said.
fn mistake(args: &[&str], keys: Option<&str>) -> (i32, String) {
    let output = run(args, keys);
    assert_eq!(output.stdout, b"", "{args:?}");
    let message = str::from_utf8(&output.stderr).unwrap();
    let message = message.strip_prefix("file_server: ").and_then(|line| line.strip_suffix('\n')).unwrap();
    (output.status.code().unwrap(), message.to_owned())
}

fn program(args: &[&str], keys: Option<&str>) -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(PATH.get_or_init(find_program));
    command.args(args).env_remove("SIGNED_URL_KEYS").envs(keys.map(|keys| ("SIGNED_URL_KEYS", keys)));
    command
}

/// `cargo test` has built the example, `cargo test --test file_server` has not: cargo knows what there is to do.
fn find_program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    // The features that this test was built with, so that nothing is built twice.
    let features = if cfg!(feature = "full") { "full" } else { "axum" };
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--example", "file_server", "--features", features, "--profile", name])
        .arg("--target-dir")
        .arg(profile.parent().unwrap())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    profile.join("examples/file_server")
}
