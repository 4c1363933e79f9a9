"""The layout is a promise: layers, headers, and where SQL of one engine may stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dicom_pipeline.config.settings import DBT_PROJECT_DIR, PROJECT_ROOT

PACKAGE = PROJECT_ROOT / "dicom_pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))

# who may import whom among the folders; what is not named here may not
ALLOWED = {
    "aws": {"aws"},
    "landing": {"landing", "aws"},
    "extract.headers": {"extract.headers", "landing"},
    "extract": {"extract", "extract.headers", "landing", "aws"},
    "warehouse": {"warehouse"},
    "orchestration": {"orchestration", "extract", "extract.headers", "landing", "warehouse"},
}
LAYERS = sorted(ALLOWED, key=len, reverse=True)
DAGSTER = {"dagster", "dagster_dbt"}
NEVER = {
    "aws": {*DAGSTER, "duckdb", "pyarrow", "pydicom"},
    "landing": {*DAGSTER, "duckdb"},
    "extract.headers": {*DAGSTER, "duckdb", "pyarrow", "boto3", "botocore"},
    "extract": {*DAGSTER, "duckdb"},
    "warehouse": DAGSTER,
    "orchestration": {"pydicom", "duckdb", "boto3", "botocore"},
}


def imports(path: Path) -> set[str]:
    """Modules that a file imports, whole."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def named(paths: list[Path]) -> list[pytest.param]:  # type: ignore[valid-type]
    return [pytest.param(p, id=str(p.relative_to(PROJECT_ROOT))) for p in paths]


def layer_of(name: str) -> str | None:
    """The folder that a module of ours lies in; None for one on top."""
    inside = name.removeprefix("dicom_pipeline.")
    return next((folder for folder in LAYERS if f"{inside}.".startswith(f"{folder}.")), None)


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", named([p for p in MODULES if layer_of(dotted(p))]))
def test_arrows_run_downwards(path: Path) -> None:
    layer = layer_of(dotted(path))
    assert layer
    for name in imports(path):
        root = name.partition(".")[0]
        assert root not in NEVER[layer], f"{layer} must not know {root}"
        folder = layer_of(name)
        if root == "dicom_pipeline" and folder:
            assert folder in ALLOWED[layer], f"{layer} must not import {folder}"


def needed_by(path: Path) -> set[str]:
    """Modules of ours that a module needs, at its import or later; not those for types only."""
    tree = ast.parse(path.read_text())
    conditions = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    for_types = {
        id(node)
        for condition in conditions
        if ast.unparse(condition.test) == "TYPE_CHECKING"
        for node in ast.walk(condition)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_no_module_needs_itself_in_the_end() -> None:
    left = {dotted(path): needed_by(path) for path in MODULES}
    left = {name: needed & left.keys() for name, needed in left.items()}
    while free := {name for name, needed in left.items() if not needed}:
        left = {name: needed - free for name, needed in left.items() if name not in free}
    assert not left, "these form circles, or need one that does"


def test_the_web_ui_and_status_know_all_plain_errors_that_a_step_can_raise() -> None:
    """Events of Dagster have names of classes only: a class that nobody imported is not told."""
    asked = (
        "import sys; from dicom_pipeline.common.errors import user_error_names as p; print(*p())"
    )
    names = {
        module: set(
            subprocess.check_output(
                [sys.executable, "-c", f"import dicom_pipeline.{module}; {asked}"], text=True
            ).split()
        )
        for module in ("cli", "definitions", "status")
    }
    in_commands = {"ExploreError", "QueryError", "RotationRefused", "NotConfirmed"}
    in_commands |= {"IdentifierError", "UnknownSubject"}
    assert in_commands < names["cli"]
    assert names["cli"] - in_commands <= names["definitions"] & names["status"]


@pytest.mark.parametrize("path", named([p for p in MODULES if p.name != "__init__.py"]))
def test_a_module_says_what_belongs_in_it_and_what_does_not(path: Path) -> None:
    header = ast.get_docstring(ast.parse(path.read_text())) or ""
    if len(path.read_text().splitlines()) > 40:
        assert "Belongs here:" in header
        assert "Does not belong here:" in header
    assert header


def test_only_settings_reads_the_environment() -> None:
    for path in MODULES:
        if path.name != "settings.py":
            assert not re.search(r"os\.(environ|getenv)", path.read_text()), path


def test_engine_differences_stand_in_cross_db_only() -> None:
    for path in DBT_PROJECT_DIR.rglob("*.sql"):
        if "target" in path.parts or "cross_db" in path.parts:
            continue
        text = path.read_text()
        assert "adapter.dispatch" not in text, path
        assert not re.search(r"(duckdb|snowflake|default)__", text), path


def test_nothing_is_unpickled() -> None:
    """Who writes a pickle runs code where it is read. The pool's own pipes are pebble's."""
    loaders = {"pickle", "cPickle", "_pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for path in MODULES:
        assert not {name.partition(".")[0] for name in imports(path)} & loaders, path
        assert not re.search(r"read_pickle|allow_pickle|\byaml\.load\(", path.read_text()), path


def test_make_dev_opens_the_web_ui_for_this_machine_only() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    started = re.findall(r"dagster dev\b(.*)", makefile)
    assert started
    assert all("--host 127.0.0.1" in options for options in started)


def test_there_are_no_dbt_packages() -> None:
    assert not list(DBT_PROJECT_DIR.glob("packages.yml"))
    assert not list(DBT_PROJECT_DIR.glob("dependencies.yml"))


def test_every_command_is_in_the_cli_page() -> None:
    from typer.main import get_command

    from dicom_pipeline.cli.app import app

    page = (PROJECT_ROOT / "docs" / "cli.md").read_text()
    commands = getattr(get_command(app), "commands")  # noqa: B009
    for name, command in commands.items():
        if not command.hidden:
            assert f"dicom-pipeline {name}" in page, name
        assert command.help, name


def test_every_setting_is_in_the_settings_page() -> None:
    from dicom_pipeline.config.settings import _DEFAULTS

    page = (PROJECT_ROOT / "docs" / "settings.md").read_text()
    for name in _DEFAULTS:
        assert f"`{name}`" in page, name


def test_every_make_target_says_what_it_does_and_is_in_the_help() -> None:
    makefile = (PROJECT_ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE), target


DOCUMENTS = [
    *sorted(PROJECT_ROOT.glob("*.md")),
    *sorted((PROJECT_ROOT / "docs").glob("*.md")),
    PROJECT_ROOT / "data" / "README.md",
    *sorted((PROJECT_ROOT / "tests").glob("*/README.md")),
]


def anchors(path: Path) -> set[str]:
    """Anchors of a page's headings, as the usual sites make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", named(DOCUMENTS))
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"\w+:", link):
            continue  # of the net
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
