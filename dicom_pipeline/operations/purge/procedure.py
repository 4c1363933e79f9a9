"""The purge procedure: remove subjects from every zone, write tombstones and a receipt.

Belongs here: the order of the steps, so that the next purge completes one that was killed.
Does not belong here: options (cli), the work in each zone (raw_zone, warehouse), Dagster.

Erased are the rows of the subject in the manifests and in all raw tables. The build database is
removed and rebuilt, because deleted rows remain readable in its pages. The published file is
replaced. On Snowflake, the job deletes the rows from all tables that it builds; what is left on the
server is then counted in every schema. Dagster's storage, dbt artifacts and logs contain counts
only.

Not erased are the DICOM files, which the pipeline never changes; backups and copies of any zone or
of the published file; old published files that readers have open; remains of replaced files on the
disk. The tombstone contains the identifier in clear text, in the raw zone, readable by its owner
only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.markup import escape

from dicom_pipeline import __version__
from dicom_pipeline.common.errors import UserError
from dicom_pipeline.deid.identifiers import Identifier, IdentifierKind
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.extract.raw_zone.tombstones import Tombstone
from dicom_pipeline.landing.scan import NOT_LISTED, ScanRefused
from dicom_pipeline.operations.build_job import OpenJob
from dicom_pipeline.operations.purge.raw_zone import AffectedCounts, count_affected, remove_purged
from dicom_pipeline.operations.purge.receipts import Receipt, Receipts, receipts_of
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.warehouse.duckdb.row_counts import (
    SubjectKeys,
    remaining_rows,
    subject_rows,
)
from dicom_pipeline.warehouse.snowflake.build import SnowflakeBuild
from dicom_pipeline.warehouse.snowflake.purge_check import PurgeCheck
from dicom_pipeline.warehouse.snowflake.session import SnowflakeError
from dicom_pipeline.workspace import Workspace

NOT_ERASED = (
    "DICOM files in the landing zone",
    "backups and copies of any zone, and copies of the published file",
    "files that readers have open, and remains of replaced files on the disk",
    "the tombstone in the raw zone, which contains the identifier in clear text",
)
NOT_ERASED_IN_BUCKETS = "older versions of objects, if the bucket of the raw zone keeps them"
NOT_ERASED_ON_SNOWFLAKE = (
    "copies on Snowflake in other databases, or in tables that the pipeline's role cannot read",
    "results of queries on Snowflake, which it keeps for 24 hours",
)


class UnknownSubject(UserError):
    """No loaded file belongs to a subject; nothing was changed."""


def purge(
    workspace: Workspace,
    console: Console,
    open_job: OpenJob,
    subjects: Sequence[Identifier],
    *,
    in_advance: bool,
    confirm: Callable[[str], None],
    debug: bool,
) -> bool:
    """Purge subjects, and complete interrupted purges.

    Parameters
    ----------
    workspace
        The services.
    console
        Terminal for messages.
    open_job
        Opens the job that rebuilds and publishes the tables.
    subjects
        Patients and studies; empty to complete interrupted purges only.
    in_advance
        Also purge subjects of which no file is loaded.
    confirm
        Called with a description of the changes; raises an error to stop.
    debug
        Raise errors of steps, and print Dagster's log.

    Returns
    -------
    bool
        Whether the published file was replaced and no row of the subjects is left, also on
        Snowflake if that is the target.

    Raises
    ------
    UnknownSubject
        No file of some subjects is loaded, and ``in_advance`` is False.
    ScanRefused
        The landing zone cannot be listed, so that the run would fail.
    """
    partitions = workspace.ingest.partitions
    found = count_affected(partitions, subjects)
    known = {s.canonical: partitions.tombstones.find(s) for s in subjects}
    unknown = [n for n, s in enumerate(subjects, 1) if not _is_known(s, found, known)]
    if unknown and not in_advance:
        raise UnknownSubject(_unknown_subjects_message(unknown, len(subjects)))
    receipts = receipts_of(workspace)
    new = [s for s in dict.fromkeys(subjects) if not known[s.canonical] or found.files[s.canonical]]
    if not new and not receipts.unfinished():
        names = sorted({t.receipt for t in known.values() if t})
        console.print("already purged; there is nothing left to remove")
        for name in names:
            console.print(f"receipt: {receipts.path(name)}")
        return True
    if not workspace.ingest.storage.exists():
        raise ScanRefused(NOT_LISTED)  # the run after the removal would fail
    if new:
        confirm(_confirmation_message(new, found, workspace.warehouse.snowflake))
    return _remove(workspace, console, open_job, new, debug=debug)


def _is_known(
    subject: Identifier, found: AffectedCounts, known: dict[str, Tombstone | None]
) -> bool:
    return bool(found.files[subject.canonical] or known[subject.canonical])


def _remove(
    workspace: Workspace,
    console: Console,
    open_job: OpenJob,
    new: Sequence[Identifier],
    *,
    debug: bool,
) -> bool:
    receipts = receipts_of(workspace)
    with open_job() as job:
        with WriteSession(workspace)(prepare=True, waiting=console.print):
            _drop_abandoned(workspace, receipts)
            if new:
                _begin(workspace, new)
            # also without new subjects: an interrupted purge may have left rows
            rewritten = remove_purged(workspace.ingest.raw_step())
            workspace.ingest.clear_batches()
            begun = receipts.unfinished()
            rebuild = rewritten or any(_needs_rebuild(receipt) for receipt in begun.values())
            if rebuild:
                workspace.warehouse.discard_build()
        success = not rebuild or job.run(debug=debug)
    if not success:
        published = "the published file"
        if workspace.warehouse.snowflake:
            published += " and from Snowflake"
        console.print(
            "[yellow]the subjects are removed from the raw zone and from the build database, but "
            f"not yet from {published}; fix the error, then run: dicom-pipeline purge[/yellow]"
        )
        return False
    finished = [_finish(workspace, console, name, receipt) for name, receipt in begun.items()]
    return all(finished)


def _needs_rebuild(receipt: Receipt) -> bool:
    """Return whether tables of the pipeline may have rows; False if only the check failed."""
    return bool(receipt["removed"]) and not receipt.get("tables_rebuilt")


def _drop_abandoned(workspace: Workspace, receipts: Receipts) -> None:
    """Remove receipts of purges that were interrupted before they wrote a tombstone."""
    in_use = {tombstone.receipt for tombstone in workspace.ingest.tombstones.tombstones}
    for name in receipts.unfinished().keys() - in_use:
        receipts.drop(name)


def _begin(workspace: Workspace, subjects: Sequence[Identifier]) -> None:
    """Write the receipt, then the tombstones, with which every later purge completes this one."""
    found = count_affected(workspace.ingest.partitions, subjects)
    pseudonyms = Pseudonyms(workspace.warehouse.secret())
    keys = _keys(found, pseudonyms)
    workspace.warehouse.wait_for_build()
    build = subject_rows(workspace.warehouse.build_database, keys)
    now = datetime.now(UTC)
    named = [
        {
            "subject": pseudonyms.id("purged", subject.canonical),
            "kind": subject.kind.value,
            "files": found.files[subject.canonical],
            "issuers": len(found.issuers.get(subject.canonical, ())),
        }
        for subject in subjects
    ]
    removed = {
        "landing_manifests": {"files": found.manifest_rows} if found.manifest_rows else {},
        "raw": dict(sorted((table, rows) for table, rows in found.rows.items() if rows)),
        "stage": _of_schema(build, "stage"),
        "processed": _of_schema(build, "processed"),
        "published": subject_rows(workspace.settings.database, keys),
    }
    receipt: Receipt = {
        "tool": f"dicom_pipeline {__version__}",
        "began_at": now.isoformat(timespec="seconds"),
        "finished_at": None,
        "subjects": named,
        "removed": {zone: counts for zone, counts in removed.items() if counts},
        "raw_partitions_rewritten": len(found.periods),
        "build_database": "removed and rebuilt" if found.periods else "contained no rows",
        "files_left_in_the_landing_zone": found.in_landing,
        "not_erased": [
            *NOT_ERASED,
            *([NOT_ERASED_IN_BUCKETS] if workspace.ingest.raw_mirror else []),
            *(NOT_ERASED_ON_SNOWFLAKE if workspace.warehouse.snowflake else []),
        ],
        "key_id": pseudonyms.secret.key_id,
        "keys": asdict(keys),
    }
    name = f"{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z.json"
    receipts_of(workspace).write(name, receipt)
    workspace.ingest.tombstones.add([Tombstone(s, receipt["began_at"], name) for s in subjects])


def _keys(found: AffectedCounts, pseudonyms: Pseudonyms) -> SubjectKeys:
    def keys(name: str, rows: list[dict[str, str | None]]) -> tuple[str, ...]:
        return tuple(sorted({key for row in rows if (key := pseudonyms.entity_key(name, row))}))

    return SubjectKeys(
        patients=keys("patient_key", found.patients),
        studies=keys("study_key", found.studies),
        patients_of_studies=keys("patient_key", found.studies),
        devices=keys("device_key", found.devices),
    )


def _of_schema(counts: dict[str, int], schema: str) -> dict[str, int]:
    return {
        table.partition(".")[2]: rows
        for table, rows in counts.items()
        if table.startswith(f"{schema}.")
    }


def _finish(workspace: Workspace, console: Console, name: str, receipt: Receipt) -> bool:
    """Check that no rows are left, then complete the receipt and print it."""
    keys = SubjectKeys(**{kind: tuple(values) for kind, values in receipt["keys"].items()})
    receipts = receipts_of(workspace)
    server = workspace.warehouse.snowflake
    checked = None
    with WriteSession(workspace)(waiting=console.print):
        left = _rows_left(workspace, name, keys)
        # a purge in advance has no keys
        if server is not None and (keys.patients or keys.studies):
            checked = _check_on_server(server, console, keys)
            if checked is None:
                receipts.write(name, receipt | {"tables_rebuilt": not left})
                return False
            receipt["snowflake"] = asdict(checked)
        if left or (checked is not None and checked.remaining_rows):
            rebuilt = not left and not (checked is not None and checked.rows_of_the_pipeline)
            receipts.write(name, receipt | {"tables_rebuilt": rebuilt})
            _print_rows_left(console, left, checked)
            console.print(f"receipt: {receipts.path(name)}")
            return False
        for zone, database in (
            ("processed", workspace.warehouse.build_database),
            ("stage", workspace.warehouse.build_database),
            ("published", workspace.settings.database),
        ):
            _subtract(receipt, zone, subject_rows(database, keys))
        closed = {f: value for f, value in receipt.items() if f not in ("keys", "tables_rebuilt")}
        closed["finished_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        closed["not_erased"] = [*receipt["not_erased"], *(checked.restorable if checked else [])]
        receipts.write(name, closed)
    console.print_json(json.dumps(closed))
    console.print(f"receipt: {receipts.path(name)}")
    return True


def _rows_left(workspace: Workspace, name: str, keys: SubjectKeys) -> list[str]:
    """Return the tables in the local zones that have rows of the subjects of a receipt."""
    partitions = workspace.ingest.partitions
    subjects = [t.subject for t in partitions.tombstones.tombstones if t.receipt == name]
    left = dict(count_affected(partitions, subjects).rows)
    left["patients"] = sum(map(partitions.contains_purged, partitions.raw.periods()))
    for database in (workspace.warehouse.build_database, workspace.settings.database):
        left |= remaining_rows(database, keys)
    return sorted(table for table, rows in left.items() if rows)


def _check_on_server(
    server: SnowflakeBuild, console: Console, keys: SubjectKeys
) -> PurgeCheck | None:
    try:
        return server.check_purge(keys)
    except SnowflakeError as error:
        console.print(
            f"[red]rows on Snowflake were not counted:[/red] {escape(str(error))}; fix the error, "
            "then run: dicom-pipeline purge"
        )
        return None


def _print_rows_left(console: Console, left: list[str], checked: PurgeCheck | None) -> None:
    if left:
        console.print(f"[red]rows are left in {', '.join(left)}[/red]; run: dicom-pipeline purge")
    if checked is not None and checked.remaining_rows:
        there = ", ".join(f"{table} ({rows})" for table, rows in checked.remaining_rows.items())
        console.print(
            f"[red]rows are left on Snowflake in {escape(there)}[/red]; delete them from tables "
            "that the pipeline does not build (the receipt has their keys), then run: "
            "dicom-pipeline purge"
        )


def _subtract(receipt: Receipt, zone: str, still_there: dict[str, int]) -> None:
    """Subtract rows that were counted but remain, such as a device that other patients share."""
    counts: dict[str, int] = receipt["removed"].get(zone, {})
    for table, rows in still_there.items():
        short = table if zone == "published" else table.partition(".")[2]
        if short in counts and table.startswith("stage." if zone == "stage" else "processed."):
            counts[short] = max(counts[short] - rows, 0)
            if not counts[short]:
                del counts[short]


def _unknown_subjects_message(numbers: list[int], total: int) -> str:
    if total == 1:
        problem = "no loaded file belongs to this subject"
    else:
        shown = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
        problem = f"no loaded file belongs to {len(numbers)} of {total} subjects (lines {shown})"
    return (
        f"{problem}; nothing was changed. To purge subjects whose files are not loaded yet, add "
        "--in-advance"
    )


def _confirmation_message(
    subjects: Sequence[Identifier], found: AffectedCounts, server: SnowflakeBuild | None
) -> str:
    patients = sum(subject.kind is IdentifierKind.PATIENT for subject in subjects)
    lines = [
        f"patients: {patients}, studies: {len(subjects) - patients}, files: "
        f"{found.rows['images']}, partitions: {len(found.periods)}"
    ]
    for number, subject in enumerate(subjects, 1):
        issuers = found.issuers.get(subject.canonical, set())
        if subject.kind is IdentifierKind.PATIENT and subject.issuer is None and len(issuers) > 1:
            without = ", one of them: no issuer" if None in issuers else ""
            lines.append(
                f"subject {number} matches {len(issuers)} patients of different issuers{without}; "
                "--issuer selects one of them"
            )
    zones = ["the manifests", "the raw zone", "the build database", "the published file"]
    if server is not None:
        zones.append("Snowflake")
    lines.append(
        f"Their rows will be removed from {', '.join(zones[:-1])} and {zones[-1]}, and their files "
        "will be ignored from now on."
    )
    if server is not None:
        lines += _retention_lines(server)
    if found.in_landing:
        lines.append(f"{found.in_landing} files remain in the landing zone: delete them yourself.")
    return "\n".join(lines)


def _retention_lines(server: SnowflakeBuild) -> list[str]:
    """Return what can be restored on Snowflake after the purge, before any row is deleted."""
    try:
        restorable = server.check_purge(SubjectKeys()).restorable
    except SnowflakeError as error:
        return [f"The retention on Snowflake is unknown: {error}"]
    return [f"The purge does not erase: {text}." for text in restorable]
