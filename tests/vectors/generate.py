"""Writes `vectors.json`: `python3 generate.py >../vectors.json`. The same bytes every time."""

import json
import re

import accepted
import minted
import refused
from cases import COVERED, KEYS, NOW
from mint import mint
from signed_url import NotMinted, Policy, Refused, verify
from values import base64url, base64url_decode

STATUS = {"expired": 410, "length-required": 411, "too-large": 413, "media-type": 415}
OF_KEY_OR_MAC = ("unknown-key", "not-authentic", "wrong-password", "password-required")

ABOUT = """
Vectors for whoever mints or verifies signed URLs, version 1, in any language. Computed by `generate.py` in `vectors`.

`keys`: all keys, unpadded base64url by id; the one without an id has the name "". A verifier knows all of them.

`verify`: a request, and what becomes of it.
  policy     how the verifier is set up; what is not there is as here:
             {"prefix": "", "tolerate": [], "max_lifetime": 604800, "leeway": 60 (both in seconds), "contexts": [] (the
             names that it can check: `host` and `password` as the format says, any other by the one field `x-<name>`),
             "client_ip": false (whether it knows clients' addresses), "cookie": "" (the name of the cookie that tokens
             are read from), "cookie_any_method": false, "path_token": false (whether they are read from paths)}
  now        the time of the check, Unix seconds
  target     the request's target, as it is on the wire; `authority` is what stood before it, if anything did
  method     GET where it is not there
  headers    names and values, in their order
  client_ip  the client's address, if it is known
  accepted   what it is granted: `expires_at` in Unix milliseconds; the ids of key and link, the scope, the download's
             name, or null; and `target`, which is what passes on
  refused    the status, and why (the crate's `RejectionKind`): an implementation may have other names for that
A link that is not refused for key or signature has a right signature, if it has one.

`mint`: what is asked for, and the URL to the byte, or why there is none (the crate's `SignErrorKind`).
  policy     as above; a signer needs to be told what verifiers can check, too
  key        the id of the key that signs, "" where it is not there
  now        the time, Unix seconds
  for, until, not_before, no_later_than   seconds, and Unix seconds; parts of a second are rounded as the format says
  methods, ip, id, max_bytes, type, download   what stands behind the reserved name, not escaped yet
  bind       names and values
  scope, in  of a token: its path, and whether it goes into the `query`, the `path` or a `cookie` (`name=value` then)
Reserved names stand in the order of the format's table; in file names all is escaped but `A-Z a-z 0-9 - . _ ~`. Another
mint may do otherwise, and its links are as good.
""".strip().splitlines()


def policy(settings, key=None):
    keys = KEYS if key is None else {key: KEYS[key]}
    return Policy(keys=keys, **settings)


def judge(request):
    try:
        return {"accepted": verify(policy(request.get("policy", {})), request)}
    except Refused as refused:
        return {"refused": {"status": refused.status, "why": refused.why}}


def verified():
    for table in accepted.TABLES:
        for name, target, more in table():
            request = {"now": NOW, "target": target, **more}
            result = judge(request)
            assert "accepted" in result, (name, target, result)
            yield {"name": name, **request, **result}
    for table in refused.TABLES:
        for name, target, why, more in table():
            request = {"now": NOW, "target": target, **more}
            why, status = why if isinstance(why, tuple) else (why, STATUS.get(why, 403))
            result = judge(request)
            assert result == {"refused": {"status": status, "why": why}}, (name, target, result)
            assert why in OF_KEY_OR_MAC or is_signed(request), (name, target)
            yield {"name": name, **request, **result}


def is_signed(request):
    """Whether each MAC that the request shows stands behind the bytes that it was made over, and the name of `sig`."""
    hidden = re.findall(r"/~([\w-]+)", request["target"])
    hidden += [field.partition("=")[2] for name, field in request.get("headers", []) if name == "cookie"]
    tokens = [token.decode() for token in map(base64url_decode, hidden) if token]
    for text in [request["target"], *tokens]:
        for mac in filter(text.__contains__, COVERED):
            covered = COVERED[mac]
            begin = "^" if covered.startswith("/") else ""
            if not re.search(begin + re.escape(covered) + r"(&|;|%26|\?)[^&]*" + mac + r"(?![\w-])", text):
                return False
    return True


def mints():
    for name, options, expected in minted.table():
        try:
            result = {"url": mint(policy(options.get("policy", {}), options.get("key", "")), options)}
        except NotMinted as error:
            result = {"error": str(error)}
        expected = {"error": expected} if expected else {"url": result.get("url")}
        assert result == expected and result.get("url", "") is not None, (name, result)
        yield {"name": name, **options, **result}


def write(name, vectors, end=","):
    print(f' "{name}": [')
    print(",\n".join("  " + json.dumps(vector) for vector in vectors))
    print(f" ]{end}")


print("{")
print(' "about": ' + json.dumps(ABOUT, indent=2).replace("\n]", "\n ],"))
print(' "keys": ' + json.dumps({key_id: base64url(key) for key_id, key in KEYS.items()}) + ",")
write("verify", list(verified()))
write("mint", list(mints()), end="")
print("}")
