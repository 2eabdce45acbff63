"""Scope tokens that are refused, by what carries them, as `refused.py` has links."""

from cases import *

HERE = token()
OF_ONE_PAD = token(more="&sig-id=abc")  # a third of all lengths has one `=` for padding


def by_query():
    exact_mac = sign(f"/videos/42/?exp={EXP}")[-43:]
    for name, target, why in [
        ("a path beside the scope", f"/videos/421/a?{HERE}", "scope"),
        ("the scope without its slash", f"/videos/42?{HERE}", "scope"),
        ("a path above", f"/videos/?{HERE}", "scope"), ("another letter case", f"/Videos/42/a?{HERE}", "scope"),
        ("an escape for the scope's character", f"/videos/%34%32/a?{HERE}", "scope"),
        *[(f"a path with {part}", f"/videos/42/{part}?{HERE}", "scope") for part in [
            "../43/a", "..", ".", "a/./b", "%2e%2e/43", "%2E", ".%2e/a", "a//b", "/a", "..;x/a", ";/a", ";x", "%3B/a",
            "%20", "%20..", "..%20/a", "a%2fb", "a%2F", "a%5cb", "a%25b", "a%252e", "%00", "a%0a", "%1F", "%7f", "a%",
            "a%2", "a%zz", "%C0%AE", "%C3", "%ED%A0%80"]],
        ("a byte of the scope changed", f"/videos/43/a?{HERE.replace('42', '43')}", "not-authentic"),
        ("an exact URL's MAC", f"/videos/42/?sig-scope=/videos/42/&exp={EXP}&sig={exact_mac}", "not-authentic"),
        ("a reserved name before it", f"/videos/42/a?sig-id=a&b=1&{HERE}", "malformed"),
        ("a reserved name after it", f"/videos/42/a?{HERE}&sig-id=a", "malformed"),
        ("an unknown reserved name after it", f"/videos/42/a?{HERE}&b&sig-x", "malformed"),
        ("exp after it", f"/videos/42/a?{HERE}&b=1&exp={EXP}", "malformed"),
        ("twice", f"/videos/42/a?{HERE}&{HERE}", "malformed"),
        ("two of them", f"/videos/42/a?{HERE}&{token('/')}", "malformed"),
        ("a parameter within", "/videos/42/a?" + sign(f"sig-scope=/videos/42/&b=1&exp={EXP}"), "malformed"),
        ("a link besides", f"{sign(f'/videos/42/a?exp={EXP}')}&{HERE}", "malformed"),
        ("without exp", "/videos/42/a?" + sign("sig-scope=/videos/42/"), "malformed"),
        ("exp first", "/videos/42/a?" + sign(f"exp={EXP}&sig-scope=/videos/42/"), "malformed"),
        ("a name between sig-scope and exp", "/videos/42/a?" + sign(f"sig-scope=/videos/42/&sig-id=a&exp={EXP}"),
         "malformed"),
        ("sig-uses", "/videos/42/a?" + token(more="&sig-id=a&sig-uses=1"), "unenforceable"),
        ("an unknown name", "/videos/42/a?" + token(more="&sig-x=1"), "unenforceable"),
        ("expired", f"/videos/42/a?{token(exp=NOW)}", ("expired", 410)),
        *[(f"the scope {scope}", f"/a/b?{token(scope)}", "malformed") for scope in [
            "", "/a", "a/", "//", "/a/../", "/./", "/a%2f/", "/a;x/", "/a,b/", "/a'/", "/%61%/", "/a?/", "/%2e/",
            "/%00/"]],
    ]:
        yield f"token in the query: {name}", target, why, {}


def sent(*headers, **more):
    return {"policy": {"cookie": "signed-url", **more.pop("policy", {})}, "headers": list(headers), **more}


def by_cookie():
    writes = token(more="&sig-methods=POST,GET")
    for name, why, request in [
        ("not read here", "missing", {"headers": [cookie(HERE)]}),
        ("for another path", "missing", sent(cookie(token("/music/")))),
        ("of another name", "missing", sent(cookie(HERE, "other"))),
        ("a name in another letter case", "missing", sent(cookie(HERE, "Signed-Url"))),
        ("not base64url", "missing", sent(["cookie", "signed-url=" + HERE])),
        ("padded", "missing", sent(["cookie", "signed-url=" + encoded(OF_ONE_PAD) + "="])),
        ("for POST", "method", sent(cookie(writes), method="POST")),
        ("for an upgrade", "method", sent(cookie(HERE), ["upgrade", "websocket"])),
        ("with a byte changed", "not-authentic", sent(cookie(HERE.replace("=179", "=178")))),
        ("with a parameter of its own", "malformed", sent(cookie(HERE + "&b=1"))),
        ("with a parameter of its own in front", "missing", sent(cookie("b=1&" + HERE))),
        ("expired", ("expired", 410), sent(cookie(token(exp=NOW)))),
        ("expired, of the longest scope", ("expired", 410), sent(cookie(token("/videos/")), cookie(token(exp=NOW)))),
        ("the second of equal scope", ("expired", 410), sent(cookie(token(exp=NOW)), cookie(HERE))),
        ("an exact URL's", "missing", sent(cookie(sign(f"/videos/42/a.ts?exp={EXP}")))),
    ]:
        yield f"token in a cookie: {name}", "/videos/42/a.ts?b=1", why, request
    yield "token in a cookie: beside half a credential", f"/videos/42/a.ts?exp={EXP}", "malformed", sent(cookie(HERE))
    yield "token in a cookie: beside a path that is ambiguous", "/videos/42/a//b", "scope", sent(cookie(HERE))
    beside = sent(cookie(HERE), policy={"path_token": True})
    yield "token in a cookie: beside half a path token", "/~c2lnLXNjb3BlPSx/videos/42/a.ts", "malformed", beside


def by_path():
    for name, target, why in [
        ("no token", "/~c2lnLXNjb3BlPSx/videos/42/a", "malformed"),
        ("its first characters alone", "/~c2lnLXNjb3BlPS", "malformed"),
        ("padded", in_path(OF_ONE_PAD, "=/videos/42/a"), "malformed"),
        ("a byte changed", in_path(HERE.replace("=179", "=178"), "/videos/42/a"), "not-authentic"),
        ("a parameter of its own", in_path(HERE + "&b=1", "/videos/42/a"), "malformed"),
        ("a space at its end", in_path(HERE + " ", "/videos/42/a"), "malformed"),
        ("a line break at its end", in_path(HERE + "\n", "/videos/42/a"), "malformed"),
        ("another path", in_path(HERE, "/videos/43/a"), "scope"), ("nothing behind it", in_path(HERE, ""), "malformed"),
        ("a query behind it", in_path(HERE, "?b=1"), "malformed"),
        ("two slashes behind it", in_path(HERE, "//videos/42/a"), "scope"),
        ("twice", in_path(HERE, in_path(HERE, "/videos/42/a")), "malformed"),
        ("for everything, twice", in_path(token("/"), in_path(token("/"), "/videos/42/a")), "malformed"),
        ("a credential in the query", sign(in_path(HERE, f"/videos/42/a?exp={EXP}")), "malformed"),
        ("a token in the query", in_path(HERE, f"/videos/42/a?{HERE}"), "malformed"),
        ("a reserved name in the query", in_path(HERE, "/videos/42/a?b&sig-x"), "malformed"),
        ("expired", in_path(token(exp=NOW), "/videos/42/a"), ("expired", 410)),
        ("in the second segment", "/a" + in_path(HERE, "/videos/42/a"), "missing"),
        ("an escaped `~`", in_path(HERE, "/videos/42/a").replace("~", "%7E"), "missing"),
    ]:
        yield f"token in the path: {name}", target, why, {"policy": {"path_token": True}}
    yield "token in the path: not read here", in_path(HERE, "/videos/42/a"), "unenforceable", {}
    in_a_link = sign(in_path(HERE, f"/videos/42/a?exp={EXP}"))
    yield "token in the path: not read here, in a link", in_a_link, "unenforceable", {}


TABLES = [by_query, by_cookie, by_path]
