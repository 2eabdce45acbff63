//! A browser to test in: Chromium without a window, driven over `WebDriver` as a person would.
#![allow(dead_code, missing_docs, clippy::expect_used, clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Read, copy, sink};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::cookies::Cookie;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::support::is_installed;

/// How long a page or a script may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// They name the folders that driver and browser write to: what is left there goes with the test.
const FOLDERS: [&str; 3] = ["TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"];

/// One window of a browser of its own, with nothing in its history, cookies and cache. It ends with the test.
///
/// Not to be used in `async` tests: every call waits for its answer.
#[derive(Debug)]
pub struct Browser {
    client: Option<Client>,
    runtime: Runtime,
    driver: Driver,
}

impl Browser {
    /// `None`, and a word about it, where there is no browser.
    #[track_caller]
    pub fn start() -> Option<Self> {
        if !["chromium", "chromedriver"].into_iter().all(is_installed) {
            return None;
        }
        let driver = Driver::start();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities().as_object().unwrap().clone());
        let client = runtime.block_on(builder.connect(&driver.url)).unwrap();
        Some(Self { client: Some(client), runtime, driver })
    }

    /// Opens an absolute URL, as if it were typed, and waits until the page is loaded.
    #[track_caller]
    pub fn open(&self, url: &str) {
        self.wait(self.client().goto(url));
    }

    /// Clicks on the first element that the selector finds. Where that leads to another page, waits until it is loaded.
    #[track_caller]
    pub fn click(&self, selector: &str) {
        let element = self.wait(self.client().find(Locator::Css(selector)));
        self.wait(element.click());
    }

    /// What stands in the address bar.
    #[track_caller]
    pub fn url(&self) -> String {
        self.wait(self.client().current_url()).into()
    }

    #[track_caller]
    pub fn back(&self) {
        self.wait(self.client().back());
    }

    #[track_caller]
    pub fn forward(&self) {
        self.wait(self.client().forward());
    }

    #[track_caller]
    pub fn reload(&self) {
        self.wait(self.client().refresh());
    }

    /// The status that the page came with.
    #[track_caller]
    pub fn status(&self) -> u64 {
        self.run("return performance.getEntriesByType('navigation')[0].responseStatus").as_u64().unwrap()
    }

    /// What a person reads on the page.
    #[track_caller]
    pub fn text(&self) -> String {
        self.run("return document.body.innerText").as_str().unwrap().to_owned()
    }

    /// How many pages `back` and `forward` can reach, with the present one. A new browser begins with one.
    #[track_caller]
    pub fn history_length(&self) -> u64 {
        self.run("return history.length").as_u64().unwrap()
    }

    /// Where the page believes that its visitor came from.
    #[track_caller]
    pub fn referrer(&self) -> String {
        self.run("return document.referrer").as_str().unwrap().to_owned()
    }

    /// The cookies that the page's URL is sent, the ones included that scripts do not see. A new browser has none.
    #[track_caller]
    pub fn cookies(&self) -> Vec<Cookie<'static>> {
        self.wait(self.client().get_all_cookies())
    }

    /// Runs JavaScript in the page, the body of an `async` function, and gives what it returns.
    #[track_caller]
    pub fn run(&self, script: &str) -> Value {
        self.wait(self.client().execute(&format!("return (async () => {{ {script} }})()"), vec![]))
    }

    /// Waits until an expression of JavaScript is true in the page, or in the one that comes after it: the driver
    /// starts a script anew when its page goes away.
    #[track_caller]
    pub fn wait_until(&self, condition: &str) {
        self.run(&format!("while (!({condition})) await new Promise(wake => setTimeout(wake, 20))"));
    }

    fn client(&self) -> &Client {
        self.client.as_ref().unwrap()
    }

    #[track_caller]
    fn wait<T>(&self, answer: impl Future<Output = Result<T, CmdError>>) -> T {
        self.runtime.block_on(answer).unwrap()
    }
}

impl Drop for Browser {
    /// Lets the browser close its files, so that its folder can be removed.
    fn drop(&mut self) {
        let close = self.client.take().unwrap().close();
        _ = self.runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), close).await });
    }
}

fn capabilities() -> Value {
    json!({
        "goog:chromeOptions": { "args": [
            "--headless=new",
            // Containers run tests as root, who gets no sandbox, and with little shared memory.
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--autoplay-policy=no-user-gesture-required",
            // The browser ends with its driver, even if that is killed.
            "--remote-debugging-pipe",
        ] },
        "timeouts": { "pageLoad": PATIENCE.as_millis(), "script": PATIENCE.as_millis() },
    })
}

/// The program that drives the browser. Both end with it.
#[derive(Debug)]
struct Driver {
    child: Child,
    url: String,
    _folder: TempDir,
}

impl Driver {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new("chromedriver")
            .arg("--port=0")
            .envs(FOLDERS.map(|name| (name, folder.path())))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut driver = Self { child, url: String::new(), _folder: folder };
        let mut stdout = BufReader::new(driver.child.stdout.take().unwrap());
        let port: u16 = stdout
            .by_ref()
            .lines()
            .find_map(|line| {
                let line = line.unwrap();
                let (_, port) = line.split_once("started successfully on port ")?;
                Some(port.trim_end_matches('.').parse().unwrap())
            })
            .expect("the driver tells its port");
        // Who stops reading stops the driver at its next word.
        std::thread::spawn(move || copy(&mut stdout, &mut sink()));
        driver.url = format!("http://127.0.0.1:{port}");
        driver
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
