#!/usr/bin/env bash
# Builds the program for a platform and packs it: dist/kubectl-apigee_tls_VERSION_PLATFORM.tar.gz (.zip for Windows).
#
#   packaging/release.sh [PLATFORM]     linux_amd64 (default), linux_arm64, darwin_amd64, darwin_arm64, windows_amd64
#
# linux_amd64_static and linux_arm64_static are for container images: linked with musl, they need no file of the image.
# krew gets none of them, since names of hosts are then found by musl, which asks no directory service.
#
# For Linux, Zig's C compiler and linker take the place of the system's: they link with glibc 2.17 (2012), whatever this
# machine has, and build for the other processor too. macOS and Windows are built on their own systems.
#
# The build stands in a folder of its own whose name is the same everywhere, and paths of sources are cut: the same commit gives
# the same bytes, and the program says nothing about who built it.
set -euo pipefail
cd "$(dirname "$0")/.."
platform=${1:-linux_amd64}
build=/tmp/kubectl-apigee-tls-build
glibc=2.17

mkdir -p -m 700 "$build"
[ -O "$build" ] || { echo "error: $build belongs to somebody else" >&2; exit 1; }
cargo_home=${CARGO_HOME:-$HOME/.cargo}
export CARGO_TARGET_DIR=$build
# OpenSSL's version text names its compiler with the folder.
export CARGO_ZIGBUILD_CACHE_DIR=$build/zig
export RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home/registry/src=crates --remap-path-prefix=$build=build"
# The date in OpenSSL's version text, and the times in the archive.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH

case $platform in
linux_amd64) target=x86_64-unknown-linux-gnu ;;
linux_arm64) target=aarch64-unknown-linux-gnu ;;
linux_amd64_static) target=x86_64-unknown-linux-musl glibc= ;;
linux_arm64_static) target=aarch64-unknown-linux-musl glibc= ;;
darwin_amd64) target=x86_64-apple-darwin ;;
darwin_arm64) target=aarch64-apple-darwin ;;
windows_amd64) target=x86_64-pc-windows-msvc ;;
*)
    sed -n '4s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
rustup target add "$target" >/dev/null 2>&1 || { echo "error: rustup has no $target" >&2; exit 1; }
case $platform in
linux_*)
    # Tables for unwinding OpenSSL, which no panic passes through: 0.2 MB of the archive.
    export CFLAGS="-Os -fno-asynchronous-unwind-tables -fno-unwind-tables"
    tests/setup.sh release
    PATH="$(tests/setup.sh paths | sed -n "s/^zig=//p")/bin:$PATH"
    cargo zigbuild --locked --release --quiet --bin kubectl-apigee_tls --target "$target${glibc:+.$glibc}"
    ;;
*) cargo build --locked --release --quiet --bin kubectl-apigee_tls --target "$target" ;;
esac
binary=$build/$target/release/kubectl-apigee_tls
[ "$platform" != windows_amd64 ] || binary=$binary.exe
python=python3
command -v "$python" >/dev/null || python=python
# Beside Zig is what packs more tightly.
case $platform in
linux_*) python="$(tests/setup.sh paths | sed -n "s/^zig=//p")/bin/python" ;;
esac
exec "$python" packaging/archive.py "$binary" "$platform"
