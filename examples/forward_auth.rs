//! Says for nginx which files it may serve. nginx serves them itself: nothing of a file passes through this program. Run
//! it with the URL that nginx is reached by:
//!
//! ```text
//! cargo run --example forward_auth -- http://127.0.0.1:8080 [--listen 127.0.0.1:9000]
//! ```
//!
//! - nginx is set up as the README shows under forward authentication, with `listen 8080`, and, for its files, `root` at
//!   this repository's `examples`.
//! - Open the link that is printed, and nginx serves `files/hello.txt`. Change a character, and it answers 403; wait for
//!   five minutes, and it answers 410.
//! - Stop this program, and nothing is served any more: nginx answers 500.
//!
//! Listen where nginx alone can ask: the service believes what it is told of a request.

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tower_signed_url::{ForwardAuth, Keyring, SignedUrlLayer, Signer, SigningKey};

const USAGE: &str = "usage: forward_auth PUBLIC_URL [--listen ADDRESS]";
const FIVE_MINUTES: Duration = Duration::from_secs(5 * 60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = env::args().skip(1).collect();
    let (public, listen) = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [public] => (public, "127.0.0.1:9000"),
        [public, "--listen", listen] => (public, listen),
        _ => return Err(USAGE.into()),
    };
    // Before the address is taken: a URL that links cannot begin with is a mistake to be told of at once.
    let keys = keys()?;
    let signer = Signer::new(&keys).with_base(public)?;
    let listener = TcpListener::bind(listen).await?;

    println!("listening on http://{}", listener.local_addr()?);
    if env::var_os("SIGNED_URL_KEYS").is_none() {
        println!("SIGNED_URL_KEYS is not set, so a key was generated: links will not survive a restart");
    }
    println!("{}", signer.url("/files/hello.txt").sign_for(FIVE_MINUTES)?);

    axum::serve(listener, app(&keys)).await?;
    Ok(())
}

fn app(keys: &Keyring) -> Router {
    // `ForwardAuth::x_forwarded` is for Traefik and Caddy.
    Router::new().route_service("/auth", ForwardAuth::nginx(SignedUrlLayer::new(keys)))
}

fn keys() -> Result<Keyring, Box<dyn Error>> {
    if env::var_os("SIGNED_URL_KEYS").is_some() {
        return Ok(Keyring::from_env("SIGNED_URL_KEYS")?);
    }
    Ok(Keyring::new(SigningKey::generate()?))
}
