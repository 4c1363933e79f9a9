"""Metadata of the summary asset, on an archive with conspicuous identifiers."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.summary_asset import KEY, summary_asset
from dicom_pipeline.orchestration.checks.pipeline_checks import landing_zone_was_scanned_lately
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.workspace import Workspace
from tests.support.dicom import instance as dicom_file
from tests.support.inline_pool import inline_pool

NAME = "Undercover^Quentin"
HIDDEN = ("Undercover", "Quentin", "4711", "1.2.3", "landing", ".dcm")


def fill(workspace: Workspace, studies: int, **attributes: str) -> None:
    """Load studies of one file each through scan and raw step."""
    for number in range(studies):
        (workspace.settings.landing_dir / f"{NAME}-{number:03}.dcm").write_bytes(
            dicom_file(
                number,
                StudyInstanceUID=f"1.2.3.4.{number}",
                SeriesInstanceUID=f"1.2.3.5.{number}",
                PatientName=NAME,
                **attributes,
            )
        )
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan()
        with inline_pool():
            list(workspace.ingest.raw_step().refresh(workspace.ingest.manifests.periods()))


def shown(workspace: Workspace, instance: dg.DagsterInstance) -> dict[str, str]:
    """Return the metadata of the summary asset as text."""
    result = dg.materialize(
        [summary_asset], resources={"ingest": workspace.ingest}, instance=instance, selection=[KEY]
    )
    [event] = result.get_asset_materialization_events()
    return {name: str(value.value) for name, value in event.materialization.metadata.items()}


def test_a_small_archive_shows_no_study_counts_and_no_identifiers(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    # a name instead of a modality, in few studies of one month
    fill(workspace, 10, Modality="QUENTIN", StudyDate="20120304")
    metadata = shown(workspace, instance)
    assert metadata["studies_a_month"] == "fewer than 11 studies: not shown"
    assert "| loaded | 10 |" in metadata["files"]
    assert "QUENTIN" not in str(metadata)
    for text in HIDDEN:
        assert text not in str(metadata)


def test_a_nonstandard_modality_is_shown_as_other(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    fill(workspace, 30, Modality="QUENTIN", StudyDate="20120304")
    metadata = shown(workspace, instance)
    assert metadata["studies_a_month_as_table"].splitlines()[-1] == "| 2012-03 | 30 |"
    assert "other" in metadata["studies_a_month_as_table"]
    assert "QUENTIN" not in str(metadata)


def test_the_charts_are_small_png_images(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    (workspace.settings.landing_dir / "notes.txt").write_text("no image")
    fill(workspace, 12, StudyDate="20120304")
    metadata = shown(workspace, instance)
    pictures = {
        name: base64.b64decode(found[1])
        for name, text in metadata.items()
        if (found := re.search(r"\(data:image/png;base64,([^)]+)\)", text))
    }
    assert set(pictures) == {"studies_a_month", "files_a_partition", "files_without_row"}
    for png in pictures.values():
        assert Image.open(io.BytesIO(png)).format == "PNG"
        assert len(png) < 10_000
    assert "| not_dicom | 1 |" in metadata["files_without_row_as_table"]


def test_a_landing_zone_without_a_scan_fails_the_freshness_check_with_the_next_step(
    workspace: Workspace,
) -> None:
    def result() -> dg.AssetCheckResult:
        found = landing_zone_was_scanned_lately(workspace.ingest)
        assert isinstance(found, dg.AssetCheckResult)
        return found

    stale = result()
    assert not stale.passed
    assert stale.severity is dg.AssetCheckSeverity.WARN
    assert "file_arrival_sensor" in str(stale.metadata["what to do"].value)
    fill(workspace, 1)
    fresh = result()
    assert fresh.passed
    assert "what to do" not in fresh.metadata


def test_a_long_step_logs_its_progress(tmp_path: Path) -> None:
    messages: list[str] = []
    done = iter(range(100))
    with progress_log(messages.append, lambda: f"{next(done)} done", seconds=0.05):
        while len(messages) < 3:
            pass
    count = len(messages)
    assert messages[0].startswith("0 done, ")
    with pytest.raises(ZeroDivisionError), progress_log(messages.append, str, seconds=10):
        raise ZeroDivisionError
    assert len(messages) == count
