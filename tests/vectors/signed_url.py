"""The format of signed URLs, version 1, read from its specification, but for one rule: for the vectors, not for use.

It shares nothing with the crate, so that where both agree the specification says one thing. The rule that it does not
have, of a second token in the path, says so in its place. It is slow, and it is no middleware: what a request's body
turns out to hold is not looked at.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from values import (base64url, base64url_decode, context_name, entries, file_name, identifier, is_unambiguous,
                    media_type, method, network, normalise_host, number, percent_decode, scope_path, time, token_start)

NAMES = ("exp", "sig", "sig-start", "sig-methods", "sig-ip", "sig-bind", "sig-scope", "sig-id", "sig-uses",
         "sig-max-bytes", "sig-type", "sig-download")
WEEK = 7 * 24 * 60 * 60


class Refused(Exception):
    def __init__(self, why, status=403):
        super().__init__(why)
        self.why, self.status = why, status


class NotMinted(Exception):
    pass


@dataclass
class Policy:
    """Who signs and who verifies."""
    keys: dict = field(default_factory=dict)  # by id, "" for the key without one; the first signs
    prefix: str = ""
    tolerate: tuple = ()
    max_lifetime: int = WEEK
    leeway: int = 60
    contexts: tuple = ()
    client_ip: bool = False
    cookie: str = ""
    cookie_any_method: bool = False
    path_token: bool = False


def compute_mac(policy, key, covered, bound):
    lines = policy.prefix + "\n" if policy.prefix else ""
    lines += covered + "".join(f"\n{name}:{value}" for name, value in bound)
    return base64url(hmac.new(key, lines.encode(), hashlib.sha256).digest())


# Structure (section 1, and 3 for tokens).


@dataclass
class Credential:
    covered: str
    values: list  # names without the prefix, and values, from the first to before `sig`
    signature: str
    rest: str = ""  # the target without it
    path: str = ""
    carrier: str = "url"

    def value(self, name):
        return dict(self.values).get(name)


def reserved(policy, parameter):
    """The reserved name that a parameter has, without the prefix."""
    name = parameter.split("=")[0]
    if not name.startswith(policy.prefix):
        return None
    name = name[len(policy.prefix):]
    return name if name in ("exp", "sig") or name.startswith("sig-") else None


def split(policy, text, is_token=False):
    """The credential in a target, or in a token that stands by itself."""
    path, mark, query = ("", "", text) if is_token else text.partition("?")
    parameters = query.split("&") if mark or is_token else []
    places = [place for place, parameter in enumerate(parameters) if reserved(policy, parameter) is not None]
    if not places:
        raise Refused("missing")
    first, last = places[0], places[-1]
    before, run, after = parameters[:first], parameters[first:last + 1], parameters[last + 1:]
    names = [reserved(policy, parameter) for parameter in run]
    known = [name for name in names if name in NAMES]
    beginning = ["sig-scope", "exp"] if "sig-scope" in names else ["exp"]
    if (places != list(range(first, last + 1)) or names[:len(beginning)] != beginning or names[-1] != "sig"
            or len(set(known)) != len(known)
            or any("=" not in parameter for name, parameter in zip(names, run) if name in (*beginning, "sig"))):
        raise Refused("malformed")
    if beginning == ["exp"]:
        if is_token or not text.startswith("/"):
            raise Refused("malformed")
        named = [parameter.split("=")[0] for parameter in before + after]
        decoded = [unquote(name) for name in named]  # as whoever reads them later does
        if not set(named[len(before):]) <= set(policy.tolerate) or any(
                decoded.count(name) > 1 for name in policy.tolerate):
            raise Refused("malformed")
        covered = path + mark + "&".join(before + run[:-1])
    else:
        covered = "&".join(run[:-1])
        if is_token and (before or after or not re.fullmatch(r"[!-~]*", text)):
            raise Refused("malformed")
    values = [(reserved(policy, parameter), parameter.partition("=")[2] if "=" in parameter else None)
              for parameter in run[:-1]]
    rest = path + ("?" + "&".join(before + after) if before + after else "")
    return Credential(covered, values, run[-1].partition("=")[2], rest, path)


def find_credential(policy, request):
    """By what carries it (section 3)."""
    target = request["target"]
    path, _, query = target.partition("?")
    segment, slash, below = path[1:].partition("/")
    if target.startswith("/") and segment.startswith(token_start(policy.prefix)):
        if not policy.path_token:
            raise Refused("unenforceable")
        if any(reserved(policy, parameter) is not None for parameter in query.split("&")):
            raise Refused("malformed")
        token = base64url_decode(segment[1:])
        # Under the scope `/` a second one would be a path like any other, and be handed on: the format does not speak
        # of it.
        if token is None or not slash or below.startswith(token_start(policy.prefix)):
            raise Refused("malformed")
        credential = split(policy, token.decode("ascii", "replace"), is_token=True)
        credential.path, credential.carrier = slash + below, "path"
        credential.rest = target[1 + len(segment):]
        return credential
    try:
        return split(policy, target)
    except Refused as refused:
        if refused.why != "missing" or not policy.cookie:
            raise
    token = cookie_token(policy, request, path)
    credential = split(policy, token, is_token=True)
    credential.rest, credential.path, credential.carrier = target, path, "cookie"
    return credential


def cookie_token(policy, request, path):
    best, longest = None, -1
    for value in header(request, "cookie"):
        for pair in value.split(";"):
            name, _, text = pair.strip(" \t").partition("=")
            data = base64url_decode(text) if name == policy.cookie else None
            token = (data or b"").decode("ascii", "replace")
            begin = re.match(re.escape(policy.prefix + "sig-scope=") + "(/[^&]*)", token)
            if begin and path.startswith(begin[1]) and len(begin[1]) > longest:
                best, longest = token, len(begin[1])
    if best is None:
        raise Refused("missing")
    return best


# The request.


def header(request, name):
    return [value for key, value in request.get("headers", []) if key.lower() == name]


def only(values):
    return values[0] if len(values) == 1 else None


def context(request, name):
    """What shows it: `host` and `password` as section 4 has it, `x-<name>` for any other."""
    if name == "host":
        fields = [request["authority"]] if "authority" in request else []
        named = header(request, "host")
        hosts = {normalise_host(host) for host in fields + named}
        return hosts.pop() if len(hosts) == 1 and len(named) < 2 else None
    if name == "password":
        scheme, _, credentials = (only(header(request, "authorization")) or "").partition(" ")
        try:
            decoded = base64.b64decode(credentials.strip(" "), validate=True).decode()
        except ValueError:
            return None
        return decoded.partition(":")[2] if scheme.lower() == "basic" and ":" in decoded else None
    return only(header(request, "x-" + name))


# The order of checks (section 5).


def verify(policy, request):
    """What is granted."""
    credential = find_credential(policy, request)
    bind = credential.value("sig-bind")
    names = entries(bind, context_name) if bind is not None else []
    if names is None or ("sig-bind", None) in credential.values:
        raise Refused("malformed")
    key_id = authenticate(policy, request, credential, names)
    try:
        check(policy, request, credential)
    except Refused as refused:
        if "password" in names and refused.status == 410:
            refused.status = 403
        raise
    return {
        "expires_at": time(credential.value("exp")), "key_id": key_id, "id": credential.value("sig-id"),
        "scope": credential.value("sig-scope"),
        "download": percent_decode(credential.value("sig-download") or "") or None, "target": credential.rest,
    }


def authenticate(policy, request, credential, names):
    """Key, bound values, MAC."""
    key_id, dot, text = credential.signature.partition(".")
    key_id, text = (key_id, text) if dot else (None, key_id)
    key = policy.keys.get("" if key_id is None else key_id) if key_id != "" else None
    exp = time(credential.value("exp"))
    is_dead = exp is None or request["now"] * 1000 >= exp
    try:
        if key is None and "password" not in names:
            raise Refused("unknown-key")
        bound = []
        for name in names:
            value = context(request, name) if name in policy.contexts else None
            if name == "password" and name in policy.contexts and not value:
                raise Refused("password-required", 401)
            if not value or "\n" in value:
                raise Refused("context" if name in policy.contexts else "unenforceable")
            bound.append((name, value))
        if key is None or not hmac.compare_digest(compute_mac(policy, key, credential.covered, bound), text):
            raise Refused("not-authentic")
    except Refused as refused:
        if "password" not in names:
            raise
        others = [name for name in names if name != "password"]
        if "password" not in policy.contexts or not all(
                name in policy.contexts and context(request, name) for name in others):
            raise Refused("unenforceable" if set(names) - set(policy.contexts) else "context")
        if is_dead:
            raise Refused("not-authentic")
        raise Refused("wrong-password" if refused.status != 401 else refused.why, 401)
    return key_id


def check(policy, request, credential):
    """All that follows the MAC."""
    terms = read_terms(policy, credential)
    now, exp, start = request["now"] * 1000, terms["exp"], terms.get("sig-start")
    most, leeway = policy.max_lifetime * 1000, policy.leeway * 1000
    if start is not None and now + leeway < start:
        raise Refused("not-yet-valid")
    if now >= exp:
        raise Refused("expired", 410)
    if exp - now > most + leeway or (start is not None and exp - start > most):
        raise Refused("lifetime-too-long")
    check_method(policy, request, credential, terms)
    if "sig-ip" in terms:
        address = ipaddress.ip_address(request["client_ip"]) if "client_ip" in request else None
        if address is None or not any(address in network for network in terms["sig-ip"]):
            raise Refused("client")
    if "sig-scope" in terms and not (
            credential.path.startswith(terms["sig-scope"]) and is_unambiguous(credential.path)):
        raise Refused("scope")
    check_body(request, terms)


def read_terms(policy, credential):
    readers = {
        "exp": time, "sig-start": time, "sig-methods": lambda text: entries(text, method),
        "sig-ip": lambda text: entries(text, network), "sig-bind": lambda text: entries(text, context_name),
        "sig-scope": scope_path, "sig-id": identifier, "sig-max-bytes": lambda text: number(text, 2**64 - 1, 0),
        "sig-type": media_type, "sig-download": file_name,
    }
    terms = {}
    for name, value in credential.values:
        if name not in readers:  # `sig-uses` among them: nobody here counts
            raise Refused("unenforceable")
        terms[name] = readers[name](value) if value is not None else None
        if terms[name] is None:
            raise Refused("malformed")
    if terms.get("sig-start", 0) >= terms["exp"]:
        raise Refused("malformed")
    if "sig-ip" in terms and not policy.client_ip:
        raise Refused("unenforceable")
    return terms


def check_method(policy, request, credential, terms):
    methods, asked = terms.get("sig-methods", ["GET"]), request.get("method", "GET")
    if asked not in methods and not (asked == "HEAD" and "GET" in methods):
        raise Refused("method")
    if credential.carrier == "cookie" and not policy.cookie_any_method:
        if asked not in ("GET", "HEAD") or header(request, "upgrade"):
            raise Refused("method")


def check_body(request, terms):
    """By what the head says."""
    lengths, coded = header(request, "content-length"), header(request, "transfer-encoding")
    if request.get("method", "GET") in ("GET", "HEAD", "OPTIONS") and not coded and lengths in ([], ["0"]):
        return
    if "sig-max-bytes" in terms:
        length = number(only(lengths) or "", 2**64 - 1, 0) if not coded else None
        if length is None:
            raise Refused("length-required", 411)
        if length > terms["sig-max-bytes"]:
            raise Refused("too-large", 413)
    if "sig-type" in terms:
        sent = (only(header(request, "content-type")) or "").split(";")[0].strip(" \t").lower()
        wanted = terms["sig-type"]
        if not (sent == wanted or wanted.endswith("/*") and sent.startswith(wanted[:-1])):
            raise Refused("media-type", 415)
