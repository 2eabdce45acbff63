//! Serves a folder through links that expire. Run it, and click on what it prints:
//!
//! ```text
//! cargo run --example file_server
//! ```
//!
//! Links for others come from a second process with the same keys, uploads included:
//!
//! ```text
//! export SIGNED_URL_KEYS=$(cargo run --example file_server -- keygen)
//! cargo run --example file_server -- shared --listen 127.0.0.1:3000
//! link=$(cargo run --example file_server -- sign /files/cat.jpg --method PUT --expires 1h)
//! curl --upload-file cat.jpg "http://127.0.0.1:3000$link"
//! ```
//!
//! What begins with a dot is neither listed nor served nor written. Downloads follow symbolic links out of the folder,
//! since only its owner can have put them there; uploads do not. An upload may be of any size, so give `PUT` links to
//! people you trust with your disk.

use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::sync::oneshot;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tower_signed_url::{ConcealLayer, Keyring, Rejection, SignedUrlLayer, Signer, SigningKey};
use tracing::field::{Empty, display};
use tracing::{Level, Span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

const USAGE: &str = "\
Serves a folder through links that expire.

  file_server [ROOT] [--listen 127.0.0.1:3000] [--expires 5m]
      serves ROOT, or a few files that come with the example, and prints links
  file_server sign TARGET [--expires 5m] [--method GET]
      prints a link for /files/NAME, percent-encoded
  file_server keygen
      prints a value for SIGNED_URL_KEYS

SIGNED_URL_KEYS holds id:base64url[,id:base64url...]; the first key signs, all are accepted.
Durations are written 1s, 5m, 2h.";

const KEYS: &str = "SIGNED_URL_KEYS";
const EXAMPLE_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/files");
const LISTED: usize = 20;

/// More than has to be: a browser would leave some of these alone, and it leaves every escape alone.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

enum Command {
    Serve { root: PathBuf, listen: String, expires: Duration },
    Sign { target: String, expires: Duration, method: Method },
    Keygen,
    Help,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = match Command::parse(std::env::args_os().skip(1).map(OsString::into_string)) {
        Ok(command) => command,
        Err(wrong) => {
            eprintln!("file_server: {wrong} (--help tells more)");
            return ExitCode::from(2);
        }
    };
    let done = match command {
        Command::Serve { root, listen, expires } => serve(&root, &listen, expires).await,
        Command::Sign { target, expires, method } => sign(&target, expires, method),
        Command::Keygen => keygen(),
        Command::Help => print(USAGE),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("file_server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(root: &Path, listen: &str, expires: Duration) -> Result<(), Box<dyn Error>> {
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let generated = std::env::var_os(KEYS).is_none();
    let keys = if generated { Keyring::new(SigningKey::generate()?) } else { Keyring::from_env(KEYS)? };
    let listener = TcpListener::bind(listen).await.map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let address = listener.local_addr()?;
    let links = links(&root, &Signer::new(&keys), expires, address)?;

    log_to_stderr();
    print(&format!("listening on http://{address}"))?;
    if generated {
        eprintln!("{KEYS} is not set, so keys were generated: links will not survive a restart");
    }
    links.iter().try_for_each(|link| print(link))?;

    let (drain, draining) = oneshot::channel::<()>();
    let server = axum::serve(listener, app(&root, &keys)).with_graceful_shutdown(async { _ = draining.await });
    let interrupted_twice = async {
        ctrl_c().await?;
        drop(drain);
        ctrl_c().await
    };
    tokio::select! {
        // The signal is watched before the first connection is accepted.
        biased;
        result = interrupted_twice => Err(result.map_or_else(Into::into, |()| "stopped before all was answered".into())),
        result = server => Ok(result?),
    }
}

fn sign(target: &str, expires: Duration, method: Method) -> Result<(), Box<dyn Error>> {
    let signer = Signer::new(&Keyring::from_env(KEYS)?);
    let link = signer.url(target).method(method).sign_for(expires)?;
    print(link.as_str())
}

fn keygen() -> Result<(), Box<dyn Error>> {
    let (mut id, mut secret) = ([0; 6], [0; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    print(&format!("{}:{}", URL_SAFE_NO_PAD.encode(id), URL_SAFE_NO_PAD.encode(secret)))
}

fn app(root: &Path, keys: &Keyring) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(|request: &Request| {
            let path = request.uri().path();
            tracing::info_span!("request", method = %request.method(), path, error = Empty)
        })
        .on_request(())
        .on_response(|response: &Response, _: Duration, _: &Span| log(response))
        .on_failure(());

    let files = Router::new()
        .route("/{*path}", get(download).put(upload))
        .layer(SignedUrlLayer::new(keys))
        .with_state(Arc::from(root));

    // Refused requests are to be logged as well, so the trace is outside of `SignedUrlLayer`, where links still are
    // what they were. `ConcealLayer` takes the signatures out of its sight.
    Router::new().nest("/files", files).layer(ServiceBuilder::new().layer(ConcealLayer::new(keys)).layer(trace))
}

async fn download(State(root): State<Arc<Path>>, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    if path_below_root(uri.path()).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    ServeDir::new(root).append_index_html_on_directories(false).oneshot(request).await.into_response()
}

async fn upload(State(root): State<Arc<Path>>, OriginalUri(uri): OriginalUri, body: Body) -> StatusCode {
    store(root, uri.path(), body).await.unwrap_or_else(|error| {
        Span::current().record("error", display(&error));
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => StatusCode::NOT_FOUND,
            ErrorKind::ConnectionAborted => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    })
}

/// Writes a body to a temporary file, which gets its name when it is whole, and is removed if it never is.
async fn store(root: Arc<Path>, path: &str, mut body: Body) -> io::Result<StatusCode> {
    let path = path_below_root(path).ok_or(ErrorKind::NotFound)?;
    let (file, temporary, destination) = blocking(move || begin(&root, &path)).await?;

    let mut file = tokio::fs::File::from_std(file);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| io::Error::new(ErrorKind::ConnectionAborted, error))?;
        if let Ok(data) = frame.into_data() {
            file.write_all(&data).await?;
        }
    }
    file.flush().await?;
    blocking(move || finish(temporary, &destination)).await
}

/// Where an upload is written, and where it is to go.
fn begin(root: &Path, path: &Path) -> io::Result<(File, TempPath, PathBuf)> {
    let folder = root.join(path.parent().unwrap_or(Path::new(""))).canonicalize()?;
    let destination = folder.join(path.file_name().ok_or(ErrorKind::NotFound)?);
    // A symbolic link may have led elsewhere, and a folder is not to be replaced.
    if !folder.starts_with(root) || destination.is_dir() {
        return Err(ErrorKind::NotFound.into());
    }
    // In the same folder, or it could not be renamed; with any new file's permissions, not those of a secret.
    let temporary = tempfile::Builder::new().prefix(".upload-").make_in(&folder, |path| File::create_new(path))?;
    let (file, temporary) = temporary.into_parts();
    Ok((file, temporary, destination))
}

/// Gives an upload its name. Whether that is new is found out by the same step, so that of two at once only one is.
fn finish(temporary: TempPath, destination: &Path) -> io::Result<StatusCode> {
    match temporary.persist_noclobber(destination) {
        Ok(()) => Ok(StatusCode::CREATED),
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {
            taken.path.persist(destination)?;
            Ok(StatusCode::NO_CONTENT)
        }
        Err(other) => Err(other.into()),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await?
}

/// The file below ROOT that a request names, unless it is hidden or the path is not a plain one. It reads the original
/// path, since a nested router makes `/new` of `/files//new`.
fn path_below_root(path: &str) -> Option<PathBuf> {
    let decode = |segment| percent_decode_str(segment).decode_utf8().ok().filter(|name| is_visible(name));
    path.strip_prefix("/files/")?.split('/').map(|segment| decode(segment).map(String::from)).collect()
}

/// Whether this is a file's name, `.` and `..` not among them, and does not begin with a dot.
fn is_visible(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0'])
}

fn links(root: &Path, signer: &Signer, expires: Duration, address: SocketAddr) -> Result<Vec<String>, Box<dyn Error>> {
    let entries = root.read_dir().map_err(|error| format!("{}: {error}", root.display()))?;
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<_> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| is_visible(name));
    names.sort();

    let link = |name: &String| {
        let target = format!("/files/{}", utf8_percent_encode(name, ESCAPED));
        // Scheme and host are not signed, so they can go before any link.
        Ok(format!("http://{address}{}", signer.url(&target).sign_for(expires)?))
    };
    names.iter().take(LISTED).map(link).collect()
}

/// Like `println`, but does not panic when nobody listens any more.
fn print(line: &str) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

fn log_to_stderr() {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_target(false);
    // This program's own lines alone: the crate's would tell of a refused request a second time.
    let own = Targets::new().with_target(env!("CARGO_CRATE_NAME"), Level::INFO);
    tracing_subscriber::registry().with(lines).with(own).init();
}

fn log(response: &Response) {
    let status = response.status().as_u16();
    match response.extensions().get::<Rejection>() {
        Some(rejection) => tracing::info!("{status}, {rejection}"),
        None => tracing::info!("{status}"),
    }
}

impl Command {
    fn parse(mut args: impl Iterator<Item = Result<String, OsString>>) -> Result<Self, String> {
        let mut next = || args.next().transpose().map_err(|arg| format!("{} is not UTF-8", arg.display()));
        let (mut words, mut listen, mut expires, mut method) = (Vec::new(), None, None, None);
        while let Some(arg) = next()? {
            let mut value = || next()?.ok_or(format!("{arg} needs a value"));
            match &*arg {
                "-h" | "--help" => return Ok(Self::Help),
                "--listen" => listen = Some(value()?),
                "--expires" => expires = Some(duration(&value()?)?),
                "--method" => method = Some(value()?.parse().map_err(|_| "--method needs an HTTP method")?),
                option if option.starts_with('-') => return Err(format!("unknown option {option}")),
                _ => words.push(arg),
            }
        }

        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let expires_or_default = expires.unwrap_or(Duration::from_secs(5 * 60));
        match (&*words, listen, expires, method) {
            (["keygen"], None, None, None) => Ok(Self::Keygen),
            (["keygen", ..], ..) => Err("keygen takes nothing else".into()),
            (["sign", target], None, _, method) => {
                let method = method.unwrap_or(Method::GET);
                Ok(Self::Sign { target: (*target).into(), expires: expires_or_default, method })
            }
            (["sign", ..], ..) => Err("sign takes one target, --expires and --method".into()),
            ([] | [_], listen, _, None) => {
                let root = words.first().unwrap_or(&EXAMPLE_FILES).into();
                let listen = listen.unwrap_or_else(|| "127.0.0.1:3000".into());
                Ok(Self::Serve { root, listen, expires: expires_or_default })
            }
            _ => Err("a server takes one folder, --listen and --expires".into()),
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let in_seconds = |(unit, seconds)| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(seconds);
    let seconds = [("s", 1), ("m", 60), ("h", 60 * 60)].into_iter().find_map(in_seconds);
    let duration = seconds.filter(|&seconds| seconds > 0).map(Duration::from_secs);
    duration.ok_or_else(|| format!("{text:?} is not a duration: write 1s, 5m or 2h"))
}
