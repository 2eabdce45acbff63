//! What the program is asked to do.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use axum::http::Method;

pub const USAGE: &str = "\
Serves a folder through links that expire.

  file_server [ROOT] [--listen 127.0.0.1:3000] [--expires 5m]
      serves ROOT, or a few files that come with the example, and prints links
  file_server sign TARGET [--expires 5m] [--method GET] [RESTRICTION...]
      prints a link for /files/NAME, percent-encoded
  file_server sign TARGET --scope [--expires 5m] [--method GET] [RESTRICTION...]
      prints a token for all that is in the folder /files/NAME/
  file_server keygen
      prints a value for SIGNED_URL_KEYS

  --method METHOD      works for this method instead of GET; may be repeated
  --not-before 10m     begins to work in 10 minutes, up to a minute early; --expires counts from then
  --ip ADDRESS         works from this address, or from a network such as 192.0.2.0/24; may be repeated
  --bind-host HOST     works under this host alone: example.com, or 127.0.0.1:3000
  --password TEXT      asks for this password; `ps` shows TEXT to every user of this machine while sign runs
  --max-bytes NUMBER   takes uploads up to this size, which they have to state
  --type TYPE          takes uploads of this type, image/png or image/*, by what they say they are
  --download NAME      has what it leads to saved as NAME
  --id NAME            names the link: 1 to 64 of A-Z a-z 0-9 _ -

A token is accepted in the query of any URL in its folder, as it is; in base64url in the cookie signed-url; and in
base64url after a ~ as the first segment of the path, from where relative links inherit it.

SIGNED_URL_KEYS holds id:base64url[,id:base64url...]; the first key signs, all are accepted.
Durations are written 1s, 5m, 2h.";

const EXAMPLE_FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/files");

pub enum Command {
    Serve { root: PathBuf, listen: String, expires: Duration },
    Sign { target: String, expires: Duration, terms: Terms },
    Keygen,
    Help,
}

/// What a link is to be, and is to be limited to.
#[derive(Default, PartialEq)]
pub struct Terms {
    /// Whether it is to be a token, for a whole folder.
    pub scope: bool,
    pub methods: Vec<Method>,
    pub not_before: Option<Duration>,
    pub networks: Vec<String>,
    pub host: Option<String>,
    pub password: Option<String>,
    pub max_bytes: Option<u64>,
    pub media_type: Option<String>,
    pub download: Option<String>,
    pub id: Option<String>,
}

impl Command {
    pub fn parse(mut args: impl Iterator<Item = Result<String, OsString>>) -> Result<Self, String> {
        let mut next = || args.next().transpose().map_err(|arg| format!("{} is not UTF-8", arg.display()));
        let (mut words, mut listen, mut expires, mut terms) = (Vec::new(), None, None, Terms::default());
        while let Some(arg) = next()? {
            let mut value = || next()?.ok_or(format!("{arg} needs a value"));
            match &*arg {
                "-h" | "--help" => return Ok(Self::Help),
                "--listen" => listen = Some(value()?),
                "--expires" => expires = Some(duration(&value()?)?),
                "--scope" => terms.scope = true,
                "--method" => terms.methods.push(value()?.parse().map_err(|_| "--method needs an HTTP method")?),
                "--not-before" => terms.not_before = Some(duration(&value()?)?),
                "--ip" => terms.networks.push(value()?),
                "--bind-host" => terms.host = Some(value()?),
                "--password" => terms.password = Some(value()?),
                "--max-bytes" => {
                    terms.max_bytes = Some(value()?.parse().map_err(|_| "--max-bytes needs a number of bytes")?);
                }
                "--type" => terms.media_type = Some(value()?),
                "--download" => terms.download = Some(value()?),
                "--id" => terms.id = Some(value()?),
                option if option.starts_with('-') => return Err(format!("unknown option {option}")),
                _ => words.push(arg),
            }
        }

        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let expires_or_default = expires.unwrap_or(Duration::from_secs(5 * 60));
        let has_terms = terms != Terms::default();
        match (&*words, listen, expires, has_terms) {
            (["keygen"], None, None, false) => Ok(Self::Keygen),
            (["keygen", ..], ..) => Err("keygen takes nothing else".into()),
            (["sign", target], None, ..) => {
                Ok(Self::Sign { target: (*target).into(), expires: expires_or_default, terms })
            }
            (["sign", ..], ..) => Err("sign takes one target, and every option but --listen".into()),
            ([] | [_], listen, _, false) => {
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
