"""Events of dbt, with row counts after the build.

Belongs here: conversion of dbt's events and errors for Dagster, and progress for the log.
Does not belong here: calling dbt (assets.dbt), counting (duckdb.table_counts).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg

from dicom_pipeline.orchestration.checks.dbt_checks import IF_IT_FAILS
from dicom_pipeline.orchestration.ui import markdown
from dicom_pipeline.warehouse.duckdb.table_counts import (
    Table,
    TableCounts,
    built_partitions,
    table_counts,
)
from dicom_pipeline.warehouse.warehouse import Warehouse

# metadata of no use to operators
_IDS = ("invocation_id", "status", "unique_id")
_COMPILATION_ERROR = re.compile(r"Compilation Error in (\w+ \w+) .*\n\s*(\S.*)")


class DbtProgress:
    """Progress of a build: number of tables and checks that are done."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._done = 0
        self._total = len(context.selected_asset_keys) + len(context.selected_asset_check_keys)
        self._specs = {spec.key: spec for spec in context.assets_def.check_specs}

    def __str__(self) -> str:
        return f"dbt: {self._done} of {self._total} tables and checks done"

    def collect_events(self, events: Iterable[Any]) -> tuple[list[Any], dg.Failure | None]:
        """Return the events of a build after its process has ended, and its failure or None."""
        held: list[Any] = []
        try:
            for event in events:
                held.append(self._with_to_do(event))
                self._done = len(held)
        except dg.Failure as failure:  # keep events from before the failure
            return held, failure
        return held, None

    def _with_to_do(self, event: Any) -> Any:
        if not isinstance(event, dg.AssetCheckResult):
            return event
        metadata = _without_ids(event.metadata)
        if not event.passed and event.asset_key is not None and event.check_name is not None:
            spec = self._specs.get(dg.AssetCheckKey(event.asset_key, event.check_name))
            if spec is not None and (text := (spec.metadata or {}).get(IF_IT_FAILS)):
                metadata = {**markdown.to_do(text), **metadata}
        return event._replace(metadata=metadata)


def compilation_errors(artifacts: Path) -> list[str]:
    """Return one line per model or test that dbt could not compile, from its artifacts.

    These messages name lines of seeds, columns and macros. Messages of other errors are not
    returned, because a database may quote values.
    """
    with suppress(OSError, ValueError, KeyError):
        results = json.loads((artifacts / "run_results.json").read_bytes())["results"]
        matches = (_COMPILATION_ERROR.match(result["message"] or "") for result in results)
        return [f"{match[2].strip()} (dbt {match[1]})" for match in matches if match]
    return []


class PreBuildState:
    """Partitions before the build."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.build = warehouse.build_database
        self.partitions = built_partitions(self.build)


def add_row_counts(events: Iterable[Any], before: PreBuildState) -> Iterator[Any]:
    """Add row counts to the table events of a finished build."""
    counts = table_counts(before.build)
    partitions = built_partitions(before.build)
    for event in events:
        if not isinstance(event, dg.Output):
            yield event
            continue
        table = _table_of(event.output_name, counts)
        if table is None:
            yield event
            continue
        found = _metadata(counts[table])
        if table in partitions:
            had = before.partitions.get(table, set())
            found["partitions"] = len(partitions[table])
            found["partitions_rebuilt"] = len(partitions[table] - had)
        yield event.with_metadata({**found, **_without_ids(event.metadata)})


def _table_of(output_name: str, tables: Iterable[Table]) -> Table | None:
    names = {dg.AssetKey(list(table)).to_python_identifier(): table for table in tables}
    return names.get(output_name)


def _metadata(counts: TableCounts) -> dict[str, Any]:
    found: dict[str, Any] = {"dagster/row_count": counts.rows}
    if counts.conflicting_rows is not None:
        found["rows_with_conflicts"] = counts.conflicting_rows
    lists: Mapping[str, Mapping[str, int]] = {
        "failed_casts": counts.casts_failed,
        "nulled_cells": counts.cells_nulled,
        "conflicts": counts.conflicts,
    }
    for name, by_column in lists.items():
        if by_column:
            found[name] = markdown.counts("column", "rows", by_column)
    return found


def _without_ids(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in _IDS}
