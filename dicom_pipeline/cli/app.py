"""The command ``dicom-pipeline``: its commands, and the entry point.

Belongs here: one line per command.
Does not belong here: options and output of a command (commands); Dagster, which is imported only
by the commands that need it.
"""

from __future__ import annotations

import sys

import typer

from dicom_pipeline.cli.commands.audit import audit
from dicom_pipeline.cli.commands.explore import explore
from dicom_pipeline.cli.commands.init import init
from dicom_pipeline.cli.commands.locate import locate
from dicom_pipeline.cli.commands.prepare import prepare
from dicom_pipeline.cli.commands.pseudonym import pseudonym
from dicom_pipeline.cli.commands.purge import purge
from dicom_pipeline.cli.commands.rejects import rejects
from dicom_pipeline.cli.commands.removed_words import removed_words
from dicom_pipeline.cli.commands.report import report
from dicom_pipeline.cli.commands.rotate_key import rotate_key
from dicom_pipeline.cli.commands.run import run
from dicom_pipeline.cli.commands.scan import scan
from dicom_pipeline.cli.commands.snowflake_setup import snowflake_setup
from dicom_pipeline.cli.commands.status import status
from dicom_pipeline.cli.context import QUIET_ARGUMENTS

app = typer.Typer(
    name="dicom-pipeline",
    help="Load directories and buckets of DICOM files into typed, de-identified tables.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

app.command()(init)
app.command()(run)
app.command()(scan)
app.command()(status)
app.command()(explore)
app.command()(locate)
app.command()(rejects)
app.command()(report)
app.command()(audit)
app.command("removed-words")(removed_words)
app.command(context_settings=QUIET_ARGUMENTS)(pseudonym)
app.command(context_settings=QUIET_ARGUMENTS)(purge)
app.command("rotate-key")(rotate_key)
app.command("snowflake-setup")(snowflake_setup)
app.command(hidden=True)(prepare)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    sys.exit(app())
