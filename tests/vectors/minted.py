"""What is minted, by what options; and what is not, and why."""

from cases import *


def table():
    def row(name, options, error=None):
        return name, {"now": NOW, **options}, error

    five_minutes = {"target": "/a", "for": 300}
    until = {"target": "/a", "until": EXP}
    photo = {"target": "/photos/cat.jpg", "until": EXP}
    yield row("figure: plain", photo)
    yield row("figure: a key id and a query", {**photo, "key": "2026-11", "target": "/photos/cat.jpg?w=200"})
    yield row("figure: sig-max-bytes", {
        "target": "/inbox/report.pdf", "until": EXP, "methods": ["PUT"], "max_bytes": 1048576})
    both = {"policy": {"contexts": ["host", "user"]}}
    yield row("figure: bound contexts", {**photo, **both, "bind": [["host", "files.example.com"], ["user", "42"]]})
    scoped = {"scope": "/videos/42/", "until": EXP, "in": "query", "target": "/videos/42/seg1.ts"}
    yield row("figure: a scope token", scoped)
    yield row("figure: a name prefix", {**photo, "policy": {"prefix": "x-"}})

    for target in ["/", "/?", "/a?", "/a?b", "/a?b=1&", "/a?b?c", "/a%20b/%2F", "/a//b;c/.d/...", "/a'b,c",
                   "/a?exps=1&Exp=2", "/a?b=%27%23", "/%2e%2e%2e", "/a?/../b", "/~a/b", "/a&sig=b"]:
        yield row(f"target: {target}", {**until, "target": target})
    for key in ["a", LONGEST_ID, "long"]:
        yield row(f"key: {key}", {**five_minutes, "key": key})

    yield row("times: a duration", five_minutes)
    yield row("times: a duration of part of a second", {**five_minutes, "for": 0.25})
    yield row("times: a duration from within a second", {**five_minutes, "now": NOW + 0.5})
    yield row("times: two halves of a second", {**five_minutes, "now": NOW + 0.5, "for": 300.5})
    yield row("times: an end within a second", {**until, "until": EXP + 0.75})
    yield row("times: the maximum", {"target": "/a", "for": WEEK})
    yield row("times: another maximum", {"target": "/a", "for": 2 * WEEK, "policy": {"max_lifetime": 2 * WEEK}})
    yield row("times: a beginning", {**five_minutes, "not_before": NOW + 60})
    yield row("times: a beginning within a second", {**five_minutes, "not_before": NOW + 60.25})
    yield row("times: a beginning in the past", {**five_minutes, "not_before": NOW - 60})
    yield row("times: a beginning later than the maximum", {**five_minutes, "not_before": NOW + 3 * WEEK})
    yield row("times: no later than within", {**five_minutes, "no_later_than": NOW + 100.75})
    yield row("times: no later than beyond", {**five_minutes, "no_later_than": NOW + 1000})
    yield row("times: the last that can be written", {
        "target": "/a", "until": 99_999_999_999, "now": 99_999_999_000})

    everything = {
        "policy": {"contexts": ["user", "host"], "client_ip": True}, "not_before": NOW, "methods": ["GET", "M-SEARCH"],
        "ip": ["192.0.2.0/24", "2001:db8::1"], "bind": [["user", "a:b\tc"], ["host", "a.example:8443"]], "id": "A_z-9",
        "max_bytes": 18446744073709551615, "type": "application/*", "download": "Zo\u00eb's 5 \u20ac, (a+b).txt"}
    yield row("all restrictions", {**until, **everything})
    yield row("all restrictions, with a prefix", {
        **until, **everything, "policy": {**everything["policy"], "prefix": "my-app-"}, "key": "2026-11"})
    yield row("methods: GET alone is not written", {**until, "methods": ["GET"]})
    yield row("methods: HEAD alone is", {**until, "methods": ["HEAD"]})
    yield row("methods: several, in their order", {**until, "methods": ["PUT", "GET", "DELETE"]})
    yield row("max-bytes: none", {**until, "max_bytes": 0})
    password = {"policy": {"contexts": ["password"]}, "bind": [["password", "p\u00e4ss: w\u00f6rd"]]}
    yield row("password", {**until, **password})

    for target in ["/videos/42/", "/videos/42/a?b=1&c", "/videos/42/a?", "/videos/42/~a"]:
        yield row(f"token in the query: {target}", {**scoped, "target": target})
        yield row(f"token in the path: {target}", {**scoped, "in": "path", "target": target})
    yield row("token in a cookie", {"scope": "/videos/42/", "until": EXP, "in": "cookie"})
    yield row("token in a cookie, with a prefix", {
        "scope": "/", "for": 60, "in": "cookie", "policy": {"prefix": "x-"}, "key": "2026-11"})
    yield row("token in the path, with a prefix", {**scoped, "in": "path", "policy": {"prefix": "x-"}})
    yield row("token with restrictions", {**scoped, **everything})
    yield row("token for an escaped scope", {**scoped, "scope": "/caf%C3%A9/", "target": "/caf%C3%A9/x"})

    for target, error in [
        ("", "target"), ("a", "target"), ("//a", "target"), ("?a", "target"),
        ("/a#b", "fragment"), ("/a?b#", "fragment"),
        *[(f"/a{character}", "character") for character in ' "<>`{}|\\^\u00e9\t\x7f'],
        *[(f"/a?{character}", "character") for character in ' "<>`{}|\\^\u00e9\'\n'],
        ("/.", "dot-segment"), ("/a/../b", "dot-segment"), ("/a/%2e/b", "dot-segment"), ("/.%2E", "dot-segment"),
        ("/a?exp", "reserved-name"), ("/a?b&sig=1", "reserved-name"), ("/a?sig-x=1", "reserved-name"),
        ("/a?utm_source=m", "tolerated-name"),
    ]:
        yield row(f"not minted: {target!a}", {**until, "target": target, "policy": {"tolerate": ["utm_source"]}}, error)
    prefixed = {**until, "policy": {"prefix": "x-"}}
    yield row("not minted: a reserved name, with its prefix", {**prefixed, "target": "/a?x-exp=1"}, "reserved-name")
    yield row("minted: a reserved name, without its prefix", {**prefixed, "target": "/a?exp=1"})
    for name, options, error in [
        ("over the maximum", {"for": WEEK + 1}, "lifetime-too-long"),
        ("over the maximum, until", {"until": NOW + WEEK + 1}, "lifetime-too-long"),
        ("over the maximum, since", {"until": NOW + 60, "not_before": NOW + 59 - WEEK}, "lifetime-too-long"),
        ("of no length", {"for": 0}, "not-in-future"), ("until now", {"until": NOW}, "not-in-future"),
        ("until within this second", {"until": NOW + 0.75, "now": NOW + 0.5}, "not-in-future"),
        ("no later than now", {"for": 60, "no_later_than": NOW + 0.5}, "not-in-future"),
        ("begins as it ends", {"until": NOW + 60, "not_before": NOW + 60}, "begins-too-late"),
        ("begins as it ends, rounded", {"until": NOW + 60.5, "not_before": NOW + 59.5}, "begins-too-late"),
        ("a time of milliseconds", {"until": 100_000_000_000, "now": 99_999_999_999}, "time-out-of-range"),
        ("a method in lower case", {"methods": ["get"]}, "method"),
        ("a network with host bits", {"ip": ["192.0.2.1/24"], "policy": {"client_ip": True}}, "client-ip"),
        ("an address twice", {"ip": ["192.0.2.1", "192.0.2.1/32"], "policy": {"client_ip": True}}, "client-ip"),
        ("no address", {"ip": ["localhost"], "policy": {"client_ip": True}}, "client-ip"),
        ("an address that nobody checks", {"ip": ["192.0.2.1"]}, "unenforceable"),
        ("a context that nobody checks", {"bind": [["user", "42"]]}, "unenforceable"),
        ("an empty context", {"bind": [["user", ""]], **both}, "context"),
        ("a line break in a context", {"bind": [["user", "a\nhost:b"]], **both}, "context"),
        ("a context twice", {"bind": [["user", "1"], ["user", "2"]], **both}, "context"),
        ("a host in upper case", {"bind": [["host", "A.example"]], **both}, "context"),
        ("a host with a port that is left out", {"bind": [["host", "a.example:443"]], **both}, "context"),
        ("a host with a user", {"bind": [["host", "me@a.example"]], **both}, "context"),
        ("an empty id", {"id": ""}, "id"), ("a long id", {"id": "x" * 65}, "id"),
        ("an id with a dot", {"id": "a.b"}, "id"),
        *[(f"the type {value}", {"type": value}, "media-type") for value in [
            "", "image", "*/*", "a/b;c=d", "a/b, c/d"]],
        *[(f"the file name {value!a}", {"download": value}, "download") for value in [
            "", "a/b", "a\\b", "a\nb", "\x7f", "\u0085", "\u202e", "\u2069"]],
    ]:
        end = {} if {"for", "until"} & set(options) else {"until": EXP}
        yield row(f"not minted: {name}", {"target": "/a", **end, **options}, error)
    for scope in ["", "a/", "/a", "//", "/a//", "/../",
                  "/%2e/", "/a%2f/", "/a;b/", "/a,b/", "/a&b/", "/a?b/", "/a'/", "/%zz/"]:
        yield row(f"not minted: the scope {scope}", {**scoped, "scope": scope, "in": "cookie"}, "scope")
    for target, error in [("/videos/43/a", "outside-scope"), ("/videos/42", "outside-scope"),
                          ("/videos/42/a//b", "ambiguous-path"), ("/videos/42/a%2fb", "ambiguous-path"),
                          ("/videos/42/a?sig=1", "reserved-name"),
                          ("/videos/42/../a", "dot-segment")]:
        for carrier in ["query", "path"]:
            options = {**scoped, "in": carrier, "target": target}
            yield row(f"not minted: a token in the {carrier} of {target}", options, error)
