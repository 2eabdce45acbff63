"""itsdangerous against Python's own hmac, in turns: prints what it timed, and nanoseconds for each of the paths given."""

import hashlib
import hmac
import statistics
import sys
import time

from itsdangerous import BadSignature, TimestampSigner, URLSafeTimedSerializer

ROUNDS, CALLS_A_ROUND, LIFETIME = 501, 20, 3600
secret, paths = sys.argv[1], sys.argv[2:]
sha256 = {"digest_method": hashlib.sha256}  # its default is SHA-1
signer = TimestampSigner(secret, **sha256)
serializer = URLSafeTimedSerializer(secret, signer_kwargs=sha256)


def sign(path):
    return f"{path}?token={signer.sign(path).decode()}"


def unsign(url, max_age=LIFETIME):
    path, _, token = url.partition("?token=")
    return signer.unsign(token, max_age).decode() == path


def dumps(path):
    return f"{path}?token={serializer.dumps(path)}"


def loads(url, max_age=LIFETIME):
    path, _, token = url.partition("?token=")
    return serializer.loads(token, max_age) == path


def refuses(check, *args):
    try:
        return not check(*args)
    except BadSignature:
        return True


def contenders(path):
    key, covered = secret.encode(), f"{path}.012345".encode()  # what TimestampSigner covers, its time being 6 characters
    signed, dumped = sign(path), dumps(path)
    for check, url in ((unsign, signed), (loads, dumped)):
        assert check(url)
        assert refuses(check, url.replace("/a", "/b", 1)) and refuses(check, url, -1)
    return {
        "hmac": lambda: hmac.new(key, covered, hashlib.sha256).digest(),
        "unsign": lambda: unsign(signed),
        "loads": lambda: loads(dumped),
        "sign": lambda: sign(path),
        "dumps": lambda: dumps(path),
    }


race = [(what, call, []) for path in paths for what, call in contenders(path).items()]
for _ in range(ROUNDS):
    for _, call, nanos in race:
        start = time.perf_counter_ns()
        for _ in range(CALLS_A_ROUND):
            call()
        nanos.append((time.perf_counter_ns() - start) / CALLS_A_ROUND)

for what in dict.fromkeys(what for what, _, _ in race):
    print(what, *(statistics.median(nanos) for name, _, nanos in race if name == what))
