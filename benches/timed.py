"""Runs a command, and measures it as a whole process. Needs GNU time."""

import subprocess
import sys
import tempfile
import time


def timed(command, may_exit):
    """Seconds of a command, the MiB of its largest process, and what it printed."""
    with tempfile.NamedTemporaryFile() as figure:
        begin = time.perf_counter()
        done = subprocess.run(["time", "-f", "%M", "-o", figure.name, *command], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        taken = time.perf_counter() - begin
        if done.returncode not in may_exit:
            sys.exit(f"exit code {done.returncode}: {command}\n{done.stderr.decode()}")
        return taken, int(figure.read().split()[-1]) / 1024, done.stdout
