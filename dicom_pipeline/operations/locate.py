"""Find the source files of a cohort that SQL on the published file selects.

Belongs here: the order of the steps, and their result.
Does not belong here: running the SQL (warehouse.duckdb.cohort_query), keys of raw rows
(warehouse.source_files), options and output (cli).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.deid.keys import VaultError
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.landing.paths import resolve_paths
from dicom_pipeline.warehouse.duckdb.cohort_query import QUERY_SECONDS, cohort_images
from dicom_pipeline.warehouse.duckdb.row_counts import key_id_of
from dicom_pipeline.warehouse.source_files import source_files
from dicom_pipeline.workspace import Workspace


@dataclass(frozen=True)
class Located:
    """Source files of a cohort.

    Attributes
    ----------
    images
        Keys of the images of the cohort, one row per image.
    files
        Key of the image, path relative to the landing zone, and ``columns``; one row per file.
    paths
        Full path or URI of each file, in the order of ``files``.
    columns
        Names of the other columns of ``files``.
    """

    images: pa.Table
    files: pa.Table
    paths: list[str]
    columns: tuple[str, ...]

    @property
    def without_file(self) -> int:
        """Number of images of which the raw zone no longer contains a file."""
        found = self.files["image_key"].combine_chunks()
        missing = pc.invert(pc.is_in(self.images["image_key"], value_set=found))
        return int(pc.sum(missing).as_py() or 0)

    def count(self, key: str) -> int:
        """Return the number of entities of the cohort, by the name of their key."""
        return int(pc.count_distinct(self.images[key]).as_py())

    @property
    def header(self) -> tuple[str, ...]:
        """Column names of `rows`."""
        return (*self.columns, "path")

    def rows(self) -> Iterator[tuple[object, ...]]:
        """Return ``columns`` and the full path of each file."""
        columns = [self.files[name].to_pylist() for name in self.columns]
        return zip(*columns, self.paths, strict=True)


def locate(
    workspace: Workspace,
    query: str,
    columns: tuple[str, ...] = (),
    *,
    every: bool = False,
    seconds: float = QUERY_SECONDS,
) -> Located:
    """Find the source files of a cohort.

    Parameters
    ----------
    workspace
        The services; no lock is taken, and only temporary files are written.
    query
        SQL on the published file; see `cohort_images`.
    columns
        Columns to return for each file besides its path; see `source_files`.
    every
        Also return duplicates and other versions of the images.
    seconds
        The query is stopped after this time.

    Raises
    ------
    QueryError
        The SQL cannot be used.
    VaultError
        The key is missing, or the published file was built with another key.
    """
    secret = workspace.warehouse.secret()
    database = workspace.settings.database
    if key_id_of(database) != secret.key_id:
        raise VaultError(
            "the published file was built with another key: dicom-pipeline run builds it again"
        )
    images = cohort_images(database, query, seconds=seconds)
    files = source_files(
        images,
        workspace.settings.raw_dir,
        workspace.settings.warehouse_dir,
        Pseudonyms(secret),
        columns=columns,
        every=every,
    )
    paths = list(resolve_paths(workspace.settings.landing, files["file_path"].to_pylist()))
    return Located(images, files, paths, columns)
