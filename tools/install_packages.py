"""Install a lock file and this project into the environment of the Python that runs this file.

Belongs here: finding uv, giving it pip's settings, the fallback to pip, and one line on failure.
Does not belong here: making an environment and knowing when it is out of date (the Makefile).

It runs before anything is installed, so it uses the standard library only.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV_LOCK = ROOT / "requirements-uv.lock"
LOG = "install.log"
_OLDEST_UV = (0, 5)  # UV_INDEX and UV_DEFAULT_INDEX
_NETWORK = re.compile(
    r"failed to fetch|error sending request|dns error|connection (error|refused|reset|broken)"
    r"|network is unreachable|name resolution|max retries exceeded|timed out|NewConnectionError"
    r"|could not find a version .*\(from versions: none\)",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(r"invalid peer certificate|CERTIFICATE_VERIFY_FAILED", re.IGNORECASE)
_HASH = re.compile(r"hash mismatch|do not match the hashes", re.IGNORECASE)
_DISK = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_CAUSES = (
    (_HASH, "a downloaded package differs from the one that the lock file pins"),
    (_DISK, "the disk is full"),
    (_CERTIFICATE, "the certificate of the package index is not trusted: set SSL_CERT_FILE"),
    (
        _NETWORK,
        "the package index cannot be reached: check the network, HTTPS_PROXY, or the index in "
        "pip's or uv's configuration",
    ),
)


class InstallError(Exception):
    """Packages could not be installed; the message is one line."""


class Installer:
    """Runs uv and pip for one environment, and keeps what they print in a file there."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self.environ = dict(environ)
        self.log = log

    def run(self, *command: str) -> bool:
        """Run a command and return whether it succeeded."""
        # not in the project: with hashes, uv refuses the constraints of its pyproject.toml
        with self.log.open("ab") as log:
            log.write(f"\n$ {' '.join(command)}\n".encode())
            log.flush()
            try:
                done = subprocess.run(  # noqa: S603
                    command, cwd=ROOT.anchor, env=self.environ, stdout=log, stderr=log, check=False
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return False
        return done.returncode == 0

    def pip(self, *arguments: str) -> bool:
        """Run pip's install command."""
        options = ("--quiet", "--disable-pip-version-check", "--no-input", "--no-deps")
        return self.run(sys.executable, "-m", "pip", "install", *options, *arguments)

    def uv(self) -> str | None:
        """Return the path of a uv that works, installed into the environment where needed."""
        own = str(Path(sysconfig.get_path("scripts"), "uv"))
        for found in (shutil.which("uv", path=self.environ.get("PATH")), own):
            if found and _version(found) >= _OLDEST_UV:
                return found
        # one retry: without a network the rest fails in the same way
        installed = self.pip("--retries", "1", "--require-hashes", "--requirement", str(UV_LOCK))
        return own if installed and _version(own) >= _OLDEST_UV else None

    def install(self, lock: Path, *, exact: bool) -> str:
        """Install a lock file and this project.

        Parameters
        ----------
        lock
            A requirement file with hashes.
        exact
            Remove packages that are not in it.

        Returns
        -------
        str
            The program that installed them.

        Raises
        ------
        InstallError
            Neither uv nor pip could install them.
        """
        uv = self.uv()
        if uv:
            settings = pip_settings(self)
            place = ("--quiet", "--python", sys.executable)
            if settings.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
                place += ("--no-index",)  # uv has no variable for it
            self.environ |= uv_variables(settings, self.environ)
            packages = (
                (uv, "pip", "sync", *place, "--require-hashes", str(lock))
                if exact
                else (uv, "pip", "install", *place, "--no-deps", "--require-hashes",
                      "--requirement", str(lock))
            )  # fmt: skip
            project = (uv, "pip", "install", *place, "--no-deps", "--editable", str(ROOT))
            if self.run(*packages) and self.run(*project):
                return "uv"
            print(f"uv failed: {self.cause()}. Trying pip, which takes minutes")  # noqa: T201
        if self.pip("--require-hashes", "--requirement", str(lock)) and self.pip(
            "--editable", str(ROOT)
        ):
            return "pip"
        raise InstallError(f"{lock.name} could not be installed: {self.cause()}. See {self.log}")

    def cause(self) -> str:
        """Return the most probable cause by what was printed."""
        text = self.log.read_text(errors="replace")
        for pattern, cause in _CAUSES:
            if pattern.search(text):
                return cause
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return (lines[-1] if lines else "nothing was printed")[:200].rstrip(".")


def _version(uv: str) -> tuple[int, ...]:
    """Return the version of uv; () where it does not run (a shim of a version manager)."""
    try:
        done = subprocess.run(  # noqa: S603
            [uv, "--version"], capture_output=True, text=True, check=False
        )
    except OSError:
        return ()
    match = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match and done.returncode == 0 else ()


def pip_settings(installer: Installer) -> dict[str, str]:
    """Return pip's settings for installs, from its files and variables."""
    base = getattr(sys, "_base_executable", sys.executable)  # an environment may have no pip
    for python in dict.fromkeys([sys.executable, base]):
        try:
            done = subprocess.run(  # noqa: S603
                [python, "-m", "pip", "config", "list"],
                env=installer.environ, capture_output=True, text=True, check=False,
            )  # fmt: skip
        except OSError:
            continue
        if done.returncode == 0:
            return parse_pip_config(done.stdout.splitlines())
    return {}


def parse_pip_config(lines: Sequence[str]) -> dict[str, str]:
    """Return settings from ``pip config list``; variables win over ``install`` over ``global``."""
    ranked: dict[str, tuple[int, str]] = {}
    sections = ("global", "install", ":env:")
    for line in lines:
        match = re.match(r"(global|install|:env:)\.([\w-]+)=(.*)$", line)
        if not match:
            continue
        section, name, quoted = match.groups()
        try:
            value = str(ast.literal_eval(quoted))
        except (SyntaxError, ValueError):
            value = quoted
        rank = sections.index(section)
        if rank >= ranked.get(name, (-1, ""))[0]:
            ranked[name] = (rank, value)
    return {name: value for name, (_, value) in ranked.items()}


def uv_variables(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make uv use what pip is configured with.

    uv does not read pip's configuration. What is configured for uv itself stays as it is.
    """
    found = {}
    if not _has_own_index(environ):
        if "index-url" in pip:
            found["UV_DEFAULT_INDEX"] = pip["index-url"]
        if "extra-index-url" in pip:
            found["UV_INDEX"] = " ".join(pip["extra-index-url"].split())
            # pip's rule: the pinned version may be in any index; its hash decides
            found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
        if "find-links" in pip:
            found["UV_FIND_LINKS"] = ",".join(pip["find-links"].split())
        if "trusted-host" in pip:
            found["UV_INSECURE_HOST"] = " ".join(pip["trusted-host"].split())
    if "proxy" in pip and not environ.keys() & {"HTTPS_PROXY", "https_proxy", "ALL_PROXY"}:
        found["ALL_PROXY"] = pip["proxy"]
    if "cert" in pip:
        found["SSL_CERT_FILE"] = pip["cert"]
    elif _has_system_certificates():
        found["UV_SYSTEM_CERTS"] = "true"
    return {name: value for name, value in found.items() if not environ.get(name)}


def _has_own_index(environ: Mapping[str, str]) -> bool:
    """Whether an index is configured for uv itself."""
    names = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL",
             "UV_CONFIG_FILE"}  # fmt: skip
    home = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/"), ".config")
    files = (Path(home, "uv", "uv.toml"), Path("/etc/uv/uv.toml"))
    return bool(names & environ.keys()) or any(file.is_file() for file in files)


def _has_system_certificates() -> bool:
    """Whether this machine has certificates that OpenSSL finds: uv ships others."""
    paths = ssl.get_default_verify_paths()
    return bool(paths.cafile or (paths.capath and any(Path(paths.capath).iterdir())))


def main() -> int:
    """Install by the command line's arguments."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("lock", type=Path, help="requirement file with hashes")
    parser.add_argument("--exact", action="store_true", help="remove packages that are not in it")
    arguments = parser.parse_args()
    log = Path(sys.prefix, LOG)
    log.write_bytes(b"")
    try:
        Installer(os.environ, log).install(arguments.lock.resolve(), exact=arguments.exact)
    except InstallError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
