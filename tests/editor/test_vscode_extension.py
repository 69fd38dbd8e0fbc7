"""The VS Code extension: its own tests drive the real server, where Node and the packages are there."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from source_tree import ROOT

FOLDER = ROOT / "editors/vscode"
PUBLIC_HOST = "registry.npmjs.org"


def test_the_extension_has_the_version_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    manifest = json.loads((FOLDER / "package.json").read_text(encoding="utf-8"))
    assert manifest["version"] == project["version"], "change editors/vscode/package.json and package-lock.json too"


def test_the_lock_file_names_no_host_but_the_public_registry():
    lock = json.loads((FOLDER / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    hosts = {urlsplit(package["resolved"]).hostname for package in packages.values() if "resolved" in package}
    assert hosts <= {PUBLIC_HOST}
    assert packages
    assert not [name for name, package in packages.items() if not package.get("integrity", "").startswith("sha512-")]


def test_the_tests_of_the_extension_pass(tmp_path: Path):
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("needs Node.js, which is not here")
    if not (FOLDER / "node_modules").is_dir():
        pytest.skip("needs the extension's packages: npm ci in editors/vscode")
    server = tmp_path / "codewren"
    server.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m codewren "$@"\n')
    server.chmod(0o755)
    environment = {**os.environ, "CODEWREN": str(server), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [npm, "test"], cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]
    assert "# fail 0" in done.stdout
