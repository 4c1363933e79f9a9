"""A copy of the project, for tests that change its seeds."""

import shutil
from pathlib import Path

from dicom_pipeline.config.project import PROJECT_DIR

_PARTS = ("dicom_pipeline", "dbt_snowflake", "resources", "dagster.yaml", "pyproject.toml")


def copy_project(place: Path) -> Path:
    """Copy what runs, without what was built; returns the copy."""
    place.mkdir()
    for name in _PARTS:
        source = PROJECT_DIR / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
            shutil.copytree(source, place / name, ignore=ignored, symlinks=True)
        else:
            shutil.copy(source, place / name)
    return place


def add_line(project: Path, line: str) -> None:
    """Add a line to the mapping of a copy."""
    with (project / "dbt_snowflake" / "seeds" / "anonymization_mapping.csv").open("a") as seed:
        seed.write(line)
