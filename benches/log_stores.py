#!/usr/bin/env python3
"""Counts 10 million access-log records in OpenSearch, against downloading the same and counting them here.

    benches/log_stores.py PROGRAM [--records 10000000]

The node is the one of the tests (`tests/setup.sh all`), with 512 MB of heap on a loopback port. Records are made from a seed,
with the truth beside them: both ways must give it before any time is printed. The peer reads every record that matches no
filter at all with the scroll API and pipes it into `--access-log -`, as a user without aggregations would.
"""

import argparse
import collections
import http.client
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGIN, DAYS = 1_735_689_600_000, 365
BULK = 10_000
PAGE = 10_000


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--records", type=int, default=10_000_000)
    options = options.parse_args()
    paths = dict(line.split("=", 1) for line in subprocess.check_output([ROOT / "tests/setup.sh", "paths"], text=True).split())
    modules = paths["opensearch"]
    with tempfile.TemporaryDirectory() as folder:
        command = ["java", "-Xms512m", "-Xmx512m", "-cp", f"{modules}/classes:{modules}/lib/*", "StoreNode", folder]
        node = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            port = next(int(line.split()[1]) for line in node.stdout if line.startswith("port "))
            measure(options, port)
        finally:
            node.kill()


def measure(options, port):
    begun = time.monotonic()
    truth = fill(port, options.records)
    print(f"filled {options.records} records in {time.monotonic() - begun:.0f} s", flush=True)
    window = ["--since-time", stamp(BEGIN - 1), "--until", stamp(BEGIN + (DAYS + 1) * 86_400_000), "--timeout", "0"]
    base = ["/usr/bin/time", "-f", "%e %M", options.program, "diagnose", "--offline", *window]
    evidence = pathlib.Path(tempfile.mkstemp()[1])

    def counted(arguments, **pipes):
        evidence.unlink(missing_ok=True)
        run = subprocess.run(
            [*base, "--write-evidence", evidence, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **pipes
        )
        stream = json.loads(evidence.read_text())["accessLogs"][0]
        resets = stream["log"]["seen"]["resetWithoutName"]
        clients = {client: span["count"] for client, span in resets["clients"].items()}
        if (resets["count"], clients) != (sum(truth.values()), dict(truth)):
            sys.exit(f"wrong counts: {resets['count']} instead of {sum(truth.values())}")
        seconds, kibibytes = run.stderr.split()[-2:]
        return float(seconds), int(kibibytes) / 1024, stream

    for _ in range(3):
        seconds, memory, stream = counted(["--log-store", f"http://127.0.0.1:{port}/gateway"])
        requests = stream["store"]["requests"]
        print(f"counted by the store: {seconds:.2f} s, {memory:.1f} MiB, {requests} requests", flush=True)
    begun = time.monotonic()
    download = subprocess.Popen(
        [sys.executable, __file__, "--download", str(port)], stdout=subprocess.PIPE
    )
    _, memory, _ = counted(["--access-log", "-"], stdin=download.stdout)
    print(f"downloaded and counted here: {time.monotonic() - begun:.2f} s, {memory:.1f} MiB", flush=True)


def request(connection, method, path, body, media="application/json"):
    connection.request(method, path, body, {"Content-Type": media})
    answer = connection.getresponse()
    content = json.loads(answer.read())
    if answer.status != 200:
        sys.exit(f"{method} {path}: {content}")
    return content


def fill(port, records):
    """Fills the index, and returns the resets without SNI by client."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    keyword = {"type": "keyword"}
    properties = {
        name: keyword
        for name in "remote_address sni_host status_details upstream_response_flags tls_protocol host request_path user_agent".split()
    }
    properties |= {"start_time": {"type": "date"}, "status": {"type": "short"}}
    settings = {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1"}
    request(connection, "PUT", "/gateway", json.dumps({"settings": settings, "mappings": {"properties": properties}}))
    numbers, truth, lines = random.Random(7), collections.Counter(), []
    step = DAYS * 86_400_000 // records
    for i in range(records):
        reset = numbers.random() < 0.02
        client = f"10.0.{numbers.randrange(8)}.{numbers.randrange(250)}"
        record = {
            "start_time": stamp(BEGIN + i * step),
            "remote_address": f"{client}:{1024 + i % 60_000}",
            "sni_host": None if reset else "api.example.com",
            "status": 0 if reset else 200,
            "status_details": "filter_chain_not_found" if reset else "via_upstream",
            "upstream_response_flags": "NR" if reset else "-",
            "tls_protocol": None if reset else "TLSv1.3",
            "host": None if reset else "api.example.com",
            "request_path": None if reset else "/v1/orders",
            "user_agent": None if reset else "curl/8.5.0",
        }
        truth[client] += reset
        lines.append('{"index":{}}\n' + json.dumps(record, separators=(",", ":")) + "\n")
        if len(lines) == BULK or i + 1 == records:
            if request(connection, "POST", "/gateway/_bulk", "".join(lines), "application/x-ndjson")["errors"]:
                sys.exit("some records were refused")
            lines.clear()
    request(connection, "POST", "/gateway/_refresh", "")
    return +truth


def download(port):
    """Writes every record to standard output, page by page."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    answer = request(connection, "POST", "/gateway/_search?scroll=5m", json.dumps({"size": PAGE, "sort": ["_doc"]}))
    while hits := answer["hits"]["hits"]:
        sys.stdout.write("".join(json.dumps(hit["_source"]) + "\n" for hit in hits))
        answer = request(connection, "POST", "/_search/scroll", json.dumps({"scroll": "5m", "scroll_id": answer["_scroll_id"]}))


def stamp(milliseconds):
    seconds, rest = divmod(milliseconds, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}Z"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--download"]:
        download(int(sys.argv[2]))
    else:
        main()
