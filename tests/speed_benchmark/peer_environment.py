"""Virtual environment of the peers, in the work folder.

Belongs here: its creation, the installation of peers, and the installed versions.
Does not belong here: running peers (reader_section).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
_SHARED = ("numpy", "pandas", "pydicom")  # libraries that the peers need


def python_of_peers(work: Path) -> Path:
    """Return the Python executable of the environment; create the environment if necessary."""
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
    # one by one, so that a failed installation does not prevent the others
    installed = [_install(python, [peer, *shared]) for peer in peers]
    if all(installed):  # otherwise the installation is tried again next time
        done.write_text(wanted)
    return python


def _install(python: Path, requirements: list[str]) -> bool:
    command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*command, "--no-input", *requirements], capture_output=True, check=False)
    return done.returncode == 0


def version_in(python: Path, distribution: str, module: str) -> str | None:
    """Return the version of a library that can be imported in the environment, or None."""
    code = f"import {module}, importlib.metadata as m; print(m.version({distribution!r}))"
    try:
        done = subprocess.run(
            [python, "-c", code], capture_output=True, text=True, check=False, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().splitlines()[-1] if done.returncode == 0 else None
