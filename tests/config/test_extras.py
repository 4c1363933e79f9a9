"""A setting or command that needs an optional package which is not installed names the extra."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config.extras import MissingExtraError, is_installed, require_extra
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import load_settings
from dicom_pipeline.reporting import charts

EXTRAS = tomllib.loads((PROJECT_DIR / "pyproject.toml").read_text())["project"][
    "optional-dependencies"
]
SNOWFLAKE = {
    "DBT_TARGET": "snowflake", "SNOWFLAKE_ACCOUNT": "account", "SNOWFLAKE_USER": "user",
    "SNOWFLAKE_PASSWORD": "password", "SNOWFLAKE_ROLE": "role", "SNOWFLAKE_WAREHOUSE": "warehouse",
}  # fmt: skip


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """No optional package can be found."""

    class Finder:
        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> None:
            if name in {"boto3", "matplotlib", "PIL", "snowflake", "dbt.adapters.snowflake"}:
                raise ModuleNotFoundError(name)

    for name in list(sys.modules):
        if name.partition(".")[0] in {"boto3", "matplotlib", "PIL", "snowflake"}:
            monkeypatch.delitem(sys.modules, name)
        if name.startswith("dbt.adapters.snowflake"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DICOM_LANDING_URI": "s3://bucket/in"},
         "DICOM_LANDING_URI is an S3 URI: install dicom-pipeline[aws]"),
        ({"DICOM_RAW_URI": "s3://bucket/raw"},
         "DICOM_RAW_URI is an S3 URI: install dicom-pipeline[aws]"),
        ({"DICOM_LANDING_URI": "s3://bucket/in", "DICOM_SQS_QUEUE_URL": "https://sqs/1/q"},
         "DICOM_LANDING_URI is an S3 URI: install dicom-pipeline[aws]"),
        (SNOWFLAKE, "DBT_TARGET is snowflake: install dicom-pipeline[snowflake]"),
    ],
    ids=["landing", "raw", "queue", "snowflake"],
)  # fmt: skip
def test_a_setting_whose_extra_is_missing_is_refused(
    hidden: None, environment: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load_settings(environment)
    assert str(refused.value) == message


@pytest.mark.parametrize("environment", [{"DICOM_RAW_URI": "s3://bucket/raw"}, SNOWFLAKE])
def test_with_the_extra_installed_the_setting_is_accepted(environment: dict[str, str]) -> None:
    load_settings(environment)


def test_directories_and_duckdb_need_no_extra(hidden: None) -> None:
    load_settings({})


def test_the_report_names_its_extra_before_anything_is_counted(hidden: None) -> None:
    assert not charts.can_draw()
    with pytest.raises(MissingExtraError, match=r"install dicom-pipeline\[report\]"):
        charts.require_drawing("the report has charts")


def test_charts_can_be_drawn_where_the_extra_is_installed() -> None:
    assert charts.can_draw()
    charts.require_drawing("the report has charts")


def test_the_overview_says_what_to_install_instead_of_a_chart(hidden: None) -> None:
    from dicom_pipeline.orchestration.assets.summary_asset import _chart

    def draw() -> bytes:
        raise AssertionError("nothing can be drawn")

    assert _chart("files", draw) == "not drawn: install dicom-pipeline[report]"


def test_nothing_is_imported_by_the_check(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "fails_at_import.py").write_text("raise SystemExit")
    monkeypatch.syspath_prepend(tmp_path)
    require_extra("fails_at_import", "any", "a test")
    assert "fails_at_import" not in sys.modules


def test_a_module_below_a_package_that_is_missing_is_not_installed() -> None:
    assert not is_installed("no_such_package.module")


@pytest.mark.parametrize("extra", ["aws", "snowflake", "report"])
def test_the_extras_that_errors_name_exist(extra: str) -> None:
    assert extra in EXTRAS
