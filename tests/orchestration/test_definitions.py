"""The asset graph: it loads without warnings, and a snapshot shows changes in review."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import dagster as dg
import msgpack
import pytest

from dicom_pipeline.config.project import DBT_PROJECT_DIR, PROJECT_DIR
from dicom_pipeline.orchestration import dbt_project as dbt_project_module
from dicom_pipeline.orchestration.dbt_project import (
    dbt_project,
    ensure_manifest,
    partial_parse_options,
    sources_digest,
)

SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


def graph_as_text(defs: dg.Definitions) -> str:
    """Return one line per asset (key, group, partitions, parents), jobs, sensors, raw checks."""
    graph = defs.resolve_asset_graph()
    lines = []
    for key in sorted(graph.executable_asset_keys):
        node = graph.get(key)
        parents = ", ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        partitions = f" by {node.partitions_def.name}" if node.partitions_def else ""
        lines.append(
            f"{key.to_user_string()} [{node.group_name}]{partitions} <- {parents}".rstrip()
        )
    jobs = sorted(job.name for job in defs.jobs or [])
    sensors = sorted(
        f"{sensor.name} ({sensor.default_status.value})" for sensor in defs.sensors or []
    )
    checks = sorted(
        f"{key.asset_key.to_user_string()}: {key.name}"
        for key in graph.asset_check_keys
        if key.asset_key.path[0] == "raw"
    )
    return "\n".join([*lines, "", *jobs, "", *sensors, "", *checks, ""])


def test_the_asset_graph_equals_the_snapshot(defs: dg.Definitions) -> None:
    now = graph_as_text(defs)
    if not SNAPSHOT.exists():
        SNAPSHOT.write_text(now)
    assert now == SNAPSHOT.read_text(), "if this change is meant, delete the snapshot and run again"


def test_workspaces_of_one_checkout_share_its_dbt_manifest(
    defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    manifest = dbt_project().manifest_path
    made = manifest.stat().st_mtime_ns
    monkeypatch.setenv("DICOM_WAREHOUSE_DIR", str(tmp_path / "another"))
    ensure_manifest(dbt_project())
    assert manifest.stat().st_mtime_ns == made


@pytest.mark.parametrize("content", ['{"metadata": {"adapter_type": "snowflake"}}', "{"])
def test_a_manifest_of_another_target_or_a_broken_one_is_parsed_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    project = dbt_project(tmp_path)
    assert project.manifest_path == tmp_path / "manifest.json"
    (tmp_path / "manifest.digest").write_text(f"{sources_digest()} {DBT_PROJECT_DIR}")
    parsed = []
    monkeypatch.setattr(dbt_project_module, "PROJECT_TARGET", tmp_path / "none")
    monkeypatch.setattr(dbt_project_module, "run_dbt", lambda *_, **__: parsed.append(1))
    project.manifest_path.write_text('{"metadata": {"adapter_type": "duckdb"}}')
    ensure_manifest(project)
    assert parsed == []
    project.manifest_path.write_text(content)
    ensure_manifest(project)
    assert parsed == [1]


@pytest.mark.parametrize("current", [True, False])
def test_the_manifest_of_the_project_directory_is_copied_if_it_is_current(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, current: bool
) -> None:
    """An image has it, with a project directory that cannot be written to."""
    baked, target = tmp_path / "baked", tmp_path / "warehouse" / "dbt"
    baked.mkdir()
    stamp = f"{sources_digest() if current else 'older'} {DBT_PROJECT_DIR}"
    content = {
        "manifest.digest": stamp, "manifest.json": '{"metadata": {"adapter_type": "duckdb"}}',
        "partial_parse.msgpack": "parsed",
    }  # fmt: skip
    for name, text in content.items():
        (baked / name).write_text(text)
    parsed = []
    monkeypatch.setattr(dbt_project_module, "PROJECT_TARGET", baked)
    monkeypatch.setattr(dbt_project_module, "run_dbt", lambda *_, **__: parsed.append(1))
    ensure_manifest(dbt_project(target))
    if current:
        assert {name: (target / name).read_text() for name in content} == content
    assert parsed == ([] if current else [1])
    assert {path.name for path in baked.iterdir()} == content.keys()


@pytest.mark.parametrize(
    "project",
    [
        "/app/dbt_snowflake",
        "/app/a-directory-with-a-longer-name/dbt_snowflake",
        f"/{'x' * 300}/dbt",
    ],
)
@pytest.mark.parametrize("moved", ["{}", "/srv{}", "{}2", "/other"])
def test_what_dbt_parsed_in_another_directory_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: str, moved: str
) -> None:
    """The partial parse file has absolute paths of seeds: a build would not find them."""
    parsed_in = moved.format(project)
    file = tmp_path / "partial_parse.msgpack"
    file.write_bytes(msgpack.packb({"nodes": [{"root_path": parsed_in, "path": "seeds/a.csv"}]}))
    monkeypatch.setattr(dbt_project_module, "DBT_PROJECT_DIR", Path(project))
    assert bool(partial_parse_options(file)) == (parsed_in == project)


def test_dbt_writes_the_directory_of_the_project_into_what_it_parsed(defs: dg.Definitions) -> None:
    assert partial_parse_options(dbt_project().manifest_path.with_name("partial_parse.msgpack"))
    assert partial_parse_options(Path("/missing")) == []


def test_a_target_directory_that_was_moved_with_the_project_is_parsed_from_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "manifest.digest").write_text(f"{sources_digest()} /elsewhere/dbt_snowflake")
    (tmp_path / "manifest.json").write_text('{"metadata": {"adapter_type": "duckdb"}}')
    (tmp_path / "partial_parse.msgpack").write_bytes(msgpack.packb("/elsewhere/dbt_snowflake"))
    found: list[list[Path]] = []
    monkeypatch.setattr(dbt_project_module, "PROJECT_TARGET", tmp_path / "none")
    monkeypatch.setattr(
        dbt_project_module, "run_dbt", lambda *_, **__: found.append([*tmp_path.glob("*.msgpack")])
    )
    ensure_manifest(dbt_project(tmp_path))
    assert found == [[]]


@pytest.fixture
def clean_environment(environment: dict[str, str]) -> dict[str, str]:
    import os

    return {**os.environ, **environment}


def test_definitions_validate(clean_environment: dict[str, str]) -> None:
    dagster = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [str(dagster), "definitions", "validate"],
        cwd=PROJECT_DIR,
        env=clean_environment | {"DAGSTER_HOME": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.check
def test_a_setting_that_cannot_be_used_is_reported_without_a_traceback(
    clean_environment: dict[str, str],
) -> None:
    dagster = Path(sys.executable).with_name("dagster")
    done = subprocess.run(
        [str(dagster), "definitions", "validate"],
        cwd=PROJECT_DIR,
        env=clean_environment | {"DAGSTER_HOME": "", "DICOM_PARTITION_BY": "week"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "DICOM_PARTITION_BY cannot be used: expected one of" in told
    assert "Stack Trace" not in told
    assert "Traceback" not in told


def test_loading_gives_no_deprecation_warning(clean_environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "default", "-c", "import dicom_pipeline.definitions"],
        cwd=PROJECT_DIR,
        env=clean_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ours = [line for line in done.stderr.splitlines() if "Deprecat" in line]
    assert ours == []


def test_every_asset_has_a_description_an_owner_and_a_code_reference(
    defs: dg.Definitions,
) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.executable_asset_keys:
        node = graph.get(key)
        assert node.description, key
        assert "Raw SQL" not in node.description, key
        assert node.owners == ["team:data-engineering"], key
        assert node.kinds, key
        assert node.tags.get("phi") == ("true" if key.path[0] == "raw" else None), key
        references = node.metadata["dagster/code_references"].code_references
        assert references, key
        assert all(Path(one.file_path).is_file() for one in references), key


def test_every_check_describes_its_condition_and_the_next_step(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    names = {key.name for key in graph.asset_check_keys}
    assert {
        "every_discovered_file_is_accounted_for",
        "few_patients_are_unique",
        "landing_zone_was_scanned_lately",
        "no_identifier_of_a_patient_in_any_published_column",
        "no_series_with_conflicting_attributes",
        "no_slice_gaps",
        "one_patient_per_study",
        "spacing_is_regular",
    } <= names
    dbt_groups = ("internal", "stage", "processed")
    specs = [spec for one in defs.assets or [] for spec in getattr(one, "check_specs", ())]
    specs += [spec for one in defs.asset_checks or [] for spec in one.check_specs]
    assert {spec.key for spec in specs} >= graph.asset_check_keys
    for spec in specs:
        text = spec.description or ""
        assert re.search(r"^[A-Z`].*\.$", text, re.DOTALL), spec.name
        # other checks have it in the metadata of a failed result
        assert ("If it fails:" in text) is (spec.asset_key.path[0] in dbt_groups), spec.name
        assert "{{" not in text, spec.name
