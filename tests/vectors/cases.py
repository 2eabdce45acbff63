"""What the tables of vectors are written with."""

import base64

from signed_url import Policy, compute_mac
from values import base64url, base64url_decode

NOW = 1_789_999_000
EXP = 1_790_000_000
WEEK = 7 * 24 * 60 * 60

FIGURE = bytes(range(32))
KEYS = {
    "": FIGURE,
    "2026-11": FIGURE,
    "a": bytes(range(16)),
    "A-Z_a-z-0-9_" + 52 * "k": bytes(range(0x80, 0xC0)),
    "long": bytes(range(100)),
}
LONGEST_ID = list(KEYS)[3]
RETIRED = bytes(range(32, 64))
COVERED = {}  # by MAC: what it was made over


def mac(covered, key=FIGURE, bound=(), prefix=""):
    made = compute_mac(Policy(prefix=prefix), key, covered, bound)
    COVERED[made] = covered
    return made


def sign(covered, key_id="", bound=(), prefix=""):
    """`covered` with its signature: whatever it says, it is authentic."""
    return f"{covered}&{prefix}sig={key_id}{'.' if key_id else ''}{mac(covered, KEYS[key_id], bound, prefix)}"


def token(scope="/videos/42/", exp=EXP, more="", **others):
    return sign(f"{others.get('prefix', '')}sig-scope={scope}&{others.get('prefix', '')}exp={exp}{more}", **others)


def encoded(text):
    return base64url(text.encode())


def cookie(text, name="signed-url"):
    return ["cookie", f"{name}={encoded(text)}"]


def in_path(text, target):
    return f"/~{encoded(text)}{target}"


def basic(user_and_password):
    return ["authorization", "Basic " + base64.b64encode(user_and_password.encode()).decode()]


def replace_last(text, character):
    return text[:-1] + character


def same_bits(text):
    """The MAC at the end of a link, with trailing bits that are not zero."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = alphabet[alphabet.index(text[-1]) + 1]
    assert base64url_decode(text[-43:]) is not None and base64url_decode(text[-42:] + other) is None
    return replace_last(text, other)
