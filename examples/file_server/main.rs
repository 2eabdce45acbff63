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
//! A token opens a whole folder, from the query, from a cookie or from the path:
//!
//! ```text
//! token=$(cargo run --example file_server -- sign /files/site/ --scope)
//! curl "http://127.0.0.1:3000/files/site/index.html?$token"
//! encoded=$(printf %s "$token" | base64 | tr '+/' '-_' | tr -d '=\n')
//! curl --cookie "signed-url=$encoded" http://127.0.0.1:3000/files/site/index.html
//! curl "http://127.0.0.1:3000/~$encoded/files/site/index.html"
//! ```
//!
//! `--help` tells what else a link can be limited to.
//!
//! What begins with a dot is neither listed nor served nor written. Downloads follow symbolic links out of the folder,
//! since only its owner can have put them there; uploads do not. An upload may be of any size unless its link says
//! otherwise (`--max-bytes`), so give other `PUT` links to people you trust with your disk.

mod cli;
mod store;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;
use tokio::sync::oneshot;
use tower::{ServiceBuilder, ServiceExt};
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tower_signed_url::{
    ConcealLayer, ConfigError, DEFAULT_COOKIE, Keyring, Mint, Minted, Rejection, SignedUrlLayer, Signer, SigningKey,
    Verifier, Verify, client_ip, context,
};
use tracing::field::{Empty, display};
use tracing::{Level, Span};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use self::cli::{Command, Terms, USAGE};

const KEYS: &str = "SIGNED_URL_KEYS";
const LISTED: usize = 20;

/// More than has to be: a browser would leave some of these alone, and it leaves every escape alone.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

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
        Command::Sign { target, expires, terms } => sign(&target, expires, &terms),
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
    let verifier = verifier(&keys)?;
    let links = links(&root, &verifier.signer(), expires, address)?;

    log_to_stderr();
    print(&format!("listening on http://{address}"))?;
    if generated {
        eprintln!("{KEYS} is not set, so keys were generated: links will not survive a restart");
    }
    links.iter().try_for_each(|link| print(link))?;

    let (drain, draining) = oneshot::channel::<()>();
    let app = app(&root, &verifier).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { _ = draining.await });
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

fn sign(target: &str, expires: Duration, terms: &Terms) -> Result<(), Box<dyn Error>> {
    let signer = verifier(&Keyring::from_env(KEYS)?)?.signer();
    if terms.scope {
        print(limit(signer.scope(target), terms)?.sign_for(expires)?.as_str())
    } else {
        print(limit(signer.url(target), terms)?.sign_for(expires)?.as_str())
    }
}

/// Puts on a link, or a token, all that was asked for.
fn limit<'a, O: Minted>(mut mint: Mint<'a, O>, terms: &'a Terms) -> Result<Mint<'a, O>, &'static str> {
    for method in &terms.methods {
        mint = mint.method(method.clone());
    }
    if let Some(wait) = terms.not_before {
        mint = mint.not_before(SystemTime::now().checked_add(wait).ok_or("--not-before is too far off")?);
    }
    for network in &terms.networks {
        mint = mint.client_ip(network);
    }
    if let Some(host) = &terms.host {
        mint = mint.bind("host", host);
    }
    if let Some(password) = &terms.password {
        mint = mint.bind("password", password);
    }
    if let Some(max) = terms.max_bytes {
        mint = mint.max_bytes(max);
    }
    if let Some(media_type) = &terms.media_type {
        mint = mint.media_type(media_type);
    }
    if let Some(name) = &terms.download {
        mint = mint.download(name);
    }
    if let Some(id) = &terms.id {
        mint = mint.id(id);
    }
    Ok(mint)
}

fn keygen() -> Result<(), Box<dyn Error>> {
    let (mut id, mut secret) = ([0; 6], [0; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    print(&format!("{}:{}", URL_SAFE_NO_PAD.encode(id), URL_SAFE_NO_PAD.encode(secret)))
}

/// What checks links here, and what makes them: two processes with the same keys agree by this.
fn verifier(keys: &Keyring) -> Result<Verifier, ConfigError> {
    Verifier::builder(keys)
        .bind("host", context::host())
        .bind("password", context::basic_password())
        .client_ip(client_ip::connect_info())
        .token_cookie(DEFAULT_COOKIE)
        .token_path()
        .build()
}

fn app(root: &Path, verifier: &Verifier) -> Router {
    let hiding = verifier.clone();
    let trace = TraceLayer::new_for_http()
        .make_span_with(move |request: &Request| {
            // Where a link was pasted together wrongly, the path may hold a credential still.
            let hidden = hiding.hide(request.uri().path());
            let path = hidden.as_deref().unwrap_or(request.uri().path());
            tracing::info_span!("request", method = %request.method(), path, error = Empty)
        })
        .on_request(())
        .on_response(|response: &Response, _: Duration, _: &Span| log(response))
        .on_failure(());

    let files = Router::new()
        .route("/{*path}", get(download).put(upload))
        .layer(SignedUrlLayer::new(verifier))
        .with_state(Arc::from(root));
    // Without a state, axum would add the layers anew for each request: it is a service inside of another router.
    let routes = Router::new().nest("/files", files).with_state(());

    // Refused requests are to be logged as well, so the trace is outside of `SignedUrlLayer`, where links still are
    // what they were. `ConcealLayer` takes the credentials out of its sight; and tokens off the path, by which the
    // routes are chosen: a router's own layers would come too late for that.
    let outside = ServiceBuilder::new().layer(ConcealLayer::new(verifier)).layer(trace);
    Router::new().fallback_service(outside.service(routes))
}

async fn download(State(root): State<Arc<Path>>, OriginalUri(uri): OriginalUri, request: Request) -> Response {
    if store::path_below_root(uri.path()).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    ServeDir::new(root).append_index_html_on_directories(false).oneshot(request).await.into_response()
}

async fn upload(State(root): State<Arc<Path>>, OriginalUri(uri): OriginalUri, body: Body) -> StatusCode {
    store::save(root, uri.path(), body).await.unwrap_or_else(|error| {
        Span::current().record("error", display(&error));
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename => StatusCode::NOT_FOUND,
            ErrorKind::ConnectionAborted => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    })
}

fn links(root: &Path, signer: &Signer, expires: Duration, address: SocketAddr) -> Result<Vec<String>, Box<dyn Error>> {
    let names = store::names(root).map_err(|error| format!("{}: {error}", root.display()))?;
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
