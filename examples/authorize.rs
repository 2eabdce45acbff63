//! Takes links back while they still work: a photo is hidden, and every link to it dies on the next request. Run it, and
//! open what it prints:
//!
//! ```text
//! cargo run --example authorize [LISTEN]
//! ```
//!
//! - The links work for a week. Send one to somebody, hide the photo, and it answers 410; show the photo, and it works
//!   again. Links to the other photo never notice.
//! - Nothing was stored about any link: `Authorize` below asks for the photo's state, not for the link's. It is five
//!   lines, and asked after signature and expiry, so that a stranger cannot make it work.
//!
//! Put `/` and `/toggle` behind your own login: here, whoever opens the page is the owner of the photos.

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tower_http::services::ServeFile;
use tower_signed_url::{Authorize, BoxError, Decision, Grant, Keyring, SignError, SignedUrlLayer, Signer, SigningKey};

/// The photos, and the files that they are.
const PHOTOS: [(&str, &str); 2] = [
    ("/photos/cat", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/files/cat.jpg")),
    ("/photos/house", concat!(env!("CARGO_MANIFEST_DIR"), "/examples/site/picture.svg")),
];
const A_WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Which photos are hidden, by their paths.
#[derive(Clone, Default)]
struct Hidden(Arc<RwLock<HashSet<&'static str>>>);

impl Authorize for Hidden {
    async fn authorize(&self, _: &Grant, request: &Parts) -> Result<Decision, BoxError> {
        let is_hidden = self.0.read().await.contains(request.uri.path());
        Ok(if is_hidden { Decision::Gone } else { Decision::Allow })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;

    println!("listening on http://{address}");
    let app = app(&keys()?);
    println!("open http://{address}/");

    axum::serve(listener, app).await?;
    Ok(())
}

fn app(keys: &Keyring) -> Router {
    let hidden = Hidden::default();
    let by_link = SignedUrlLayer::new(keys).authorize(hidden.clone());
    let photos = PHOTOS.iter().fold(Router::new(), |app, (photo, file)| app.route_service(photo, ServeFile::new(file)));
    photos
        .route_layer(by_link)
        .route("/", get(album))
        .route("/toggle/photos/{name}", post(toggle))
        .with_state((Signer::new(keys), hidden))
}

/// The owner's page: every photo with a link to it, made on each visit.
async fn album(State((signer, hidden)): State<(Signer, Hidden)>) -> Result<Html<String>, SignError> {
    let hidden = hidden.0.read().await;
    let mut page = "<!doctype html><title>Photos</title>".to_owned();
    for (photo, _) in PHOTOS {
        let link = signer.url(photo).sign_for(A_WEEK)?.as_str().replace('&', "&amp;");
        let verb = if hidden.contains(photo) { "Show" } else { "Hide" };
        page += &format!(
            "<p><a href=\"{link}\"><img src=\"{link}\" alt=\"{photo}\" height=\"135\"></a>\
            <form method=\"post\" action=\"/toggle{photo}\"><button>{verb} {photo}</button></form>"
        );
    }
    Ok(Html(page))
}

async fn toggle(State((_, hidden)): State<(Signer, Hidden)>, Path(name): Path<String>) -> Result<Redirect, StatusCode> {
    let named = PHOTOS.into_iter().find(|(photo, _)| photo.strip_prefix("/photos/") == Some(&name));
    let (photo, _) = named.ok_or(StatusCode::NOT_FOUND)?;
    let mut hidden = hidden.0.write().await;
    if !hidden.remove(photo) {
        hidden.insert(photo);
    }
    Ok(Redirect::to("/"))
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    println!("SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart");
    Ok(Keyring::new(SigningKey::generate()?))
}
