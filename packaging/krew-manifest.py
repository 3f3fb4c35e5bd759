#!/usr/bin/env python3
"""Fills in krew-manifest.yaml for the archives in a folder.

    packaging/krew-manifest.py FOLDER --url URL [--homepage URL]

Writes FOLDER/plugins/apigee-tls.yaml, the layout of a krew index. Platforms without an archive are left out: a manifest
must not promise what was not built.
"""

import argparse
import hashlib
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--url", required=True, help="where the archives will be, without the last slash")
    options.add_argument("--homepage", help="default: the URL of the archives")
    options = options.parse_args()
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    found = {}
    for archive in sorted(options.folder.glob(f"kubectl-apigee_tls_{version}_*")):
        if archive.suffix == ".sha256":
            continue
        platform = archive.name.removeprefix(f"kubectl-apigee_tls_{version}_").split(".")[0]
        found[platform] = hashlib.sha256(archive.read_bytes()).hexdigest()
    if not found:
        sys.exit(f"{options.folder} has no archive of version {version}")
    template = (ROOT / "krew-manifest.yaml").read_text()
    head, *platforms = template.split("  - selector:")
    kept = [head[head.index("apiVersion"):]]
    for text in platforms:
        platform = re.search(r"\{\{sha256 (\w+)\}\}", text)[1]
        if platform in found:
            kept.append(text.replace(f"{{{{sha256 {platform}}}}}", found[platform]))
    text = "  - selector:".join(kept)
    values = {"version": version, "url": options.url.rstrip("/"), "homepage": options.homepage or options.url}
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", value)
    manifest = options.folder / "plugins" / "apigee-tls.yaml"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_text(text)
    print(manifest)


if __name__ == "__main__":
    main()
