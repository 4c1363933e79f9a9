"""When tables are built by themselves: one condition a group, and the sensor that acts on them.

Belongs here: automation conditions with their reasons.
Does not belong here: what starts the raw assets (sensors), since that depends on files.
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
from dicom_pipeline.orchestration.seeds import built_digest, seed_digest

AUTOMATED_GROUPS = ("internal", "stage", "processed", "published", "report")

Condition = dg.AutomationCondition


Key = TypeVar("Key", dg.AssetKey, dg.AssetCheckKey)


@dataclass(frozen=True)
class _AllOrNothing(dg.AutomationCondition[Key]):
    """A condition that holds for an asset or check as a whole, or not."""

    def holds(self, context: dg.AutomationContext[Key]) -> bool:
        """Whether it does."""
        raise NotImplementedError

    def evaluate(self, context: dg.AutomationContext[Key]) -> dg.AutomationResult[Key]:
        """All that is asked about, or nothing of it."""
        found = self.holds(context)
        subset = context.candidate_subset if found else context.get_empty_subset()
        return dg.AutomationResult(context, true_subset=subset)


@dataclass(frozen=True)
class UpstreamIsNewer(_AllOrNothing[dg.AssetKey]):
    """True while a parent was materialized after the asset itself, or the asset never was.

    ``eager()`` remembers that a parent was updated until the asset is. An update that comes while
    a run for an earlier one ends is forgotten with it, and its files would never be published.
    Comparing the two events forgets nothing: raw and dbt steps hold the same lock, so the order
    of their events is the order of their work.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "upstream_is_newer"

    def holds(self, context: dg.AutomationContext[dg.AssetKey]) -> bool:
        """Compare the latest events; no partition of raw at all is not newer."""
        parents = context.asset_graph.get(context.key).parent_keys
        records = context.asset_graph_view.instance.get_asset_records([context.key, *parents])
        entries = {record.asset_entry.asset_key: record.asset_entry for record in records}
        latest = {key: entry.last_materialization_storage_id for key, entry in entries.items()}
        own = latest.get(context.key) or -1
        theirs = [latest.get(key) or -1 for key in parents]
        raw_is_empty = any(key.path[0] == "raw" and not latest.get(key) for key in parents)
        return not raw_is_empty and max(theirs) > own


@dataclass(frozen=True)
class SeedChanged(_AllOrNothing[dg.AssetKey]):
    """True while the seed's file is another one than the table was built from.

    ``code_version_changed()`` would see the file as it was when the definitions were loaded: a
    line edited while ``dagster dev`` runs, to have a column removed, say, would be passed over.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "seed_changed"

    def holds(self, context: dg.AutomationContext[dg.AssetKey]) -> bool:
        """Compare the file with what the latest materialization noted of it."""
        now = seed_digest(context.key)
        instance = context.asset_graph_view.instance
        return now is not None and built_digest(instance, context.key) != now


@dataclass(frozen=True)
class NotChecked(_AllOrNothing[dg.AssetCheckKey]):
    """True while a check has no result for what its table has now, and it is time to ask again.

    A run that is killed between a raw table and its check leaves it so: all partitions are
    loaded, so nothing asks for another run, and all downstream would wait for that result for
    ever. Where the check's own run fails too, as on a landing zone that cannot be listed, each
    wait is four times as long as the one before, up to six hours.
    """

    @property
    def name(self) -> str:
        """Name shown in the UI."""
        return "not_checked"

    def holds(self, context: dg.AutomationContext[dg.AssetCheckKey]) -> bool:
        """Compare the latest materialization with the one that the latest result is of."""
        instance, key = context.asset_graph_view.instance, context.key
        records = instance.get_asset_records([key.asset_key])
        table = records[0].asset_entry.last_materialization_record if records else None
        if table is None:
            return False
        tries: list[float] = []
        storage = instance.event_log_storage
        for execution in storage.get_asset_check_execution_history(key, limit=10):
            if execution.status is AssetCheckExecutionRecordStatus.PLANNED:
                if execution.run_id != table.run_id:
                    tries.append(execution.create_timestamp)
            elif _is_of(execution, table):
                return False
            else:
                break
        # a clock that was set back counts as time that has passed
        wait = min(60 * 4 ** (len(tries) - 1), _LONGEST_WAIT) if tries else 0
        return not tries or abs(time.time() - tries[0]) >= wait


_LONGEST_WAIT = 6 * 3600


def _is_of(execution: AssetCheckExecutionRecord, table: dg.EventLogRecord) -> bool:
    """Whether a result is of a materialization; by their times where it does not say."""
    target = execution.evaluation.target_materialization_data if execution.evaluation else None
    if target is not None:
        return target.storage_id >= table.storage_id
    return execution.event is not None and execution.event.timestamp >= table.timestamp


# There is nothing upstream whose update could ask for it. After a failure a person has to look,
# or it would be asked for at every tick.
_internal: Condition[Any] = (
    (Condition.missing() | SeedChanged()) & ~Condition.in_progress() & ~Condition.execution_failed()
)

_not_there: Condition[Any] = Condition.missing() & ~Condition.will_be_requested()

# Once for a batch: when something upstream is newer and nothing upstream is still under way.
_downstream: Condition[Any] = (
    (UpstreamIsNewer() | Condition.any_deps_match(Condition.will_be_requested()))
    & ~Condition.any_deps_match(_not_there).allow(
        dg.AssetSelection.groups("internal", "stage", "processed")
    )
    & ~Condition.any_deps_in_progress()
    & ~Condition.in_progress()
    # of raw only: dbt's tests gate inside the run, and have no result before the first one
    & Condition.all_deps_blocking_checks_passed().allow(dg.AssetSelection.groups("raw"))
    # after a failure not at every tick, but when there is something new to try
    & (~Condition.execution_failed() | Condition.any_deps_updated())
)


def condition_for(group: str) -> Condition[Any] | None:
    """The condition of a group's assets; None for raw, which the file sensor starts."""
    if group == "internal":
        return _internal
    return _downstream if group in AUTOMATED_GROUPS else None


def condition_for_checks(key: dg.AssetKey) -> Condition[Any]:
    """The condition of a table's checks: with the table, or dbt's tests would run unseen."""
    return Condition.asset_matches(key, Condition.will_be_requested())


def until_evaluated() -> Condition[Any]:
    """The condition of a check that downstream waits for, and that raw runs bring with them."""
    return NotChecked() & ~Condition.in_progress() & ~Condition.any_deps_in_progress()


def on_schedule() -> Condition[Any]:
    """The condition of a check that fails by waiting: four times a day, whatever happens."""
    return Condition.cron_tick_passed("23 */6 * * *")


def build_automation_sensor(
    settings: Settings, checks: Sequence[dg.AssetCheckKey] = ()
) -> dg.AutomationConditionSensorDefinition:
    """The sensor that acts on the conditions; its runs are tagged by the settings.

    Parameters
    ----------
    settings
        Whose tags runs get.
    checks
        Checks of other groups that have a condition of their own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of use_user_code_server
        return dg.AutomationConditionSensorDefinition(
            "automation_sensor",
            target=dg.AssetSelection.groups(*AUTOMATED_GROUPS) | dg.AssetSelection.checks(*checks),
            default_status=dg.DefaultSensorStatus.STOPPED,
            minimum_interval_seconds=10,
            run_tags=run_tags(settings, "automation"),
            use_user_code_server=True,  # the conditions above are ours
            description="Builds internal tables that are missing, and everything downstream of "
            "raw; looks four times a day whether the landing zone is still scanned; asks for "
            "checks of raw tables again whose run was lost.",
        )
