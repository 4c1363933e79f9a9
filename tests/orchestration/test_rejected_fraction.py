"""The check of the share of rejected files among those that the latest run read."""

from __future__ import annotations

import dataclasses

import dagster as dg
import pytest

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.raw import raw_assets
from dicom_pipeline.orchestration.checks.pipeline_checks import (
    FEW_REJECTED,
    few_new_files_are_rejected,
)
from dicom_pipeline.workspace import Workspace
from tests.support.dicom import instance as dicom_file
from tests.support.inline_pool import inline_pool


def check(
    workspace: Workspace, instance: dg.DagsterInstance, good: int, bad: int, first: int
) -> dg.AssetCheckEvaluation:
    """Put files into the landing zone, load them, and return the result of the check."""
    landing = workspace.settings.landing_dir
    for number in range(first, first + good):
        (landing / f"{number}").write_bytes(dicom_file(number, StudyDate=None))
    for number in range(first, first + bad):
        (landing / f"bad {number}").write_bytes(dicom_file(number, StudyDate=None)[:-60])
    with WriteSession(workspace)():
        workspace.warehouse.prepare()
        workspace.ingest.scan()
    instance.add_dynamic_partitions("study_period", workspace.ingest.manifests.periods())
    with inline_pool():
        result = dg.materialize(
            [raw_assets, few_new_files_are_rejected],
            resources={
                "ingest": workspace.ingest,
                "write_session": WriteSession(workspace),
            },
            instance=instance,
            partition_key="undated",
        )
    assert result.success
    (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == FEW_REJECTED]
    return found


def test_a_run_with_many_rejected_files_fails_the_check_and_the_next_run_passes_it(
    workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    few = check(workspace, instance, good=8, bad=8, first=0)
    assert few.passed  # too few files to judge
    assert few.metadata["rejected"].value == 8
    many = check(workspace, instance, good=20, bad=10, first=100)
    assert not many.passed
    assert (many.metadata["files_read"].value, many.metadata["rejected"].value) == (30, 10)
    assert "rejects" in str(many.metadata["what to do"].value)
    assert check(workspace, instance, good=20, bad=2, first=200).passed


@pytest.mark.parametrize(("limit", "passed"), [(0.3, False), (0.34, True), (1.0, True)])
def test_the_limit_is_a_setting(
    workspace: Workspace, instance: dg.DagsterInstance, limit: float, passed: bool
) -> None:
    workspace.ingest.settings = dataclasses.replace(workspace.settings, max_rejected_fraction=limit)
    assert check(workspace, instance, good=20, bad=10, first=0).passed is passed
