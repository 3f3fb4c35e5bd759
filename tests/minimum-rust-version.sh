#!/usr/bin/env bash
# The version that Cargo.toml promises builds the program. Skips the second build where it is the one in use.
set -euo pipefail
cd "$(dirname "$0")/.."
promised=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
used=$(rustc --version | cut -d' ' -f2)
case "$used" in
"$promised" | "$promised".*) echo "Rust $used is the version promised, $promised" ;;
*)
    rustup toolchain install --profile minimal "$promised"
    cargo "+$promised" check --locked --target-dir target/minimum-rust-version
    ;;
esac
