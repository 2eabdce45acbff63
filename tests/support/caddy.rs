//! Caddy, with the configuration that the README shows, in front of a service.
#![allow(dead_code, missing_docs, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::program::until;
use crate::support::{free_port, is_installed};

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

    /// What it has logged by now.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }
}

impl Drop for Caddy {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
