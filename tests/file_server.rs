//! The file server of the examples, run as the program that it is. Unix alone: signals and symbolic links.
#![cfg(all(unix, feature = "axum"))]
// Clippy's leave for tests ends at the functions that they call.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]

#[path = "support/program.rs"]
mod program;
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
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use axum::http::Method;
use tempfile::TempDir;
use tower_signed_url::{Keyring, SignedUrl, Signer};

use self::program::{Server, example, until};
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
        start(&[self.root().to_str().unwrap()], Some(KEYS))
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

/// The server, on any free port.
fn start(args: &[&str], keys: Option<&str>) -> Server {
    Server::of(program(args, keys).args(["--listen", "127.0.0.1:0"]))
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
    example("file_server", args, keys)
}
