"""``dicom-pipeline init``.

Belongs here: options, output and exit code.
Does not belong here: writing the directory (operations.project_directory).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug
from dicom_pipeline.operations.project_directory import init as operation


def init(
    directory: Annotated[Path, typer.Argument(help="The project directory.", metavar="DIR")],
    upgrade: Annotated[
        bool,
        typer.Option(
            "--upgrade", help="Upgrade an existing project directory to the installed version."
        ),
    ] = False,
    debug: Debug = False,
) -> None:
    """Create a project directory: the dbt project with its seeds, dagster.yaml, env.sh.

    Run the other commands and `dagster dev` in it. A checkout of the source is
    already a project directory.

    With --upgrade, files that you have not edited are replaced; edited files
    are listed and not changed.

    Exit code: 0 done, 2 the record of the directory cannot be read, 3 refused: the directory is
    not empty, or is not a project directory.
    """
    with user_errors(debug) as console:
        if not upgrade:
            count = operation.create(directory)
            console.print(f"{count} files written. Next:", markup=False)
            console.print(f"  cd {directory}", markup=False)
            console.print("  . ./env.sh")
            console.print("  dicom-pipeline run --sample")
            return
        result = operation.upgrade(directory)
        console.print(
            f"{result.before} -> {result.after}: {len(result.written)} files written, "
            f"{len(result.removed)} removed"
        )
        if result.edited:
            console.print("edited and therefore not changed; compare them with those of a new")
            console.print("project directory (dicom-pipeline init OTHER_DIR):")
            for name in result.edited:
                console.print(f"  {name}", markup=False)
