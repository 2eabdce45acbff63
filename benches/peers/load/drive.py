"""Puts each server under load by wrk, with and without its check of signed URLs, and prints the table.

Server and wrk have a core each. In every round each variant has its turn, and what is compared stands in the same
round, so that a busy machine slows all of them; the figures are medians over the rounds. The servers are started anew
every few rounds, since where a process happens to lie in memory is worth some per cent by itself.
"""

import argparse
import base64
import hashlib
import http.client
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles

HERE = Path(__file__).parent
ROUNDS_A_START = 7
SECONDS = 1
WARM_UP_SECONDS = 3
CONNECTIONS = 64
PATH = "/files/report.pdf"

NOTHING, LAYER, SECURE_LINK = "a layer that does nothing", "`SignedUrlLayer`", "`secure_link_md5`"

WRK_CORE, SERVER_CORE = sorted(os.sched_getaffinity(0))[-2:]


def peers(target):
    """What is measured: the server, its version, and its variants, the one without a check first."""
    load, go, node = target / "release/load", target / "peers/server-go", ["node", HERE / "server.js"]
    environment = {"GOMAXPROCS": "1", "NODE_ENV": "production", "NODE_PATH": str(target / "peers/node_modules")}

    def program(*command):
        return lambda: Program([*command], environment)

    axum = {
        "without": program(load, "without"),
        NOTHING: program(load, "nothing"),
        LAYER: program(load, "layer"),
        "a check by hand, which does nothing else": program(load, "by-hand"),
        "a naive check in `from_fn`": program(load, "naive"),
    }
    return [
        ("axum", locked_version("axum"), axum),
        ("nginx", version("nginx", "-v"), {"without": Nginx, SECURE_LINK: lambda: Nginx(CHECK)}),
        (
            "Go, net/http",
            version(target / "peers/venv/bin/go", "version"),
            {"without": program(go, "without"), "a handler by hand": program(go, "with")},
        ),
        (
            "Node, Express",
            f"{version('node', '--version')}, {package_version(target, 'express')}",
            {
                "without": program(*node, "without"),
                f"`signed` {package_version(target, 'signed')}": program(*node, "with"),
            },
        ),
    ]


class Program:
    """A server that says its address, a link that works, and one that has expired."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen(
            pinned(SERVER_CORE, command), env=os.environ | environment, stdout=subprocess.PIPE, text=True
        )
        self.address, self.link, self.expired = (self.process.stdout.readline().strip() for _ in range(3))

    def stop(self):
        self.process.terminate()
        self.process.wait()


CHECK = """
            secure_link $arg_md5,$arg_expires;
            secure_link_md5 "$secure_link_expires$uri 07070707070707070707070707070707";
            if ($secure_link = "") { return 403; }
            if ($secure_link = "0") { return 410; }
"""


class Nginx:
    """nginx, whose links are minted here. It inherits its socket, so that no port has to be guessed."""

    def __init__(self, check=""):
        self.folder = tempfile.TemporaryDirectory()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            self.address = "{}:{}".format(*listener.getsockname())
            configuration = (HERE / "nginx.conf").read_text().replace("LISTEN", self.address)
            Path(self.folder.name, "nginx.conf").write_text(configuration.replace("CHECK", check))
            self.process = subprocess.Popen(
                pinned(SERVER_CORE, ["nginx", "-e", "stderr", "-p", self.folder.name, "-c", "nginx.conf"]),
                env=os.environ | {"NGINX": "0;"},
                stdin=listener,
            )
        self.link, self.expired = (self.mint(int(time.time()) + seconds) for seconds in (3600, -3600))

    @staticmethod
    def mint(expires):
        digest = hashlib.md5(f"{expires}{PATH} {'07' * 16}".encode()).digest()
        return f"{PATH}?md5={base64.urlsafe_b64encode(digest).decode().rstrip('=')}&expires={expires}"

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def pinned(core, command):
    return ["taskset", "--cpu-list", str(core), *map(str, command)]


def require_a_check(server, has_one):
    """A link that works is answered; one that has expired, or is put off by a second, only if nothing checks it."""
    now = time.time()
    later = re.sub(r"\d{10}", lambda at: str(int(at[0]) + (abs(int(at[0]) - now) < 4000)), server.link)
    assert later != server.link, server.link
    for target, refusals in [(server.link, (200,)), (server.expired, (403, 410)), (later, (403,))]:
        connection = http.client.HTTPConnection(server.address, timeout=10)
        connection.request("GET", target)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
        expected = refusals if has_one else (200,)
        assert status in expected and (status != 200 or body == b"ok"), (target, status, body, expected)
        connection.close()


def nanoseconds(pid):
    """The processor time of all threads of a process and of those that it started."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
        total += sum(nanoseconds(child) for child in (task / "children").read_text().split())
    return total


class Run:
    """One turn of one server under load."""

    def __init__(self, server, seconds=SECONDS):
        before = nanoseconds(server.process.pid)
        wrk = ["wrk", "--threads", 1, "--connections", CONNECTIONS, "--duration", f"{seconds}s", "--timeout", "9s"]
        said = output(pinned(WRK_CORE, [*wrk, f"http://{server.address}{server.link}"]))
        spent = nanoseconds(server.process.pid) - before
        assert "Non-2xx" not in said and "Socket errors" not in said, said
        requests = int(re.search(r"(\d+) requests in", said)[1])
        self.rate = float(re.search(r"Requests/sec: +([\d.]+)", said)[1])
        self.micros = spent / requests / 1000
        self.busy = self.micros * self.rate / 1e6


def measure(peers, rounds):
    """All runs of each variant, in the order of the rounds."""
    runs = defaultdict(list)
    for first in range(0, rounds, ROUNDS_A_START):
        servers = {}
        try:
            for name, _, variants in peers:
                for variant, start in variants.items():
                    servers[name, variant] = server = start()
                    unchecked = variant in ("without", NOTHING)
                    require_a_check(server, not unchecked)
            for server in servers.values():
                Run(server, WARM_UP_SECONDS)  # Node compiles what has run often
            for number in range(first, min(first + ROUNDS_A_START, rounds)):
                print(f"round {number + 1} of {rounds}", file=sys.stderr)
                for name, _, variants in rotated(peers, number):
                    for variant in rotated(list(variants), number):
                        runs[name, variant].append(Run(servers[name, variant]))
        finally:
            for server in servers.values():
                server.stop()
    return runs


def rotated(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def print_table(peers, runs):
    print("| server | version | check | requests/s without | with | ratio | its middle half | CPU µs without | added |")
    print("| --- | --- | --- | --: | --: | --: | --- | --: | --: |")
    added = {}
    for name, at, (_, *checks) in peers:
        without = runs[name, "without"]
        for check in checks:
            pairs = list(zip(runs[name, check], without))
            low, ratio, high = quantiles([a.rate / b.rate for a, b in pairs], n=4, method="inclusive")
            added[check] = median(a.micros - b.micros for a, b in pairs)
            rates = " | ".join(f"{median(run.rate for run in some):.0f}" for some in (without, runs[name, check]))
            alone = median(run.micros for run in without)
            print(
                f"| {name} | {at} | {check} | {rates} | {ratio:.3f} | {low:.3f} to {high:.3f} "
                f"| {alone:.2f} | {added[check]:.2f} |"
            )
    times = added[LAYER] / added[SECURE_LINK]
    print(f"\nTo the CPU time of a request, {LAYER} adds {times:.2f} times what nginx's {SECURE_LINK} adds.")
    for (name, variant), some in runs.items():
        if (busy := median(run.busy for run in some)) < 0.95:
            print(f"\nWARNING: {name}, {variant}: its core was its own {busy:.0%} of the time. Is the machine quiet?")


def print_machine(rounds):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
    print(
        f"\n{cpu}, {os.cpu_count()} cores; Linux {platform.release()}; {output(['rustc', '--version']).strip()}; "
        f"wrk {version('wrk', '-v')}, {CONNECTIONS} connections; {rounds} rounds of {SECONDS} s. "
        f"Command: `ROUNDS={rounds} benches/peers/run.sh`"
    )


def output(command):
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return done.stdout


def version(*command):
    return re.search(r"\d+(\.\d+)+", output(command))[0]


def locked_version(package):
    lock = (HERE / "Cargo.lock").read_text()
    return re.search(rf'name = "{package}"\nversion = "(.*)"', lock)[1]


def package_version(target, package):
    manifest = (target / f"peers/node_modules/{package}/package.json").read_text()
    return re.search(r'"version": "(.*)"', manifest)[1]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("target", type=Path, help="the folder that run.sh has built everything in")
    arguments.add_argument("--rounds", type=int, default=21)
    given = arguments.parse_args()
    everyone = peers(given.target)
    runs = measure(everyone, given.rounds)
    print_table(everyone, runs)
    print_machine(given.rounds)


main()
