"""The files of a project directory in this version of the package.

Belongs here: the list of files, and their location in a wheel and in a checkout.
Does not belong here: writing them (init).
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.config.project import PACKAGE_DIR

# in a wheel, the build copies the files of a checkout to `shipped`
_HERE = Path(__file__).parent
_SHIPPED = _HERE / "shipped"
_TEMPLATES = _HERE / "templates"
_FROM_CHECKOUT = (
    "dagster.yaml",
    "dbt_snowflake/dbt_project.yml",
    "dbt_snowflake/config",
    "dbt_snowflake/macros",
    "dbt_snowflake/models",
    "dbt_snowflake/seeds",
    "dbt_snowflake/tests",
)
# stored without the dot: build tools omit hidden files
_RENAMED = {"gitignore": ".gitignore"}


def project_files() -> dict[str, bytes]:
    """Return the content of each file of a project directory by its relative path."""
    root = _SHIPPED if _SHIPPED.is_dir() else PACKAGE_DIR.parent
    found = {}
    for name in _FROM_CHECKOUT:
        path = root / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                found[file.relative_to(root).as_posix()] = file.read_bytes()
    for file in sorted(_TEMPLATES.iterdir()):
        if file.is_file():
            found[_RENAMED.get(file.name, file.name)] = file.read_bytes()
    return found
