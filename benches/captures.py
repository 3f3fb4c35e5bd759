#!/usr/bin/env python3
"""Captures beside tshark, tcpdump and ssldump, of real handshakes with Envoy, all in the same run.

    benches/captures.py PROGRAM [--runs 5] [--connections 20000] [--bulk 200]

Clients of several kinds connect to the Envoy of the tests over loopback, each from an address of its own network, and
say how it went; `--bulk` of them fetch a mebibyte each from a second server. Two tcpdump record them, as Ethernet and
as SLL2; editcap writes the first as pcapng. Before any time is printed our counts have to equal what the clients said.
Captures are made once, under target/bench/.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

from probe import HOST, ROOT, UNKNOWN, servers

FOLDER = ROOT / "target/bench"
# Of a hundred connections, how many are of a kind.
SHARES = {"tls13": 40, "tls12": 18, "without-sni-13": 15, "without-sni-12": 10, "unknown-name": 5, "old-version": 5, "no-suite": 5, "http": 1, "closed": 1}
# Kinds whose handshake is refused.
REFUSED = ("without-sni-13", "without-sni-12", "unknown-name", "old-version", "no-suite")
TOOLS = ("tshark", "tcpdump", "ssldump", "editcap", "openssl", "time")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program")
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--connections", type=int, default=20_000)
    options.add_argument("--bulk", type=int, default=200)
    options = options.parse_args()
    for tool in TOOLS:
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed: tests/setup.sh bench installs it")
    program = str(pathlib.Path(options.program).resolve())
    files, truth = captures(options.connections, options.bulk)
    for file in files.values():
        check(program, file, truth)
    size = files["Ethernet, pcap"].stat().st_size
    print(f"captures of {options.connections} connections, {size} bytes as pcap; {options.runs} runs each, taking turns; counts equal the truth")
    print(f"{'':44}   min s  median s  max MiB")
    cases = {f"cat, {name}": f"cat {file} >/dev/null" for name, file in files.items()}
    cases |= {f"ours, {name}": f"{program} pcap {file} -o json >/dev/null" for name, file in files.items()}
    plain = files["Ethernet, pcap"]
    cases["ours, pipe"] = f"cat {plain} | {program} pcap - -o json >/dev/null"
    cases["wc -c, pipe"] = f"cat {plain} | wc -c >/dev/null"
    cases["tcpdump -w"] = f"tcpdump -r {plain} -w /dev/null"
    cases["tshark, hellos"] = f"tshark -n -r {plain} -Y tls.handshake.type==1 -T fields -e ip.src -e tls.handshake.extensions_server_name >/dev/null"
    cases["ssldump"] = f"ssldump -n -r {plain} >/dev/null"
    taken = collections.defaultdict(list)
    for turn in range(options.runs + 1):
        for name, command in cases.items():
            # The slow ones are slow enough to be measured once.
            if turn > 1 and name in ("tshark, hellos", "ssldump"):
                continue
            seconds, memory = timed(command)
            if turn > 0:
                taken[name].append((seconds, memory))
    for name, runs in taken.items():
        seconds = [run[0] for run in runs]
        print(f"{name:44}{min(seconds):8.3f}{statistics.median(seconds):10.3f}{max(run[1] for run in runs):9.1f}")
    reading = min(run[0] for run in taken["cat, Ethernet, pcap"])
    ours = min(run[0] for run in taken["ours, Ethernet, pcap"])
    print(f"ours is {ours / reading:.1f} x reading it (budget: 4.5 x or 0.12 s for 227 MB, 32 MiB)")


def timed(command):
    """Seconds of a command, and the MiB of its largest process."""
    with tempfile.NamedTemporaryFile() as figure:
        begin = time.perf_counter()
        subprocess.run(["time", "-f", "%M", "-o", figure.name, "sh", "-c", command], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken = time.perf_counter() - begin
        return taken, int(figure.read().split()[-1]) / 1024


def check(program, file, truth):
    """Ours has to count each kind as the clients did. Exit code 1: handshakes fail."""
    done = subprocess.run([program, "pcap", str(file), "-o", "json"], capture_output=True, check=False)
    summary = json.loads(done.stdout)["capture"]["summary"]
    failed = collections.Counter()
    for group in summary["groups"]:
        if "completed" not in str(group["signature"]["outcome"]):
            failed[group["signature"]["name"]] += group["flows"]
    expected = {
        "flows": sum(truth.values()),
        "completed": truth["tls13"] + truth["tls12"] + truth["bulk"],
        "without SNI": truth["without-sni-13"] + truth["without-sni-12"],
    }
    found = {"flows": summary["flows"], "completed": summary["completed"], "without SNI": failed["none"]}
    if done.returncode != 1 or found != expected:
        sys.exit(f"ours is wrong of {file.name}: {found} instead of {expected}, exit code {done.returncode}")


def captures(connections, bulk):
    """The files by their form, and how many connections there are of each kind."""
    base = FOLDER / f"capture-{connections}-{bulk}"
    names = {"Ethernet, pcap": ".pcap", "Ethernet, pcapng": ".pcapng", "SLL2, pcap": ".any.pcap"}
    files = {name: base.with_name(base.name + ending) for name, ending in names.items()}
    truth_file = base.with_name(base.name + ".json")
    if not truth_file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        truth = record(connections, bulk, files["Ethernet, pcap"], files["SLL2, pcap"])
        subprocess.run(["editcap", "-F", "pcapng", files["Ethernet, pcap"], files["Ethernet, pcapng"]], check=True)
        truth_file.write_text(json.dumps(truth))
    return files, json.loads(truth_file.read_text())


def record(connections, bulk, ethernet, cooked):
    with servers() as (ports, _), tempfile.TemporaryDirectory() as folder:
        port = ports["envoy"]
        pathlib.Path(folder, "mebibyte").write_bytes(random.Random(1).randbytes(1 << 20))
        large = free_port()
        serving = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{large}", "-WWW", "-key", key(folder), "-cert", f"{folder}/own.pem"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        wanted = f"tcp and (port {port} or port {large})"
        recording = [
            subprocess.Popen(["tcpdump", "-n", "-i", interface, "-s", "0", "-B", "262144", "-Z", "root", "-w", file, wanted], stderr=subprocess.DEVNULL)
            for interface, file in (("lo", ethernet), ("any", cooked))
        ]
        time.sleep(2)
        workers = os.cpu_count() or 1
        with multiprocessing.Pool(workers) as pool:
            parts = pool.starmap(clients, [(seed, connections // workers, port) for seed in range(workers)])
        truth = collections.Counter({kind: 0 for kind in SHARES})
        for part in parts:
            truth.update(part)
        for _ in range(bulk):
            fetch(large)
        truth["bulk"] = bulk
        time.sleep(2)
        for process in recording:
            process.send_signal(signal.SIGINT)
            process.wait()
        serving.kill()
        return truth


def clients(seed, number, port):
    """Connects this often, one after the other. Returns how many there were of each kind, all of them as expected."""
    warnings.simplefilter("ignore")
    chosen = random.Random(seed)
    contexts = {
        "tls13": (context(), HOST),
        "tls12": (context(highest=ssl.TLSVersion.TLSv1_2), HOST),
        "without-sni-13": (context(), None),
        "without-sni-12": (context(highest=ssl.TLSVersion.TLSv1_2), None),
        "unknown-name": (context(), UNKNOWN),
        "old-version": (context(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"), HOST),
        "no-suite": (context(highest=ssl.TLSVersion.TLSv1_2, suites="CAMELLIA256-SHA:@SECLEVEL=0"), HOST),
    }
    counts = collections.Counter()
    kinds = random.Random(seed).choices(list(SHARES), SHARES.values(), k=number)
    for kind in kinds:
        counts[kind] += 1
        with socket.socket() as plain:
            plain.settimeout(20)
            plain.bind((f"127.1.{chosen.randint(0, 3)}.{min(254, 1 + int(chosen.paretovariate(0.8)))}", 0))
            plain.connect(("127.0.0.1", port))
            if kind == "closed":
                continue
            if kind == "http":
                plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                try:
                    plain.recv(100)
                except ConnectionResetError:
                    pass
                continue
            settings, name = contexts[kind]
            try:
                with settings.wrap_socket(plain, server_hostname=name) as secure:
                    # The client ends the connection: Envoy would wait for a second before it does.
                    secure.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    secure.recv(65536)
                was_refused = False
            except (ssl.SSLError, ConnectionResetError):
                was_refused = True
            if was_refused != (kind in REFUSED):
                raise RuntimeError(f"a connection of kind {kind} went otherwise")
    return counts


def context(lowest=ssl.TLSVersion.TLSv1_2, highest=ssl.TLSVersion.TLSv1_3, suites=None):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if suites:
        made.set_ciphers(suites)
    made.minimum_version, made.maximum_version = lowest, highest
    return made


def fetch(port):
    with socket.create_connection(("127.0.0.1", port)) as plain, context().wrap_socket(plain, server_hostname=HOST) as secure:
        secure.sendall(b"GET /mebibyte HTTP/1.0\r\n\r\n")
        size = 0
        while data := secure.recv(65536):
            size += len(data)
        if size < 1 << 20:
            raise RuntimeError(f"{size} bytes came")


def key(folder):
    """A key, with a certificate of its own beside it."""
    path = f"{folder}/own.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "90",
         "-subj", f"/CN={HOST}", "-keyout", path, "-out", f"{folder}/own.pem"],
        check=True, capture_output=True,
    )
    return path


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    main()
