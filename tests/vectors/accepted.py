"""Links that work, by what they show: name, target, and how verifier and request differ from the default."""

from cases import *

LIMITS = f"&sig-start={NOW}&sig-methods=GET,PUT&sig-ip=192.0.2.0/24&sig-bind=user&sig-id=a&sig-max-bytes=9" \
    "&sig-type=text/*&sig-download=a.txt"
ANY_ORDER = "&sig-type=text/*&sig-id=a&sig-download=a.txt&sig-bind=user&sig-max-bytes=9&sig-ip=192.0.2.0/24" \
    f"&sig-methods=GET,PUT&sig-start={NOW}"
OF_EVERYTHING = {"policy": {"contexts": ["user"], "client_ip": True}, "client_ip": "192.0.2.7",
                 "headers": [["x-user", "42"]]}


def figures():
    yield "figure: plain", sign("/photos/cat.jpg?exp=1790000000"), {}
    yield "figure: a key id and a query", sign("/photos/cat.jpg?w=200&exp=1790000000", "2026-11"), {}
    upload = {"method": "PUT", "headers": [["content-length", "1048576"]]}
    limited = sign("/inbox/report.pdf?exp=1790000000&sig-methods=PUT&sig-max-bytes=1048576")
    yield "figure: sig-max-bytes", limited, upload
    bound = [("host", "files.example.com"), ("user", "42")]
    shown = {"policy": {"contexts": ["host", "user"]}, "headers": [["host", "files.example.com"], ["x-user", "42"]]}
    yield "figure: bound contexts", sign("/photos/cat.jpg?exp=1790000000&sig-bind=host,user", bound=bound), shown
    yield "figure: a scope token", f"/videos/42/seg1.ts?{token()}", {}
    prefixed = {"policy": {"prefix": "x-"}}
    yield "figure: a name prefix", sign("/photos/cat.jpg?x-exp=1790000000", prefix="x-"), prefixed


def targets():
    for name, target in [
        ("the root", "/?"), ("a path that ends in a slash", "/a/?"), ("a query that is empty", "/a?&"),
        ("a query of empty parameters", "/a?&&b&"), ("a question mark in the query", "/a?b?c=?&"),
        ("escapes, as they are", "/a%20b%2Fc%2e?x=%26%3D&"), ("`&sig=` in the path", "/a&sig=b&exp=1?"),
        ("what looks like reserved names", "/a?expires=1&Exp=1&SIG=2&%65xp=1&xexp=1&signature=1&exp%5B%5D=1&sigs-=1&"),
        ("dots, slashes and `;` in a path", "/a//b;c/.d/..e?"), ("a plus sign and a space's escape", "/a?b=c+d%20e&"),
        ("a first segment after `~` that is no token", "/~c2lnLXNjb3Bl/a?"),
    ]:
        yield f"target: {name}", sign(f"{target}exp={EXP}"), {}


def keys():
    for name, key_id in [("16 bytes", "a"), ("64 bytes, and the longest id", LONGEST_ID), ("100 bytes", "long")]:
        yield f"key: of {name}", sign(f"/a?exp={EXP}", key_id), {}


def times():
    link = sign(f"/a?exp={EXP}")
    yield "exp: the last second", link, {"now": EXP - 1}
    yield "exp: the last millisecond", link, {"now": EXP - 0.001}
    yield "exp: in milliseconds", sign(f"/a?exp={EXP}500"), {"now": EXP + 0.25}
    yield "exp: the last that is seconds", sign("/a?exp=99999999999"), {"now": 99_999_999_998}
    yield "exp: the first that is milliseconds", sign("/a?exp=100000000000"), {"now": 99_999_999}
    yield "exp: the last in milliseconds", sign("/a?exp=9999999999999"), {"now": 9_999_999_999}
    longest = sign(f"/a?exp={NOW + WEEK + 60}")
    yield "lifetime: the maximum and the leeway", longest, {}
    yield "lifetime: another maximum", sign(f"/a?exp={NOW + 60}"), {"policy": {"max_lifetime": 60, "leeway": 0}}
    yield "lifetime: the maximum from sig-start on", sign(f"/a?exp={NOW + 60}&sig-start={NOW + 60 - WEEK}"), {}
    started = sign(f"/a?exp={EXP}&sig-start={NOW}")
    yield "sig-start: now", started, {"policy": {"leeway": 0}}
    yield "sig-start: the leeway before", started, {"now": NOW - 60}
    half = {"now": NOW + 0.5, "policy": {"leeway": 0}}
    yield "sig-start: in milliseconds", sign(f"/a?exp={EXP}&sig-start={NOW}500"), half
    yield "sig-start: a second before exp", sign(f"/a?exp={EXP}&sig-start={EXP - 1}"), {"now": EXP - 1}


def methods():
    for value, method in [("", "HEAD"), ("&sig-methods=GET", "HEAD"), ("&sig-methods=HEAD", "HEAD"),
                          ("&sig-methods=PUT,DELETE", "DELETE"), ("&sig-methods=M-SEARCH", "M-SEARCH"),
                          ("&sig-methods=POST,GET", "HEAD"), ("&sig-methods=OPTIONS", "OPTIONS")]:
        yield f"methods: {method} by {value or 'nothing'}", sign(f"/a?exp={EXP}{value}"), {"method": method}


def addresses():
    for value, client in [("192.0.2.7", "192.0.2.7"), ("192.0.2.0/24", "192.0.2.255"), ("128.0.0.0/1", "198.51.100.1"),
                          ("192.0.2.1/32,198.51.100.0/25", "198.51.100.127"), ("2001:db8::/32", "2001:db8:ffff::1"),
                          ("2001:DB8:0:0::1", "2001:db8::1"), ("10.0.0.0/8,2001:db8::1", "2001:db8::1"),
                          ("10.0.0.0/8,10.0.0.0/9", "10.1.1.1")]:
        link = sign(f"/a?exp={EXP}&sig-ip={value}")
        yield f"address: {client} by {value}", link, {"policy": {"client_ip": True}, "client_ip": client}


def contexts():
    for name, value, headers, more in [
        ("host", "files.example.com", [["host", "FILES.example.COM"]], {}),
        ("host, its port 80", "files.example.com", [["host", "files.example.com:80"]], {}),
        ("host, its port 443", "files.example.com", [["host", "files.example.com:443"]], {}),
        ("host, a port of its own", "files.example.com:8443", [["host", "Files.example.com:8443"]], {}),
        ("host, an address", "[2001:db8::1]", [["host", "[2001:DB8::1]:443"]], {}),
        ("host, of the URI alone", "files.example.com", [], {"authority": "files.example.com"}),
        ("host, of URI and field", "files.example.com", [["host", "files.example.com"]],
         {"authority": "Files.example.com:443"}),
        ("user, of many characters", "a:b=c&d, e", [["x-user", "a:b=c&d, e"]], {}),
        ("user, that looks like a line of another", "session:1", [["x-user", "session:1"]], {}),
    ]:
        kind = name.split(",")[0]
        link = sign(f"/a?exp={EXP}&sig-bind={kind}", bound=[(kind, value)])
        yield f"context: {name}", link, {"policy": {"contexts": [kind]}, "headers": headers, **more}
    for order in [["user", "session"], ["session", "user"]]:
        link = sign(f"/a?exp={EXP}&sig-bind={','.join(order)}", bound=[(name, f"a {name}") for name in order])
        headers = [["x-user", "a user"], ["x-session", "a session"]]
        yield f"context: {' before '.join(order)}", link, {"policy": {"contexts": order}, "headers": headers}
    longest = "a-1" + 29 * "z"
    link = sign(f"/a?exp={EXP}&sig-bind={longest}", bound=[(longest, "1")])
    yield "context: the longest name", link, {"policy": {"contexts": [longest]}, "headers": [["x-" + longest, "1"]]}
    for name, password, credentials in [
        ("plain", "correct horse", basic("me:correct horse")), ("with colons, and no user", "a:b:", basic(":a:b:")),
        ("not in ASCII", "pässwörd", basic("ü:pässwörd")),
        ("by a scheme in lower case", "a", ["authorization", basic("me:a")[1].replace("Basic", "basic")]),
    ]:
        link = sign(f"/a?exp={EXP}&sig-bind=password", bound=[("password", password)])
        yield f"password: {name}", link, {"policy": {"contexts": ["password"]}, "headers": [credentials]}


def restrictions():
    yield "all restrictions", sign(f"/a?b&exp={EXP}{LIMITS}", "2026-11", [("user", "42")]), OF_EVERYTHING
    yield "all restrictions, in another order", sign(f"/a?exp={EXP}{ANY_ORDER}", bound=[("user", "42")]), OF_EVERYTHING
    for identifier in ["1", "A_z-09", 64 * "x"]:
        yield f"sig-id: {len(identifier)} characters", sign(f"/a?exp={EXP}&sig-id={identifier}"), {}
    for name, value, method, headers in [
        ("nothing for GET", "max-bytes=0", "GET", []), ("nothing for OPTIONS", "max-bytes=0", "OPTIONS", []),
        ("zero", "max-bytes=0", "PUT", [["content-length", "0"]]),
        ("as many as allowed", "max-bytes=9", "PUT", [["content-length", "9"]]),
        ("the largest number", "max-bytes=18446744073709551615", "PUT", [["content-length", "18446744073709551615"]]),
        ("a type", "type=image/png", "PUT", [["content-type", "image/png"]]),
        ("a type, in another letter case", "type=image/PNG", "PUT", [["content-type", "Image/png"]]),
        ("a type with parameters", "type=text/plain", "PUT", [["content-type", "text/plain ; charset=utf-8"]]),
        ("a type with a suffix", "type=application/vnd.api+json", "PUT",
         [["content-type", "application/vnd.api+json"]]),
        ("a type with a %", "type=im%61ge/png", "PUT", [["content-type", "im%61ge/png"]]),
        ("any of a kind", "type=image/*", "PUT", [["content-type", "image/svg+xml"]]),
        ("a type, and nothing for GET", "type=image/*", "GET", []),
    ]:
        link = sign(f"/a?exp={EXP}&sig-methods=GET,OPTIONS,PUT&sig-{value}")
        yield f"body: {name}", link, {"method": method, "headers": headers}
    for value in ["report.pdf", "Report%2C%20March.pdf", "%E2%82%AC%20%C3%A4.txt", "a%22b%27c", ".", "a+b%2bc",
                  "%F0%9F%90%88"]:
        yield f"download: {value}", sign(f"/a?exp={EXP}&sig-download={value}"), {}


def prefixes():
    for prefix in ["x-", "-", "0-", "sig2-", 15 * "p" + "-"]:
        restricted = LIMITS.replace("sig-", prefix + "sig-")
        link = sign(f"/a?exp=1&sig=2&sig-ip=3&{prefix}exp={EXP}{restricted}", bound=[("user", "42")], prefix=prefix)
        verifier = {**OF_EVERYTHING["policy"], "prefix": prefix}
        yield f"prefix: {prefix}, beside an application's own names", link, {**OF_EVERYTHING, "policy": verifier}
    verifier = {"policy": {"prefix": "x-", "cookie": "signed-url", "path_token": True}}
    scoped = token(prefix="x-")
    yield "prefix: a token in the query", f"/videos/42/a?exp=1&{scoped}&sig=2", verifier
    yield "prefix: a token in a cookie", "/videos/42/a?exp=1", {**verifier, "headers": [cookie(scoped)]}
    yield "prefix: a token in the path", in_path(scoped, "/videos/42/a?sig=1"), verifier
    yield "prefix: a path token without it is the application's", sign(
        in_path(token(), f"/a?x-exp={EXP}"), prefix="x-"), verifier


def tolerated():
    verifier = {"policy": {"tolerate": ["utm_source", "fbclid"]}}
    for target, after in [("/a?", "utm_source=m"), ("/a?b=1&", "utm_source=m"), ("/a?&", "utm_source"),
                          ("/a?", "fbclid=&utm_source=a%26b=c?"), ("/a?utm_source=1&", "fbclid=2"),
                          ("/a?utm_source=1&", "")]:
        link = sign(f"{target}exp={EXP}") + ("&" + after if after else "")
        yield f"tolerated: {target} and then {after or 'nothing'}", link, verifier
    twice = f"/videos/42/a?utm_source=1&{token()}&utm_source=2&utm_source=3"
    yield "tolerated: around a token all is the application's", twice, verifier


def tokens():
    here = token()
    for name, target in [
        ("alone", f"/videos/42/a.ts?{here}"), ("after another parameter", f"/videos/42/a.ts?a=1&{here}"),
        ("before another", f"/videos/42/a.ts?{here}&b=2"), ("between two", f"/videos/42/a.ts?a=1&{here}&b=2"),
        ("after an empty one", f"/videos/42/a.ts?&{here}"), ("before an empty one", f"/videos/42/a.ts?{here}&"),
        ("for the scope itself", f"/videos/42/?{here}"), ("for a folder below", f"/videos/42/a/b/?{here}"),
        ("for a name with dots, commas, escapes", f"/videos/42/.a/..b/...;x,'&c/caf%C3%A9%2e?{here}"),
        ("of another key", f"/videos/42/a?{token(key_id='2026-11')}"), ("for everything", f"/a/b?{token('/')}"),
        ("with an escape in the scope", f"/caf%C3%A9/a?{token('/caf%C3%A9/')}"),
        ("with all that it may hold", "/videos/42/a?" + token(
            more=f"&sig-start={NOW}&sig-methods=GET,POST&sig-id=a&sig-max-bytes=1&sig-type=text/*&sig-download=a")),
    ]:
        yield f"token in the query: {name}", target, {}
    with_host = token(more="&sig-bind=host", bound=[("host", "a.example")])
    shown = {"policy": {"contexts": ["host"]}, "headers": [["host", "A.example:80"]]}
    yield "token in the query: that binds the host", f"/videos/42/a?{with_host}", shown

    def sent(*headers, **more):
        return {"policy": {"cookie": "signed-url", **more.pop("policy", {})}, "headers": list(headers), **more}

    wider, other, posts = token("/videos/"), token("/music/"), token(more="&sig-methods=GET,POST")
    several = f"a=1; signed-url={encoded(other)}; signed-url={encoded(wider)}; signed-url={encoded(here)}; b=2"
    ended = token("/videos/", NOW - 9)
    for name, request in [
        ("alone", sent(cookie(here))), ("for HEAD", sent(cookie(here), method="HEAD")),
        ("of another name", sent(cookie(here, "t"), policy={"cookie": "t"})),
        ("among others", sent(["cookie", several])), ("in the second field", sent(cookie(other), cookie(here))),
        ("the longest scope, however it ends", sent(cookie(ended), cookie(here))),
        ("beside what is no token",
         sent(["cookie", f"signed-url=x; signed-url=; signed-url; signed-url={encoded(here)}"])),
        ("for POST, where that is allowed", sent(cookie(posts), method="POST", policy={"cookie_any_method": True})),
    ]:
        yield f"token in a cookie: {name}", "/videos/42/a.ts?b=1", request
    yield "a link, whatever the cookie", sign(f"/videos/42/a?exp={EXP}"), sent(cookie(ended))

    verifier = {"policy": {"path_token": True}}
    for name, target in [
        ("alone", in_path(here, "/videos/42/a.ts")), ("with a query", in_path(here, "/videos/42/a?b=1&c")),
        ("for the scope itself", in_path(here, "/videos/42/")),
        ("of another key", in_path(token(key_id="2026-11"), "/videos/42/a/b/")),
        ("for everything", in_path(token("/"), "/")),
    ]:
        yield f"token in the path: {name}", target, verifier
    yield "token in the path: and an ended one in a cookie", in_path(here, "/videos/42/a"), {
        "policy": {"path_token": True, "cookie": "signed-url"}, "headers": [cookie(ended)]}


TABLES = [figures, targets, keys, times, methods, addresses, contexts, restrictions, prefixes, tolerated, tokens]
