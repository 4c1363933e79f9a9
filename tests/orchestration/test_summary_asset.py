"""The overview's metadata, on an archive that would tell of people if it could."""

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

NAME = "Undercover^Quentin"
HIDDEN = ("Undercover", "Quentin", "4711", "1.2.3", "landing", ".dcm")


def fill(workspace: Workspace, studies: int, **attributes: str) -> None:
    """Take in studies of one file each, through scan and raw step."""
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
        list(workspace.ingest.raw_step().refresh(workspace.ingest.manifests.periods()))


def shown(workspace: Workspace, instance: dg.DagsterInstance) -> dict[str, str]:
    """The overview's metadata as text."""
    result = dg.materialize(
        [summary_asset], resources={"ingest": workspace.ingest}, instance=instance, selection=[KEY]
    )
    [event] = result.get_asset_materialization_events()
    return {name: str(value.value) for name, value in event.materialization.metadata.items()}


def test_a_small_archive_shows_no_study_and_nothing_of_anybody(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    # a name where a modality should stand, in few studies of one month
    fill(workspace, 10, Modality="QUENTIN", StudyDate="20120304")
    metadata = shown(workspace, instance)
    assert metadata["studies_a_month"] == "fewer than 11 studies: not shown"
    assert "| loaded | 10 |" in metadata["files"]
    assert "QUENTIN" not in str(metadata)
    for text in HIDDEN:
        assert text not in str(metadata)


def test_a_modality_that_the_standard_does_not_have_is_not_named(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    fill(workspace, 30, Modality="QUENTIN", StudyDate="20120304")
    metadata = shown(workspace, instance)
    assert metadata["studies_a_month_as_table"].splitlines()[-1] == "| 2012-03 | 30 |"
    assert "other" in metadata["studies_a_month_as_table"]
    assert "QUENTIN" not in str(metadata)


def test_the_pictures_are_png_and_small_enough_to_be_kept(
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


def test_a_landing_zone_that_nobody_scanned_is_not_fresh_and_says_what_to_do(
    workspace: Workspace,
) -> None:
    def result() -> dg.AssetCheckResult:
        found = landing_zone_was_scanned_lately(workspace)
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


def test_a_step_says_how_far_it_is_while_nothing_else_happens(tmp_path: Path) -> None:
    told: list[str] = []
    done = iter(range(100))
    with progress_log(told.append, lambda: f"{next(done)} done", seconds=0.05):
        while len(told) < 3:
            pass
    count = len(told)
    assert told[0].startswith("0 done, ")
    with pytest.raises(ZeroDivisionError), progress_log(told.append, str, seconds=10):
        raise ZeroDivisionError
    assert len(told) == count
