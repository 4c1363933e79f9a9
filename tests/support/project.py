"""Copy of the project for tests that change its seeds."""

import shutil
from pathlib import Path

from dicom_pipeline.config.project import PROJECT_DIR

_PARTS = ("dicom_pipeline", "dbt_snowflake", "resources", "dagster.yaml", "pyproject.toml")


def copy_project(target: Path) -> Path:
    """Copy the source files without build outputs; return the path of the copy."""
    target.mkdir()
    for name in _PARTS:
        source = PROJECT_DIR / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
            shutil.copytree(source, target / name, ignore=ignored, symlinks=True)
        else:
            shutil.copy(source, target / name)
    return target


def add_line(project: Path, line: str) -> None:
    """Append a line to the attribute mapping of a copy."""
    with (project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv").open("a") as seed:
        seed.write(line)
