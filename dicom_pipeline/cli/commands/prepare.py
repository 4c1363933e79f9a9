"""``dicom-pipeline prepare``, a hidden command for the Makefile.

Belongs here: the list of what must exist before ``dagster dev`` or dbt starts.
Does not belong here: creating these things (operations, orchestration).
"""

from __future__ import annotations

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace
from dicom_pipeline.config.settings import export_for_dbt
from dicom_pipeline.operations.write_session import WriteSession


def prepare(debug: Debug = False) -> None:
    """Create the zones, the key, the vault, the raw schemas and the dbt manifest."""
    with user_errors(debug):
        workspace = open_workspace()
        settings = workspace.settings
        if settings.uses_default_landing:
            settings.landing_dir.mkdir(parents=True, exist_ok=True)
        with WriteSession(workspace)(prepare=True):
            pass
        from dicom_pipeline.orchestration.dbt_project import dbt_project, ensure_manifest
        from dicom_pipeline.orchestration.instance import make_home

        make_home(settings)
        export_for_dbt(settings)
        ensure_manifest(dbt_project())
