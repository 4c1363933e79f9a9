"""Automation conditions of the asset groups and checks, and the sensor that evaluates them.

Belongs here: automation conditions, with their reasons.
Does not belong here: starting the raw assets, which depends on files (sensors.file_arrival).
"""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import dagster as dg
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.orchestration.jobs import run_tags
from dicom_pipeline.orchestration.latest_change import latest_change
from dicom_pipeline.orchestration.seeds import built_digest, seed_digest

AUTOMATED_GROUPS = ("internal", "stage", "processed", "published", "report")

Condition = dg.AutomationCondition


Key = TypeVar("Key", dg.AssetKey, dg.AssetCheckKey)


@dataclass(frozen=True)
class _WholeTargetCondition(dg.AutomationCondition[Key]):
    """Base of conditions that are true or false for a whole asset or check, not per partition."""

    def is_true(self, context: dg.AutomationContext[Key]) -> bool:
        """Return whether the condition is true for the asset or check of the context."""
        raise NotImplementedError

    def evaluate(self, context: dg.AutomationContext[Key]) -> dg.AutomationResult[Key]:
        """Return the whole candidate subset if the condition is true, else the empty subset."""
        subset = context.candidate_subset if self.is_true(context) else context.get_empty_subset()
        return dg.AutomationResult(context, true_subset=subset)


@dataclass(frozen=True)
class UpstreamIsNewer(_WholeTargetCondition[dg.AssetKey]):
    """True while a parent was changed after the asset was materialized, or the asset never was.

    ``eager()`` resets its state when the asset is materialized. An update of a parent that arrives
    while a run for an earlier update ends would be lost, and its files would never be published.
    Comparing the events loses no update: raw and dbt steps hold the same lock, so the order of
    their events is the order of their writes.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "upstream_is_newer"

    def is_true(self, context: dg.AutomationContext[dg.AssetKey]) -> bool:
        """Compare the latest events; false if a raw parent was never materialized."""
        parents = context.asset_graph.get(context.key).parent_keys
        records = context.asset_graph_view.instance.get_asset_records([context.key, *parents])
        entries = {record.asset_entry.asset_key: record.asset_entry for record in records}
        changed = {
            key: latest_change(entry.last_materialization_record) for key, entry in entries.items()
        }
        entry = entries.get(context.key)
        own = (entry.last_materialization_storage_id if entry else None) or -1
        upstream = [changed.get(key) or -1 for key in parents]
        raw_is_empty = any(key.path[0] == "raw" and not changed.get(key) for key in parents)
        return not raw_is_empty and max(upstream) > own


@dataclass(frozen=True)
class SeedChanged(_WholeTargetCondition[dg.AssetKey]):
    """True while the file of a seed differs from the file that its table was built from.

    ``code_version_changed()`` would use the file as it was when the definitions were loaded: a
    line that is edited while ``dagster dev`` runs would be ignored.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "seed_changed"

    def is_true(self, context: dg.AutomationContext[dg.AssetKey]) -> bool:
        """Compare the file's digest with the one in the latest materialization's metadata."""
        now = seed_digest(context.key)
        instance = context.asset_graph_view.instance
        return now is not None and built_digest(instance, context.key) != now


@dataclass(frozen=True)
class NotChecked(_WholeTargetCondition[dg.AssetCheckKey]):
    """True while a check has no result for the latest materialization, and a retry is due.

    This happens when a run is killed between a raw table and its check. All partitions are loaded
    then, so the file sensor requests no run, and downstream assets would wait for the result
    forever. If the run of the check fails too, for example because the landing zone cannot be
    listed, the retries back off: each interval is four times as long as the previous one, up to
    six hours.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "not_checked"

    def is_true(self, context: dg.AutomationContext[dg.AssetCheckKey]) -> bool:
        """Compare the latest materialization with the one that was checked last."""
        instance, key = context.asset_graph_view.instance, context.key
        records = instance.get_asset_records([key.asset_key])
        table = records[0].asset_entry.last_materialization_record if records else None
        if table is None:
            return False
        attempts: list[float] = []
        storage = instance.event_log_storage
        for execution in storage.get_asset_check_execution_history(key, limit=10):
            if execution.status is AssetCheckExecutionRecordStatus.PLANNED:
                if execution.run_id != table.run_id:
                    attempts.append(execution.create_timestamp)
            elif _has_checked(execution, table):
                return False
            else:
                break
        # abs: after the clock was set back, a retry is due as well
        wait = min(60 * 4 ** (len(attempts) - 1), _MAX_WAIT_SECONDS) if attempts else 0
        return not attempts or abs(time.time() - attempts[0]) >= wait


_MAX_WAIT_SECONDS = 6 * 3600


def _has_checked(execution: AssetCheckExecutionRecord, table: dg.EventLogRecord) -> bool:
    """Return whether a check result covers a materialization of the table.

    If the check records no target materialization, compare timestamps.
    """
    target = execution.evaluation.target_materialization_data if execution.evaluation else None
    if target is not None:
        return target.storage_id >= table.storage_id
    return execution.event is not None and execution.event.timestamp >= table.timestamp


# Internal assets have no upstream assets. After a failure they are not requested again until a
# run by hand succeeds: otherwise they would be requested at every tick.
_internal_condition: Condition[Any] = (
    (Condition.missing() | SeedChanged()) & ~Condition.in_progress() & ~Condition.execution_failed()
)

_missing: Condition[Any] = Condition.missing() & ~Condition.will_be_requested()

# One request per batch: an upstream asset is newer, and no upstream asset is in progress.
_downstream_condition: Condition[Any] = (
    (UpstreamIsNewer() | Condition.any_deps_match(Condition.will_be_requested()))
    & ~Condition.any_deps_match(_missing).allow(
        dg.AssetSelection.groups("internal", "stage", "processed")
    )
    & ~Condition.any_deps_in_progress()
    & ~Condition.in_progress()
    # raw only: dbt tests block within the run, and have no result before the first run
    & Condition.all_deps_blocking_checks_passed().allow(dg.AssetSelection.groups("raw"))
    # after a failure, request a retry only when a dependency was updated
    & (~Condition.execution_failed() | Condition.any_deps_updated())
)


def condition_for(group: str) -> Condition[Any] | None:
    """Return the condition of a group's assets; None for raw, which the file sensor starts."""
    if group == "internal":
        return _internal_condition
    return _downstream_condition if group in AUTOMATED_GROUPS else None


def condition_for_checks(key: dg.AssetKey) -> Condition[Any]:
    """Return the condition of a table's checks: they are requested together with the table.

    Otherwise dbt would run the tests, but Dagster would not record their results.
    """
    return Condition.asset_matches(key, Condition.will_be_requested())


def missing_result_condition() -> Condition[Any]:
    """Return the condition of a blocking check: requested while the result of a raw run is missing.

    Runs of the raw assets include the check; see `NotChecked`.
    """
    return NotChecked() & ~Condition.in_progress() & ~Condition.any_deps_in_progress()


def six_hourly_condition() -> Condition[Any]:
    """Return the condition of a check whose result depends on time: requested every six hours."""
    return Condition.cron_tick_passed("23 */6 * * *")


def build_automation_sensor(
    settings: Settings, checks: Sequence[dg.AssetCheckKey] = ()
) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that evaluates the conditions and requests runs.

    Parameters
    ----------
    settings
        Profile, target and extractor, which become tags of the runs.
    checks
        Checks of the raw group that have a condition of their own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of use_user_code_server
        return dg.AutomationConditionSensorDefinition(
            "automation_sensor",
            target=dg.AssetSelection.groups(*AUTOMATED_GROUPS) | dg.AssetSelection.checks(*checks),
            default_status=dg.DefaultSensorStatus.STOPPED,
            minimum_interval_seconds=10,
            run_tags=run_tags(settings, "automation"),
            use_user_code_server=True,  # required by custom conditions
            description="Builds missing internal tables and everything downstream of raw. Checks "
            "every six hours that the landing zone is still scanned. Repeats checks of raw tables "
            "whose run was interrupted.",
        )
