#!/usr/bin/env bash
# `diagnose` of 20 pods with 10 MB of log each and 500 routes, beside the parallel download of the same logs from the same
# API server, in turns. The cluster is the testbed's, with its scenario "large".
#
#   benches/diagnose.sh PROGRAM [RUNS]
set -euo pipefail
program=$(realpath "$1")
runs=${2:-5}
cd "$(dirname "$0")/.."
testbed=$(cargo test --locked --test cluster --no-run --message-format=json 2>/dev/null |
    jq -r 'select(.profile.test and .target.name == "cluster").executable')
work=$(mktemp -d)
trap '"$testbed" --down >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
"$testbed" --up large >/dev/null

inside() { "$testbed" --exec "$@"; }
namespace=$(inside kubectl get pods -A -l app=apigee-ingressgateway -o jsonpath='{.items[0].metadata.namespace}')

# The peer: curl, with the kubeconfig's own identity, one transfer for each log, 16 at once as the program has them.
inside kubectl config view --raw -o json >"$work/config"
field() { jq -r "$1" "$work/config"; }
server=$(field '.clusters[0].cluster.server')
field '.clusters[0].cluster["certificate-authority-data"]' | base64 -d >"$work/ca.pem"
field '.users[0].user["client-certificate-data"]' | base64 -d >"$work/client.pem"
field '.users[0].user["client-key-data"]' | base64 -d >"$work/client.key"
inside kubectl -n "$namespace" get pods -l app=apigee-ingressgateway \
    -o jsonpath='{range .items[*]}{.metadata.name}{" "}{.spec.containers[*].name}{"\n"}{end}' |
    while read -r pod containers; do
        for container in $containers; do
            printf 'url = "%s/api/v1/namespaces/%s/pods/%s/log?container=%s"\noutput = "/dev/null"\n' \
                "$server" "$namespace" "$pod" "$container"
        done
    done >"$work/urls"

download() {
    inside curl -s --cacert "$work/ca.pem" --cert "$work/client.pem" --key "$work/client.key" \
        --no-progress-meter --parallel --parallel-immediate --parallel-max 16 -K "$work/urls" 2>/dev/null
}
diagnose() { inside /usr/bin/time -f '%e %M' -o "$work/time" "$program" diagnose -n "$namespace" -o json -v >"$work/report" 2>"$work/said" || true; }

echo "diagnose, 20 pods x 10 MB and 500 routes; seconds of the download and of diagnose, in turns"
download
diagnose
for _ in $(seq "$runs"); do
    begin=$(date +%s.%N)
    download
    end=$(date +%s.%N)
    diagnose
    read -r seconds kibibytes < <(tail -1 "$work/time")
    awk -v a="$begin" -v b="$end" -v s="$seconds" -v m="$kibibytes" \
        'BEGIN {printf "download %.2f s   diagnose %.2f s   ratio %.2f   %.1f MiB resident\n", b - a, s, s / (b - a), m / 1024}'
done
grep -i 'API requests' "$work/said"
jq -r '"verdict: \(.verdict.headline)"' "$work/report"

echo "collect beside kubectl cluster-info dump of the same namespace, in turns; seconds, and MiB resident of collect"
collect() { # NAME ARGUMENT…
    local name=$1
    shift
    inside /usr/bin/time -f '%e %M' -o "$work/time" "$program" collect -n "$namespace" "$@" --to "$work/$name.tar.gz" >/dev/null 2>&1
    read -r seconds kibibytes < <(tail -1 "$work/time")
}
for turn in 1 2 3; do
    begin=$(date +%s.%N)
    inside kubectl cluster-info dump --namespaces "$namespace" --output-directory "$work/dump-$turn" >/dev/null
    end=$(date +%s.%N)
    rm -rf "$work/dump-$turn"
    collect "bundle-$turn" --probe none
    awk -v a="$begin" -v b="$end" -v s="$seconds" -v m="$kibibytes" \
        'BEGIN {printf "dump %.2f s   collect %.2f s   %.1f MiB resident\n", b - a, s, m / 1024}'
done
collect probed
awk -v s="$seconds" -v m="$kibibytes" 'BEGIN {printf "with handshakes: %.2f s   %.1f MiB\n", s, m / 1024}'
collect full --probe none --logs full
awk -v s="$seconds" -v m="$kibibytes" 'BEGIN {printf "with whole logs: %.2f s   %.1f MiB\n", s, m / 1024}'
collect redacted --probe none --redact hosts,addresses
awk -v s="$seconds" -v m="$kibibytes" 'BEGIN {printf "with pseudonyms: %.2f s   %.1f MiB\n", s, m / 1024}'
