//! Caddy, with the configuration that the README shows, in front of a service.
#![allow(dead_code, missing_docs, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

use crate::program::until;
use crate::support::is_installed;

/// What belongs to a test and not to a README: nothing but the test speaks to it.
const OPTIONS: &str = "{
	admin off
	default_bind 127.0.0.1
";

/// They name the folders that Caddy writes to.
const FOLDERS: [&str; 3] = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"];

/// A running Caddy. It ends with the test.
#[derive(Debug)]
pub struct Caddy {
    child: Child,
    pub address: SocketAddr,
    folder: TempDir,
    /// Keeps the port for it.
    _port: TcpSocket,
}

impl Caddy {
    /// Starts Caddy with this Caddyfile, which begins with global options, in front of this service. `None`, and a word about
    /// it, where there is no Caddy.
    ///
    /// In the Caddyfile, `files.example.com` becomes a free port, `127.0.0.1:9000` the service, and `/var` a folder that ends
    /// with the test.
    #[track_caller]
    pub fn start_in(folder: TempDir, caddyfile: &str, service: SocketAddr) -> Option<Self> {
        if !is_installed("caddy") {
            return None;
        }
        let (port, address) = free_port();
        let path = folder.path();
        let caddyfile = caddyfile
            .replacen("{\n", OPTIONS, 1)
            .replace("127.0.0.1:9000", &service.to_string())
            .replace("files.example.com", &format!("http://:{}", address.port()))
            .replace("/var/", &format!("{}/var/", path.display()));
        fs::write(path.join("Caddyfile"), caddyfile).unwrap();
        let child = Command::new("caddy")
            .args(["run", "--config", "Caddyfile"])
            .current_dir(path)
            .envs(FOLDERS.map(|name| (name, path)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(path.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut caddy = Self { child, address, folder, _port: port };
        until("Caddy listens", || {
            let exited = caddy.child.try_wait().unwrap();
            assert!(exited.is_none(), "{exited:?}: {}", caddy.log());
            TcpStream::connect(address).ok()
        });
        Some(caddy)
    }

    /// All that it says to this until it closes the connection.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What it has logged by now.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// A path below its folder: `/var/www`, say.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name.trim_start_matches('/'))
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A port that is nobody's for as long as the socket lives, and that Caddy can have all the same, for it shares ports.
pub fn free_port() -> (TcpSocket, SocketAddr) {
    // Registering a socket takes a runtime, though nothing is asked of it.
    let runtime = Builder::new_current_thread().enable_io().build().unwrap();
    let _guard = runtime.enter();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}
