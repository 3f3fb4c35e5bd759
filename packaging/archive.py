#!/usr/bin/env python3
"""Packs a built program as krew and the release page offer it.

    packaging/archive.py BINARY PLATFORM [--to FOLDER]     PLATFORM: linux_amd64, darwin_arm64, windows_amd64, …

The same files give the same bytes: names are sorted, times are those of the last commit (SOURCE_DATE_EPOCH), owners
are nobody's. Only regular files and folders: krew refuses links.
"""

import argparse
import gzip
import hashlib
import io
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from notices import notices  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Target of cargo for each platform, which decides whose notices an archive carries.
TARGETS = {
    "linux_amd64": "x86_64-unknown-linux-gnu",
    "linux_arm64": "aarch64-unknown-linux-gnu",
    "linux_amd64_static": "x86_64-unknown-linux-musl",
    "linux_arm64_static": "aarch64-unknown-linux-musl",
    "darwin_amd64": "x86_64-apple-darwin",
    "darwin_arm64": "aarch64-apple-darwin",
    "windows_amd64": "x86_64-pc-windows-msvc",
}
# krew reads an archive into memory as a whole.
MAX_ARCHIVE = 8 << 20
MAX_BINARY = 20 << 20


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("binary", type=pathlib.Path)
    options.add_argument("platform", choices=TARGETS)
    options.add_argument("--to", type=pathlib.Path, default=ROOT / "dist")
    options.add_argument("--any-size", action="store_true", help="also what is too large to be published, and packed less tightly: for tests")
    options = options.parse_args()
    size = options.binary.stat().st_size
    if size > MAX_BINARY and not options.any_size:
        sys.exit(f"{options.binary} has {size} bytes, and at most {MAX_BINARY} are published")
    version = re.search(r'^version = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]
    is_windows = options.platform.startswith("windows")
    options.to.mkdir(parents=True, exist_ok=True)
    archive = options.to / f"kubectl-apigee_tls_{version}_{options.platform}.{'zip' if is_windows else 'tar.gz'}"
    files = content(options.binary, TARGETS[options.platform], is_windows)
    moment = int(os.environ.get("SOURCE_DATE_EPOCH") or last_commit())
    level = 1 if options.any_size else 9
    archive.write_bytes(zipped(files, moment, level) if is_windows else tarred(files, moment, level))
    if archive.stat().st_size > MAX_ARCHIVE and not options.any_size:
        sys.exit(f"{archive} has {archive.stat().st_size} bytes, and at most {MAX_ARCHIVE} are published")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    archive.with_name(archive.name + ".sha256").write_text(f"{digest}  {archive.name}\n")
    print(archive)


def content(binary, target, is_windows):
    """The files by name, with whether they are programs."""
    program = "kubectl-apigee_tls.exe" if is_windows else "kubectl-apigee_tls"
    files = {program: (binary.read_bytes(), True)}
    for name in ("LICENSE", "README.md", "SECURITY.md"):
        files[name] = ((ROOT / name).read_bytes(), False)
    files["NOTICES"] = (notices(target).encode(), False)
    for folder in ("completions", "docs/man"):
        for path in sorted((ROOT / folder).iterdir()):
            files[f"{pathlib.PurePath(folder).name}/{path.name}"] = (path.read_bytes(), os.access(path, os.X_OK))
    return dict(sorted(files.items()))


def tarred(files, moment, level):
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (data, is_program) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), moment, 0o755 if is_program else 0o644
            tar.addfile(entry, io.BytesIO(data))
    return packed(plain.getvalue(), level)


def packed(data, level):
    """With zopfli, where it is installed, as tightly as gzip can: 3 % less, in 40 s for a program."""
    if level == 9:
        try:
            import zopfli.gzip
        except ImportError:
            pass
        else:
            return zopfli.gzip.compress(data, numiterations=3)
    return gzip.compress(data, level, mtime=0)


def zipped(files, moment, level):
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as packed:
        for name, (data, is_program) in files.items():
            entry = zipfile.ZipInfo(name, time.gmtime(max(moment, 315532800))[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            packed.writestr(entry, data)
    return plain.getvalue()


def last_commit():
    return subprocess.run(["git", "log", "-1", "--format=%ct"], cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
