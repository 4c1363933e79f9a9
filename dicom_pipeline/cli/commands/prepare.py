"""``dicom-pipeline prepare``, a hidden command for the Makefile and the image.

Belongs here: the list of what must exist before ``dagster dev`` or dbt starts.
Does not belong here: creating these things (operations, orchestration).
"""

from __future__ import annotations

from typing import Annotated

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.config.settings import export_for_dbt
from dicom_pipeline.operations.write_session import WriteSession


def prepare(
    manifest_only: Annotated[
        bool, typer.Option("--manifest-only", help="Create only the dbt manifest, for an image.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Create the zones, the key, the vault, the raw schemas and the dbt manifest."""
    with user_errors(debug):
        workspace = open_workspace()
        settings = workspace.settings
        from dicom_pipeline.orchestration.dbt_project import dbt_project, ensure_manifest
        from dicom_pipeline.orchestration.instance import make_home

        if not manifest_only:
            if settings.uses_default_landing:
                settings.landing_dir.mkdir(parents=True, exist_ok=True)
            with WriteSession(workspace)(prepare=True):
                pass
            make_home(settings)
        export_for_dbt(settings)
        ensure_manifest(dbt_project(settings.dbt_target_path))
