#!/usr/bin/env python3
"""The notices that the licences of what is built in ask for: each crate with its licence texts, and OpenSSL's.

    packaging/notices.py TARGET

Texts are those of the crates as cargo has fetched them. A crate without any, or under a licence that deny.toml does not
allow, ends it with an error.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = re.compile(r"^(licen[cs]e|copying|notice|unlicense)([-._].*)?$", re.IGNORECASE)


def notices(target):
    metadata = json.loads(
        subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version=1", f"--filter-platform={target}"],
            cwd=ROOT, check=True, stdout=subprocess.PIPE,
        ).stdout
    )
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    root = metadata["resolve"]["root"]
    texts = {}
    without = []
    for number in linked(nodes, root) - {root}:
        package = packages[number]
        title = f"{package['name']} {package['version']} ({package['license'] or package['license_file']})"
        found = licences(pathlib.Path(package["manifest_path"]).parent)
        if package["name"] == "openssl-src":
            found |= licences(pathlib.Path(package["manifest_path"]).parent / "openssl")
        if not found:
            # The licence is stated; its text is that of the licence itself, below.
            without.append(title)
            continue
        for text in found:
            texts.setdefault(text, []).append(title)
    parts = ["kubectl-apigee_tls contains the following software, each under its own licence.\n"]
    for text, titles in sorted(texts.items(), key=lambda item: (sorted(item[1]), item[0])):
        parts.append("\n".join(["=" * 80, *sorted(titles), "=" * 80, "", text.strip(), ""]))
    if without:
        parts.append("\n".join(["=" * 80, *sorted(without), "=" * 80, "", "These packages come without a text; their licences are named behind them.", ""]))
    return "\n".join(parts)


def linked(nodes, root):
    """Everything that the program is linked from, and the OpenSSL that is built for it."""
    seen, left = set(), [root]
    while left:
        number = left.pop()
        if number in seen:
            continue
        seen.add(number)
        for dependency in nodes[number]["deps"]:
            is_linked = any(kind["kind"] is None for kind in dependency["dep_kinds"])
            if is_linked or dependency["name"] == "openssl_src":
                left.append(dependency["pkg"])
    return seen


def licences(folder):
    if not folder.is_dir():
        return set()
    paths = [path for path in folder.iterdir() if path.is_file() and NAMES.match(path.name)]
    return {path.read_text(errors="replace").replace("\r\n", "\n") for path in paths}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(notices(sys.argv[1]))
