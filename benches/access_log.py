#!/usr/bin/env python3
"""Counts a 1 GB access log, against ripgrep piped into jq on the same file in the same run, and from a pipe also against
`cat FILE | wc -c`, which is what reading a pipe costs.

    benches/access_log.py [--runs 10] [--bytes 1000000000] [--order document|sorted|spaced]

The log is made once under target/bench/, deterministic, with the truth beside it. Both commands are held to the truth
before any time is printed; a wrong count ends the run with exit code 1. Times are wall-clock seconds with the page cache
warm, the commands taking turns so that a noisy minute hits all of them. The peer gives one list, the resets per client; ours
also gives server names, minutes, and the state of every line.
"""

import argparse
import collections
import json
import os
import pathlib
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# What is measured. {log} is the access log or `-`, {evidence} the file that the counts are read from.
OURS = os.environ.get(
    "BENCH_COMMAND",
    f"{ROOT}/target/release/kubectl-apigee-tls diagnose --offline --access-log {{log}} -o json --write-evidence {{evidence}}",
)
# Ours reports what it finds by its exit code, and broken logs are found to be broken.
OURS_MAY_EXIT = (0, 1, 3)
PEER = (
    "rg -F filter_chain_not_found {log} | jq -rR 'fromjson?"
    ' | select(.status_details == "filter_chain_not_found" and .sni_host == null)'
    ' | .remote_address | sub(":[0-9]+$"; "")\''
    " | sort | uniq -c | sort -rn > {evidence}"
)
# The job that only reads the pipe.
COPY = "wc -c > {evidence}"
# Of the named case's time in the same run; MiB.
BUDGETS = {"file": {"rg | jq, file": 0.5}, "pipe": {"rg | jq, pipe": 0.8, "wc -c, pipe": 1.2}, "memory": 12}

KEYS = (
    "request_time tls_protocol upstream_service_time request_method request_protocol upstream_response_time bytes_sent "
    "start_time bytes_received host upstream_cluster upstream_address remote_address request_path request_id user_agent "
    "status_details request status x_forwarded_for apigee_dynamic_data upstream_response_flags sni_host"
).split()
BLOCK_BYTES = 48 << 20


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=10)
    options.add_argument("--bytes", type=int, default=1_000_000_000)
    options.add_argument("--order", choices=["document", "sorted", "spaced"], default="document")
    options = options.parse_args()
    for tool in ("rg", "jq", "time"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: apt-get install ripgrep jq time")
    log, truth = make_log(options.bytes, options.order)

    with tempfile.TemporaryDirectory() as folder:
        evidence = pathlib.Path(folder, "evidence")
        cases = {
            "ours, file": (OURS, str(log), None, check_ours),
            "rg | jq, file": (PEER, str(log), None, check_peer),
            "ours, pipe": (OURS, "-", log, check_ours),
            "rg | jq, pipe": (PEER, "-", log, check_peer),
            "wc -c, pipe": (COPY, "-", log, check_copy),
        }
        walls = collections.defaultdict(list)
        memory = collections.defaultdict(float)
        for turn in range(options.runs + 1):
            for name, (command, source, piped, check) in cases.items():
                wall, mebibytes = run(command.format(log=source, evidence=evidence), piped, name.startswith("ours"), folder)
                check(evidence, truth)
                evidence.unlink()
                # The first turn fills the page cache.
                if turn > 0:
                    walls[name].append(wall)
                    memory[name] = max(memory[name], mebibytes)
    report(options, log, walls, memory)


def run(command, piped, ours, folder):
    """Runs one command in a shell; returns wall seconds and the largest resident memory of its processes in MiB."""
    resident = pathlib.Path(folder, "resident")
    feed = ["cat", str(piped)] if piped else ["true"]
    with subprocess.Popen(feed, stdout=subprocess.PIPE) as source:
        begin = time.perf_counter()
        done = subprocess.run(
            ["time", "-f", "%M", "-o", str(resident), "sh", "-c", f"exec {command}" if ours else command],
            stdin=source.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
        )
        wall = time.perf_counter() - begin
        source.stdout.close()
    if done.returncode not in (OURS_MAY_EXIT if ours else (0,)):
        sys.exit(f"exit code {done.returncode}: {command}\n{done.stderr.decode()}")
    return wall, int(resident.read_text().split()[-1]) / 1024


def check_ours(evidence, truth):
    seen = json.loads(evidence.read_text())
    # A scanner run by itself writes its counts bare.
    log = seen["accessLogs"][0]["log"]["seen"] if "accessLogs" in seen else seen
    counted = {
        "bytes": log["bytes"],
        "lines": log["lines"],
        "records": log["records"],
        "resets": log["resetWithoutName"]["count"],
        "clients": {client: span["count"] for client, span in log["resetWithoutName"]["clients"].items()},
        "minutes": log["resetWithoutName"]["minutes"],
        "wrong_names": {name: span["count"] for name, span in log["resetWithName"]["serverNames"].items()},
        "served": log["servedWithoutName"]["count"],
    }
    for key, value in counted.items():
        if value != truth[key]:
            sys.exit(f"ours is wrong in {key}: {value} instead of {truth[key]}")


def check_peer(evidence, truth):
    counted = {client: int(count) for count, client in (line.split() for line in evidence.read_text().splitlines())}
    if counted != truth["clients"]:
        sys.exit("the peer's counts are wrong")


def check_copy(evidence, truth):
    if int(evidence.read_text()) != truth["bytes"]:
        sys.exit("the pipe lost bytes")


def report(options, log, walls, memory):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{log.name}: {log.stat().st_size} bytes; {options.runs} runs each, taking turns; counts equal the truth")
    print(f"machine: {cpu}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}, {platform.system()} {platform.release()}")
    print(f"{'':16}{'min s':>8}{'median s':>10}{'max MiB':>9}  ratio of minima, of medians (budget)")
    for name, seconds in walls.items():
        ratios = []
        if name.startswith("ours"):
            ratios = [f"{min(seconds) / min(walls[peer]):.2f}, {statistics.median(seconds) / statistics.median(walls[peer]):.2f} x "
                      f"{peer} ({budget})" for peer, budget in BUDGETS[name.split(", ")[1]].items()]
            ratios.append(f"({BUDGETS['memory']} MiB)")
        print(f"{name:16}{min(seconds):8.3f}{statistics.median(seconds):10.3f}{memory[name]:9.1f}  {'; '.join(ratios)}".rstrip())


def make_log(size, order):
    """The log and its truth. Only the first block is made line by line; the others repeat it, each in its own hour."""
    folder = ROOT / "target" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"access-{order}-{size}.log"
    truth_file = log.with_suffix(".truth.json")
    if log.exists() and truth_file.exists():
        return log, json.loads(truth_file.read_text())
    truth = {"bytes": 0, "lines": 0, "records": 0, "resets": 0, "served": 0, "clients": {}, "minutes": {}, "wrong_names": {}}
    block, counts = make_block(min(size, BLOCK_BYTES), order)
    blocks = -(-size // len(block))
    if blocks > 24:
        sys.exit("a log has at most one block for every hour of its day")
    with open(log, "wb") as out:
        for hour in range(blocks):
            out.write(block.replace(b"2025-05-19T00:", b"2025-05-19T%02d:" % hour))
            for key in ("lines", "records", "resets", "served"):
                truth[key] += counts[key]
            for key in ("clients", "wrong_names"):
                truth[key] = {name: truth[key].get(name, 0) + count for name, count in counts[key].items()}
            truth["minutes"] |= {f"2025-05-19T{hour:02}:{minute:02}Z": n for minute, n in counts["minutes"].items()}
    truth["bytes"] = log.stat().st_size
    truth_file.write_text(json.dumps(truth))
    return log, truth


def make_block(size, order):
    """One hour's lines. Per 1000: 10 resets without a name, 2 with one, 1 served without a name, 1 line of other text, and
    half a trap: the words that a text search looks for, where they mean nothing."""
    dice = random.Random(20250519)
    comma, colon = (", ", ": ") if order == "spaced" else (",", ":")
    keys = sorted(KEYS) if order == "sorted" else KEYS
    template = "{" + comma.join(f'"{key}"{colon}%({key})s' for key in keys) + "}\n"
    hosts = ["api.example.net", "partner.example.net", "eu.api.example.net"]
    agents = ["curl/8.5.0", "okhttp/4.12.0", "Apache-HttpClient/4.5.14 (Java/17.0.9)",
              "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"]
    paths = ["/v1/orders/%d", "/v2/customers/%d/accounts?expand=balance", "/oauth/token?id=%d", "/catalog/%d/reviews?page=2"]
    silent = [f"10.{138 + i // 200}.{i % 7}.{10 + i % 200}" for i in range(400)]
    weights = [1 / (rank + 1) for rank in range(len(silent))]
    counts = {key: collections.Counter() for key in ("clients", "minutes", "wrong_names")}
    counts |= {"lines": 0, "records": 0, "resets": 0, "served": 0}
    lines, written, clock = [], 0, 0.0
    while written < size:
        clock += dice.random() * 0.09
        minute, second = divmod(clock, 60)
        start = f"2025-05-19T00:{int(minute) % 60:02}:{int(second):02}.{int(second % 1 * 1000):03}Z"
        values = dict.fromkeys(KEYS, "null")
        values |= {"start_time": f'"{start}"', "request": '"- - -"', "request_time": str(dice.randrange(9)), "status": "0",
                   "bytes_sent": "0", "bytes_received": "0", "status_details": '"filter_chain_not_found"',
                   "upstream_response_flags": '"NR"'}
        kind = dice.randrange(10_000)
        counts["lines"] += 1
        client = f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(1, 255)}"
        if kind < 100:
            client = dice.choices(silent, weights)[0]
            counts["resets"] += 1
            counts["clients"][client] += 1
            counts["minutes"][int(minute) % 60] += 1
        elif kind < 120:
            name = dice.choice(["old.example.net", "api-tset.example.net", "203-0-113-9.example.org"])
            values["sni_host"] = f'"{name}"'
            counts["wrong_names"][name] += 1
        elif kind < 130:
            line = f"{start}\tinfo\txdsproxy\tfilter_chain_not_found is not an error here\n"
            lines.append(line)
            written += len(line)
            continue
        else:
            method, host = dice.choice(["GET", "GET", "POST", "DELETE"]), dice.choice(hosts)
            path = dice.choice(paths) % dice.randrange(10_000_000)
            agent = dice.choice(agents)
            status = dice.choices(["200", "201", "404", "429", "503"], [80, 8, 6, 2, 4])[0]
            nested = {"x_apigee_environment": dice.choice(["prod", "test"]), "x_apigee_message_id": f"rt-{dice.randrange(10**12)}",
                      "x_apigee_proxy": dice.choice(["orders", "customers"]), "x_apigee_revision": dice.randrange(40)}
            if kind < 140:
                counts["served"] += 1
            else:
                values["sni_host"] = f'"{host}"'
            if 140 <= kind < 145:
                path, agent = "/search?q=filter_chain_not_found", 'reader/1.0 ("sni_host":null)'
            took = dice.randrange(400)
            values |= {
                "request_time": str(took + 2), "tls_protocol": dice.choice(['"TLSv1.3"', '"TLSv1.3"', '"TLSv1.2"']),
                "upstream_service_time": f'"{took}"', "request_method": f'"{method}"', "request_protocol": '"HTTP/2"',
                "upstream_response_time": str(took), "bytes_sent": str(dice.randrange(100, 20_000)),
                "bytes_received": str(dice.randrange(4_000)), "host": f'"{host}"', "request_path": f'"{path}"',
                "upstream_cluster": f'"outbound|8443||apigee-runtime-{dice.randrange(12)}.apigee.svc.cluster.local"',
                "upstream_address": f'"10.8.{dice.randrange(64)}.{dice.randrange(2, 255)}:8443"', "status": status,
                "request_id": f'"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4{dice.getrandbits(12):03x}'
                              f'-a{dice.getrandbits(12):03x}-{dice.getrandbits(48):012x}"',
                "user_agent": json.dumps(agent), "request": f'"{method} {path} HTTP/2"', "x_forwarded_for": f'"{client}"',
                "status_details": '"via_upstream"', "upstream_response_flags": '"UF"' if status == "503" else '"-"',
                "apigee_dynamic_data": json.dumps(nested, separators=(comma, colon)) if dice.random() < 0.7 else "null",
            }
        counts["records"] += 1
        values["remote_address"] = f'"{client}:{dice.randrange(1024, 65536)}"'
        line = template % values
        lines.append(line)
        written += len(line)
    return "".join(lines).encode(), counts


if __name__ == "__main__":
    main()
