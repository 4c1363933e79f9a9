"""The dbt project as Dagster uses it: manifest, commands, artifacts.

Belongs here: what is the same for every command of dbt, and when the manifest is parsed.
Does not belong here: assets (assets.dbt), SQL (dbt_snowflake).
"""

import filecmp
import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from dagster_dbt import DbtProject

from dicom_pipeline.common.errors import UserError
from dicom_pipeline.common.locks import file_lock
from dicom_pipeline.common.private_files import make_directories
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.orchestration.dbt_resource import dbt_executable

# all tables are built on DuckDB first, in the private zone, whatever DBT_TARGET is
LOCAL = "local"
RETAINED_BUILDS = 10
# where dbt writes by default; in the image it has the manifest and is read-only
PROJECT_TARGET = DBT_PROJECT_DIR / "target"
_LONGEST_MESSAGE = 400
_STAMP, _PARTIAL_PARSE = "manifest.digest", "partial_parse.msgpack"
# the manifest depends on these; the rest of the project directory is output of dbt
_SOURCES = ("dbt_project.yml", "config", "macros", "models", "seeds", "tests")


class DbtCommandFailed(UserError):
    """A command of dbt failed, for example since a file of the dbt project is invalid."""

    is_retryable = False


def dbt_project(target_path: Path = PROJECT_TARGET) -> DbtProject:
    """Return the dbt project.

    Parameters
    ----------
    target_path
        Directory of the manifest and of all artifacts.
    """
    return DbtProject(
        project_dir=DBT_PROJECT_DIR,
        profiles_dir=DBT_PROJECT_DIR / "config",
        target_path=target_path,
        profile="dicom_pipeline",
        target=LOCAL,
    )


def group_of(node: Mapping[str, Any]) -> str:
    """Return the asset group of a seed or model: its schema; helper models belong to stage."""
    return "stage" if node["schema"] == "private" else str(node["schema"])


def run_dbt(project: DbtProject, *arguments: str, target_path: Path, target: str = LOCAL) -> None:
    """Run a command of dbt that builds no asset; `DbtCliResource` would start dbt twice for it.

    Parameters
    ----------
    project
        The dbt project.
    arguments
        The command and its options.
    target_path
        Directory for the artifacts and the log.
    target
        Target of the profile: ``local`` or ``snowflake``.

    Raises
    ------
    DbtCommandFailed
        The command failed.
    """
    done = subprocess.run(  # noqa: S603 - arguments are ours
        [
            dbt_executable(), *arguments, "--target", target, "--target-path", str(target_path),
            "--log-path", str(target_path), "--profile", str(project.profile),
            "--profiles-dir", str(project.profiles_dir),
        ],
        cwd=project.project_dir, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout, done.stderr)  # noqa: T201 - dagster-dbt prints output of dbt as well
        _, _, cause = done.stdout.partition("Encountered an error:")
        lines = [line.strip() for line in cause.splitlines() if line.strip()]
        # parsing reads no data, so its message quotes none
        text = " ".join(lines)[:_LONGEST_MESSAGE] if arguments[0] == "parse" else ""
        raise DbtCommandFailed(f"dbt {arguments[0]} failed" + (f": {text}" if text else ""))


def ensure_manifest(project: DbtProject) -> None:
    """Parse the project if its manifest is missing or was parsed from other sources.

    The manifest in the target directory of the project is copied if it is current: an image is
    built with it, so that no container parses.

    ``prepare_if_dev`` would parse in every process of ``dagster dev`` and in every run, which
    costs seconds each time. The location of the build database does not matter here: dbt parses
    again when its profile names another one. A ``dbt`` that somebody ran with the target snowflake
    leaves a manifest with other schemas.
    """
    # what dbt parsed has the absolute paths of the seeds
    stamp = f"{sources_digest()} {DBT_PROJECT_DIR}"
    target = project.manifest_path.parent
    make_directories(target)
    with manifest_lock(project):  # several processes load at once
        if _is_current(target, stamp):
            return
        # an interrupted parse or copy leaves an incomplete manifest
        (target / _STAMP).unlink(missing_ok=True)
        if _is_current(PROJECT_TARGET, stamp):
            for name in ("manifest.json", _PARTIAL_PARSE):
                if (PROJECT_TARGET / name).exists():
                    shutil.copyfile(PROJECT_TARGET / name, target / name)
        else:
            if not _was_parsed_here(target / _PARTIAL_PARSE):
                (target / _PARTIAL_PARSE).unlink(missing_ok=True)
            run_dbt(project, "parse", "--quiet", target_path=target)
        (target / _STAMP).write_text(stamp)


def _is_current(target: Path, stamp: str) -> bool:
    """Whether a directory has a manifest of these sources, parsed for DuckDB."""
    return _stamp_of(target) == stamp and _adapter_of(target / "manifest.json") == "duckdb"


def _stamp_of(target: Path) -> str:
    try:
        return (target / _STAMP).read_text()
    except OSError:  # missing, or of another user
        return ""


def _adapter_of(manifest: Path) -> str | None:
    """Return the database that a manifest was parsed for; None if it cannot be read."""
    try:
        found: str = json.loads(manifest.read_bytes())["metadata"]["adapter_type"]
    except (OSError, ValueError, KeyError):
        return None
    return found


def manifest_lock(project: DbtProject) -> AbstractContextManager[None]:
    """Return the lock to hold while the manifest is read or written."""
    return file_lock(project.manifest_path.with_name("manifest.lock"))


def sources_digest() -> str:
    """Return a digest of the files that the manifest depends on."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        root = DBT_PROJECT_DIR / name
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(DBT_PROJECT_DIR)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def partial_parse_options(stored: Path) -> list[str]:
    """Options with which dbt parses only what changed since the last build in a database.

    The file is stored beside each build database: it is valid for one location only, and the
    target directory is shared by all workspaces of a project directory.
    """
    return ["--partial-parse-file-path", str(stored)] if _was_parsed_here(stored) else []


def _was_parsed_here(file: Path) -> bool:
    """Whether dbt wrote a partial parse file for a project in this directory.

    It has the absolute path of the project in each seed, which dbt uses without a check: a build
    with the file of a directory that was moved finds no seed.
    """
    path = str(DBT_PROJECT_DIR).encode()
    # the path as a string of MessagePack, whose length is part of it: no part of another path
    size = len(path)
    if size < 32:
        prefix = bytes([0xA0 | size])
    elif size < 256:
        prefix = bytes([0xD9, size])
    else:
        prefix = bytes([0xDA]) + size.to_bytes(2, "big")
    try:
        return prefix + path in file.read_bytes()
    except OSError:  # missing, or of another user
        return False


def store_partial_parse(stored: Path, project: DbtProject, artifacts: Path) -> None:
    """Store the partial parse file of a build for the next one, unless it equals the shared one."""
    parsed, shared = artifacts / stored.name, project.manifest_path.with_name(stored.name)
    if parsed.exists() and not (shared.exists() and filecmp.cmp(parsed, shared, shallow=False)):
        new = stored.with_suffix(".new")
        shutil.copyfile(parsed, new)
        new.replace(stored)


def remove_old_artifacts(project: DbtProject) -> None:
    """Remove the artifacts of all builds but the latest; each has a folder of its own."""
    target = project.project_dir / project.target_path
    folders = [path for path in target.glob("dbt_tables-*") if path.is_dir()]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime)[:-RETAINED_BUILDS]:
        shutil.rmtree(folder, ignore_errors=True)
