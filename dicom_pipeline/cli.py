"""The command ``dicom-pipeline``: what people type, and what they are told.

Belongs here: options, exit codes, words on the terminal.
Does not belong here: any work; Dagster is imported by the commands that need it, and not before,
because worker processes import this module too.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from dicom_pipeline.attributes import MappingError
from dicom_pipeline.extract.accounting import Account
from dicom_pipeline.landing.scan import ScanRefused, ScanReport
from dicom_pipeline.pipeline import Pipeline
from dicom_pipeline.settings import OnDelete, SettingsError, load_settings
from dicom_pipeline.warehouse.lock import LockTaken
from dicom_pipeline.warehouse.publish import PublishRefused
from dicom_pipeline.warehouse.vault import VaultError

EXIT_FAILED = 1
EXIT_CONFIGURATION = 2
EXIT_REFUSED = 3

app = typer.Typer(
    name="dicom-pipeline",
    help="Directories of DICOM files become typed, de-identified tables in DuckDB.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks. They may hold PHI.")]


@contextmanager
def _plain_errors(debug: bool) -> Iterator[Console]:
    """Turn what can go wrong into one line and an exit code."""
    console = Console(highlight=False, soft_wrap=True)
    codes: dict[type[Exception], int] = {
        SettingsError: EXIT_CONFIGURATION,
        MappingError: EXIT_CONFIGURATION,
        VaultError: EXIT_CONFIGURATION,
        ScanRefused: EXIT_REFUSED,
        LockTaken: EXIT_FAILED,
        PublishRefused: EXIT_FAILED,
    }
    try:
        yield console
    except tuple(codes) as error:
        if debug:
            raise
        console.print(f"[red]error:[/red] {escape(str(error))}")
        raise typer.Exit(codes[type(error)]) from None
    except typer.Exit:
        raise
    except Exception as error:
        if debug:
            raise
        # the message of an unexpected error may quote a value: its kind must do
        console.print(f"[red]error:[/red] {type(error).__name__}; again with --debug says more")
        raise typer.Exit(EXIT_FAILED) from None


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
    with _plain_errors(debug) as console:
        pipeline = Pipeline(load_settings())
        from dicom_pipeline.headless import run_everything

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
    with _plain_errors(debug) as console:
        pipeline = Pipeline(load_settings())
        with pipeline.lock(waiting=console.print), _bar(console) as progress:
            report = pipeline.scan(accept_deletions=accept_deletions, progress=progress)
        _print_scan(console, report)


@app.command()
def status(debug: Debug = False) -> None:
    """Show what is in the landing zone, loaded, pending and rejected, and what to do next.

    Exit code: 0 all is loaded, 1 something is to be done, 2 a setting cannot be used, 3 the
    landing zone cannot be listed.
    """
    with _plain_errors(debug) as console:
        from dicom_pipeline.report import print_account

        pipeline = Pipeline(load_settings())
        account = pipeline.account()
        print_account(console, account, keeps=pipeline.settings.on_delete is OnDelete.KEEP)
        console.print(_published(pipeline))
        advice = _advice(account, keeps=pipeline.settings.on_delete is OnDelete.KEEP)
        console.print(advice or "nothing to do")
        if advice:
            raise typer.Exit(EXIT_FAILED)


@app.command(hidden=True)
def prepare(debug: Debug = False) -> None:
    """Make the zones, the key, the vault, the raw schemas and dbt's manifest."""
    with _plain_errors(debug):
        settings = load_settings()
        pipeline = Pipeline(settings)
        if settings.uses_default_landing:
            settings.landing_dir.mkdir(parents=True, exist_ok=True)
        with pipeline.lock():
            pipeline.prepare()
        from dicom_pipeline.orchestration.dbt_assets import dbt_project, ensure_manifest

        ensure_manifest(dbt_project())


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    from dicom_pipeline.report import progress_bar

    with progress_bar(console) as bar:
        yield bar


def _print_scan(console: Console, report: ScanReport) -> None:
    console.print(
        f"{report.listed} files: {report.new} new, {report.changed} changed, {report.moved} moved "
        f"to another partition, {report.deleted} gone, {sum(report.ignored.values())} ignored, "
        f"{report.unsettled} not settled yet"
    )
    console.print(f"{len(report.partitions)} partitions changed")
    if report.errors:
        console.print(f"[yellow]{report.errors} folders or files could not be listed[/yellow]")


def _published(pipeline: Pipeline) -> str:
    settings = pipeline.settings
    if not settings.database.exists():
        return "nothing is published yet"
    return f"published: {settings.database}, next with profile {settings.profile}"


def _advice(account: Account, *, keeps: bool) -> str | None:
    if account.lost or account.double:
        return "next: dicom-pipeline run --force, and keep the log: this should not happen"
    if account.pending or account.stale_partitions or (account.gone and not keeps):
        return "next: dicom-pipeline run, or toggle file_arrival_sensor on in the web UI"
    return None


def main() -> None:
    """Entry point of the console script."""
    sys.exit(app())


if __name__ == "__main__":
    main()
