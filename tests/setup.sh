#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/apigee-tls-testbed"
components="$cache/components-$( { cat cluster/components/{main.go,go.mod,go.sum}; go version; } | sha256sum | cut -c1-16)/components"
envoy_version=1.40.0
envoy="$cache/envoy-$envoy_version/envoy"
images="$cache/images-$(sha256sum cluster/images.rs | cut -c1-16)-$envoy_version"
echo "components=$components"; echo "envoy=$envoy"; echo "images=$images"; echo "kept=$cache/kept"
