"""Identity terms for retained rows that were stored before there were identity terms.

Belongs here: deriving the terms of a deleted file from its rows in the other raw tables.
Does not belong here: conversion of values to terms (deid.identity_terms), selection of the rows
(rows).
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from dicom_pipeline.deid.identity_terms import IdentityTerms
from dicom_pipeline.extract.tables import IDENTITY_TERMS, Tables, digest_of, rows_to_arrow
from dicom_pipeline.mapping.attribute_mapping import ENTITIES, PATIENT_KEYS, AttributeMapping

_ROW = f"{IDENTITY_TERMS}_row"


def with_terms(tables: Tables, mapping: AttributeMapping, terms: IdentityTerms) -> Tables:
    """Add a row of identity terms for each image without one.

    Parameters
    ----------
    tables
        Stored rows of a partition.
    mapping, terms
        The columns and the identifying attributes. Attributes without a column are missing in
        the terms.
    """
    images, own = tables["images"], tables[IDENTITY_TERMS]
    known = set(own["row_digest"].to_pylist())
    digests: list[str] = images[_ROW].to_pylist()
    without = [i for i, digest in enumerate(digests) if digest not in known]
    if not without:
        return tables
    added: dict[str, tuple[object, ...]] = {}
    chosen = images.take(pa.array(without, pa.int64()))
    keys = zip(*(chosen[name].to_pylist() for name in PATIENT_KEYS), strict=True)
    for i, key, found in zip(without, keys, _terms(tables, chosen, mapping, terms), strict=True):
        values = (*key, found)
        digests[i] = digest_of(values)
        added[digests[i]] = (*values, digests[i], 0)
    rows = rows_to_arrow([row for digest, row in added.items() if digest not in known], own.schema)
    column = images.schema.get_field_index(_ROW)
    return {
        **tables,
        "images": images.set_column(column, _ROW, pa.array(digests, pa.string())),
        IDENTITY_TERMS: pa.concat_tables([own, rows]),
    }


def _terms(
    tables: Tables, images: pa.Table, mapping: AttributeMapping, terms: IdentityTerms
) -> Iterator[str]:
    """Yield the terms of images, from their rows and the rows that they reference."""
    wanted = set(terms.attribute_paths)
    values: list[dict[object, str | None]] = [{} for _ in range(images.num_rows)]
    for table in ENTITIES:
        columns = {a.path: a.column for a in mapping.table(table) if a.path in wanted}
        names = list(columns.values())
        if table == "images":
            rows = images.select(names).to_pylist()
        else:
            stored = tables[table].select(names).to_pylist()
            digests = tables[table]["row_digest"].to_pylist()
            by_digest = dict(zip(digests, stored, strict=True))
            rows = [by_digest.get(digest, {}) for digest in images[f"{table}_row"].to_pylist()]
        for found, row in zip(values, rows, strict=True):
            found.update(
                (attribute_path, row.get(column)) for attribute_path, column in columns.items()
            )
    for found in values:
        yield terms.of([found.get(attribute_path) for attribute_path in terms.attribute_paths])
