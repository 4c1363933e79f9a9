"""Dagster's instance as commands use it: the one that ``dagster dev`` shows.

Belongs here: finding the instance, saying why it cannot be had, and telling Dagster of runs whose
process is gone. Does not belong here: launching runs.
"""

import logging
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster._check import CheckError
from dagster._core.instance.ref import InstanceRef
from sqlalchemy.exc import SQLAlchemyError

from dicom_pipeline.common.errors import StorageUnavailable
from dicom_pipeline.common.private_files import DIRECTORY_MODE, ensure_private_directory
from dicom_pipeline.config.project import PROJECT_DIR
from dicom_pipeline.config.settings import Settings, SettingsError
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.failures import user_errors_as_failures

PROCESS_TAG = "dicom_pipeline/process"
_TROUBLE = {
    "password authentication failed|no password supplied": "the login was refused; check "
    "DAGSTER_PG_USERNAME and DAGSTER_PG_PASSWORD",
    "database .* does not exist": "there is no such database; check DAGSTER_PG_DB",
    "no pg_hba.conf entry": "the server takes no such login from here; check PGSSLMODE, and whom "
    "it lets in",
    "certificate": "the server's certificate is not trusted; check PGSSLROOTCERT",
    "too many (clients|connections)|connection slots": "the server has no connection left",
}
# a run that names no process and says nothing for so long was killed before its first step: all
# steps that do not write either are short or say something every few seconds (progress_log)
SILENT_SECONDS = 120.0
_ALIVE_CLAIM = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance in ``DAGSTER_HOME``, or the project's own, which ``dagster dev`` finds too.

    Raises
    ------
    SettingsError
        The folder's ``dagster.yaml`` cannot be used.
    StorageUnavailable
        The database that it names cannot be reached.
    """
    home = settings.dagster_home
    make_home(settings)
    if settings.has_default_dagster_home:
        return dg.DagsterInstance.from_ref(
            InstanceRef.from_dir(str(home), config_dir=str(PROJECT_DIR), overrides=_absolute(home))
        )
    if not (home / "dagster.yaml").exists():  # else telemetry would be on
        shutil.copy(Path(__file__).with_name("dagster_home.yaml"), home / "dagster.yaml")
    with _one_line():
        return dg.DagsterInstance.from_config(str(home))


def make_home(settings: Settings) -> None:
    """Make the folder of Dagster's storage, for its owner only: events name true months.

    Rights of a folder of somebody's own that is there stay as they are.
    """
    if settings.has_default_dagster_home:
        ensure_private_directory(settings.dagster_home)
    else:
        settings.dagster_home.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


@contextmanager
def _one_line() -> Iterator[None]:
    """Say what is wrong with ``dagster.yaml`` or its database, without a value of either."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # Dagster logs each try of a connection
    try:
        yield
    except dg.DagsterInvalidConfigError as error:
        unset = re.findall(r'environment variable "(\w+)" which is not set', str(error))
        odd = re.findall(r'env variable "(\w+)" cannot be', str(error))
        why = [f"{name} is not set" for name in dict.fromkeys(unset)]
        why += [f"{name} is no number" for name in dict.fromkeys(odd)]
        raise _unusable(", ".join(why) or "`dagster instance info` says why") from None
    except yaml.YAMLError:
        raise _unusable("it is no YAML") from None
    except (ImportError, CheckError):
        raise _unusable(
            "a class that it names cannot be imported; what PostgreSQL needs comes with the extra "
            "`deploy`"
        ) from None
    except Exception as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
        if not isinstance(cause, SQLAlchemyError):
            raise
        raise StorageUnavailable(f"Dagster's storage: {_trouble(str(cause))}") from None
    finally:
        logging.disable(before)


def _unusable(why: str) -> SettingsError:
    return SettingsError(f"dagster.yaml in DAGSTER_HOME cannot be used: {why}")


def _trouble(text: str) -> str:
    """What the database's client says, in words without names of users or machines."""
    for pattern, words in _TROUBLE.items():
        if re.search(pattern, text):
            return words
    return "the database cannot be reached; check the network and what dagster.yaml says"


def _absolute(home: Path) -> dict[str, object]:
    """dagster.yaml names its directories relative to where ``dagster dev`` is started."""
    return {
        "storage": {
            "custom": {
                "module": "dicom_pipeline.orchestration.storage.sqlite",
                "class": "BatchingSqliteStorage",
                "config": {"base_dir": str(home / "storage")},
            }
        },
        "local_artifact_storage": {
            "module": "dagster._core.storage.root",
            "class": "LocalArtifactStorage",
            "config": {"base_dir": str(home)},
        },
        "compute_logs": {
            "module": "dagster._core.storage.local_compute_log_manager",
            "class": "LocalComputeLogManager",
            "config": {"base_dir": str(home / "storage")},
        },
    }


def _identity(pid: int) -> str | None:
    """Host, process id and start time: a process id alone is used again. None if it is gone."""
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if Path("/proc").is_dir():
            return None
        try:  # no /proc on this system: the id must do
            os.kill(pid, 0)
        except ProcessLookupError:
            return None
        started = "unknown"
    return f"{platform.node()}:{pid}:{started}"


@contextmanager
def hold_write_lock(
    context: dg.AssetExecutionContext, write_session: WriteSession
) -> Iterator[None]:
    """Hold the write lock in a step, and tag the run with its process."""
    identity = _identity(os.getpid())
    assert identity is not None
    context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: identity})
    with user_errors_as_failures(), write_session(prepare=True, waiting=context.log.info):
        yield


def fail_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose process on this host is gone, as after ``kill -9``.

    Otherwise they would count as under way for ever, and hold back all that waits for them. One
    that was killed before its first step names no process: of it nothing is heard for a while.
    """
    failed = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=_ALIVE_CLAIM)):
        run = record.dagster_run
        host, _, rest = run.tags.get(PROCESS_TAG, "").partition(":")
        pid = rest.partition(":")[0]
        if not host:
            dead = _silent_for(instance, record) > SILENT_SECONDS
        elif host == platform.node() and pid.isdecimal():
            dead = _identity(int(pid)) != run.tags[PROCESS_TAG]
        else:
            continue
        if dead:
            instance.report_run_failed(run, "the run's process ended without a word")
            failed += 1
    return failed


def _silent_for(instance: dg.DagsterInstance, record: dg.RunRecord) -> float:
    """Seconds since the last event of a run."""
    last = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    at = last[0].event_log_entry.timestamp if last else record.create_timestamp.timestamp()
    return time.time() - at
