"""From a cohort back to the pixels: the source files of images that SQL chooses.

Belongs here: the order of that, and what is told of it.
Does not belong here: running the SQL (warehouse.cohort), keys of raw rows
(warehouse.source_files), options and output (cli_look).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from dicom_pipeline.deid.keys import VaultError
from dicom_pipeline.deid.pseudonyms import Pseudonyms
from dicom_pipeline.landing.paths import resolve_paths
from dicom_pipeline.warehouse.duckdb.cohort_query import cohort_images
from dicom_pipeline.warehouse.duckdb.row_counts import key_id_of
from dicom_pipeline.warehouse.source_files import source_files
from dicom_pipeline.workspace import Workspace


@dataclass(frozen=True)
class Located:
    """Files of a cohort.

    Attributes
    ----------
    images
        Keys of the images of the cohort.
    files
        Key of the image, path in the zone, and ``columns``; a row a file.
    paths
        Full path or URI of each file.
    columns
        What is told of each file beside its path.
    """

    images: pa.Table
    files: pa.Table
    paths: list[str]
    columns: tuple[str, ...]

    @property
    def without_file(self) -> int:
        """Images of which the raw zone has no file any more."""
        there = self.files["image_key"].combine_chunks()
        missing = pc.invert(pc.is_in(self.images["image_key"], value_set=there))
        return int(pc.sum(missing).as_py() or 0)

    def count(self, key: str) -> int:
        """Number of entities of the cohort, by the name of their key."""
        return int(pc.count_distinct(self.images[key]).as_py())

    @property
    def header(self) -> tuple[str, ...]:
        """Names of what `rows` has."""
        return (*self.columns, "path")

    def rows(self) -> Iterator[tuple[object, ...]]:
        """What is told of each file, and its full path."""
        columns = [self.files[name].to_pylist() for name in self.columns]
        return zip(*columns, self.paths, strict=True)


def locate(
    workspace: Workspace, query: str, columns: tuple[str, ...] = (), *, every: bool = False
) -> Located:
    """Find the source files of a cohort.

    Parameters
    ----------
    workspace
        The settings and zones; nothing is locked, and nothing written.
    query
        SQL on the published file; see `cohort_images`.
    columns
        What is told of each file beside its path; see `source_files`.
    every
        Also duplicates and other versions of the images.

    Raises
    ------
    QueryError
        The SQL cannot be used.
    VaultError
        The key is missing, or not the one of the published file.
    """
    secret = workspace.warehouse.secret()
    database = workspace.settings.database
    if key_id_of(database) != secret.key_id:
        raise VaultError("The published file was made with another key: dicom-pipeline run")
    images = cohort_images(database, query)
    files = source_files(
        images, workspace.settings.raw_dir, Pseudonyms(secret), columns=columns, every=every
    )
    paths = list(resolve_paths(workspace.settings.landing, files["file_path"].to_pylist()))
    return Located(images, files, paths, columns)
