"""The machine and the versions that a number belongs to.

Belongs here: what a reader of the numbers must know of where they come from.
Does not belong here: names and addresses of the machine, and paths.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("dagster", "dbt-core", "dbt-duckdb", "duckdb", "pandas", "pyarrow", "pydicom")


def describe() -> dict[str, str]:
    """Machine and versions, by what they are called."""
    found = {
        "CPU": _first(Path("/proc/cpuinfo"), r"model name\s*:\s*(.*)") or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "kernel": f"{platform.system()} {re.match(r'[0-9.]*', platform.release())[0]}",  # type: ignore[index]
        "Python": platform.python_version(),
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    if program := shutil.which("dcmdump"):
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        match = re.search(r"dcmdump v(\S+)", done.stdout)
        found["DCMTK"] = match[1] if match else "unknown"
    return found


def stamp() -> dict[str, str]:
    """When something was measured, and how busy the machine was."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "load": " ".join(f"{load:.1f}" for load in os.getloadavg()),
    }


def _first(path: Path, pattern: str) -> str:
    try:
        match = re.search(pattern, path.read_text())
    except OSError:
        return ""
    return match[1].strip() if match else ""


def _memory() -> str:
    kib = _first(Path("/proc/meminfo"), r"MemTotal:\s*(\d+)")
    return f"{int(kib) / 2**20:.0f} GiB" if kib else "unknown"
