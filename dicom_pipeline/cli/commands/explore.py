"""``dicom-pipeline explore``.

Belongs here: the option. Does not belong here: starting Harlequin (operations.explore).
"""

from __future__ import annotations

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.cli.context import Debug, open_workspace, require_published
from dicom_pipeline.operations.explore import open_in_harlequin


def explore(debug: Debug = False) -> None:
    """Open the published file in Harlequin, a SQL client for the terminal, read-only.

    The command may run at any time. A run replaces the published file; Harlequin
    shows the version that it opened until you start it again. Ctrl-Q ends it.

    Exit code: that of Harlequin; 1 nothing is published yet, 2 a setting cannot be used or
    Harlequin is not installed.
    """
    with user_errors(debug, stderr=True) as console:
        database = open_workspace().settings.database
        require_published(database, console)
        open_in_harlequin(database)
