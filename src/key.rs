use std::error::Error;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ctutils::CtEq;
use hmac::KeyInit;
use hmac::block_api::HmacCore;
use hmac::digest::Output;
use hmac::digest::block_api::{Buffer, FixedOutputCore, UpdateCore};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::format::{MAX_ID, is_id};
use crate::inline::Inline;

/// By blocks: a clone of `Hmac` brings its buffer along, and a MAC takes an eighth longer.
type HmacSha256 = HmacCore<Sha256>;

/// The fewest bytes that are taken for a key. RFC 2104 section 3 recommends the hash's length, 32.
const MIN_KEY: usize = 16;

/// The name of a key, as it stands in a URL before the MAC: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// ```
/// use tower_signed_url::KeyId;
///
/// let id: KeyId = "2026-11".parse()?;
/// assert_eq!(id.as_str(), "2026-11");
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
// In place: every grant has a copy, and to count the copies of one text would have all cores wait for each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Inline<MAX_ID>);

impl KeyId {
    /// The id's text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if is_id(text) { Ok(Self(Inline::truncated(text))) } else { Err(KeyErrorKind::Id.into()) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A secret that signs and verifies, with an id or without one.
///
/// For HMAC-SHA256 (RFC 2104). Its algorithm is its own affair: no URL can choose it. It is wiped from memory when it
/// is dropped, shows its id alone in [`Debug`], and cannot be cloned or read back: what is shared is a
/// [`Keyring`](crate::Keyring).
///
/// ```
/// use tower_signed_url::SigningKey;
///
/// let key = SigningKey::from_base64url("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")?.with_id("2026-11".parse()?);
/// assert_eq!(format!("{key:?}"), r#"SigningKey { id: Some(KeyId("2026-11")), .. }"#);
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
pub struct SigningKey {
    id: Option<KeyId>,
    /// What stands before its MACs: the id and a dot, or nothing.
    mark: Box<str>,
    /// Keyed once: a request clones it instead of hashing the key again.
    mac: HmacSha256,
}

impl SigningKey {
    /// A new key of 32 random bytes, with a random id so that any two of them fit one ring.
    ///
    /// It cannot be read back, so its links do not outlive the process. For a key to keep, make its text first:
    /// `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='`, say, for [`from_base64url`](Self::from_base64url).
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Random`] if the operating system has no random bytes to give.
    pub fn generate() -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new([0; 32]);
        let mut id = [0; 6];
        random(secret.as_mut())?;
        random(&mut id)?;
        Ok(Self::from_bytes(secret.as_ref())?.with_id(KeyId(Inline::truncated(&URL_SAFE_NO_PAD.encode(id)))))
    }

    /// A key from its bytes: 16 at least, and 32 random ones are recommended.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::TooShort`] for fewer than 16 bytes, [`KeyErrorKind::Zeros`] for zeros alone.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < MIN_KEY {
            return Err(KeyErrorKind::TooShort.into());
        }
        // HMAC fills keys up with zeros (RFC 2104 section 2), so these are the empty key, which is everyone's.
        if secret.iter().all(|byte| *byte == 0) {
            return Err(KeyErrorKind::Zeros.into());
        }
        // HMAC takes a key of any length, so the error cannot occur.
        let mac = HmacSha256::new_from_slice(secret).map_err(|_| KeyErrorKind::TooShort)?;
        Ok(Self { id: None, mark: Box::default(), mac })
    }

    /// A key from base64url text without padding (RFC 4648 section 5).
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Base64url`], or what [`from_bytes`](Self::from_bytes) has against the key.
    pub fn from_base64url(text: &str) -> Result<Self, KeyError> {
        let secret = URL_SAFE_NO_PAD.decode(text).map(Zeroizing::new);
        Self::from_bytes(&secret.map_err(|_| KeyErrorKind::Base64url)?)
    }

    /// A key from hexadecimal text, in either letter case.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Hex`], or what [`from_bytes`](Self::from_bytes) has against the key.
    pub fn from_hex(text: &str) -> Result<Self, KeyError> {
        let mut secret = Zeroizing::new(Vec::with_capacity(text.len() / 2));
        for pair in text.as_bytes().chunks(2) {
            match pair {
                [high, low] => secret.push(hex_digit(*high)? << 4 | hex_digit(*low)?),
                _ => return Err(KeyErrorKind::Hex.into()),
            }
        }
        Self::from_bytes(&secret)
    }

    /// A key from an environment variable that holds `id:base64url`, or `base64url` for a key without an id.
    ///
    /// For several keys in one variable, which need ids, see [`Keyring::from_env`](crate::Keyring::from_env).
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Environment`] if the variable is not set or not UTF-8, else what is wrong with its text.
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        from_env(name, |text| match text.trim() {
            named if named.contains(':') => Self::from_text(named),
            unnamed => Self::from_base64url(unnamed),
        })
    }

    /// Reads `id:base64url`.
    pub(crate) fn from_text(text: &str) -> Result<Self, KeyError> {
        let (id, secret) = text.split_once(':').ok_or(KeyErrorKind::Text)?;
        Ok(Self::from_base64url(secret)?.with_id(id.parse()?))
    }

    /// The same key under this id.
    #[must_use]
    pub fn with_id(self, id: KeyId) -> Self {
        Self { mark: format!("{id}.").into(), id: Some(id), ..self }
    }

    /// The key's id.
    #[must_use]
    pub fn id(&self) -> Option<&KeyId> {
        self.id.as_ref()
    }

    /// What stands before a MAC of this key in a URL.
    #[inline]
    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// The MAC over `covered`, with the name prefix before it where one is in use, and the lines of `bound` contexts after
    /// it.
    #[inline]
    pub(crate) fn sign(&self, prefix: Option<&str>, covered: &str, bound: &str) -> [u8; 32] {
        let mut mac = self.mac.clone();
        let mut buffer = Buffer::<HmacSha256>::default();
        let mut update = |text: &str| buffer.digest_blocks(text.as_bytes(), |blocks| mac.update_blocks(blocks));
        if let Some(prefix) = prefix {
            update(prefix);
            update("\n");
        }
        update(covered);
        if !bound.is_empty() {
            update(bound);
        }
        let mut output = Output::<HmacSha256>::default();
        mac.finalize_fixed_core(&mut buffer, &mut output);
        output.into()
    }

    /// Whether `mac` is what [`sign`](Self::sign) gives, in constant time.
    #[inline]
    pub(crate) fn matches(&self, prefix: Option<&str>, covered: &str, bound: &str, mac: &[u8; 32]) -> bool {
        self.sign(prefix, covered, bound).as_slice().ct_eq(mac.as_slice()).into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a key or a key id could not be made. Holds nothing of the key.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyError {
    kind: KeyErrorKind,
    /// The name of the environment variable that the text came from, or nothing.
    variable: Box<str>,
    /// Which of several keys in a text it is, counted from 1; or 0.
    entry: usize,
}

/// What is wrong with a key or its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// Fewer than 16 bytes.
    TooShort,
    /// Zeros alone: to HMAC the empty key.
    Zeros,
    /// Not unpadded base64url.
    Base64url,
    /// Not pairs of hexadecimal digits.
    Hex,
    /// Not 1 to 64 of `A-Z a-z 0-9 _ -`.
    Id,
    /// Not `id:base64url`.
    Text,
    /// Two keys with the same id in one text.
    DuplicateId,
    /// The environment variable is not set, or not UTF-8.
    Environment,
    /// The operating system gave no random bytes.
    Random,
}

impl KeyError {
    /// The error as that of one key among several, counted from 1.
    pub(crate) fn of_entry(self, entry: usize) -> Self {
        Self { entry, ..self }
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }
}

impl From<KeyErrorKind> for KeyError {
    fn from(kind: KeyErrorKind) -> Self {
        Self { kind, variable: Box::default(), entry: 0 }
    }
}

/// With its words: what `main` returns is shown by `Debug`.
impl fmt::Debug for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyError({:?}: {self})", self.kind())
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.variable.is_empty() {
            write!(f, "{}: ", self.variable)?;
        }
        if self.entry > 0 {
            write!(f, "key {}: ", self.entry)?;
        }
        f.write_str(match self.kind {
            KeyErrorKind::TooShort => "the key is too short: use 32 random bytes, 16 at the least",
            KeyErrorKind::Zeros => "the key is all zeros, as if it had not been read: use 32 random bytes",
            KeyErrorKind::Base64url => "the key is not base64url: use A-Z a-z 0-9 - _ without padding",
            KeyErrorKind::Hex => "the key is not hexadecimal: use two of 0-9 a-f for each byte",
            KeyErrorKind::Id => "the key id is not usable: use 1 to 64 of A-Z a-z 0-9 _ -",
            KeyErrorKind::Text => "a key is written id:base64url, several are separated by commas",
            KeyErrorKind::DuplicateId => "two keys have the same id: give each its own",
            KeyErrorKind::Environment => "the environment variable is not set, or not UTF-8: set it to id:base64url",
            KeyErrorKind::Random => "the operating system gave no random bytes",
        })
    }
}

impl Error for KeyError {}

/// Fills `bytes` from the operating system's random source.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(bytes).map_err(|_| KeyErrorKind::Random.into())
}

/// Reads an environment variable, which an error then names.
pub(crate) fn from_env<T>(name: &str, read: impl FnOnce(&str) -> Result<T, KeyError>) -> Result<T, KeyError> {
    let text = std::env::var(name).map(Zeroizing::new).map_err(|_| KeyErrorKind::Environment.into());
    text.and_then(|text| read(&text)).map_err(|error: KeyError| KeyError { variable: name.into(), ..error })
}

fn hex_digit(digit: u8) -> Result<u8, KeyError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(KeyErrorKind::Hex.into()),
    }
}
