//! Links that work for one signed-in user alone, wherever they get to. Run it, and open what it prints:
//!
//! ```text
//! cargo run --example bound_user [LISTEN]
//! ```
//!
//! - Sign in as alice, open a report, and copy its address. In a private window, sign in as bob, and paste it: 403. So it
//!   is for whoever is not signed in. alice's link needs alice's session, and says so nowhere: the user is part of what
//!   is signed, not of the URL.
//! - Sign out, and the links open no more. Whoever should need the very session that a link was made in binds the
//!   session's id in place of the user.
//! - `require` has the verifier refuse links that bind nobody, and the signer refuse to make them.
//! - The answers are not fresh in any cache: a browser's own does not know that somebody signed out.
//!
//! The login is a stand-in for yours, without passwords. All that the layer needs of it is the `User` in the request's
//! extensions.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{AppendHeaders, Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tower_signed_url::{Keyring, SignError, SignedUrlLayer, Signer, SigningKey, Verifier, context};

const USERS: [&str; 2] = ["alice", "bob"];
const REPORTS: [&str; 2] = ["spring", "autumn"];
const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

#[derive(Clone, Copy)]
struct User(&'static str);

#[derive(Clone)]
struct Site {
    signer: Signer,
    /// Who is signed in, by session id.
    sessions: Arc<RwLock<HashMap<String, User>>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listen = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".into());
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;

    println!("listening on http://{address}");
    let app = app(&keys()?)?;
    println!("open http://{address}/");

    axum::serve(listener, app).await?;
    Ok(())
}

fn app(keys: &Keyring) -> Result<Router, Box<dyn Error>> {
    let verifier =
        Verifier::builder(keys).bind("user", context::extension(|user: &User| user.0)).require("user").build()?;
    let site = Site { signer: verifier.signer(), sessions: Arc::default() };
    Ok(Router::new()
        .route("/reports/{name}", get(report))
        .route_layer(SignedUrlLayer::new(&verifier))
        .route("/", get(home))
        .route("/login/{user}", post(login))
        .route("/logout", post(logout))
        // Outside of the layer, which wants to know the user.
        .layer(from_fn_with_state(site.clone(), identify))
        .with_state(site))
}

/// Tells the layer, and the handlers, who is signed in.
async fn identify(State(site): State<Site>, mut request: Request, next: Next) -> Response {
    if let Some(id) = session_id(request.headers())
        && let Some(user) = site.sessions.read().await.get(id).copied()
    {
        request.extensions_mut().insert(user);
    }
    next.run(request).await
}

fn session_id(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(COOKIE).iter().filter_map(|field| field.to_str().ok());
    fields.flat_map(|field| field.split("; ")).find_map(|cookie| cookie.strip_prefix("session="))
}

async fn home(State(site): State<Site>, user: Option<Extension<User>>) -> Result<Html<String>, SignError> {
    let mut page = "<!doctype html><title>Reports</title>".to_owned();
    let mut button = |action: &str, text: &str| {
        page += &format!("<form method=post action=\"/{action}\"><button>{text}</button></form>");
    };
    let Some(Extension(user)) = user else {
        USERS.iter().for_each(|user| button(&format!("login/{user}"), &format!("Sign in as {user}")));
        return Ok(Html(page));
    };
    button("logout", &format!("Sign out, {}", user.0));
    for name in REPORTS {
        let link = site.signer.url(&format!("/reports/{name}")).bind("user", user.0).sign_for(FIVE_MINUTES)?;
        page += &format!("<p><a href=\"{}\">The {name} report</a>", link.as_str().replace('&', "&amp;"));
    }
    Ok(Html(page))
}

async fn report(Path(name): Path<String>, Extension(user): Extension<User>) -> String {
    format!("The {name} report, for {} alone.", user.0)
}

async fn login(State(site): State<Site>, Path(name): Path<String>) -> Result<Response, StatusCode> {
    let user = USERS.into_iter().find(|user| *user == name).ok_or(StatusCode::NOT_FOUND)?;
    let mut id = [0; 32];
    getrandom::fill(&mut id).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    let id = URL_SAFE_NO_PAD.encode(id);
    // Browsers take this machine for secure without TLS.
    let cookie = format!("session={id}; Path=/; Secure; HttpOnly; SameSite=Lax");
    site.sessions.write().await.insert(id, User(user));
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to("/")).into_response())
}

async fn logout(State(site): State<Site>, headers: HeaderMap) -> Response {
    if let Some(id) = session_id(&headers) {
        site.sessions.write().await.remove(id);
    }
    (AppendHeaders([(SET_COOKIE, "session=; Path=/; Max-Age=0")]), Redirect::to("/")).into_response()
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    println!("SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart");
    Ok(Keyring::new(SigningKey::generate()?))
}
