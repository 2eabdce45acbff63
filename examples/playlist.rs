//! Plays a video by a link that expires, segments and all. Run it, and open what it prints:
//!
//! ```text
//! cargo run --example playlist [LISTEN]
//! ```
//!
//! - A playlist (HLS, RFC 8216) names its segments by relative links, `0.ts`. The token is the first segment of the
//!   path, `/~c2ln…/videos/42/`, so a player asks for `/~c2ln…/videos/42/0.ts` without knowing of it, and the files on
//!   disk stay as they are. No cookie, no script, no rewriting: a player on a television can do it.
//! - The link to the playlist is for players (VLC, mpv, `ffplay`). The page is for browsers that play HLS themselves;
//!   with hls.js in the page the others do it as well.
//! - The log shows the segments coming in, each let in by the token, and none of the tokens.
//! - Nothing under `/videos/` opens without the token, and nothing but `/videos/42/` with it.

use std::env;
use std::error::Error;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use axum::routing::get;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::services::ServeDir;
use tower_http::trace::TraceLayer;
use tower_signed_url::{ConcealLayer, Keyring, SignError, SignedUrlLayer, Signer, SigningKey, Verifier};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

const VIDEO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/playlist");
/// Long enough to see it through, with breaks.
const FOUR_HOURS: Duration = Duration::from_secs(4 * 60 * 60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    log_to_stderr();

    println!("listening on http://{address}");
    let verifier = Verifier::builder(&keys()?).token_path().build()?;
    let token = verifier.signer().scope("/videos/42/").sign_for(FOUR_HOURS)?;
    println!("open http://{address}{}", token.in_path("/videos/42/index.html")?);
    println!("play http://{address}{}", token.in_path("/videos/42/index.m3u8")?);

    axum::serve(listener, app(&verifier)).await?;
    Ok(())
}

fn app(verifier: &Verifier) -> Router {
    let app = Router::new()
        .nest_service("/videos/42", ServeDir::new(VIDEO))
        .route_layer(SignedUrlLayer::new(verifier))
        .route("/", get(home))
        .with_state(verifier.signer());
    // Around the whole router, where nothing has been routed yet: `app.layer(…)` would be too late, since no route
    // begins with a token.
    let outermost = ServiceBuilder::new().layer(ConcealLayer::new(verifier)).layer(TraceLayer::new_for_http());
    Router::new().fallback_service(outermost.service(app))
}

/// A page of your own, behind your own login, that makes a link on each visit.
async fn home(State(signer): State<Signer>) -> Result<Html<String>, SignError> {
    let link = signer.scope("/videos/42/").sign_for(FOUR_HOURS)?.in_path("/videos/42/index.html")?;
    Ok(Html(format!("<!doctype html><title>Videos</title><p><a href=\"{link}\">Watch the video</a>")))
}

fn log_to_stderr() {
    // Not all that there is: at this level h2 tells of targets that it cannot read, and so of the links in them.
    let shown = Targets::new().with_targets([("tower_http", Level::DEBUG), ("tower_signed_url", Level::DEBUG)]);
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    tracing_subscriber::registry().with(lines).with(shown).init();
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    println!("SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart");
    Ok(Keyring::new(SigningKey::generate()?))
}
