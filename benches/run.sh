#!/usr/bin/env bash
# Every measurement of `make bench`, each beside its peer in the same run. Nothing here passes or fails by the clock; the
# figures are for reading. benches/README.md keeps those of the last run with the machine.
set -euo pipefail
cd "$(dirname "$0")/.."
program=target/release/kubectl-apigee-tls

echo "machine: $(nproc) cores, $(awk '/MemTotal/ {printf "%.0f GiB", $2 / 1048576}' /proc/meminfo), $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"
echo "program: $(stat -c %s "$program") bytes, stripped"
echo
benches/start.py "$program"
echo
benches/access_log.py --runs 10
echo
benches/probe.py "$program"
echo
benches/edge.py "$program"
benches/log_stores.py "$program"
echo
benches/fleet.py "$program"
echo
if [ "$(id -u)" = 0 ]; then
    benches/captures.py "$program"
else
    echo "captures: not measured, recording needs root" >&2
fi
echo
if [ "$(id -u)" = 0 ] && [ "$(uname -s)" = Linux ]; then
    benches/diagnose.sh "$program"
    echo
    benches/watch.sh "$program"
else
    echo "diagnose, watch: not measured, the test cluster needs Linux and root" >&2
fi
