"""Input of the dbt models in Python: relations as Arrow tables, and the lists of words.

Belongs here: reading relations of DuckDB for the models.
Does not belong here: what the models compute (deid.cleaning).
"""

from __future__ import annotations

import duckdb
import pyarrow as pa


def arrow_table(relation: duckdb.DuckDBPyRelation, columns: str = "*") -> pa.Table:
    """Return columns of a relation."""
    result = relation.project(columns).arrow()
    return result if isinstance(result, pa.Table) else result.read_all()


def allowed_words(*lists: duckdb.DuckDBPyRelation) -> frozenset[str]:
    """Return the words of all lists; dbt reads the word null of a seed as no value."""
    return frozenset(
        word or "null" for words in lists for word in arrow_table(words, "word")["word"].to_pylist()
    )


def terms_by_attribute(defined_terms: duckdb.DuckDBPyRelation) -> dict[str, frozenset[str]]:
    """Return the defined terms of each attribute."""
    found: dict[str, set[str]] = {}
    for row in arrow_table(defined_terms, "attribute, term").to_pylist():
        found.setdefault(row["attribute"], set()).add(row["term"])
    return {attribute: frozenset(terms) for attribute, terms in found.items()}
