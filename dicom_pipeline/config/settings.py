"""Settings from environment variables; the only module that reads ``os.environ``.

Belongs here: names and defaults, checks of several settings, and the environment of dbt.
Does not belong here: parsing of one value (parsers), opening data files, Dagster.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from dicom_pipeline.common.errors import ConfigurationError
from dicom_pipeline.config import parsers as values
from dicom_pipeline.config.extras import require_extra
from dicom_pipeline.config.locations import Location, S3Location
from dicom_pipeline.config.project import PROJECT_DIR, require_project_dir
from dicom_pipeline.config.snowflake import DEFAULTS as SNOWFLAKE_DEFAULTS
from dicom_pipeline.config.snowflake import (
    SnowflakeSettings,
    SnowflakeSettingsError,
    snowflake_settings,
)

RAW_MIRROR = "raw-mirror"


T = TypeVar("T")


class SettingsError(ConfigurationError):
    """A setting is malformed or unknown; the message is one line with the name of the variable."""


class Granularity(StrEnum):
    """Length of the study period of a partition."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Profile(StrEnum):
    """De-identification profile (DICOM PS3.15 Annex E)."""

    RESEARCH = "research"
    STRICT = "strict"


class OnDelete(StrEnum):
    """Handling of rows whose file was deleted."""

    REMOVE = "remove"
    KEEP = "keep"


class Target(StrEnum):
    """dbt target."""

    LOCAL = "local"
    SNOWFLAKE = "snowflake"


class Extractor(StrEnum):
    """Where headers are read: in local processes or in AWS Lambda."""

    LOCAL = "local"
    LAMBDA = "lambda"


class Reader(StrEnum):
    """Implementation that reads headers."""

    FAST = "fast"
    PYDICOM = "pydicom"


@dataclass(frozen=True)
class Settings:
    """All settings, parsed and checked.

    Relative paths start at the project directory, whatever the working directory is.
    """

    landing: Location
    raw: Location
    database: Path
    warehouse_dir: Path
    target: Target
    pseudonym_key: str | None
    pseudonym_key_file: Path | None
    profile: Profile
    partition_by: Granularity
    on_delete: OnDelete
    max_deleted_fraction: float
    follow_symlinks: bool
    allow_missing_uids: bool
    max_rejected_fraction: float
    extractor: Extractor
    workers: int
    reader: Reader
    min_file_age_seconds: float
    dbt_target_path: Path
    dagster_home: Path
    has_default_dagster_home: bool
    s3_kms_key: str | None
    queue_url: str | None
    full_listing_interval_hours: float
    lambda_function: str | None
    lambda_concurrency: int
    run_retention_days: float
    audit_retention_days: float
    leak_limit_patients: int
    leak_limit_fraction: float
    max_unique_fraction: float
    landing_freshness_hours: float = 0
    alert_webhook: str | None = None
    snowflake: SnowflakeSettings | None = None

    @property
    def landing_dir(self) -> Path:
        """The landing zone if it is a local directory; raises `SettingsError` if it is not."""
        if not isinstance(self.landing, Path):
            raise SettingsError("DICOM_LANDING_URI cannot be used: expected a local directory")
        return self.landing

    @property
    def raw_dir(self) -> Path:
        """Local directory of the raw zone; for S3, the local mirror."""
        if isinstance(self.raw, Path):
            return self.raw
        return self.warehouse_dir / RAW_MIRROR

    @property
    def directories(self) -> dict[str, Path]:
        """Directories that the pipeline writes to, by the name of their setting."""
        return {
            "DICOM_RAW_URI": self.raw_dir,
            "DBT_DATABASE_NAME": self.database.parent,
            "DICOM_WAREHOUSE_DIR": self.warehouse_dir,
            "DBT_TARGET_PATH": self.dbt_target_path,
            "DAGSTER_HOME": self.dagster_home,
        }

    @property
    def uses_default_landing(self) -> bool:
        """Whether the landing zone is the project's own; the sample is copied to no other one."""
        return self.landing == PROJECT_DIR / "data" / "dicom-files"

    def __repr__(self) -> str:  # a traceback must not put the key into a log
        return f"Settings(profile={self.profile}, target={self.target})"


_DEFAULTS: dict[str, str | None] = {
    "DICOM_LANDING_URI": "data/dicom-files",
    "DICOM_RAW_URI": "data/raw",
    "DBT_DATABASE_NAME": "dicom.duckdb",
    "DICOM_WAREHOUSE_DIR": "data/warehouse",
    "DBT_TARGET": "local",
    "DBT_TARGET_PATH": "dbt_snowflake/target",
    "DICOM_PSEUDONYM_KEY": None,
    "DICOM_PSEUDONYM_KEY_FILE": None,
    "DICOM_DEID_PROFILE": "research",
    "DICOM_MAX_UNIQUE_FRACTION": "0.09",
    "DICOM_PARTITION_BY": "month",
    "DICOM_ON_DELETE": "remove",
    "DICOM_MAX_DELETED_FRACTION": "0.2",
    "DICOM_FOLLOW_SYMLINKS": "false",
    "DICOM_ALLOW_MISSING_UIDS": "false",
    "DICOM_MAX_REJECTED_FRACTION": "0.25",
    "DICOM_EXTRACTOR": "local",
    "DICOM_WORKERS": None,
    "DICOM_READER": "fast",
    "DICOM_MIN_FILE_AGE_SECONDS": "5",
    "DICOM_S3_SSE_KMS_KEY_ID": None,
    "DICOM_SQS_QUEUE_URL": None,
    "DICOM_FULL_LISTING_INTERVAL_HOURS": "24",
    "DICOM_LAMBDA_FUNCTION": None,
    "DICOM_LAMBDA_CONCURRENCY": "50",
    "DICOM_ALERT_WEBHOOK": None,
    "DICOM_LANDING_FRESHNESS_HOURS": "0",
    "DICOM_RUN_RETENTION_DAYS": "90",
    "DICOM_AUDIT_RETENTION_DAYS": "2190",
    "DICOM_LEAK_LIMIT_PATIENTS": "5",
    "DICOM_LEAK_LIMIT_FRACTION": "0.01",
    "DAGSTER_HOME": ".dagster",
}
# former names; there are no aliases
_RENAMED = {
    "DICOM_DELETE_GUARD": "DICOM_MAX_DELETED_FRACTION",
    "DICOM_RUNS_KEPT_DAYS": "DICOM_RUN_RETENTION_DAYS",
    "DICOM_SETTLE_SECONDS": "DICOM_MIN_FILE_AGE_SECONDS",
    "DICOM_SQS_LISTING_HOURS": "DICOM_FULL_LISTING_INTERVAL_HOURS",
}


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings.

    Parameters
    ----------
    environ
        Variables to read instead of those of the process.

    Raises
    ------
    ProjectDirectoryError
        There is no project directory, or another version created it.
    SettingsError
        A value is malformed, a ``DICOM_*`` variable is unknown, or two zones overlap.
    MissingExtraError
        A value needs a package that is not installed.
    """
    require_project_dir()
    env = dict(os.environ if environ is None else environ)
    if not env.get("DAGSTER_HOME"):  # Dagster ignores an empty value
        env.pop("DAGSTER_HOME", None)
    for name in sorted(env):
        if name in _RENAMED:
            raise SettingsError(f"{name} has a new name: {_RENAMED[name]}")
        if name.startswith("DICOM_") and name not in _DEFAULTS:
            near = get_close_matches(name, _DEFAULTS, n=1)
            meant = f"did you mean {near[0]}?" if near else "see docs/settings.md"
            raise SettingsError(f"{name} is not a setting of dicom_pipeline; {meant}")

    def get(name: str, parse: Callable[[str], T]) -> T:
        value = env.get(name, _DEFAULTS[name])
        assert value is not None
        try:
            return parse(value)
        except ValueError as error:
            raise SettingsError(f"{name} cannot be used: {error}") from None

    def optional(name: str, parse: Callable[[str], T]) -> T | None:
        return get(name, parse) if name in env else None

    target = get("DBT_TARGET", values.choice(Target))
    settings = Settings(
        landing=get("DICOM_LANDING_URI", values.location),
        raw=get("DICOM_RAW_URI", values.location),
        database=get("DBT_DATABASE_NAME", values.path),
        warehouse_dir=get("DICOM_WAREHOUSE_DIR", values.path),
        target=target,
        pseudonym_key=optional("DICOM_PSEUDONYM_KEY", str),
        pseudonym_key_file=optional("DICOM_PSEUDONYM_KEY_FILE", values.path),
        profile=get("DICOM_DEID_PROFILE", values.choice(Profile)),
        partition_by=get("DICOM_PARTITION_BY", values.choice(Granularity)),
        on_delete=get("DICOM_ON_DELETE", values.choice(OnDelete)),
        max_deleted_fraction=get("DICOM_MAX_DELETED_FRACTION", values.fraction),
        follow_symlinks=get("DICOM_FOLLOW_SYMLINKS", values.flag),
        allow_missing_uids=get("DICOM_ALLOW_MISSING_UIDS", values.flag),
        max_rejected_fraction=get("DICOM_MAX_REJECTED_FRACTION", values.fraction),
        extractor=get("DICOM_EXTRACTOR", values.choice(Extractor)),
        workers=optional("DICOM_WORKERS", values.count) or os.cpu_count() or 1,
        reader=get("DICOM_READER", values.choice(Reader)),
        min_file_age_seconds=get("DICOM_MIN_FILE_AGE_SECONDS", values.seconds),
        dbt_target_path=get("DBT_TARGET_PATH", values.path),
        dagster_home=get("DAGSTER_HOME", values.path),
        has_default_dagster_home="DAGSTER_HOME" not in env,
        s3_kms_key=optional("DICOM_S3_SSE_KMS_KEY_ID", values.text),
        queue_url=optional("DICOM_SQS_QUEUE_URL", values.queue_url),
        full_listing_interval_hours=get("DICOM_FULL_LISTING_INTERVAL_HOURS", values.hours),
        lambda_function=optional("DICOM_LAMBDA_FUNCTION", values.lambda_function),
        lambda_concurrency=get("DICOM_LAMBDA_CONCURRENCY", values.count),
        run_retention_days=get("DICOM_RUN_RETENTION_DAYS", values.days),
        audit_retention_days=get("DICOM_AUDIT_RETENTION_DAYS", values.days),
        leak_limit_patients=get("DICOM_LEAK_LIMIT_PATIENTS", values.patients),
        leak_limit_fraction=get("DICOM_LEAK_LIMIT_FRACTION", values.fraction),
        max_unique_fraction=get("DICOM_MAX_UNIQUE_FRACTION", values.fraction),
        landing_freshness_hours=get("DICOM_LANDING_FRESHNESS_HOURS", values.hours),
        alert_webhook=optional("DICOM_ALERT_WEBHOOK", values.webhook),
        snowflake=load_snowflake_settings(env) if target is Target.SNOWFLAKE else None,
    )
    _check_zones(settings)
    _check_extractor(settings)
    _check_extras(settings)
    return settings


def load_snowflake_settings(
    environ: Mapping[str, str] | None = None, *, login: bool = True
) -> SnowflakeSettings:
    """Read and check the ``SNOWFLAKE_*`` variables.

    Parameters
    ----------
    environ
        Variables to read instead of those of the process.
    login
        Whether an account and a login are needed.

    Raises
    ------
    SettingsError
        A variable is missing or malformed.
    """
    try:
        return snowflake_settings(os.environ if environ is None else environ, login=login)
    except SnowflakeSettingsError as error:
        raise SettingsError(str(error)) from None


def _check_zones(settings: Settings) -> None:
    """Reject overlapping zones: a scan of the landing zone would list the pipeline's own files."""
    landing, raw = settings.landing, settings.raw
    if settings.queue_url is not None and not isinstance(landing, S3Location):
        raise SettingsError("DICOM_SQS_QUEUE_URL needs a DICOM_LANDING_URI that starts with s3://")
    if isinstance(landing, S3Location):
        if isinstance(raw, S3Location) and landing.contains(raw):
            raise SettingsError("DICOM_RAW_URI must not be inside DICOM_LANDING_URI")
        if isinstance(raw, S3Location) and raw.contains(landing):
            raise SettingsError("DICOM_LANDING_URI must not be inside DICOM_RAW_URI")
    else:
        _check_landing(settings, landing)
    for name, zone in _private(settings):
        if zone in settings.database.parents:
            raise SettingsError(
                f"DBT_DATABASE_NAME must not be inside {name}, which only its owner may read"
            )
    if settings.database.is_dir():
        raise SettingsError("DBT_DATABASE_NAME cannot be used: it is a directory")


def _check_extractor(settings: Settings) -> None:
    if settings.extractor is not Extractor.LAMBDA:
        return
    if settings.lambda_function is None:
        raise SettingsError("DICOM_EXTRACTOR=lambda needs DICOM_LAMBDA_FUNCTION")
    zones = {"DICOM_LANDING_URI": settings.landing, "DICOM_RAW_URI": settings.raw}
    for name, zone in zones.items():
        if not isinstance(zone, S3Location):
            raise SettingsError(f"DICOM_EXTRACTOR=lambda needs a {name} that starts with s3://")


def _check_extras(settings: Settings) -> None:
    """Check that optional packages are installed; SQS and Lambda need zones in S3 anyway."""
    zones = {"DICOM_LANDING_URI": settings.landing, "DICOM_RAW_URI": settings.raw}
    for name, zone in zones.items():
        if isinstance(zone, S3Location):
            require_extra("boto3", "aws", f"{name} is an S3 URI")
    if settings.target is Target.SNOWFLAKE:
        for module in ("dbt.adapters.snowflake", "snowflake.connector"):
            require_extra(module, "snowflake", "DBT_TARGET is snowflake")


def _private(settings: Settings) -> list[tuple[str, Path]]:
    zones = [("DICOM_WAREHOUSE_DIR", settings.warehouse_dir)]
    return [("DICOM_RAW_URI", settings.raw), *zones] if isinstance(settings.raw, Path) else zones


def _check_landing(settings: Settings, landing: Path) -> None:
    for name, path in (
        *_private(settings),
        ("DBT_DATABASE_NAME", settings.database),
        ("DBT_TARGET_PATH", settings.dbt_target_path),
        ("DAGSTER_HOME", settings.dagster_home),
    ):
        if path == landing or landing in path.parents:
            raise SettingsError(f"{name} must not be inside the landing zone (DICOM_LANDING_URI)")
    for name, zone in _private(settings):
        if zone in landing.parents:
            raise SettingsError(f"DICOM_LANDING_URI must not be inside {name}")


def export_for_dbt(settings: Settings) -> None:
    """Set the variables that dbt reads, for this process and its child processes.

    Paths are absolute, because dbt runs in its own directory. A raw zone in S3 keeps its URI,
    because child processes of the pipeline read these variables too.
    """
    os.environ.update(
        DICOM_RAW_URI=str(settings.raw),
        DICOM_WAREHOUSE_DIR=str(settings.warehouse_dir),
        DICOM_DEID_PROFILE=settings.profile,
        DICOM_MAX_UNIQUE_FRACTION=str(settings.max_unique_fraction),
        DBT_TARGET=settings.target,
        DBT_TARGET_PATH=str(settings.dbt_target_path),
    )
    if settings.snowflake is not None:  # the dbt profile has no defaults
        for name, value in SNOWFLAKE_DEFAULTS.items():
            os.environ[name] = os.environ.get(name) or value


def worker_count() -> int:
    """Return the number of worker processes, in a process of dbt that has checked no settings.

    Raises
    ------
    SettingsError
        ``DICOM_WORKERS`` is malformed.
    """
    given = os.environ.get("DICOM_WORKERS")
    try:
        return values.count(given) if given else os.cpu_count() or 1
    except ValueError as error:
        raise SettingsError(f"DICOM_WORKERS cannot be used: {error}") from None


def batch_dagster_events() -> None:
    """Make Dagster store the events of many partitions in batches, in this process."""
    os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", "1000")
