"""The virtual environment of the peers, in the folder that is kept.

Belongs here: making it, installing what can be had, and saying which peer there is.
Does not belong here: running peers (reader_section).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_SHARED = ("numpy", "pandas", "pydicom")  # what peers themselves need


def python_of_peers(work: Path) -> Path:
    """Python of the environment, which is made unless it is there."""
    place = work / "peers"
    python = place / "bin" / "python"
    wanted = REQUIREMENTS.read_text()
    done = place / "requirements.txt"
    if done.exists() and done.read_text() == wanted:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
    except (OSError, subprocess.CalledProcessError):
        return Path(sys.executable)
    lines = [line for line in wanted.splitlines() if line and not line.startswith("#")]
    shared = [line for line in lines if line.startswith(_SHARED)]
    peers = [line for line in lines if line not in shared]
    # one by one: what cannot be had must not cost the others
    installed = [_install(python, [peer, *shared]) for peer in peers]
    if all(installed):  # else it is tried again next time
        done.write_text(wanted)
    return python


def _install(python: Path, requirements: list[str]) -> bool:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--no-input", *requirements], capture_output=True, check=False)
    return done.returncode == 0


def version_in(python: Path, distribution: str, module: str) -> str | None:
    """Version of a library that can be imported there, or None."""
    code = f"import {module}, importlib.metadata as m; print(m.version({distribution!r}))"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else None
