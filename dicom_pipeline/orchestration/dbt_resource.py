"""The `dbt` resource of the assets, with a shorter start.

Belongs here: the two private methods of dagster-dbt that are replaced. If a version of dagster-dbt
no longer calls them, builds take a few seconds longer and are otherwise the same.
Does not belong here: the dbt project and other commands of dbt (dbt_project).
"""

import sys
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from dagster_dbt import DbtCliResource, DbtProject
from packaging.version import Version


class InstalledDbt(DbtCliResource):
    """Builds with the dbt of this environment, whether or not it is on the PATH."""

    @cached_property
    def _cli_version(self) -> Version:
        # dagster-dbt starts `dbt --version`, which takes as long as the start of the build
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        # dagster-dbt imports dbt and parses all macros in the process of the step, only for
        # `fetch_row_counts` and `fetch_column_metadata`, which are not used here
        return None


def dbt_executable() -> str:
    """Return the path of dbt in this environment."""
    return str(Path(sys.executable).with_name("dbt"))


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """Return the resource that builds assets."""
    return InstalledDbt(
        project_dir=str(project.project_dir),
        profiles_dir=str(project.profiles_dir),
        profile=project.profile,
        target=project.target,
        dbt_executable=dbt_executable(),
    )
