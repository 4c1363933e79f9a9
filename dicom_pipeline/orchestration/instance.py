"""The Dagster instance that commands share with ``dagster dev``, and the write lock of steps.

Belongs here: opening the instance, error messages if that fails, marking runs as failed whose
process has died. Does not belong here: launching runs (command_job).
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
# patterns in the error messages of PostgreSQL and libpq
_CONNECTION_ERRORS = {
    "password authentication failed|no password supplied": "the login was refused; check "
    "DAGSTER_PG_USERNAME and DAGSTER_PG_PASSWORD",
    "database .* does not exist": "there is no such database; check DAGSTER_PG_DB",
    "no pg_hba.conf entry": "the server accepts no such login from this host; check PGSSLMODE, "
    "and pg_hba.conf on the server",
    "does not match host name": "the server's certificate is for another host; check "
    "DAGSTER_PG_HOST",
    "server does not support SSL": "the server accepts no encrypted connection; enable TLS there, "
    "or check PGSSLMODE",
    "certificate": "the server's certificate is not trusted; check PGSSLROOTCERT",
    "too many (clients|connections)|connection slots": "the server has no free connections; "
    "try again later, or raise max_connections on the server",
}
# a run without process tag and without events for this time was killed before its first step:
# steps that do not take the write lock are short or log at least every few seconds (progress_log)
SILENT_SECONDS = 120.0
_RUNNING = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """Return the instance in ``DAGSTER_HOME``, or the default one of the project.

    ``dagster dev`` uses the same instance.

    Raises
    ------
    SettingsError
        ``dagster.yaml`` in ``DAGSTER_HOME`` cannot be used.
    StorageUnavailable
        The database in ``dagster.yaml`` cannot be reached.
    """
    home = settings.dagster_home
    make_home(settings)
    if settings.has_default_dagster_home:
        return dg.DagsterInstance.from_ref(
            InstanceRef.from_dir(str(home), config_dir=str(PROJECT_DIR), overrides=_absolute(home))
        )
    if not (home / "dagster.yaml").exists():  # Dagster's default would enable telemetry
        shutil.copy(Path(__file__).with_name("dagster_home.yaml"), home / "dagster.yaml")
    with _instance_errors():
        return dg.DagsterInstance.from_config(str(home))


def make_home(settings: Settings) -> None:
    """Create the directory of Dagster's storage with mode 0700: events contain true study months.

    The permissions of an existing ``DAGSTER_HOME`` are not changed.
    """
    if settings.has_default_dagster_home:
        ensure_private_directory(settings.dagster_home)
    else:
        settings.dagster_home.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)


@contextmanager
def _instance_errors() -> Iterator[None]:
    """Raise errors about ``dagster.yaml`` or its database as user errors that quote no value."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # Dagster logs each connection attempt
    try:
        yield
    except dg.DagsterInvalidConfigError as error:
        unset = re.findall(r'environment variable "(\w+)" which is not set', str(error))
        malformed = re.findall(r'env variable "(\w+)" cannot be', str(error))
        reasons = [f"{name} is not set" for name in dict.fromkeys(unset)]
        reasons += [f"{name} is not a number" for name in dict.fromkeys(malformed)]
        raise _unusable(
            ", ".join(reasons) or "run `dagster instance info` for the reason"
        ) from None
    except yaml.YAMLError:
        raise _unusable("it is not valid YAML") from None
    except (ImportError, CheckError):
        raise _unusable(
            "a class in it cannot be imported; PostgreSQL requires the extra `deploy`"
        ) from None
    except Exception as error:
        cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
        if not isinstance(cause, SQLAlchemyError):
            raise
        raise StorageUnavailable(f"Dagster's storage: {_connection_error(str(cause))}") from None
    finally:
        logging.disable(before)


def _unusable(reason: str) -> SettingsError:
    return SettingsError(f"dagster.yaml in DAGSTER_HOME cannot be used: {reason}")


def _connection_error(text: str) -> str:
    """Return a message for an error of the database client, without names of users or hosts."""
    for pattern, message in _CONNECTION_ERRORS.items():
        if re.search(pattern, text):
            return message
    return "the database cannot be reached; check the network and the address in dagster.yaml"


def _absolute(home: Path) -> dict[str, object]:
    """Return overrides with absolute directories.

    Directories in ``dagster.yaml`` are relative to the directory where ``dagster dev`` starts.
    """
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


def _process_identity(pid: int) -> str | None:
    """Return host, process id and start time of a process; None if it does not exist.

    The start time distinguishes processes, because the system reuses process ids.
    """
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except FileNotFoundError:
        if Path("/proc").is_dir():
            return None
        try:  # no /proc on this system: only the id can be checked
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
    identity = _process_identity(os.getpid())
    assert identity is not None
    context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: identity})
    with user_errors_as_failures(context), write_session(prepare=True, waiting=context.log.info):
        yield


def fail_dead_runs(instance: dg.DagsterInstance) -> int:
    """Mark runs as failed whose process on this host has died, for example by ``kill -9``.

    Otherwise they would count as in progress forever, and block the sensors. A run that was killed
    before its first step has no process tag; it counts as dead after `SILENT_SECONDS` without an
    event.

    Returns
    -------
    int
        Number of runs that were marked as failed.
    """
    failed = 0
    for record in instance.get_run_records(dg.RunsFilter(statuses=_RUNNING)):
        run = record.dagster_run
        host, _, rest = run.tags.get(PROCESS_TAG, "").partition(":")
        pid = rest.partition(":")[0]
        if not host:
            dead = _seconds_since_last_event(instance, record) > SILENT_SECONDS
        elif host == platform.node() and pid.isdecimal():
            dead = _process_identity(int(pid)) != run.tags[PROCESS_TAG]
        else:
            continue
        if dead:
            instance.report_run_failed(run, "the process of the run ended without a result")
            failed += 1
    return failed


def _seconds_since_last_event(instance: dg.DagsterInstance, record: dg.RunRecord) -> float:
    last = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    at = last[0].event_log_entry.timestamp if last else record.create_timestamp.timestamp()
    return time.time() - at
