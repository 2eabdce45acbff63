"""Minting by the specification's sections 2, 3, 4 and 7, as `signed_url.py` verifies."""

import re
from math import ceil, floor
from urllib.parse import unquote

from signed_url import NotMinted, compute_mac, reserved
from values import (base64url, context_name, entries, file_name, identifier, is_unambiguous, media_type, method,
                    network, normalise_host, scope_path)

LATEST = 100_000_000_000  # from here on a time is read as milliseconds, which are never written


def mint(policy, options):
    """A URL, or `<name>=<token>` for a cookie. Between `exp` and `sig` the names stand in the order of the table."""
    exp, start = times(policy, options)
    scope, target = options.get("scope"), options.get("target", "")
    if scope is not None and scope_path(scope) is None:
        raise NotMinted("scope")
    run = [("sig-scope", scope), ("exp", str(exp)), ("sig-start", start and str(start)), *restrictions(policy, options)]
    run = "&".join(f"{policy.prefix}{name}={value}" for name, value in run if value is not None)
    bound = options.get("bind", [])
    key_id = next(iter(policy.keys))

    def sign(covered):
        mac = compute_mac(policy, policy.keys[key_id], covered, bound)
        return f"{covered}&{policy.prefix}sig={key_id}{'.' if key_id else ''}{mac}"

    if scope is None:
        check_target(policy, target)
        return sign(join(target, run))
    token = sign(run)
    if options["in"] == "cookie":
        return f"{policy.cookie or 'signed-url'}={base64url(token.encode())}"
    check_target(policy, target)
    path = target.split("?")[0]
    if not path.startswith(scope):
        raise NotMinted("outside-scope")
    if not is_unambiguous(path):
        raise NotMinted("ambiguous-path")
    return join(target, token) if options["in"] == "query" else f"/~{base64url(token.encode())}{target}"


def join(target, run):
    return f"{target}{'&' if '?' in target else '?'}{run}"


def times(policy, options):
    """In whole seconds: what begins and durations rounded up, what ends rounded down."""
    now = options["now"]
    start = ceil(options["not_before"]) if "not_before" in options else None
    if "for" in options:
        if options["for"] > policy.max_lifetime:
            raise NotMinted("lifetime-too-long")
        exp = ceil(max(now, start or 0) + options["for"])
    else:
        exp = floor(options["until"])
    exp = min(exp, floor(options.get("no_later_than", exp)))
    if exp <= now:
        raise NotMinted("not-in-future")
    if start is not None and start >= exp:
        raise NotMinted("begins-too-late")
    if exp >= LATEST or start == 0:
        raise NotMinted("time-out-of-range")
    if exp - (now if start is None else start) > policy.max_lifetime:
        raise NotMinted("lifetime-too-long")
    return exp, start


def restrictions(policy, options):
    def given(option, read, kind):
        value = options.get(option)
        if value is not None and read(value) is None:
            raise NotMinted(kind)
        return value

    def listed(option, read, kind):
        text = ",".join(options.get(option, []))
        if text and entries(text, read) is None:
            raise NotMinted(kind)
        return text

    methods = listed("methods", method, "method")
    networks = listed("ip", network, "client-ip")
    if networks and not policy.client_ip:
        raise NotMinted("unenforceable")
    names = [name for name, _ in options.get("bind", [])]
    for name, value in options.get("bind", []):
        if name not in policy.contexts or context_name(name) is None:
            raise NotMinted("unenforceable")
        if not value or "\n" in value or names.count(name) > 1 or name == "host" and normalise_host(value) != value:
            raise NotMinted("context")
    limit = options.get("max_bytes")
    download = options.get("download")
    if download is not None and (not download or file_name(escape(download)) is None):
        raise NotMinted("download")
    return [
        ("sig-methods", methods if methods not in ("", "GET") else None),
        ("sig-ip", networks or None),
        ("sig-bind", ",".join(names) or None),
        ("sig-id", given("id", identifier, "id")),
        ("sig-max-bytes", None if limit is None else str(limit)),
        ("sig-type", given("type", media_type, "media-type")),
        ("sig-download", None if download is None else escape(download)),
    ]


def escape(name):
    """All but what RFC 3986 section 2.3 calls unreserved. A mint may escape less."""
    return "".join(chr(b) if re.match(r"[A-Za-z0-9._~-]", chr(b)) else f"%{b:02X}" for b in name.encode())


def check_target(policy, target):
    path, _, query = target.partition("?")
    if not re.match("/(?!/)", target):
        raise NotMinted("target")
    if "#" in target:
        raise NotMinted("fragment")
    if re.search(r"""[^!-~]|["<>`{}|\\^]""", target) or "'" in query:
        raise NotMinted("character")
    if any(re.fullmatch(r"(\.|%2[Ee]){1,2}", segment) for segment in path.split("/")):
        raise NotMinted("dot-segment")
    for parameter in query.split("&"):
        if reserved(policy, parameter) is not None:
            raise NotMinted("reserved-name")
        if unquote(parameter.split("=")[0]) in policy.tolerate:
            raise NotMinted("tolerated-name")
