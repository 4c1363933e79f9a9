"""Settings are read once; an invalid one stops the program with one line that names it."""

import os
from pathlib import Path

import pytest

from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import (
    Granularity,
    OnDelete,
    SettingsError,
    export_for_dbt,
    load_settings,
)

KEY = "0123456789abcdef" * 4


def test_without_any_variable_every_setting_has_its_default() -> None:
    settings = load_settings({})
    assert (settings.partition_by, settings.on_delete) == (Granularity.MONTH, OnDelete.REMOVE)
    assert (settings.max_deleted_fraction, settings.min_file_age_seconds) == (0.2, 5)
    assert settings.max_unique_fraction == 0.09
    assert settings.uses_default_landing
    assert settings.workers >= 1
    assert settings.landing_dir.is_absolute()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DICOM_LANDING_URI", ""),
        ("DICOM_LANDING_URI", "   "),
        ("DICOM_LANDING_URI", "ftp://host/x"),
        ("DICOM_LANDING_URI", "~no-such-user-here/dicom"),
        ("DICOM_RAW_URI", ""),
        ("DBT_DATABASE_NAME", ""),
        ("DBT_DATABASE_NAME", "/"),
        ("DICOM_WAREHOUSE_DIR", ""),
        ("DBT_TARGET", "mars"),
        ("DICOM_DEID_PROFILE", "Research"),
        ("DICOM_PARTITION_BY", "week"),
        ("DICOM_ON_DELETE", ""),
        ("DICOM_MAX_DELETED_FRACTION", "20%"),
        ("DICOM_MAX_DELETED_FRACTION", "1.1"),
        ("DICOM_MAX_DELETED_FRACTION", "-0.1"),
        ("DICOM_MAX_DELETED_FRACTION", "nan"),
        ("DICOM_LEAK_LIMIT_PATIENTS", "0"),
        ("DICOM_LEAK_LIMIT_PATIENTS", "2.5"),
        ("DICOM_LEAK_LIMIT_FRACTION", "1%"),
        ("DICOM_LEAK_LIMIT_FRACTION", "1.1"),
        ("DICOM_MAX_UNIQUE_FRACTION", "9%"),
        ("DICOM_MAX_UNIQUE_FRACTION", "1.01"),
        ("DICOM_MAX_UNIQUE_FRACTION", "nan"),
        ("DICOM_FOLLOW_SYMLINKS", "maybe"),
        ("DICOM_FOLLOW_SYMLINKS", ""),
        ("DICOM_EXTRACTOR", "x"),
        ("DICOM_WORKERS", "0"),
        ("DICOM_WORKERS", "two"),
        ("DICOM_WORKERS", "1.5"),
        ("DICOM_WORKERS", "100000"),
        ("DICOM_READER", "x"),
        ("DICOM_MIN_FILE_AGE_SECONDS", "inf"),
        ("DICOM_MIN_FILE_AGE_SECONDS", "-1"),
        ("DICOM_MIN_FILE_AGE_SECONDS", "soon"),
        ("DICOM_SETTLE_SECOND", "5"),
        ("DICOM_", "5"),
    ],
)
def test_a_malformed_or_unknown_setting_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings({name: value, "DICOM_PSEUDONYM_KEY": KEY})
    message = str(caught.value)
    assert name in message
    assert "\n" not in message
    assert KEY not in message
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "environ",
    [
        {"DICOM_RAW_URI": "/x/in/raw"},
        {"DICOM_RAW_URI": "/x/in"},
        {"DICOM_WAREHOUSE_DIR": "/x/in/../in/w"},
        {"DBT_DATABASE_NAME": "/x/in/d.duckdb"},
        {"DAGSTER_HOME": "/x/in/.dagster"},
        {"DICOM_RAW_URI": "/x"},
        {"DICOM_WAREHOUSE_DIR": "/x"},
        {"DBT_DATABASE_NAME": "/raw/d.duckdb", "DICOM_RAW_URI": "/raw"},
        {"DBT_DATABASE_NAME": "/w/d.duckdb", "DICOM_WAREHOUSE_DIR": "/w"},
    ],
)
def test_nested_zones_are_refused(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="must not be inside"):
        load_settings({"DICOM_LANDING_URI": "/x/in"} | environ)


def test_repr_and_str_do_not_show_the_key(tmp_path: Path) -> None:
    settings = load_settings(
        {"DICOM_PSEUDONYM_KEY": KEY, "DICOM_PSEUDONYM_KEY_FILE": str(tmp_path / "key")}
    )
    assert settings.pseudonym_key == KEY
    for text in (repr(settings), str(settings), f"{settings}", f"{settings!r}"):
        assert KEY not in text


def test_unrelated_environment_variables_are_ignored() -> None:
    load_settings({"DBT_OTHER": "x", "AWS_REGION": "y", "PATH": "", "MY_DICOM_X": "z"})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DICOM_DELETE_GUARD", "DICOM_MAX_DELETED_FRACTION"),
        ("DICOM_RUNS_KEPT_DAYS", "DICOM_RUN_RETENTION_DAYS"),
        ("DICOM_SETTLE_SECONDS", "DICOM_MIN_FILE_AGE_SECONDS"),
        ("DICOM_SQS_LISTING_HOURS", "DICOM_FULL_LISTING_INTERVAL_HOURS"),
    ],
)
def test_a_former_name_of_a_setting_is_refused_with_the_new_name(old: str, new: str) -> None:
    with pytest.raises(SettingsError, match=f"^{old} has a new name: {new}$"):
        load_settings({old: "1"})


def test_dbt_gets_the_settings_as_variables_with_absolute_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in (
        "DICOM_RAW_URI", "DICOM_WAREHOUSE_DIR", "DICOM_DEID_PROFILE", "DICOM_MAX_UNIQUE_FRACTION",
        "DBT_TARGET", "DBT_TARGET_PATH",
    ):  # fmt: skip
        monkeypatch.setenv(name, "")  # set back at the end of the test
    export_for_dbt(
        load_settings(
            {
                "DICOM_RAW_URI": "raw", "DICOM_WAREHOUSE_DIR": "wh", "DICOM_DEID_PROFILE": "strict",
                "DICOM_MAX_UNIQUE_FRACTION": "0.2",
            }
        )
    )  # fmt: skip
    assert os.environ["DICOM_RAW_URI"] == str(PROJECT_DIR / "raw")
    assert os.environ["DICOM_WAREHOUSE_DIR"] == str(PROJECT_DIR / "wh")
    assert os.environ["DICOM_DEID_PROFILE"] == "strict"
    assert os.environ["DICOM_MAX_UNIQUE_FRACTION"] == "0.2"
    assert os.environ["DBT_TARGET"] == "local"
    assert Path(os.environ["DBT_TARGET_PATH"]).is_absolute()
