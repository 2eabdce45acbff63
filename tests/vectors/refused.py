"""Links that are refused: name, target, why, and how verifier and request differ from the default.

Where the fault is not key or signature, the signature is right: a link that fails anyway would show nothing.
"""

import refused_tokens
from cases import *

LINK = sign(f"/a?exp={EXP}")
NAMED = sign(f"/a?exp={EXP}", "2026-11")
MAC = LINK[-43:]


def structure():
    signed = [
        ("sig-id before exp", f"/a?sig-id=a&exp={EXP}", "malformed"),
        ("no exp", "/a?sig-id=a", "malformed"),
        ("exp twice", f"/a?exp={EXP}&exp={EXP}", "malformed"),
        ("exp twice, apart", f"/a?exp={EXP}&b=1&exp={EXP}", "malformed"),
        ("exp without a value", "/a?exp", "malformed"),
        ("a parameter within the run", f"/a?exp={EXP}&b=1", "malformed"),
        ("a parameter within the run, before another name", f"/a?exp={EXP}&b=1&sig-id=a", "malformed"),
        ("an empty parameter within the run", f"/a?exp={EXP}&&sig-id=a", "malformed"),
        ("an empty parameter before sig", f"/a?exp={EXP}&", "malformed"),
        ("an array's exp within the run", f"/a?exp={EXP}&exp[]={EXP}", "malformed"),
        ("a reserved name before the run", f"/a?sig-id=a&b=1&exp={EXP}", "malformed"),
        ("an unknown reserved name before the run", f"/a?sig-x=a&b=1&exp={EXP}", "malformed"),
        ("sig-scope after exp", f"/a?exp={EXP}&sig-scope=/", "malformed"),
        *[(f"{name} twice", f"/a?exp={EXP}&{name}={value}&{name}={value}", "malformed") for name, value in [
            ("sig-start", NOW), ("sig-methods", "GET"), ("sig-ip", "192.0.2.7"), ("sig-bind", "user"), ("sig-id", "a"),
            ("sig-uses", "1"), ("sig-max-bytes", "1"), ("sig-type", "a/b"), ("sig-download", "a")]],
        *[(f"sig-bind={value}", f"/a?exp={EXP}&sig-bind={value}", "malformed") for value in [
            "", ",", "user,", ",user", "user,,host", "user,user", "User", "a_b", "us%65r", "a" * 33, "user,+host"]],
        ("sig-bind without a value", f"/a?exp={EXP}&sig-bind", "malformed"),
    ]
    for name, covered, why in signed:
        yield f"structure: {name}", sign(covered), why, {}
    for name, target, why in [
        ("no query", "/a", "missing"), ("no credential", "/a?b=1", "missing"), ("an empty query", "/a?", "missing"),
        ("exp alone", f"/a?exp={EXP}", "malformed"), ("sig alone", f"/a?sig={mac('/a')}", "malformed"),
        ("sig before exp", f"/a?sig={mac('/a')}&exp={EXP}", "malformed"),
        ("sig-id alone", "/a?sig-id=a", "malformed"), ("sig without a value", f"/a?exp={EXP}&sig", "malformed"),
        ("sig twice", f"{LINK}&sig={MAC}", "malformed"), ("sig twice, apart", f"{LINK}&b=1&sig={MAC}", "malformed"),
        ("a whole link twice", f"{LINK}&exp={EXP}&sig={MAC}", "malformed"),
        ("exp after sig", f"{LINK}&exp={EXP}", "malformed"), ("sig-id after sig", f"{LINK}&sig-id=a", "malformed"),
        ("a parameter after sig", f"{LINK}&b=1", "malformed"),
        ("an empty parameter after sig", f"{LINK}&", "malformed"),
        ("a tracker after sig, not tolerated", f"{LINK}&utm_source=m", "malformed"),
        ("names in upper case", sign(f"/a?EXP={EXP}").replace("sig", "SIG"), "missing"),
        ("exp in upper case", sign(f"/a?Exp={EXP}"), "malformed"),
        ("an escaped exp", sign(f"/a?%65xp={EXP}"), "malformed"),
        ("an escaped sig", LINK.replace("sig", "s%69g"), "malformed"),
        ("an array's sig", LINK.replace("sig=", "sig[]="), "malformed"),
        ("`;` for `&`", LINK.replace("&sig", ";sig"), "malformed"),
        ("an escaped `&`", LINK.replace("&sig", "%26sig"), "malformed"),
        ("`&amp;`", LINK.replace("&sig", "&amp;sig"), "malformed"),
        ("exp in the path, sig in the query", f"/a&exp={EXP}?sig={mac(f'/a&exp={EXP}')}", "malformed"),
    ]:
        yield f"structure: {name}", target, why, {}


def signatures():
    changed = [
        ("a byte of the path", LINK.replace("/a", "/b")), ("a byte of exp", LINK.replace("=179", "=178")),
        ("an escape of the same character", LINK.replace("/a", "/%61")), ("a slash more", LINK.replace("/a", "//a")),
        ("a parameter more", LINK.replace("?", "?b&")), ("an empty parameter more", LINK.replace("?", "?&")),
        ("a restriction taken off", sign(f"/a?exp={EXP}&sig-id=a").replace("&sig-id=a", "")),
        ("a restriction put on", LINK.replace("&sig", "&sig-id=a&sig")),
        ("trailing bits", same_bits(LINK)), ("padding", LINK + "="), ("padding, escaped", LINK + "%3D"),
        ("a character less", LINK[:-1]), ("a character more", LINK + "A"), ("no MAC", LINK[:-43]),
        ("16 bytes of the MAC", LINK[:-43 + 22]), ("in upper case", LINK[:-43] + MAC.upper()),
        ("in hexadecimal", f"{LINK[:-43]}{bytes.hex(base64url_decode(MAC))}"),
        ("the other alphabet", LINK[:-43] + MAC.replace("_", "/").replace("-", "+")),
        ("another key's", f"/a?exp={EXP}&sig={mac(f'/a?exp={EXP}', KEYS['long'])}"),
        ("a retired key's", f"/a?exp={EXP}&sig={mac(f'/a?exp={EXP}', RETIRED)}"),
        ("another key's id", sign(f"/a?exp={EXP}", "a").replace("sig=a.", "sig=long.")),
        ("an algorithm before it", LINK.replace("sig=", "sig=2026-11.none.")),
        ("two dots", NAMED.replace("2026-11.", "2026-11..")),
        ("a MAC over nothing but the path", f"/a?exp={EXP}&sig={mac('/a')}"),
        ("a MAC over `&` as well", f"/a?exp={EXP}&sig={mac(f'/a?exp={EXP}&')}"),
        ("a MAC with a prefix that is not in use", f"/a?exp={EXP}&sig={mac(f'/a?exp={EXP}', prefix='x-')}"),
        ("a MAC over the whole URL", f"/a?exp={EXP}&sig={mac(f'https://example.com/a?exp={EXP}')}"),
        ("a token's MAC", f"/a?exp={EXP}&sig={token()[-43:]}"),
    ]
    for name, target in changed:
        assert target != LINK, name
        yield f"signature: {name}", target, "not-authentic", {}
    for name, target in [
        ("an unknown key id", NAMED.replace("2026-11", "2026-12")),
        ("a key id in another letter case", NAMED.replace("2026-11.", "LONG.")),
        ("an empty key id", LINK.replace("sig=", "sig=.")),
        ("a retired key id", f"/a?exp={EXP}&sig=retired.{mac(f'/a?exp={EXP}', RETIRED)}"),
        ("an escaped key id", NAMED.replace("2026-11", "2026%2D11")),
    ]:
        yield f"signature: {name}", target, "unknown-key", {}
    no_prefix = {"policy": {"prefix": "x-"}}
    without = f"/a?x-exp={EXP}&x-sig={mac(f'/a?x-exp={EXP}')}"
    yield "signature: a MAC without the prefix", without, "not-authentic", no_prefix
    yield "prefix: names without it", LINK, "missing", no_prefix
    yield "prefix: one name without it", sign(f"/a?x-exp={EXP}&sig-id=a", prefix="x-"), "malformed", no_prefix
    yield "prefix: in upper case", sign(f"/a?X-exp={EXP}", prefix="x-"), "malformed", no_prefix
    lines = "not-authentic", {"policy": {"contexts": ["user"]}, "headers": [["x-user", "a\tb"]]}
    yield "signature: a bound value beside its line", sign(f"/a?exp={EXP}&sig-bind=user", bound=[("user", "a")]), *lines
    yield "signature: a value for no bound context", sign(f"/a?exp={EXP}", bound=[("user", "42")]), "not-authentic", {
        "policy": {"contexts": ["user"]}, "headers": [["x-user", "42"]]}


NUMBERS = ["", "0", "01", "+1", "-1", "1.0", "1e9", "0x1", "1_0", "1,0", "%31", "x", "1x"]


def values():
    from_fields = {"policy": {"contexts": ["user"], "client_ip": True}, "client_ip": "192.0.2.7"}
    times = [n.replace("1", str(EXP), 1) for n in NUMBERS] + ["10000000000000", "9" * 400, "18446744073709551616"]
    rows = [("exp", value, "malformed") for value in times]
    rows += [("sig-start", value.replace(str(EXP), str(NOW)), "malformed") for value in times]
    rows += [("sig-start", str(EXP), "malformed"), ("sig-start", f"{EXP}000", "malformed"),
             ("sig-start", str(EXP + 1), "malformed")]
    sizes = [value for value in NUMBERS if value != "0"] + ["18446744073709551616", "00"]
    rows += [("sig-max-bytes", value, "malformed") for value in sizes]
    rows += [("sig-methods", value, "malformed") for value in [
        "", ",", "GET,", ",GET", "GET,,PUT", "GET,GET", "get", "GET+PUT", "G3T", "*", "GET%2CPUT", "GET;PUT"]]
    rows += [("sig-ip", value, "malformed") for value in [
        "", ",", "192.0.2.7,", "192.0.2", "192.0.2.7.1", "192.0.2.256", "192.0.2.07", "192.0.2.7/",
        "0.0.0.0/0", "::/0", "192.0.2.0/33",
        "192.0.2.0/024", "192.0.2.0/+24", "192.0.2.1/24", "192.0.2.0/24,192.0.2.0/24", "192.0.2.7,192.0.2.7/32", "any",
        "192.0.2.0/255.255.255.0", "192.0.2.0-192.0.2.9", "[2001:db8::1]", "2001:db8::1/32", "2001:db8::/129",
        "2001:db8:::1", "2001:db8::1%25eth0", "::1,0:0::1", "2001:db8::,2001:DB8::", "example.com", "3221225991",
        "192.0.2.7:80"]]
    rows += [("sig-id", value, "malformed") for value in ["", "a.b", "a+b", "a%20b", "a,b", "x" * 65, "a/b", "a="]]
    rows += [("sig-type", value, "malformed") for value in [
        "", "image", "image/", "/png", "*/*", "*/png", "image/png;q=1", "image/png,image/gif", "image/*/png",
        "image/png/x", "image/p(ng"]]
    rows += [("sig-download", value, "malformed") for value in [
        "", "%", "a%2", "a%zz", "a%2Fb", "a/b", "a%5Cb", "%00", "a%0Ab", "%7F", "%C2%85", "%E2%80%AE", "%E2%81%A9",
        "%FF", "%C0%AF", "%ED%A0%80"]]
    unknown = ["sig-", "sig-x", "sig-IP", "sig-Start", "sig-expires", "sig-ips"]
    rows += [(name, "1", "unenforceable") for name in unknown]
    rows += [("sig-uses", "1", "unenforceable"), ("sig-id=a&sig-uses", "1", "unenforceable")]
    for name, value, why in rows:
        covered = f"/a?exp={value}" if name == "exp" else f"/a?exp={EXP}&{name}={value}"
        yield f"value: {name}={value}", sign(covered), why, from_fields
    for name in ["sig-start", "sig-methods", "sig-ip", "sig-id", "sig-max-bytes", "sig-type", "sig-download"]:
        yield f"value: {name} without one", sign(f"/a?exp={EXP}&{name}"), "malformed", from_fields
    yield "value: sig-ip, where addresses are not known", sign(f"/a?exp={EXP}&sig-ip=192.0.2.7"), "unenforceable", {}


def times():
    yield "exp: now", LINK, "expired", {"now": EXP}
    yield "exp: a millisecond ago", LINK, "expired", {"now": EXP + 0.001}
    yield "exp: long ago", sign("/a?exp=1"), "expired", {}
    yield "exp: in milliseconds, now", sign(f"/a?exp={EXP}500"), "expired", {"now": EXP + 0.5}
    yield "exp: the leeway is not for it", LINK, "expired", {"now": EXP + 1, "policy": {"leeway": 3600}}
    yield "lifetime: a second over maximum and leeway", sign(f"/a?exp={NOW + WEEK + 61}"), "lifetime-too-long", {}
    yield "lifetime: a millisecond over", sign(f"/a?exp={NOW + WEEK + 60}001"), "lifetime-too-long", {}
    yield "lifetime: for ever", sign("/a?exp=9999999999999"), "lifetime-too-long", {}
    yield "lifetime: over another maximum", LINK, "lifetime-too-long", {"policy": {"max_lifetime": 60, "leeway": 0}}
    since = sign(f"/a?exp={NOW + 61}&sig-start={NOW + 60 - WEEK}")
    yield "lifetime: over the maximum from sig-start on", since, "lifetime-too-long", {}
    started = sign(f"/a?exp={EXP}&sig-start={NOW}")
    yield "sig-start: a second more than the leeway", started, "not-yet-valid", {"now": NOW - 61}
    early = {"now": NOW - 0.001, "policy": {"leeway": 0}}
    yield "sig-start: a millisecond, without leeway", started, "not-yet-valid", early
    late = {"now": EXP}
    yield "order: a fault before the expiry", sign(f"/a?exp={EXP}&sig-type=x"), "malformed", late
    yield "order: an unknown name before the expiry", sign(f"/a?exp={EXP}&sig-x=x"), "unenforceable", late
    yield "order: the signature before the expiry", LINK.replace("/a", "/b"), "not-authentic", late
    yield "order: the structure before the expiry", LINK + "&b", "malformed", late
    yield "order: the expiry before the lifetime", since, "expired", {"now": EXP}
    yield "order: the expiry before the method", LINK, "expired", {**late, "method": "PUT"}
    begins = sign(f"/a?exp={NOW + 9 * WEEK}&sig-start={NOW + 61}")
    yield "order: sig-start before the lifetime", begins, "not-yet-valid", {}
    limited = sign(f"/a?exp={EXP}&sig-ip=192.0.2.7")
    elsewhere = {"method": "PUT", "policy": {"client_ip": True}, "client_ip": "192.0.2.8"}
    yield "order: the method before the address", limited, "method", elsewhere
    scoped = f"/b?{token(more='&sig-ip=192.0.2.7')}"
    yield "order: the address before the scope", scoped, "client", {**elsewhere, "method": "GET"}
    upload = token(more="&sig-methods=PUT&sig-max-bytes=1")
    yield "order: the scope before the body", f"/b?{upload}", "scope", {"method": "PUT"}


def requests():
    for value, method in [("", "POST"), ("", "OPTIONS"), ("&sig-methods=PUT", "GET"), ("&sig-methods=PUT", "HEAD"),
                          ("&sig-methods=HEAD", "GET"), ("&sig-methods=GET,PUT", "POST"), ("&sig-methods=PUT", "PUTS")]:
        yield f"methods: {method} by {value or 'nothing'}", sign(f"/a?exp={EXP}{value}"), "method", {"method": method}
    overridden = {"method": "PUT", "headers": [["x-http-method-override", "GET"]]}
    yield "methods: another field's word", LINK, "method", overridden
    for value, client in [("192.0.2.7", "192.0.2.8"), ("192.0.2.0/25", "192.0.2.128"), ("0.0.0.0/1", "2001:db8::1"),
                          ("2001:db8::/32", "2001:db9::1"), ("::/1", "192.0.2.7"), ("192.0.2.7", None)]:
        shown = {"client_ip": client} if client else {}
        link = sign(f"/a?exp={EXP}&sig-ip={value}")
        yield f"address: {client} by {value}", link, "client", {"policy": {"client_ip": True}, **shown}
    for name, value, headers, why in [
        ("no length", "max-bytes=9", [], "length-required"),
        ("a byte too many", "max-bytes=9", [["content-length", "10"]], "too-large"),
        ("too many to count", "max-bytes=9", [["content-length", "99999999999999999999"]], "length-required"),
        ("a length with a sign", "max-bytes=9", [["content-length", "+1"]], "length-required"),
        ("a length twice", "max-bytes=9", [["content-length", "1"], ["content-length", "1"]], "length-required"),
        ("in chunks", "max-bytes=9", [["transfer-encoding", "chunked"]], "length-required"),
        ("in chunks, with a length", "max-bytes=9", [["transfer-encoding", "chunked"], ["content-length", "1"]],
         "length-required"),
        ("no type", "type=image/png", [], "media-type"),
        ("another type", "type=image/png", [["content-type", "image/gif"]], "media-type"),
        ("another kind", "type=image/*", [["content-type", "text/html"]], "media-type"),
        ("a type that begins the same", "type=image/png", [["content-type", "image/pngx"]], "media-type"),
        ("a kind that begins the same", "type=image/*", [["content-type", "imagex/png"]], "media-type"),
        ("two types", "type=image/png", [["content-type", "image/png"], ["content-type", "text/html"]], "media-type"),
    ]:
        link = sign(f"/a?exp={EXP}&sig-methods=PUT&sig-{value}")
        yield f"body: {name}", link, why, {"method": "PUT", "headers": headers}


def contexts():
    user = sign(f"/a?exp={EXP}&sig-bind=user", bound=[("user", "42")])
    host = sign(f"/a?exp={EXP}&sig-bind=host", bound=[("host", "a.example")])
    both = sign(f"/a?exp={EXP}&sig-bind=user,host", bound=[("user", "42"), ("host", "a.example")])
    swapped = both.replace("user,host", "host,user")
    verifier = {"policy": {"contexts": ["host", "user"]}}
    right = [["host", "a.example"], ["x-user", "42"]]
    for name, link, headers, why in [
        ("another user", user, [["x-user", "43"]], "not-authentic"), ("no user", user, [], "context"),
        ("an empty user", user, [["x-user", ""]], "context"),
        ("two users", user, [["x-user", "42"], ["x-user", "42"]], "context"),
        ("another host", host, [["host", "b.example"]], "not-authentic"),
        ("a host below", host, [["host", "x.a.example"]], "not-authentic"),
        ("another port", host, [["host", "a.example:8080"]], "not-authentic"),
        ("a dot at the end of the host", host, [["host", "a.example."]], "not-authentic"),
        ("no host", host, [], "context"),
        ("two hosts", host, [["host", "a.example"], ["host", "a.example"]], "context"),
        ("a host with a user", host, [["host", "me@a.example"]], "context"),
        ("names in another order", swapped, right, "not-authentic"),
        ("one of two taken off", both.replace("user,", ""), right, "not-authentic"),
        ("all taken off", user.replace("&sig-bind=user", ""), right, "not-authentic"),
        ("an unknown key, and no user", user.replace("sig=", "sig=x."), [], "unknown-key"),
        ("one that nobody knows", sign(f"/a?exp={EXP}&sig-bind=tenant", bound=[("tenant", "1")]), [["x-tenant", "1"]],
         "unenforceable"),
    ]:
        yield f"context: {name}", link, why, {**verifier, "headers": headers}
    differ = {**verifier, "headers": [["host", "a.example"]], "authority": "b.example"}
    yield "context: URI and field of different hosts", host, "context", differ
    yield "context: URI and two fields", host, "context", {
        **verifier, "headers": [["host", "a.example"], ["host", "a.example"]], "authority": "a.example"}


def passwords():
    bound, run = [("password", "right")], f"/a?exp={EXP}&sig-bind=password"
    link, right, wrong = sign(run, bound=bound), basic("me:right"), basic("me:wrong")
    with_user = sign(f"{run},user", bound=[*bound, ("user", "42")])
    bad_exp = sign("/a?exp=x&sig-bind=password", bound=bound)
    verifier = {"policy": {"contexts": ["password", "user"]}}
    password_alone = {"policy": {"contexts": ["password"]}}
    dead = {"now": EXP}
    for name, target, headers, why, more in [
        ("none", link, [], "password-required", {}), ("wrong", link, [wrong], "wrong-password", {}),
        ("empty", link, [basic("me:")], "password-required", {}),
        ("another letter case", link, [basic("me:Right")], "wrong-password", {}),
        ("in the user's place", link, [basic("right:")], "password-required", {}),
        ("by another scheme", link, [["authorization", right[1].replace("Basic", "Bearer")]], "password-required", {}),
        ("not base64", link, [["authorization", "Basic me:right"]], "password-required", {}),
        ("without a colon", link, [basic("right")], "password-required", {}),
        ("twice", link, [right, right], "password-required", {}),
        ("right, another path", link.replace("/a", "/b"), [right], "wrong-password", {}),
        ("right, a MAC that is short", link[:-1], [right], "wrong-password", {}),
        ("right, an unknown key", link.replace("sig=", "sig=x."), [right], "wrong-password", {}),
        ("none, an unknown key", link.replace("sig=", "sig=x."), [], "password-required", {}),
    ]:
        yield f"password: {name}", target, (why, 401), {**verifier, "headers": headers, **more}
    for name, target, headers, why, more in [
        ("right, expired", link, [right], ("expired", 403), dead),
        ("wrong, expired", link, [wrong], "not-authentic", dead),
        ("none, expired", link, [], "not-authentic", dead),
        ("unknown key, expired", link.replace("sig=", "sig=x."), [right], "not-authentic", dead),
        ("right, an exp that is none", bad_exp, [right], "malformed", {}),
        ("wrong, an exp that is none", bad_exp, [wrong], "not-authentic", {}),
        ("right, another value missing", with_user, [right], "context", {}),
        ("wrong, another value missing", with_user, [wrong], "context", {}),
        ("none, another value missing", with_user, [], "context", {}),
        ("right, another value's source missing", with_user, [right], "unenforceable", password_alone),
        ("none, another value's source missing", with_user, [], "unenforceable", password_alone),
        ("right, no source of passwords", link, [right], "unenforceable", {"policy": {}}),
        ("right, the method not", link, [right], "method", {"method": "PUT"}),
        ("right, the structure not", link + "&b", [right], "malformed", {}),
        ("right, a restriction malformed", sign(run + "&sig-id=", bound=bound), [right], "malformed", {}),
        ("right, not yet valid", sign(f"{run}&sig-start={EXP - 1}", bound=bound), [right], "not-yet-valid", {}),
    ]:
        yield f"password: {name}", target, why, {**verifier, "headers": headers, **more}


def tolerated():
    verifier = {"policy": {"tolerate": ["utm_source", "fbclid"]}}
    for name, target, why in [
        ("twice", f"{LINK}&utm_source=a&utm_source=b", "malformed"),
        ("on both sides of sig", sign(f"/a?utm_source=a&exp={EXP}") + "&utm_source=b", "malformed"),
        ("twice before the run", sign(f"/a?utm_source=a&utm_source=b&exp={EXP}"), "malformed"),
        ("within the run", sign(f"/a?exp={EXP}&utm_source=a"), "malformed"),
        ("a name that begins the same", f"{LINK}&utm_source2=a", "malformed"),
        ("in another letter case", f"{LINK}&UTM_SOURCE=a", "malformed"),
        ("escaped", f"{LINK}&utm%5Fsource=a", "malformed"),
        ("before an empty parameter", f"{LINK}&utm_source=a&", "malformed"),
        ("before a reserved name", f"{LINK}&utm_source=a&sig-id=b", "malformed"),
        ("before another parameter", f"{LINK}&utm_source=a&b=1", "malformed"),
    ]:
        yield f"tolerated: {name}", target, why, verifier


TABLES = [structure, signatures, values, times, requests, contexts, passwords, *refused_tokens.TABLES, tolerated]
