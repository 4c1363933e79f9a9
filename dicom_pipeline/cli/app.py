"""The command ``dicom-pipeline``: what people type, and what they are told.

Belongs here: options, exit codes, words on the terminal.
Does not belong here: any work; Dagster is imported by the commands that need it, and not before,
because worker processes import this module too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.cli import inspect as cli_look
from dicom_pipeline.cli.console import confirmation, refuse_extra, user_errors
from dicom_pipeline.common.errors import EXIT_FAILED
from dicom_pipeline.config.settings import (
    OnDelete,
    export_for_dbt,
    load_settings,
    load_snowflake_settings,
)
from dicom_pipeline.deid.identifiers import SYNTAX, Identifier, Kind, from_options
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.landing.scan import ScanReport
from dicom_pipeline.operations.purge.procedure import receipts_of, withdraw
from dicom_pipeline.operations.rotate_key import rotate
from dicom_pipeline.warehouse.snowflake.setup import setup_script
from dicom_pipeline.workspace import Pipeline

app = typer.Typer(
    name="dicom-pipeline",
    help="Directories of DICOM files become typed, de-identified tables in DuckDB.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks. They may hold PHI.")]


@app.command()
def run(
    sample: Annotated[
        bool,
        typer.Option(
            "--sample",
            help="Put the DICOM files that ship with pydicom into the project's own landing zone, "
            "if that is the one in use and empty.",
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Read every file again, even if nothing changed.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Take in all that is new in the landing zone, up to the published database.

    This is materialize_all_assets_job, run here and now; `dagster dev` shows it afterwards.

    Exit code: 0 done, 1 the run failed, 2 a setting cannot be used, 3 the scan was refused.
    """
    with user_errors(debug) as console:
        pipeline = Pipeline(load_settings())
        from dicom_pipeline.operations.run import run_everything

        if not run_everything(pipeline, console, sample=sample, force=force, debug=debug):
            raise typer.Exit(EXIT_FAILED)


@app.command()
def scan(
    accept_deletions: Annotated[
        bool,
        typer.Option(
            "--accept-deletions", help="It is right that so many files are gone: remove their rows."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Compare the landing zone with what is known, and note what is new, changed or gone.

    Opens new files only. What it finds is loaded by the next run.

    Exit code: 0 done, 2 a setting cannot be used, 3 refused: so many files are gone that a person
    has to confirm it.
    """
    with user_errors(debug) as console:
        pipeline = Pipeline(load_settings())
        with pipeline.lock(waiting=console.print), _bar(console) as progress:
            report = pipeline.scan(accept_deletions=accept_deletions, progress=progress)
        _print_scan(console, report)


@app.command()
def status(debug: Debug = False) -> None:
    """Show what is loaded, pending, rejected, stale; which runs failed; and what to do next.

    Exit code: 0 all is loaded, 1 something is to be done, 2 a setting cannot be used, 3 the
    landing zone cannot be listed.
    """
    with user_errors(debug) as console:
        from dicom_pipeline.cli.tables import print_file_counts, print_status
        from dicom_pipeline.operations import status as where_it_stands

        pipeline = Pipeline(load_settings())
        pipeline.refresh_raw()
        counts = pipeline.reconcile()
        console.print(f"landing zone: {escape(str(pipeline.settings.landing))}")
        print_file_counts(console, counts, keeps=pipeline.settings.on_delete is OnDelete.KEEP)
        found = where_it_stands.status(pipeline, counts)
        print_status(console, found, database=pipeline.settings.database)
        if found.next_step:
            raise typer.Exit(EXIT_FAILED)


Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
# what no option takes is refused by us: the usual message would quote it
_QUIET_ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("rotate-key")
def rotate_key(
    key_file: Annotated[
        Path | None,
        typer.Option("--key-file", help="Take the new key from this file; else one is made."),
    ] = None,
    yes: Yes = False,
    debug: Debug = False,
) -> None:
    """Replace the key of all pseudonyms, make all tables anew with it, and publish them.

    No file is read again. All keys, pseudonyms, UIDs and date shifts are new
    afterwards: files that were published before no longer join. This is also
    the way out when the key is lost.

    The new key replaces pseudonym.key in the warehouse directory. Where runs
    take the key from DICOM_PSEUDONYM_KEY or DICOM_PSEUDONYM_KEY_FILE, set that
    to the new one first: what is found there becomes the key of the tables.

    Until the new file is whole, the old one stays. If this is killed, run it
    again, or `dicom-pipeline run`.

    Exit code: 0 done, 1 the run failed, 2 a setting or a key cannot be used,
    3 refused: not confirmed, nothing to rotate, or the new key is not set yet.
    """
    with user_errors(debug) as console:
        pipeline = Pipeline(load_settings())
        pipeline.refresh_raw()
        confirm = confirmation(console, yes=yes)
        if not rotate(pipeline, console, key_file=key_file, confirm=confirm, debug=debug):
            raise typer.Exit(EXIT_FAILED)


@app.command(context_settings=_QUIET_ARGUMENTS)
def purge(
    context: typer.Context,
    patient_id: Annotated[
        str | None, typer.Option("--patient-id", help="Withdraw the patient with this Patient ID.")
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="Only the one of this issuer; else those of all issuers."),
    ] = None,
    study_uid: Annotated[
        str | None, typer.Option("--study-uid", help="Withdraw the study of this UID.")
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help=f"Read identifiers from standard input, {SYNTAX}")
    ] = False,
    in_advance: Annotated[
        bool,
        typer.Option("--in-advance", help="Also subjects of whom nothing is known yet."),
    ] = False,
    yes: Yes = False,
    debug: Debug = False,
) -> None:
    """Withdraw a subject: remove patients or studies, and never take them in again.

    They leave the manifests, the raw zone, the build database and the
    published file, which is replaced. Their files are not deleted: those that
    lie in the landing zone, or come later, are ignored, with the reason
    purged. Backups, copies and the DICOM files are yours to delete. A
    receipt without identifiers is printed, and kept in purged/receipts in
    the raw zone.

    Arguments show in the list of processes and in the shell's history: --stdin
    keeps identifiers out of both. Identifiers are compared as they are
    written, but for padding.

    If this is killed, run it again; without a subject it completes what was
    cut off. To have a subject back, remove its line from
    purged/subjects.jsonl in the raw zone, then run: files that still lie in
    the landing zone are loaded.

    Exit code: 0 done, 1 nothing is known of a subject or the run failed, 2 a
    setting, the key or an identifier cannot be used, 3 refused: not confirmed,
    or no landing zone.
    """
    with user_errors(debug) as console:
        refuse_extra(context.args)
        pipeline = Pipeline(load_settings())
        pipeline.refresh_raw()
        subjects: list[Identifier] = []
        unnamed = patient_id is None and issuer is None and study_uid is None and not stdin
        if not unnamed or not receipts_of(pipeline).unfinished():
            listed = sys.stdin.buffer.read if stdin else None
            subjects = from_options(patient_id, issuer, {Kind.STUDY: study_uid}, listed)
        confirm = confirmation(console, yes=yes)
        if not withdraw(
            pipeline, console, subjects, in_advance=in_advance, confirm=confirm, debug=debug
        ):
            raise typer.Exit(EXIT_FAILED)


@app.command(context_settings=_QUIET_ARGUMENTS)
def pseudonym(
    context: typer.Context,
    patient_id: Annotated[
        str | None, typer.Option("--patient-id", help="Gives patient_key and patient_id.")
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option("--issuer", help="Issuer of the Patient ID, where the files name one."),
    ] = None,
    study_uid: Annotated[
        str | None, typer.Option("--study-uid", help="Gives study_key and study_instance_uid.")
    ] = None,
    uid: Annotated[
        str | None, typer.Option("--uid", help="Gives what stands for any other UID.")
    ] = None,
    accession: Annotated[
        str | None, typer.Option("--accession", help="Gives accession_number.")
    ] = None,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help=f"Read identifiers from standard input, {SYNTAX} Also uid: and accession:",
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Show what an identifier is in the tables, for who holds the key.

    So a cohort can be linked. Nothing but the key is read: whether the tables
    have it is another question. For one identifier a line a column, its name
    first; for those of --stdin a line each, in their order, without names, so
    that `paste` puts them beside the list. Columns are separated by tabs.

    Arguments show in the list of processes and in the shell's history: --stdin
    keeps identifiers out of both.

    Exit code: 0 done, 2 a setting, the key or an identifier cannot be used.
    """
    with user_errors(debug):
        refuse_extra(context.args)
        pipeline = Pipeline(load_settings())
        others = {Kind.STUDY: study_uid, Kind.UID: uid, Kind.ACCESSION: accession}
        listed = sys.stdin.buffer.read if stdin else None
        identifiers = from_options(patient_id, issuer, others, listed)
        pseudonyms = Pseudonyms(pipeline.secret())
        for identifier in identifiers:
            found = pseudonyms.of(identifier)
            lines = ["\t".join(found.values())] if stdin else map("\t".join, found.items())
            print(*lines, sep="\n")


@app.command()
def words(
    least_patients: Annotated[
        int,
        typer.Option(
            "--least-patients",
            min=1,
            help="Leave out words of fewer patients: they are rather names than language.",
        ),
    ] = 2,
    debug: Debug = False,
) -> None:
    """List the words that were taken out of texts, with counts, for a person to allow.

    For people who may read the raw zone: what no list knows may be somebody's
    name. All of them go into review/removed_words.csv in the raw zone, the most
    frequent are shown. Add those that are language to allowed_words_site.csv in
    dbt_snowflake/seeds; the next run cleans again.

    Exit code: 0 done, 1 nothing is built yet, 2 a setting cannot be used.
    """
    with user_errors(debug) as console:
        from dicom_pipeline.cli.tables import print_words

        pipeline = Pipeline(load_settings())
        if not pipeline.build_database.exists():
            console.print("nothing is built yet: dicom-pipeline run")
            raise typer.Exit(EXIT_FAILED)
        with pipeline.lock(waiting=console.print):
            pipeline.wait_for_build(console.print)
            found, path = pipeline.removed_words(least_patients)
        print_words(console, found)
        console.print(f"{len(found)} words: {path}")
        if least_patients > 1:
            console.print(
                f"left out: words of fewer than {least_patients} patients; --least-patients 1 "
                "lists them too"
            )


app.command()(cli_look.explore)
app.command()(cli_look.locate)
app.command()(cli_look.rejects)
app.command()(cli_look.report)


@app.command("snowflake-setup")
def snowflake_setup(debug: Debug = False) -> None:
    """Print what an administrator runs once in a Snowflake account.

    Database, warehouse, roles, grants, and with SNOWFLAKE_EDITION=enterprise
    tags and masking, by the names that the SNOWFLAKE_* variables have. Nothing
    is connected to.

    Exit code: 0 done, 2 a setting cannot be used.
    """
    with user_errors(debug):
        print(setup_script(load_snowflake_settings(login=False)), end="")


@app.command(hidden=True)
def prepare(debug: Debug = False) -> None:
    """Make the zones, the key, the vault, the raw schemas and dbt's manifest."""
    with user_errors(debug):
        settings = load_settings()
        pipeline = Pipeline(settings)
        if settings.uses_default_landing:
            settings.landing_dir.mkdir(parents=True, exist_ok=True)
        with pipeline.lock():
            pipeline.prepare()
        from dicom_pipeline.orchestration.assets.dbt import dbt_project, ensure_manifest
        from dicom_pipeline.orchestration.instance import make_home

        make_home(settings)
        export_for_dbt(settings)
        ensure_manifest(dbt_project())


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    from dicom_pipeline.cli.tables import progress_bar

    with progress_bar(console) as bar:
        yield bar


def _print_scan(console: Console, report: ScanReport) -> None:
    console.print(
        f"{report.listed} files: {report.new} new, {report.changed} changed, {report.moved} moved "
        f"to another study period, {report.deleted} gone, {sum(report.ignored.values())} ignored "
        f"by name, {report.unsettled} perhaps still being written"
    )
    console.print(f"study periods that a run has to load: {len(report.partitions)}")
    if report.errors:
        console.print(f"[yellow]{report.errors} folders or files could not be listed[/yellow]")


def main() -> None:
    """Entry point of the console script."""
    sys.exit(app())


if __name__ == "__main__":
    main()
