#!/usr/bin/env python3
"""Times what a user waits for before anything happens: `version` and `--help`, beside kubectl's own.

    benches/start.py PROGRAM
"""

import shutil
import statistics
import subprocess
import sys
import time

RUNS = 20


def milliseconds(command):
    taken = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def main():
    program = sys.argv[1]
    commands = [[program, "version"], [program, "--help"]]
    if shutil.which("kubectl"):
        commands += [["kubectl", "version", "--client"], ["kubectl", "--help"]]
    for command in commands:
        taken = milliseconds(command)
        name = " ".join(command).replace(program, "kubectl-apigee-tls")
        print(f"{name:34} min {min(taken):6.1f} ms   median {statistics.median(taken):6.1f} ms")


main()
