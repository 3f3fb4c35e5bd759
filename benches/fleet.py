#!/usr/bin/env python3
"""A fleet in one run, beside its slowest cluster alone: time and memory.

    benches/fleet.py PROGRAM [--contexts 200] [--routes 50] [--records 20000] [--runs 3]

Stand-ins of API servers in one process: of 20 contexts, 11 answer at once, 3 answer each request after 2 s, and one each
refuses the connection, never answers, is no TLS server, answers 401, answers 403, and closes the connection. Clusters
have routes, and the log of a gateway in which clients are reset in every second cluster. Which clients fail is compared with the truth before any time is printed. The ideal is the time of the slowest context
alone, in the same run.
"""

import argparse
import asyncio
import json
import multiprocessing
import pathlib
import shutil
import statistics
import sys
import tempfile
import time

from timed import timed

ROOT = pathlib.Path(__file__).resolve().parent.parent
SLOW = 2.0
NEVER = 100_000
# Exit codes of a run with a report.
MAY_EXIT = (0, 1, 2, 3)
# Contexts of each kind among 20.
KINDS = {"fast": 11, "slow": 3, "refused": 1, "silent": 1, "no-tls": 1, "unauthorized": 1, "forbidden": 1, "closing": 1}
# Of the slowest context's time, and MiB.
BUDGET = (1.3, 64)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--contexts", type=int, default=200)
    options.add_argument("--routes", type=int, default=50)
    options.add_argument("--records", type=int, default=20_000)
    options.add_argument("--runs", type=int, default=3)
    options = options.parse_args()
    if not shutil.which("time"):
        sys.exit("time is not installed: tests/setup.sh bench installs it")
    program = str(pathlib.Path(options.program).resolve())
    servers = Servers(options.routes, options.records)
    with tempfile.TemporaryDirectory() as folder:
        names = kubeconfig(pathlib.Path(folder), servers.ports(), options.contexts)
        for name, more in (
            ("diagnose -o json", ["-o", "json"]),
            ("diagnose -o html", ["-o", "html"]),
            ("collect", ["--to", f"{folder}/"]),
        ):
            measure(program, folder, names, name, more, options.runs)
    servers.stop()
    print(f"budget: {BUDGET[0]} x the slowest context alone, {BUDGET[1]} MiB")


def measure(program, folder, names, name, more, runs):
    command = [program, name.split()[0], "--probe", "none", "--timeout", "30s", "--kubeconfig", f"{folder}/config", *more]
    alone, taken = [], []
    for _ in range(runs):
        # The slowest: one that never answers ends with the time limit of a request, and one that is slow takes its time.
        alone.append(max(timed([*command, "--context", f"{kind}-0"], MAY_EXIT)[0] for kind in ("slow", "silent")))
        seconds, memory, output = timed([*command, "--all-contexts"], MAY_EXIT)
        if name.endswith("json"):
            check(json.loads(output), names)
        if name.endswith("html") and len(output) > 2_000_000:
            sys.exit(f"the page has {len(output)} bytes")
        taken.append((seconds, seconds / alone[-1], memory))
    print(
        f"{name} of {len(names)} contexts: min {min(run[0] for run in taken):.2f} s, "
        f"median {statistics.median(run[0] for run in taken):.2f} s, max {max(run[2] for run in taken):.1f} MiB; "
        f"the slowest context alone: {min(alone):.2f} s; ratio {min(run[1] for run in taken):.2f}"
    )


def check(report, names):
    failing = {line["context"] for line in report["summary"] if line["resets"]}
    truth = {name for name in names if name.startswith(("fast", "slow")) and int(name.split("-")[-1]) % 2 == 0}
    if failing != truth:
        sys.exit(f"ours found {len(failing)} clusters with resets, and there are {len(truth)}: {failing ^ truth}")
    answers = sum(name.startswith(("fast", "slow", "forbidden")) for name in names)
    if sum(line["verdict"] is not None for line in report["summary"]) != answers:
        sys.exit(f"ours judged another number of clusters than {answers}: {report['headline']}")


def kubeconfig(folder, ports, number):
    """Writes the contexts, and returns their names."""
    names, clusters, contexts = [], [], []
    kinds = [kind for kind, share in KINDS.items() for _ in range(share)]
    known = dict.fromkeys(KINDS, 0)
    for position in range(number):
        kind = kinds[position % len(kinds)]
        name = f"{kind}-{known[kind]}"
        port = ports[(kind, known[kind] % 2)]
        scheme = "https" if kind == "no-tls" else "http"
        clusters.append({"name": name, "cluster": {"server": f"{scheme}://127.0.0.1:{port}"}})
        contexts.append({"name": name, "context": {"cluster": name}})
        names.append(name)
        known[kind] += 1
    config = {"apiVersion": "v1", "kind": "Config", "clusters": clusters, "contexts": contexts}
    (folder / "config").write_text(json.dumps(config))
    return names


class Servers:
    """The stand-ins, in a process of their own: a port for each kind, with and without resets."""

    def __init__(self, routes, records):
        fork = multiprocessing.get_context("fork")
        self.mine, other = fork.Pipe()
        self.process = fork.Process(target=lambda: asyncio.run(serve(other, routes, records)), daemon=True)
        self.process.start()

    def ports(self):
        return self.mine.recv()

    def stop(self):
        self.process.terminate()


async def serve(pipe, routes, records):
    ports = {}
    for with_resets in (True, False):
        known = answers(routes, records, with_resets)
        for kind in KINDS:
            # An even number of the context has resets.
            server = await asyncio.start_server(connection(kind, known), "127.0.0.1", 0, backlog=1024)
            ports[(kind, 0 if with_resets else 1)] = server.sockets[0].getsockname()[1]
            if kind == "refused":
                server.close()
    pipe.send(ports)
    await asyncio.sleep(NEVER)


def connection(kind, known):
    async def talk(reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n") if kind != "no-tls" else await reader.read(1)
                if kind == "silent":
                    await asyncio.sleep(NEVER)
                if kind in ("closing", "no-tls"):
                    return
                if kind == "slow":
                    await asyncio.sleep(SLOW)
                path = head.split(b" ")[1].decode().split("?")[0]
                code = {"unauthorized": 401, "forbidden": 403}.get(kind, 200 if path in known else 404)
                body = known.get(path, b"") if code == 200 else status(code)
                writer.write(b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (code, len(body)) + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    return talk


def status(code):
    return json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no", "code": code}).encode()


def answers(routes, records, with_resets):
    """The cluster of the tests, with more routes and a longer log."""
    known = json.loads((ROOT / "tests/local/cluster.json").read_text())
    listed = next(answer for path, answer in known.items() if path.endswith("/apigeeroutes"))
    first = listed["items"][0]
    for number in range(1, routes):
        route = json.loads(json.dumps(first))
        route["metadata"]["name"] = f"myorg-group-{number}-000-1111111"
        route["spec"]["hostnames"] = [f"api-{number}.mydomain.com"]
        listed["items"].append(route)
    pods = next(answer for path, answer in known.items() if path.endswith("/pods"))
    name = pods["items"][0]["metadata"]["name"]
    log = "".join(record(number, with_resets and number % 100 == 0) for number in range(records))
    known = {path: json.dumps(answer).encode() for path, answer in known.items()}
    known[f"/api/v1/namespaces/apigee/pods/{name}/log"] = log.encode()
    return known


def record(number, is_reset):
    moment = f"2026-11-22T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
    name, code, details, flags = (None, 0, "filter_chain_not_found", "NR") if is_reset else ("api.mydomain.com", 200, "via_upstream", "-")
    return json.dumps(
        {
            "start_time": moment,
            "remote_address": f"203.0.113.{number % 200 + 1}:40001",
            "host": name,
            "status": code,
            "status_details": details,
            "upstream_response_flags": flags,
            "sni_host": name,
        }
    ) + "\n"


main()
