use std::time::{Duration, SystemTime};

use http::header::{CACHE_CONTROL, EXPIRES, HeaderMap, HeaderName};
use http::{HeaderValue, StatusCode};

use crate::clock::seconds_until;
use crate::quoted;

/// What caches are told about the answer to a signed URL, on every status: that they must not outlive the link.
///
/// ```
/// use std::time::Duration;
/// use tower_signed_url::{Cache, Keyring, SignedUrlLayer, Signer, SigningKey};
///
/// // One URL for everyone within the hour, and shared caches that keep the answer for as long.
/// let keys = Keyring::new(SigningKey::generate()?);
/// let hour = Duration::from_secs(3600);
/// let link = Signer::new(&keys).url("/app.css").round_expiry_up_to(hour).sign_for(hour)?;
/// let layer = SignedUrlLayer::new(&keys).cache(Cache::Shared);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Cache {
    /// `private` and a `max-age` of at most the time that the link has left. What would let a cache keep the answer
    /// longer, or share it, is taken out of the service's headers; what is stricter stays.
    ///
    /// `max-age` is 0 where [live authorization](crate::Authorize) or a [bound context](crate::context) other than the host
    /// decided, for that may change while the link lives: a photo is hidden, a session ends.
    #[default]
    Private,
    /// `no-store`.
    NoStore,
    /// `public`, with an `Expires` at the link's end, and an `s-maxage` of at most the time that it has left, less a second:
    /// for links whose expiry is [rounded](crate::Mint::round_expiry_up_to).
    ///
    /// Both because of caches like nginx, which does not tell how old an answer is: a `max-age` would be too long for the
    /// browser behind it. nginx counts in whole seconds, too, from the one in which an answer reaches it: it does not outlive
    /// the link if that is less than a second after the layer gave it.
    ///
    /// Falls back to [`Cache::Private`] where the service said `private` or `no-store`, spoke to a shared cache by a field
    /// of its own (`CDN-Cache-Control`, say) or set a cookie, where the request had an `Authorization`, and where
    /// anything but the URL decided that the request may pass.
    Shared,
}

/// How long an answer may be fresh.
pub(crate) struct Freshness {
    now: SystemTime,
    /// When the link stops working.
    expires_at: SystemTime,
    /// Whether it is fresh until then if the service says nothing.
    by_default: bool,
}

impl Freshness {
    /// For an answer of this status.
    pub(crate) fn until(expires_at: SystemTime, now: SystemTime, status: StatusCode) -> Self {
        // An error was not said to be fresh by anyone: it may be put right before the link expires.
        let by_default = status.is_success() || status == StatusCode::NOT_MODIFIED;
        Self { now, expires_at, by_default }
    }
}

/// Sets `no-store`, and takes away what would outrank it.
pub(crate) fn forbid(headers: &mut HeaderMap) {
    remove_targeted(headers);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Limits what caches are told to the time that the link has left, for shared caches or for private ones alone.
pub(crate) fn limit(headers: &mut HeaderMap, share: bool, freshness: &Freshness) {
    let left = seconds_until(freshness.expires_at, freshness.now);
    let directives = Directives::read(headers);
    let expires = headers.get(EXPIRES).map(read_date);

    // Without a `max-age`, a cache goes by `Expires`; one that is no date has passed (RFC 9111 section 5.3).
    let stated = match (directives.max_age, expires) {
        (Some(max_age), _) => max_age,
        (None, Some(date)) => date.map_or(0, |date| seconds_until(date, freshness.now)),
        (None, None) if freshness.by_default => left,
        (None, None) => 0,
    };
    let max_age = stated.min(left);

    // A service that speaks to a shared cache by name may have kept the answer out of it.
    let share = !remove_targeted(headers) && share && !directives.private;
    if share {
        let shared_left = shared_seconds_until(freshness.expires_at, freshness.now);
        let s_maxage = directives.s_maxage.unwrap_or(stated).min(shared_left);
        headers.insert(CACHE_CONTROL, directives.write("public, s-maxage=", s_maxage));
        // To a browser, a point in time and no `max-age`: a shared cache between them may repeat that for as long as the
        // answer is kept, and not tell how much of it has passed (`Age`). nginx does not.
        headers.insert(EXPIRES, write_date(freshness.now + Duration::from_secs(max_age)));
    } else {
        headers.insert(CACHE_CONTROL, directives.write("private, max-age=", max_age));
        if let Some(date) = expires {
            let date = date.map(|date| write_date(date.min(freshness.expires_at)));
            headers.insert(EXPIRES, date.unwrap_or(HeaderValue::from_static("0")));
        }
    }
}

/// For how many seconds a shared cache may keep an answer.
///
/// nginx drops the fractions of the times at which it stores and serves an answer, serves it to the end of its last second,
/// and takes no time off for the way that it came. Under a link that ends at 13, an answer given at 10.9 has two whole
/// seconds left; told so, an nginx that it reaches at 11.0 would serve it until 14.
fn shared_seconds_until(expires_at: SystemTime, now: SystemTime) -> u64 {
    let since_epoch = expires_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(since_epoch.as_secs());
    seconds_until(whole, now).saturating_sub(1)
}

/// What a service's `Cache-Control` says.
#[derive(Debug, Default)]
struct Directives {
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    /// Whether it keeps shared caches out.
    private: bool,
    /// The directives that stay as they are, each with `, ` before it.
    kept: String,
}

impl Directives {
    fn read(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            let parts = line.to_str().ok().and_then(|line| quoted::split(line, ','));
            if parts.is_none_or(|parts| !parts.into_iter().all(|part| directives.add(part))) {
                // What cannot be read may have been the strictest of all, and caches read different things into it: nginx
                // finds its words in the middle of others.
                return Self { private: true, kept: ", no-store".into(), max_age: Some(0), s_maxage: None };
            }
        }
        directives
    }

    /// Whether it is a directive, or nothing.
    fn add(&mut self, directive: &str) -> bool {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let (name, value) = (name.trim(), value.trim());
        if !directive.is_empty() && !(quoted::is_token(name) && (value.is_empty() || quoted::read(value).is_some())) {
            return false;
        }
        match name.to_ascii_lowercase().as_str() {
            "" | "public" | "immutable" => {}
            name if name.starts_with("stale-") => {}
            "private" => self.private = true,
            "max-age" => lower(&mut self.max_age, read_seconds(value)),
            "s-maxage" => lower(&mut self.s_maxage, read_seconds(value)),
            name => {
                self.private |= name == "no-store";
                self.kept.push_str(", ");
                self.kept.push_str(directive);
            }
        }
        true
    }

    /// With so many seconds for the directive at the beginning.
    fn write(&self, beginning: &str, seconds: u64) -> HeaderValue {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(seconds);
        // Of just the length, for the header value to take it over as it is. (`concat` adds a hundredth to the layer's time.)
        let mut value = String::with_capacity(beginning.len() + digits.len() + self.kept.len());
        [beginning, digits, &self.kept].into_iter().for_each(|piece| value.push_str(piece));
        // What is kept came out of header values, so the error cannot occur.
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("no-store"))
    }
}

/// Delta-seconds; what is not a number is stale (RFC 9111 section 4.2.1).
fn read_seconds(value: &str) -> u64 {
    value.trim().trim_matches('"').parse().unwrap_or(0)
}

fn lower(to: &mut Option<u64>, seconds: u64) {
    *to = Some(to.map_or(seconds, |earlier| earlier.min(seconds)));
}

fn read_date(value: &HeaderValue) -> Option<SystemTime> {
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

fn write_date(date: SystemTime) -> HeaderValue {
    // It takes none before 1970, and none after 9999.
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    let text = httpdate::fmt_http_date(date.clamp(SystemTime::UNIX_EPOCH, latest));
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("0"))
}

/// Takes away the fields that a cache may read instead of `Cache-Control`: RFC 9213's, and older ones. Says whether there
/// were any.
fn remove_targeted(headers: &mut HeaderMap) -> bool {
    const OLDER: [&str; 3] = ["surrogate-control", "x-accel-expires", "edge-control"];
    let before = headers.keys_len();
    let is_targeted = |name: &&HeaderName| {
        let name = name.as_str();
        name.ends_with("-cache-control") || OLDER.contains(&name)
    };
    while let Some(name) = headers.keys().find(is_targeted).cloned() {
        headers.remove(name);
    }
    headers.keys_len() < before
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// What becomes of these fields under a link that has 300 seconds left.
    fn limited(fields: &[(&'static str, &str)], share: bool, by_default: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let freshness = Freshness { now: at(NOW), expires_at: at(NOW + 300), by_default };
        limit(&mut headers, share, &freshness);
        headers
    }

    #[test]
    fn what_a_service_says_is_kept_where_it_is_stricter() {
        let after = |seconds| httpdate::fmt_http_date(at(NOW + seconds));
        let (in_10, in_900) = (after(10), after(900));
        for (fields, private, shared) in [
            (&[][..], "private, max-age=300", "public, s-maxage=299"),
            (&[("cache-control", "")], "private, max-age=300", "public, s-maxage=299"),
            (&[("cache-control", "max-age=60")], "private, max-age=60", "public, s-maxage=60"),
            (
                &[("cache-control", "Public, Max-Age=86400, IMMUTABLE, s-maxage=86400")],
                "private, max-age=300",
                "public, s-maxage=299",
            ),
            (&[("cache-control", "max-age=60, s-maxage=10")], "private, max-age=60", "public, s-maxage=10"),
            (&[("cache-control", "max-age=0, s-maxage=86400")], "private, max-age=0", "public, s-maxage=299"),
            (
                &[("cache-control", "stale-while-revalidate=9, stale-if-error=9,, no-transform")],
                "private, max-age=300, no-transform",
                "public, s-maxage=299, no-transform",
            ),
            (
                &[("cache-control", "no-cache=\"a, public\", ext=\"\\\",private\"")],
                "private, max-age=300, no-cache=\"a, public\", ext=\"\\\",private\"",
                "public, s-maxage=299, no-cache=\"a, public\", ext=\"\\\",private\"",
            ),
            (&[("cache-control", "private")], "private, max-age=300", "private, max-age=300"),
            (&[("cache-control", "private=\"x\"")], "private, max-age=300", "private, max-age=300"),
            (&[("cache-control", "no-store")], "private, max-age=300, no-store", "private, max-age=300, no-store"),
            (
                &[("cache-control", "max-age=60"), ("cache-control", "max-age=10, private")],
                "private, max-age=10",
                "private, max-age=10",
            ),
            (&[("cache-control", "max-age=never")], "private, max-age=0", "public, s-maxage=0"),
            (&[("cache-control", "max-age=\"60\"")], "private, max-age=60", "public, s-maxage=60"),
            (&[("cache-control", "max-age=99999999999999999999")], "private, max-age=0", "public, s-maxage=0"),
            (
                &[("cache-control", "max-age=60, x=\"open")],
                "private, max-age=0, no-store",
                "private, max-age=0, no-store",
            ),
            (
                &[("cache-control", "public; max-age=31536000; stale-while-revalidate=86400")],
                "private, max-age=0, no-store",
                "private, max-age=0, no-store",
            ),
            (&[("cache-control", "max-age=60, a b")], "private, max-age=0, no-store", "private, max-age=0, no-store"),
            (&[("cache-control", "é")], "private, max-age=0, no-store", "private, max-age=0, no-store"),
            (&[("expires", &*in_10)], "private, max-age=10", "public, s-maxage=10"),
            (&[("expires", &*in_900)], "private, max-age=300", "public, s-maxage=299"),
            (&[("expires", "0")], "private, max-age=0", "public, s-maxage=0"),
            (&[("expires", "0"), ("cache-control", "max-age=60")], "private, max-age=60", "public, s-maxage=60"),
        ] {
            for (share, expected) in [(false, private), (true, shared)] {
                let headers = limited(fields, share, true);
                let lines: Vec<_> = headers.get_all(CACHE_CONTROL).iter().collect();
                assert_eq!(lines, [expected], "{fields:?} shared: {share}");
            }
        }
    }

    /// A cache that stores in whole seconds what it may keep for so long, and drops it in the second after the last, has
    /// dropped it when the link ends.
    #[test]
    fn a_cache_that_counts_in_whole_seconds_does_not_outlive_the_link() {
        let millis = |ms: u64| SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
        for expires_at in [20_000, 20_001, 20_500, 20_999] {
            for answered in 10_000..=expires_at {
                let kept = shared_seconds_until(millis(expires_at), millis(answered));
                for reached in [answered, answered + 1, answered + 500, answered + 999] {
                    let ends = (reached / 1000 + kept + 1) * 1000;
                    assert!(kept == 0 || ends <= expires_at, "{expires_at}: {answered} to {reached}, {kept} seconds");
                }
            }
        }
    }

    #[test]
    fn behind_a_shared_cache_browsers_are_told_a_point_in_time() {
        let in_900 = httpdate::fmt_http_date(at(NOW + 900));
        for (fields, seconds) in [
            (&[][..], 300),
            (&[("cache-control", "max-age=60")], 60),
            (&[("cache-control", "max-age=86400, s-maxage=10")], 300),
            (&[("cache-control", "max-age=0")], 0),
            (&[("expires", &*in_900)], 300),
            (&[("expires", "0")], 0),
        ] {
            let headers = limited(fields, true, true);
            let lines: Vec<_> = headers.get_all(EXPIRES).iter().collect();
            assert_eq!(lines, [&httpdate::fmt_http_date(at(NOW + seconds))], "{fields:?}");
        }
    }

    #[test]
    fn a_grant_without_an_end_does_not_panic() {
        let mut headers = HeaderMap::new();
        let in_10_000_years = at(NOW + 10_000 * 365 * 24 * 3600);
        limit(&mut headers, true, &Freshness { now: at(NOW), expires_at: in_10_000_years, by_default: true });
        assert_eq!(headers[EXPIRES], "Fri, 31 Dec 9999 23:59:59 GMT");
    }

    #[test]
    fn an_error_is_fresh_only_if_the_service_says_so() {
        let cache_control = |fields| limited(fields, false, false).remove(CACHE_CONTROL).unwrap();
        assert_eq!(cache_control(&[]), "private, max-age=0");
        assert_eq!(cache_control(&[("cache-control", "max-age=60")]), "private, max-age=60");
    }

    #[test]
    fn a_grant_from_before_1970_is_over_and_does_not_panic() {
        let mut headers = HeaderMap::new();
        headers.insert(EXPIRES, HeaderValue::from_static("Fri, 01 Jan 2100 00:00:00 GMT"));
        let long_ago = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        limit(&mut headers, false, &Freshness { now: at(NOW), expires_at: long_ago, by_default: true });
        assert_eq!(headers[CACHE_CONTROL], "private, max-age=0");
        assert_eq!(headers[EXPIRES], "Thu, 01 Jan 1970 00:00:00 GMT");
    }

    #[test]
    fn expires_is_cut_and_targeted_fields_go() {
        let dates = |seconds: u64| httpdate::fmt_http_date(at(NOW + seconds));
        for (expires, expected) in [(dates(10), dates(10)), (dates(900), dates(300)), ("-1".into(), "0".into())] {
            let headers = limited(&[("expires", &expires), ("expires", &dates(9000))], false, true);
            let lines: Vec<_> = headers.get_all(EXPIRES).iter().collect();
            assert_eq!(lines, [expected.as_str()], "{expires}");
        }
        let targeted = [
            ("cdn-cache-control", "max-age=1"),
            ("cdn-cache-control", "max-age=2"),
            ("example-cache-control", "max-age=1"),
            ("surrogate-control", "max-age=1"),
            ("x-accel-expires", "1"),
            ("edge-control", "max-age=1"),
        ];
        assert_eq!(limited(&targeted, true, true).len(), 1);
        for field in targeted {
            assert_eq!(limited(&[field], true, true)[CACHE_CONTROL], "private, max-age=300", "{field:?}");
        }
    }
}
