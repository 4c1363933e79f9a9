"""Definitions and instances for the orchestration tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.workspace import Workspace


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables that put every zone under a temporary directory."""
    landing = tmp_path / "landing"
    landing.mkdir()
    return {
        "DICOM_LANDING_URI": str(landing),
        "DICOM_RAW_URI": str(tmp_path / "raw"),
        "DICOM_WAREHOUSE_DIR": str(tmp_path / "warehouse"),
        "DBT_DATABASE_NAME": str(tmp_path / "published" / "dicom.duckdb"),
        "DICOM_MIN_FILE_AGE_SECONDS": "0",
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }


@pytest.fixture
def workspace(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Workspace on the zones of ``environment``."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Workspace(load_settings())


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Temporary Dagster instance."""
    (tmp_path / "instance").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "instance")) as made:
        yield made


@pytest.fixture
def defs(workspace: Workspace) -> dg.Definitions:
    """Definitions of the project for ``workspace``."""
    from dicom_pipeline.definitions import build_defs

    return build_defs(workspace)
