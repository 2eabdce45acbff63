use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::format::Signature;
use crate::key::{KeyError, KeyErrorKind, KeyId, SigningKey, from_env};

/// The keys in use: one that signs, and any number that are still, or already, accepted.
///
/// A clone is a handle to the same ring: what one changes, all see from the next request on. Readers never wait;
/// writers wait for each other.
///
/// # Rotation without an outage
///
/// On one machine, [`rotate`](Self::rotate) to the new key, and [`retire`](Self::retire) the old one when the last
/// link made with it has expired. With several replicas a link may be minted by one and checked by another, so each
/// step has to reach all of them before the next begins:
///
/// 1. [`accept`](Self::accept) the new key everywhere;
/// 2. [`activate`](Self::activate) it everywhere;
/// 3. [`retire`](Self::retire) the old key everywhere, when the last link made with it has expired (a lifetime counts
///    from [`not_before`](crate::Mint::not_before), where a link has one).
///
/// Where keys come from the environment, the steps are: append the new key to the text everywhere; move it to the front
/// everywhere; drop the old one.
///
/// Rotating alone revokes nothing: the old key's links work until they expire, or until that key is retired.
///
/// ```
/// use tower_signed_url::{Keyring, SigningKey};
///
/// let old = SigningKey::from_bytes(&[1; 32])?.with_id("2026-10".parse()?);
/// let new = SigningKey::from_bytes(&[2; 32])?.with_id("2026-11".parse()?);
///
/// let keys = Keyring::new(old);
/// keys.accept(new)?;
/// keys.activate(&"2026-11".parse()?)?;
/// keys.retire(&"2026-10".parse()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Keyring {
    shared: Arc<Shared>,
}

struct Shared {
    keys: ArcSwap<Keys>,
    writer: Mutex<()>,
}

/// One state of a ring.
pub(crate) struct Keys {
    active: Arc<SigningKey>,
    /// All of them, sorted by id.
    known: Box<[Arc<SigningKey>]>,
}

impl Keyring {
    /// A ring of one key, which signs.
    #[must_use]
    pub fn new(active: SigningKey) -> Self {
        let active = Arc::new(active);
        let keys = Keys { known: Box::new([Arc::clone(&active)]), active };
        Self::from_keys(keys)
    }

    /// The ring that an environment variable describes as `id:base64url[,id:base64url…]`; the first key signs.
    ///
    /// # Errors
    ///
    /// [`KeyErrorKind::Environment`] if the variable is not set or not UTF-8, else what is wrong with its text.
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        from_env(name, str::parse)
    }

    /// Makes a key known: its links are accepted from now on. It does not sign yet.
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::DuplicateId`] if a key with this id (or this lack of one) is known.
    pub fn accept(&self, key: SigningKey) -> Result<(), KeyringError> {
        self.update(|keys| {
            let known = keys.known.iter().cloned().chain([Arc::new(key)]);
            Keys::new(Arc::clone(&keys.active), known)
        })
    }

    /// Lets a known key sign from now on. The one that signed before stays accepted.
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::UnknownId`] if no key of this id is known.
    pub fn activate(&self, id: &KeyId) -> Result<(), KeyringError> {
        self.update(|keys| {
            let active = keys.find(Some(id.as_str())).ok_or(KeyringErrorKind::UnknownId)?;
            Keys::new(Arc::clone(active), keys.known.iter().cloned())
        })
    }

    /// [`accept`](Self::accept) and [`activate`](Self::activate) in one step, for a single machine.
    ///
    /// It revokes nothing: the previous key stays accepted until it is [retired](Self::retire).
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::DuplicateId`] if a key with this id (or this lack of one) is known.
    pub fn rotate(&self, key: SigningKey) -> Result<(), KeyringError> {
        let key = Arc::new(key);
        self.update(|keys| {
            let known = keys.known.iter().cloned().chain([Arc::clone(&key)]);
            Keys::new(key.clone(), known)
        })
    }

    /// Forgets a key: every link made with it is refused from now on.
    ///
    /// A key without an id leaves only by [`replace`](Self::replace).
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::UnknownId`] if no key of this id is known, [`KeyringErrorKind::Active`] if it is the one
    /// that signs.
    pub fn retire(&self, id: &KeyId) -> Result<(), KeyringError> {
        self.update(|keys| {
            if keys.active.id() == Some(id) {
                return Err(KeyringErrorKind::Active);
            }
            keys.find(Some(id.as_str())).ok_or(KeyringErrorKind::UnknownId)?;
            let others = keys.known.iter().filter(|key| key.id() != Some(id));
            Keys::new(Arc::clone(&keys.active), others.cloned())
        })
    }

    /// Puts new keys in the place of all there are, in one step. For a text like `SIGNED_URL_KEYS` that has changed:
    /// [`replace_with`](Self::replace_with).
    ///
    /// # Errors
    ///
    /// [`KeyringErrorKind::DuplicateId`] if two keys have the same id, or two have none; the ring stays as it was.
    pub fn replace(
        &self,
        active: SigningKey,
        accepted: impl IntoIterator<Item = SigningKey>,
    ) -> Result<(), KeyringError> {
        let active = Arc::new(active);
        let accepted: Vec<_> = accepted.into_iter().map(Arc::new).collect();
        self.update(|_| Keys::new(Arc::clone(&active), accepted.into_iter().chain([active])))
    }

    /// Puts the keys that another ring holds now in the place of all there are: those of a text that was read again, say.
    ///
    /// ```
    /// # use tower_signed_url::Keyring;
    /// # let keys: Keyring = "a:AAECAwQFBgcICQoLDA0ODw".parse()?;
    /// # let text = "b:_-8CAwQFBgcICQoLDA0ODw,a:AAECAwQFBgcICQoLDA0ODw";
    /// keys.replace_with(&text.parse()?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replace_with(&self, other: &Self) {
        let _one_at_a_time = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.keys.store(other.shared.keys.load_full());
    }

    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.shared.keys.load()
    }

    fn from_keys(keys: Keys) -> Self {
        let shared = Shared { keys: ArcSwap::from_pointee(keys), writer: Mutex::new(()) };
        Self { shared: Arc::new(shared) }
    }

    fn update(&self, change: impl FnOnce(&Keys) -> Result<Keys, KeyringErrorKind>) -> Result<(), KeyringError> {
        let _one_at_a_time = self.shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&self.shared.keys.load()).map_err(KeyringError)?;
        self.shared.keys.store(Arc::new(changed));
        Ok(())
    }
}

impl Keys {
    fn new(active: Arc<SigningKey>, known: impl Iterator<Item = Arc<SigningKey>>) -> Result<Self, KeyringErrorKind> {
        let mut known: Box<[_]> = known.collect();
        known.sort_by(|a, b| a.id().cmp(&b.id()));
        if known.windows(2).any(|pair| matches!(pair, [a, b] if a.id() == b.id())) {
            return Err(KeyringErrorKind::DuplicateId);
        }
        Ok(Self { active, known })
    }

    pub(crate) fn active(&self) -> &SigningKey {
        &self.active
    }

    /// The key that a signature names.
    #[inline]
    pub(crate) fn find_for(&self, signature: Signature<'_>) -> Option<&Arc<SigningKey>> {
        // Most are the active key's, and its id need not be taken out to be compared. An empty mark begins every signature, also
        // those that name a key.
        let mark = self.active.mark();
        if !mark.is_empty() && signature.begins_with(mark) {
            return Some(&self.active);
        }
        self.find(signature.key_id())
    }

    /// The key of this id, or the one without.
    #[inline]
    pub(crate) fn find(&self, id: Option<&str>) -> Option<&Arc<SigningKey>> {
        let id = id.map(str::as_bytes);
        let index = self.known.binary_search_by(|key| key.id().map(KeyId::as_bytes).cmp(&id));
        self.known.get(index.ok()?)
    }
}

/// Reads `id:base64url[,id:base64url…]`; the first key signs, the others are accepted.
///
/// ```
/// use tower_signed_url::Keyring;
///
/// let keys: Keyring = "2026-11:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8".parse()?;
/// # Ok::<(), tower_signed_url::KeyError>(())
/// ```
impl FromStr for Keyring {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let read = |(at, key): (usize, &str)| {
            SigningKey::from_text(key.trim()).map(Arc::new).map_err(|error| error.of_entry(at + 1))
        };
        let mut keys = text.trim().split(',').enumerate().map(read);
        let active = keys.next().ok_or(KeyErrorKind::Text)??;
        let mut known = vec![Arc::clone(&active)];
        for key in keys {
            known.push(key?);
        }
        Keys::new(active, known.into_iter()).map(Self::from_keys).map_err(|_| KeyErrorKind::DuplicateId.into())
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.load();
        f.debug_struct("Keyring").field("active", &keys.active).field("known", &keys.known).finish()
    }
}

/// Why a ring could not be changed. It stays as it was.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyringError(KeyringErrorKind);

/// What stands against a change of a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringErrorKind {
    /// A key of this id is known already, or one without an id.
    DuplicateId,
    /// No key of this id is known.
    UnknownId,
    /// The key to retire is the one that signs.
    Active,
}

impl KeyringError {
    /// What stands against it.
    #[must_use]
    pub fn kind(&self) -> KeyringErrorKind {
        self.0
    }
}

/// With its words: what `main` returns is shown by `Debug`.
impl fmt::Debug for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyringError({:?}: {self})", self.kind())
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            KeyringErrorKind::DuplicateId => "the ring has a key of this id: give the new key another id",
            KeyringErrorKind::UnknownId => "the ring has no key of this id: accept the key first",
            KeyringErrorKind::Active => "this key signs: activate another before it is retired",
        })
    }
}

impl Error for KeyringError {}
