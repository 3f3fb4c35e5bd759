#!/usr/bin/env python3
"""Handshakes beside openssl s_client and sslscan, against the same Envoy in the same run.

    benches/probe.py PROGRAM [--runs 20]

The servers are those of the tests (`--serve`), with one Envoy for all of its set-ups. Before any time is printed every
command has to say what is known of its server. Times are wall-clock milliseconds, the commands taking turns; memory is
the resident set of one more run. Connections are counted by Envoy itself.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
HOST = "api-test.mydomain.com"
UNKNOWN = "no-such-name.apigee-tls.invalid"
# Of the many hosts: how many, and how long a byte is under way to them and back.
HOSTS = 200
ROUND_TRIP = 0.020


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--runs", type=int, default=20)
    options = options.parse_args()
    for tool in ("openssl", "sslscan", "time"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: tests/setup.sh bench installs it")
    program = str(pathlib.Path(options.program).resolve())
    with servers() as (ports, certificates):
        print(f"probe; {options.runs} runs each, taking turns{'':19}min ms  median ms  max MiB")
        quick(program, ports, certificates, options.runs)
        full(program, ports, certificates, options.runs)
        faults(program, ports, certificates)
        many(program, ports, certificates)


@contextlib.contextmanager
def servers():
    """The test program as a server: the ports by name and the folder of certificates."""
    built = subprocess.run(
        ["cargo", "test", "--locked", "--test", "probe", "--no-run", "--message-format=json"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ).stdout
    found = [json.loads(line) for line in built.splitlines()]
    executable = next(item["executable"] for item in found if item.get("target", {}).get("name") == "probe" and item.get("executable"))
    with subprocess.Popen([executable, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as serving:
        where = json.loads(serving.stdout.readline())
        try:
            yield where["ports"], where["certificates"]
        finally:
            serving.stdin.close()


def run(command, expected, needle):
    """Runs a command, which has to end as expected and to say so; returns milliseconds."""
    begin = time.perf_counter()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    taken = (time.perf_counter() - begin) * 1000
    if done.returncode != expected or needle not in done.stdout.decode(errors="replace"):
        sys.exit(f"exit code {done.returncode}, expected {expected} and {needle!r}: {' '.join(command)}\n{done.stdout.decode(errors='replace')}")
    return taken


def resident(command):
    """MiB. By a process that is small itself: what a large one forks begins with its size."""
    with tempfile.NamedTemporaryFile() as figure:
        subprocess.run(["time", "-f", "%M", "-o", figure.name, *command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return int(figure.read().split()[-1]) / 1024


def compare(runs, cases):
    """Each case is a name, its commands (run one after the other) and the budget; the first turn warms up."""
    taken = {name: [] for name, *_ in cases}
    for turn in range(runs + 1):
        for name, commands, _ in cases:
            milliseconds = sum(run(*command) for command in commands)
            if turn > 0:
                taken[name].append(milliseconds)
    for name, commands, budget in cases:
        memory = max(resident(command) for command, *_ in commands)
        print(f"{name:52}{min(taken[name]):8.1f}{statistics.median(taken[name]):11.1f}{memory:9.1f}  {budget}")


def quick(program, ports, certificates, runs):
    """Three handshakes and a verdict: with the name, without, with another."""
    port = ports["envoy"]
    root = f"{certificates}/root.pem"
    ours = [program, "probe", f"{HOST}:{port}", "--connect-to", "127.0.0.1"]
    peer = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"]

    def handshakes(more, verified):
        return [
            (peer + ["-servername", HOST] + more, 0, verified),
            (peer + ["-noservername"] + more, 1, "no peer certificate available"),
            (peer + ["-servername", UNKNOWN] + more, 1, "no peer certificate available"),
        ]

    compare(runs, [
        ("quick probe, CA of a file", [(ours + ["--ca-file", root], 0, "reset by the server")], "20 ms, 10 MiB"),
        ("3 x openssl s_client, CA of a file", handshakes(["-CAfile", root], "Verify return code: 0 (ok)"), ""),
        # The test's root is no authority of this machine, and both have to notice.
        ("quick probe, system store", [(ours, 1, "reset by the server")], "40 ms, 10 MiB"),
        ("3 x openssl s_client, system store", handshakes([], "Verify return code: 20"), ""),
    ])


def full(program, ports, certificates, runs):
    """Every version and suite. Envoy's own counters tell the connections."""
    cases = []
    for server, budget in (("envoy", "60 ms, 12 MiB, 16 connections"), ("envoy-tls10", "")):
        port = ports[server]
        ours = [program, "probe", f"{HOST}:{port}", "--connect-to", "127.0.0.1", "--ca-file", f"{certificates}/root.pem", "--full"]
        peer = ["sslscan", "--no-colour", "--no-heartbleed", f"--sni-name={HOST}", f"127.0.0.1:{port}"]
        cases += [(f"full scan of {server}", [(ours, 0, "TLSv1.3")], budget), (f"sslscan of {server}", [(peer, 0, "TLSv1.3")], "")]
        for name, command, needle in (("full scan", ours, "TLSv1.3"), ("sslscan", peer, "TLSv1.3")):
            before = connections(ports["envoy-admin"], port)
            run(command, 0, needle)
            print(f"{name} of {server}: {connections(ports['envoy-admin'], port) - before} connections")
    compare(runs, cases)


def connections(admin, port):
    """What Envoy has accepted on a port, with and without a filter chain. Its workers hand counters over now and then."""
    time.sleep(0.2)
    with urllib.request.urlopen(f"http://127.0.0.1:{admin}/stats?filter=_{port}") as answer:
        lines = answer.read().decode().splitlines()
    counters = dict(line.split(": ") for line in lines)
    names = (f"listener.127.0.0.1_{port}.{name}" for name in ("downstream_cx_total", "no_filter_chain_match"))
    return sum(int(counters.get(name, 0)) for name in names)


def faults(program, ports, certificates):
    """The nine faults: what each tool's exit code says of them. That ours are named is held by the tests."""
    named = [
        ("by address, no server name", "127.0.0.1", "envoy", []),
        ("no server name is not served", HOST, "envoy", ["--no-sni"]),
        ("client certificate demanded", HOST, "envoy-mutual", []),
        ("chain incomplete", HOST, "envoy-no-intermediate", []),
        ("chain misordered", HOST, "envoy-misordered", []),
        ("expired", HOST, "envoy-expired", []),
        ("expires within days", HOST, "envoy-expiring", []),
        ("another host's", "other.example.org", "envoy-other-host", []),
        ("self-signed", HOST, "envoy-self-signed", []),
    ]
    root = f"{certificates}/root.pem"
    print("exit codes for the nine faults:         ours  s_client  sslscan")
    for name, host, server, more in named:
        port = ports[server]
        sni = ["-noservername"] if more or host == "127.0.0.1" else ["-servername", host]
        commands = [
            [program, "probe", f"{host}:{port}", "--connect-to", "127.0.0.1", "--ca-file", root, *more],
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile", root, *sni],
            ["sslscan", "--no-colour", "--no-heartbleed"] + ([] if host == "127.0.0.1" else [f"--sni-name={host}"]) + [f"127.0.0.1:{port}"],
        ]
        codes = [subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode for command in commands]
        print(f"  {name:36}{codes[0]:6}{codes[1]:10}{codes[2]:9}")


def many(program, ports, certificates):
    """Many hosts behind a delay, beside a shell that starts openssl for each handshake, as many at once."""
    root = f"{certificates}/root.pem"
    with delay(ports["envoy"]) as port:
        hosts = [f"127.0.1.{number}:{port}" for number in range(1, HOSTS + 1)]
        ours = [program, "probe", "-f", "-", "--sni", HOST, "--ca-file", root, "-o", "json", "--parallel", str(HOSTS)]
        loop = (
            'xargs -P %d -I{} sh -c \'for name in "-servername %s" -noservername "-servername %s"; do '
            "openssl s_client -connect {} $name -CAfile %s </dev/null >/dev/null 2>&1; done; true'" % (HOSTS, HOST, UNKNOWN, root)
        )
        print(f"{HOSTS} hosts, a round trip of {ROUND_TRIP * 1000:.0f} ms to each; s")
        for name, command in (("probe", ours), (f"xargs -P {HOSTS}, 3 x openssl s_client", ["sh", "-c", loop])):
            taken = []
            for _ in range(3):
                begin = time.perf_counter()
                done = subprocess.run(command, input="\n".join(hosts), text=True, capture_output=True, check=False)
                taken.append(time.perf_counter() - begin)
                if name == "probe":
                    served = sum(
                        made["asked"] and made["failure"] is None
                        for target in json.loads(done.stdout)["targets"]
                        for endpoint in target["endpoints"]
                        for made in endpoint["handshakes"]
                    )
                    if served != HOSTS:
                        sys.exit(f"{served} of {HOSTS} were served")
            print(f"  {name:44}min {min(taken):6.2f}   median {statistics.median(taken):6.2f}")


@contextlib.contextmanager
def delay(port):
    """A forwarder on every address of this machine that lets each byte wait for half a round trip."""
    code = (
        "import asyncio, sys\n"
        "async def copy(reader, writer):\n"
        "    try:\n"
        "        while data := await reader.read(65536):\n"
        f"            await asyncio.sleep({ROUND_TRIP / 2})\n"
        "            writer.write(data)\n"
        "        writer.write_eof()\n"
        "    except OSError:\n"
        "        writer.transport.abort()\n"
        "async def serve(reader, writer):\n"
        f"    there, back = await asyncio.open_connection('127.0.0.1', {port})\n"
        "    await asyncio.gather(copy(reader, back), copy(there, writer))\n"
        "    writer.close()\n"
        "    back.close()\n"
        "async def main():\n"
        "    server = await asyncio.start_server(serve, '0.0.0.0', 0, backlog=1024)\n"
        "    print(server.sockets[0].getsockname()[1], flush=True)\n"
        "    await asyncio.get_event_loop().run_in_executor(None, sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as forwarder:
        try:
            yield int(forwarder.stdout.readline())
        finally:
            forwarder.kill()


if __name__ == "__main__":
    main()
