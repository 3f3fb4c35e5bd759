#!/usr/bin/env bash
# `watch` beside stern piped into jq, on the test cluster: processor time, memory, and the delay from a reset to the
# screen. Pods write access-log lines at a fixed rate; each hundredth is a reset.
#
#   benches/watch.sh PROGRAM [PODS] [LINES-PER-SECOND] [SECONDS]
#
# The cluster is the testbed's, stern is that of `tests/setup.sh bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
program=$(realpath "${1:?the program}")
pods=${2:-20} rate=${3:-1000} seconds=${4:-60}
namespace=watch-bench
testbed=$(cargo test --locked --test cluster --no-run --message-format=json 2>/dev/null |
    jq -r 'select(.profile.test and .target.name == "cluster").executable')
work=$(mktemp -d)
trap '"$testbed" --down >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
eval "$("$testbed" --up no-wildcard-route | grep ^export)"

# A pod that writes records as Envoy does: ten bursts a second, the time of each in its line.
manifest() {
    for pod in $(seq "$pods"); do
        cat <<YAML
---
apiVersion: v1
kind: Pod
metadata: {name: gw-$pod, namespace: $namespace, labels: {app: apigee-ingressgateway}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: apigee-ingressgateway
    image: apigee-tls.test/small:1
    imagePullPolicy: Never
    command: ["/bin/sh", "-c"]
    args:
    - |
      burst=$((rate / 10))
      served='{"remote_address":"10.0.0.1:4711","sni_host":"api.example.com","start_time":"2026-01-01T00:00:00.000Z","status":200,"status_details":"via_upstream","tls_protocol":"TLSv1.3","upstream_response_flags":"-","request_path":"/hello","user_agent":"curl/8.5.0"}'
      reset='{"remote_address":"10.0.0.2:4711","sni_host":null,"start_time":"2026-01-01T00:00:00.000Z","status":0,"status_details":"filter_chain_not_found","tls_protocol":null,"upstream_response_flags":"NR"}'
      text=; for i in \$(seq \$((burst - 1))); do text="\$text\$served
      "; done
      while :; do echo "\$text\$reset"; sleep 0.1; done
YAML
    done
}

kubectl create namespace "$namespace" >/dev/null
until kubectl -n "$namespace" get serviceaccount default >/dev/null 2>&1; do sleep 0.2; done
manifest | kubectl apply -f - >/dev/null
kubectl -n "$namespace" wait --for=condition=Ready pod --all --timeout=180s >/dev/null

measure() { # NAME COMMAND…
    local name=$1
    shift
    /usr/bin/time -f "$name: %U s user, %S s system, %M KiB, %e s" timeout --signal=INT "$seconds" bash -c "$*" >"$work/$name.out" 2>"$work/$name.time" || true
    tail -1 "$work/$name.time"
}

echo "watch: $pods pods, $rate lines a second each, $seconds s"
measure watch "$program watch -n $namespace --probe none --every 10m --window 1m -o jsonl"
jq -c 'select(.event == "summary") | {lines: .coverage.lines, failures, gaps: .coverage.gaps}' "$work/watch.out"
stern=$(tests/setup.sh paths | sed -n 's/^stern=//p')
filter='select(.status_details? == "filter_chain_not_found") | [.remote_address, .sni_host] | @tsv'
measure peer "$stern -n $namespace -c apigee-ingressgateway --since 1m -o raw gw- | jq -rc --unbuffered '$filter'"

# The delay: a record is written with its time, and the time at which the change is printed is compared with it.
delay() {
    local at now
    "$program" watch -n "$namespace" --probe none --every 10m --window 10s -o jsonl >"$work/delay.out" &
    local watch=$!
    sleep 5
    for i in 1 2 3 4 5; do
        at=$(date +%s%3N)
        kubectl -n "$namespace" exec gw-1 -- sh -c "echo '{\"remote_address\":\"10.9.0.$i:1\",\"sni_host\":null,\"start_time\":\"2026-01-01T00:00:00.000Z\",\"status\":0,\"status_details\":\"filter_chain_not_found\",\"tls_protocol\":null,\"upstream_response_flags\":\"NR\"}' >/proc/1/fd/1"
        until grep -q "10.9.0.$i" "$work/delay.out"; do sleep 0.01; done
        now=$(date +%s%3N)
        echo "delay with kubectl exec: $((now - at)) ms"
    done
    kill -INT "$watch"
    wait "$watch" || true
}
delay
