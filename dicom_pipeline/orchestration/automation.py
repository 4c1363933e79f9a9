"""When tables are built by themselves: one condition a group, and the sensor that acts on them.

Belongs here: automation conditions with their reasons.
Does not belong here: what starts the raw assets (sensors), since that depends on files.
"""

from __future__ import annotations

from typing import Any

import dagster as dg

AUTOMATED_GROUPS = ("internal", "stage", "processed", "published")

Condition = dg.AutomationCondition

# Missing, or its seed changed: there is nothing upstream whose update could ask for it. After a
# failure a person has to look, or it would be asked for at every tick.
_internal: Condition[Any] = (
    (Condition.missing() | Condition.code_version_changed())
    & ~Condition.in_progress()
    & ~Condition.execution_failed()
)

# Once for a batch: when something upstream is newer and nothing upstream is still under way.
# Not eager() as it is: that waits until EVERY partition of raw is there, and ignores checks.
_downstream: Condition[Any] = (
    Condition.eager().without(~Condition.any_deps_missing())
    & ~Condition.any_deps_match(Condition.missing()).allow(
        dg.AssetSelection.groups("internal", "stage", "processed")
        - dg.AssetSelection.groups("published")
    )
    & Condition.all_deps_blocking_checks_passed()
)


def condition_for(group: str) -> Condition[Any] | None:
    """The condition of a group's assets; None for raw, which the file sensor starts."""
    if group == "internal":
        return _internal
    return _downstream if group in AUTOMATED_GROUPS else None


automation_sensor = dg.AutomationConditionSensorDefinition(
    "automation_sensor",
    target=dg.AssetSelection.groups(*AUTOMATED_GROUPS),
    default_status=dg.DefaultSensorStatus.STOPPED,
    minimum_interval_seconds=10,
    description="Builds internal tables that are missing, and everything downstream of raw.",
)
