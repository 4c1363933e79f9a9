"""The layout is a promise: layers, headers, and where SQL of one engine may stand."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR

PACKAGE = PROJECT_DIR / "dicom_pipeline"
MODULES = sorted(PACKAGE.rglob("*.py"))

# each may import itself and the layers before it
LAYERS = (
    "common", "config", "mapping", "headers", "landing", "deid", "extract", "warehouse",
    "workspace", "reporting", "operations", "orchestration", "definitions", "cli",
)  # fmt: skip
# layers that may import less than all layers before them
ONLY = {"headers": {"common", "headers"}}
DAGSTER = {"dagster", "dagster_dbt"}
NEVER = {
    "common": {*DAGSTER, "duckdb", "pyarrow"},
    "config": {*DAGSTER, "duckdb", "pyarrow", "pydicom", "boto3", "botocore"},
    "mapping": {*DAGSTER, "duckdb", "pyarrow", "boto3", "botocore"},
    "headers": {*DAGSTER, "duckdb", "pyarrow", "boto3", "botocore"},
    "landing": {*DAGSTER, "duckdb"},
    "deid": {*DAGSTER, "duckdb", "boto3", "botocore"},
    "extract": {*DAGSTER, "duckdb"},
    "warehouse": DAGSTER,
    "workspace": DAGSTER,
    "reporting": DAGSTER,
    "operations": DAGSTER,
    "orchestration": {"pydicom", "duckdb", "boto3", "botocore"},
}
MOST_MODULES_IN_A_FOLDER = 16
MOST_NODES_AT_THE_TOP = 14


def dotted(path: Path) -> str:
    """Return the dotted name of a module; a package has that of its folder."""
    name = ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts)
    return name.removesuffix(".__init__")


NAMES = {dotted(path): path for path in MODULES}


def layer_of(name: str) -> str:
    """Return the layer of a module of the package; empty for the package itself."""
    return name.removeprefix("dicom_pipeline").removeprefix(".").partition(".")[0]


def imports(path: Path) -> set[str]:
    """Return what a file imports anywhere in it, as whole dotted names.

    ``from a import b`` counts as ``a`` and, if that is a module, as ``a.b``; a relative import is
    resolved first.
    """
    found = set()
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def imported_modules(path: Path) -> set[str]:
    """Return the modules of the package that a file imports; packages count as modules."""
    return {name for name in imports(path) if name in NAMES} - {"dicom_pipeline"}


def named(paths: list[Path]) -> list[pytest.param]:  # type: ignore[valid-type]
    return [pytest.param(p, id=str(p.relative_to(PROJECT_DIR))) for p in paths]


def test_every_module_is_in_a_layer() -> None:
    layers = {layer_of(name) for name in NAMES if name != "dicom_pipeline"}
    assert layers == set(LAYERS)


@pytest.mark.parametrize("path", named([p for p in MODULES if dotted(p) != "dicom_pipeline"]))
def test_a_module_imports_only_layers_before_its_own(path: Path) -> None:
    layer = layer_of(dotted(path))
    allowed = ONLY.get(layer, set(LAYERS[: LAYERS.index(layer) + 1]))
    for name in imported_modules(path):
        assert layer_of(name) in allowed, f"{layer} must not import {name}"
    for name in imports(path):
        root = name.partition(".")[0]
        assert root not in NEVER.get(layer, set()), f"{layer} must not import {root}"


def cycles(needs: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the modules that are part of an import cycle or import one that is."""
    left = {name: needed & needs.keys() - {name} for name, needed in needs.items()}
    while free := {name for name, needed in left.items() if not needed}:
        left = {name: needed - free for name, needed in left.items() if name not in free}
    return left


def test_no_modules_import_each_other() -> None:
    """Imports inside functions and for type checking count as well."""
    needs = {name: imported_modules(path) for name, path in NAMES.items()}
    modules = {name for name, path in NAMES.items() if path.name != "__init__.py"}
    assert not cycles({name: needs[name] & modules for name in modules})


def test_a_cycle_of_plain_and_relative_imports_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PROJECT_DIR", tmp_path)
    folder = tmp_path / "dicom_pipeline" / "landing"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("def f() -> None:\n    import dicom_pipeline.landing.two\n")
    (folder / "two.py").write_text("from . import one\n")
    (folder / "three.py").write_text("from dicom_pipeline.common import errors\n")
    needs = {dotted(path): imports(path) for path in folder.glob("*.py")}
    assert cycles(needs).keys() == {"dicom_pipeline.landing.one", "dicom_pipeline.landing.two"}


def test_the_leak_check_imports_nothing_of_the_cleaning_that_it_checks() -> None:
    """An error in shared code would hide from both."""
    reached, new = set(), {name for name in NAMES if ".warehouse.leak_check" in name}
    assert len(new) > 5
    while new:
        reached |= new
        new = {found for name in new for found in imported_modules(NAMES[name])} - reached
    assert not {name for name in reached if name.startswith("dicom_pipeline.deid")}


def test_the_package_has_few_nodes_at_its_top() -> None:
    nodes = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert len(nodes - {"__init__", "__pycache__"}) <= MOST_NODES_AT_THE_TOP


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=str)
def test_a_folder_holds_few_modules(folder: Path) -> None:
    modules = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES_IN_A_FOLDER


def test_few_modules_import_the_workspace() -> None:
    """The others get the service that they need: `Ingest`, `Warehouse`, `WriteSession`."""
    users = [n for n, p in NAMES.items() if "dicom_pipeline.workspace" in imported_modules(p)]
    assert len(users) <= 10


def test_importing_the_definitions_neither_reads_the_environment_nor_builds_them() -> None:
    code = (
        "import os; os.environ['DICOM_NO_SUCH_SETTING'] = '1'; import dicom_pipeline.definitions, "
        "dicom_pipeline.cli.app; print('imported')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "imported"


@pytest.mark.parametrize("path", named([p for p in MODULES if p.name != "__init__.py"]))
def test_a_module_says_what_belongs_in_it_and_what_does_not(path: Path) -> None:
    header = ast.get_docstring(ast.parse(path.read_text())) or ""
    if len(path.read_text().splitlines()) > 40:
        assert "Belongs here:" in header
        assert "Does not belong here:" in header
    assert header


def test_only_settings_reads_the_environment() -> None:
    for path in MODULES:
        if path != PACKAGE / "config" / "settings.py":
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
    makefile = (PROJECT_DIR / "Makefile").read_text()
    started = re.findall(r"dagster dev\b(.*)", makefile)
    assert started
    assert all("--host 127.0.0.1" in options for options in started)


def test_there_are_no_dbt_packages() -> None:
    assert not list(DBT_PROJECT_DIR.glob("packages.yml"))
    assert not list(DBT_PROJECT_DIR.glob("dependencies.yml"))


def test_every_command_is_in_the_cli_page() -> None:
    from typer.main import get_command

    from dicom_pipeline.cli.app import app

    page = (PROJECT_DIR / "docs" / "cli.md").read_text()
    commands = getattr(get_command(app), "commands")  # noqa: B009
    for name, command in commands.items():
        if not command.hidden:
            assert f"dicom-pipeline {name}" in page, name
        assert command.help, name


def test_every_setting_is_in_the_settings_page() -> None:
    from dicom_pipeline.config.settings import _DEFAULTS

    page = (PROJECT_DIR / "docs" / "settings.md").read_text()
    for name in _DEFAULTS:
        assert f"`{name}`" in page, name


def test_every_make_target_says_what_it_does_and_is_in_the_help() -> None:
    makefile = (PROJECT_DIR / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    for target in phony[1].split():
        assert re.search(rf"^{target}:.*## \w", makefile, re.MULTILINE), target


DOCUMENTS = [
    *sorted(PROJECT_DIR.glob("*.md")),
    *sorted((PROJECT_DIR / "docs").glob("*.md")),
    PROJECT_DIR / "data" / "README.md",
    *sorted((PROJECT_DIR / "tests").glob("*/README.md")),
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
