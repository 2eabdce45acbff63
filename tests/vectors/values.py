"""What values and paths may be, by the specification's sections 2 to 4. Each reader gives nothing for what is none."""

import base64
import ipaddress
import re

TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 section 5.6.2


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def base64url_decode(text):
    """Nothing for what is not canonical."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return data if base64url(data) == text else None


def number(text, most, least=1):
    if not re.fullmatch(r"0|[1-9][0-9]*", text) or len(text) > len(str(most)):
        return None
    return int(text) if least <= int(text) <= most else None


def time(text):
    """In milliseconds."""
    value = number(text, 10**13 - 1)
    if value is None:
        return None
    return value if value >= 100_000_000_000 else value * 1000


def entries(text, entry):
    """A list without two entries that are equal in value."""
    values = [entry(item) for item in text.split(",")]
    return values if None not in values and len(set(values)) == len(values) else None


def matching(pattern):
    return lambda text: text if re.fullmatch(pattern, text) else None


def network(text):
    if not re.fullmatch(r"[0-9A-Fa-f.:]+(/[1-9][0-9]*)?", text):
        return None
    try:
        return ipaddress.ip_network(text, strict=True)
    except ValueError:
        return None


def media_type(text):
    return text.lower() if re.fullmatch(rf"{TOKEN}/({TOKEN})", text) and "*" not in re.sub(r"/\*$", "", text) else None


def percent_decode(text):
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        return None
    try:
        return re.sub(rb"%(..)", lambda escape: bytes([int(escape[1], 16)]), text.encode()).decode()
    except UnicodeDecodeError:
        return None


def file_name(text):
    name = percent_decode(text)
    bad = "[/\\\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
    return name if name and not re.search(bad, name) else None


identifier = matching(r"[A-Za-z0-9_-]{1,64}")
context_name = matching(r"[a-z0-9-]{1,32}")
method = matching(r"[A-Z-]+")


def normalise_host(host):
    if "@" in host:
        return None
    return re.sub(r":(80|443)$", "", host.lower())


SPACES = " \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"


def is_unambiguous(path):
    if not path.startswith("/") or re.search(r"[^!-~]|\\", path):
        return False
    if re.search(r"%(?![0-9A-Fa-f]{2})|%([01][0-9A-Fa-f]|7[Ff]|25|2[Ff]|5[Cc])", path):
        return False
    segments = path[1:].split("/")
    for place, segment in enumerate(segments):
        if segment == "" and place == len(segments) - 1:
            continue
        decoded = percent_decode(segment)
        # The format says spaces; readers that trim differ in what they take for one.
        if decoded is None or decoded.split(";")[0].strip(SPACES) in ("", ".", ".."):
            return False
    return True


def scope_path(text):
    ok = text.endswith("/") and not re.search(r"[&;,?#']", text) and is_unambiguous(text)
    return text if ok else None


def token_start(prefix):
    start = (prefix + "sig-scope=/").encode()
    return "~" + base64url(start)[:8 * len(start) // 6]
