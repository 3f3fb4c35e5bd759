#!/usr/bin/env python3
"""An organisation of Apigee Edge beside the ideal time of its requests and curl, and a Message Processor log beside reading it.

    benches/edge.py PROGRAM [--runs 5] [--bytes 1000000000]

A stand-in of the Management API answers each request after 20 ms: 100 virtual hosts, 200 target servers and 300
keystores, each behind a reference and with a certificate of its own. The ideal is the number of requests that were made,
eight at a time, each of 20 ms. The log has a failed handshake in every 2,000 lines, of which a third is of another
environment. Both counts are compared with the truth before any time is printed. The log is made once, under
target/bench/.
"""

import argparse
import asyncio
import collections
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading

from timed import timed

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "target/bench"
HOSTS, TARGETS, STORES = 100, 200, 300
DELAY = 0.020
PARALLEL = 8
# Of the ideal time, and MiB; seconds and MiB.
BUDGETS = {"organisation": (1.3, 64), "log": (0.5, 16)}
# A report that is healthy, or that finds something.
MAY_EXIT = (0, 1, 3)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--bytes", type=int, default=1_000_000_000)
    options = options.parse_args()
    for tool in ("curl", "openssl", "rg", "time"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: tests/setup.sh bench installs it")
    program = str(pathlib.Path(options.program).resolve())
    organisation(program, options.runs)
    log(program, options.runs, options.bytes)


def organisation(program, runs):
    with tempfile.TemporaryDirectory() as folder, Api(answers(pathlib.Path(folder))) as api:
        url = f"http://127.0.0.1:{api.port}"
        for name, more in (("diagnose", ["-o", "json"]), ("collect", ["--to", f"{folder}/"])):
            command = [program, "edge", name, "--org", "o", "--env", "e", "--management-url", url, "--probe", "none", *more]
            taken = []
            for _ in range(runs):
                api.requests = 0
                seconds, memory, output = timed(command, MAY_EXIT)
                if name == "diagnose":
                    check_organisation(json.loads(output))
                ideal = -(-api.requests // PARALLEL) * DELAY
                taken.append((seconds, seconds / ideal, memory, api.requests))
            best = min(run[0] for run in taken)
            print(
                f"edge {name} of {HOSTS} virtual hosts, {TARGETS} target servers, {STORES} keystores: {taken[0][3]} requests of 20 ms; "
                f"min {best:.2f} s, median {statistics.median(run[0] for run in taken):.2f} s, "
                f"{min(run[1] for run in taken):.2f} x the ideal, max {max(run[2] for run in taken):.1f} MiB"
            )
        # The same requests by another client, since a busy machine makes each 20 ms longer.
        listed = pathlib.Path(folder, "requests")
        listed.write_text("".join(f"url={url}/v1/organizations/o/environments/e{path}\noutput=/dev/null\n" for path in api.known))
        seconds = [timed(["curl", "-s", "-Z", "--parallel-max", str(PARALLEL), "-K", str(listed)], MAY_EXIT)[0] for _ in range(runs)]
        print(f"curl, the same requests: min {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s")
    most, memory = BUDGETS["organisation"]
    print(f"budget: {most} x the ideal, {memory} MiB")


def check_organisation(report):
    unseen = [gap["what"] for gap in report["notSeen"] if "handshake" not in gap["what"]]
    if unseen or f"not seen at {HOSTS} virtual hosts, {TARGETS} targets" not in json.dumps(report["checks"]):
        sys.exit(f"ours did not see everything: {unseen[:3]} {report['verdict']}")


def log(program, runs, size):
    file, truth = make_log(size)
    command = [program, "edge", "diagnose", "--org", "o", "--env", "e", "--offline", "--mp-log", str(file), "-o", "json"]
    cases = {"ours": command, "cat": ["sh", "-c", f"cat {file} >/dev/null"], "rg": ["sh", "-c", f"rg -c 'HTTPClient.Context.handshake' {file}"]}
    taken = collections.defaultdict(list)
    for turn in range(runs + 1):
        for name, case in cases.items():
            seconds, memory, output = timed(case, MAY_EXIT)
            if name == "ours":
                check_log(json.loads(output), truth)
            # The first turn fills the page cache.
            if turn > 0:
                taken[name].append((seconds, memory))
    for name, runs_of in taken.items():
        seconds = [run[0] for run in runs_of]
        print(f"{name:5} a Message Processor log of {file.stat().st_size} bytes: min {min(seconds):.3f} s, median {statistics.median(seconds):.3f} s, max {max(run[1] for run in runs_of):.1f} MiB")
    most, memory = BUDGETS["log"]
    print(f"budget: {most} s, {memory} MiB")


def check_log(report, truth):
    text = json.dumps(report["verdict"])
    for message, count in truth["own"].items():
        if f"{count} failed handshakes" not in text or message not in text:
            sys.exit(f"ours did not count {count} of {message}: {text[:2000]}")
    if str(truth["others"]) not in json.dumps(report):
        sys.exit(f"ours did not count {truth['others']} of other environments")


class Api(threading.Thread):
    """Answers by path, each after 20 ms, on connections that stay open."""

    def __init__(self, known):
        super().__init__(daemon=True)
        self.known, self.requests, self.port = known, 0, 0
        self.loop, self.listens = asyncio.new_event_loop(), threading.Event()

    def __enter__(self):
        self.start()
        self.listens.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)

    def run(self):
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.listens.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()
                return
            self.requests += 1
            answer = self.known.get(head.split(b" ")[1].decode().split("/environments/e")[-1])
            await asyncio.sleep(DELAY)
            status, body = (b"200 OK", answer) if answer is not None else (b"404 Not Found", b"{}")
            writer.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)


def answers(folder):
    """Everything is well, so that the report has nothing but what was seen."""
    leaves = certificates(folder, STORES)
    known = {
        "/virtualhosts": [f"v{number}" for number in range(HOSTS)],
        "/targetservers": [f"t{number}" for number in range(TARGETS)],
    }
    for number in range(HOSTS):
        tls = {"enabled": "true", "clientAuthEnabled": "false", "keyStore": f"ref://r{number}", "keyAlias": "a"}
        known[f"/virtualhosts/v{number}"] = {"name": f"v{number}", "hostAliases": [f"h{number}.bench.test"], "port": "443", "sSLInfo": tls}
    for number in range(TARGETS):
        tls = {"enabled": "true", "trustStore": f"ref://r{HOSTS + number}"}
        known[f"/targetservers/t{number}"] = {"name": f"t{number}", "host": f"b{number}.bench.test", "port": 443, "isEnabled": True, "sSLInfo": tls}
    for number in range(STORES):
        alias = {"aliasName": "a", "cert": "a-cert"} | ({"key": "a"} if number < HOSTS else {})
        known[f"/references/r{number}"] = {"name": f"r{number}", "refers": f"k{number}", "resourceType": "KeyStore"}
        known[f"/keystores/k{number}"] = {"name": f"k{number}", "aliases": [alias], "keys": ["a"] if number < HOSTS else []}
    known = {path: json.dumps(answer).encode() for path, answer in known.items()}
    known |= {f"/keystores/k{number}/aliases/a/certificate": leaf for number, leaf in enumerate(leaves)}
    return known


def certificates(folder, number):
    """A leaf with its CA for each keystore."""
    run = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True).stdout
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-days", "900", "-subj", "/CN=Bench CA")
    run("req", "-new", *new, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=bench.test")
    authority = (folder / "ca.pem").read_bytes()
    leaves = []
    for serial in range(number):
        (folder / "names").write_text(f"subjectAltName=DNS:h{serial}.bench.test\nextendedKeyUsage=serverAuth")
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", str(serial + 1), "-days", "800", "-extfile", "names"]
        leaves.append(run("x509", "-req", "-in", "leaf.csr", *signing) + authority)
    return leaves


def make_log(size):
    file = FOLDER / f"message-processor-{size}.log"
    truth_file = file.with_suffix(".json")
    if not truth_file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        truth_file.write_text(json.dumps(write_log(file, size)))
    return file, json.loads(truth_file.read_text())


def write_log(file, size):
    chosen = random.Random(1)
    head = "2026-11-20 09:{:02d}:{:02d},{:03d} org:o env:{} api:orders rev:3 messageid:m-{} NIOThread@{} "
    ordinary = head + "INFO HTTP.SERVICE - TRACE-CONTEXT.write() : HTTPRequest for flow PostClient of {} bytes, age={}ms lastIO=0ms\n"
    failed = head + (
        "ERROR HTTP.CLIENT - HTTPClient$Context.handshakeFailed() : SSLClientChannel[C:203.0.113.{}:443 Remote host:10.20.0.5:40000]@65461 "
        "useCount=1 bytesRead=0 bytesWritten=0 age=529ms lastIO=529ms handshake failed, message: {}\n"
    )
    messages = ["Received fatal alert: bad_certificate", "Received fatal alert: unrecognized_name"]
    own, others, written = collections.Counter(), 0, 0
    with file.open("w") as out:
        while written < size:
            begin = [chosen.randint(0, 59), chosen.randint(0, 59), chosen.randint(0, 999)]
            end = [chosen.getrandbits(40), chosen.randint(0, 31)]
            if chosen.random() < 1 / 2000:
                environment = chosen.choice(["e", "e", "test"])
                message = chosen.choice(messages)
                line = failed.format(*begin, environment, *end, 10 + messages.index(message), message)
                own[message] += environment == "e"
                others += environment != "e"
            else:
                line = ordinary.format(*begin, "e", *end, chosen.randint(100, 90_000), chosen.randint(1, 900))
            out.write(line)
            written += len(line)
    return {"own": own, "others": others}


main()
