//! nginx, with the configuration that the README shows, in front of an application.
#![allow(dead_code, missing_docs, clippy::panic, clippy::unwrap_used)]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::program::until;
use crate::support::{PATH, Reply, exchange, is_installed};

/// What stands around a snippet: nothing of it is outside of the folder that nginx is started with.
const AROUND: &str = "
user root;
worker_processes 1;
daemon off;
pid nginx.pid;
events {}
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    access_log off;
    include snippet.conf;
}
";

/// A running nginx. It ends with the test, and its workers with it.
#[derive(Debug)]
pub struct Nginx {
    child: Child,
    pub address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    /// Starts nginx with this snippet for its `http` block, in front of this application. `None`, and a word about it, where
    /// there is no nginx.
    ///
    /// In the snippet, `listen 80` and `listen 443` become a free port, `127.0.0.1:3000` the application, and `/etc` and
    /// `/var` folders that end with the test.
    #[track_caller]
    pub fn start(snippet: &str, app: SocketAddr) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, snippet, app)
    }

    /// In a folder that may hold files already, below `etc`, say.
    #[track_caller]
    pub fn start_in(folder: TempDir, snippet: &str, app: SocketAddr) -> Option<Self> {
        if !is_installed("nginx") {
            return None;
        }
        // nginx inherits the socket, as it does from the nginx that it replaces in an update: so the port is never anyone
        // else's, and connections wait until it is ready.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();

        let path = folder.path();
        let mut snippet = snippet.replace("127.0.0.1:3000", &app.to_string());
        for port in ["listen 80", "listen 443"] {
            snippet = snippet.replace(port, &format!("listen {address}"));
        }
        for root in ["/etc/", "/var/"] {
            snippet = snippet.replace(root, &format!("{}{root}", path.display()));
        }
        fs::create_dir_all(path.join("var/cache/nginx")).unwrap();
        fs::create_dir_all(path.join("var/log/nginx")).unwrap();
        fs::write(path.join("snippet.conf"), snippet).unwrap();
        fs::write(path.join("nginx.conf"), AROUND).unwrap();

        let child = Command::new("nginx")
            .args(["-e", "start.log", "-c", "nginx.conf", "-p"])
            .arg(path)
            .env("PATH", PATH.as_str())
            .env("NGINX", "0;")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stderr(fs::File::create(path.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut nginx = Self { child, address, folder };
        until("nginx has read its configuration", || {
            let exited = nginx.child.try_wait().unwrap();
            assert!(exited.is_none(), "{exited:?}: {}", fs::read_to_string(nginx.file("stderr")).unwrap());
            fs::read_to_string(nginx.file("nginx.pid")).ok().filter(|pid| !pid.is_empty())
        });
        Some(nginx)
    }

    pub fn get(&self, target: &str) -> Reply {
        exchange(self.address, "GET", target, &[], b"")
    }

    /// All that it says to this until it closes the connection.
    pub fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // It may refuse a request before it has read the whole.
        _ = stream.write_all(request);
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }

    /// What a snippet calls by this name, or what is in the folder that it was started with.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name.trim_start_matches('/'))
    }

    fn signal(&self, name: &str) {
        // Its workers end with it only if it can tell them.
        _ = Command::new("kill").args([name, &self.child.id().to_string()]).status();
    }

    /// Lets it finish what it does, and end. Its folder is left for as long as this lives.
    pub fn stop(&mut self) {
        self.signal("-QUIT");
        until("nginx ends", || self.child.try_wait().unwrap());
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal("-TERM");
            _ = self.child.wait();
        }
    }
}

/// All files in a folder, its folders' included.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
