"""Owners, tags, columns and links to code of the assets, for the web UI.

Belongs here: definition metadata that follows one rule for all assets.
Does not belong here: descriptions (assets), metadata of a materialization (assets).
"""

import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt.dbt_manifest import validate_manifest

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV, MappingError
from dicom_pipeline.orchestration.dbt_project import group_of
from dicom_pipeline.orchestration.ui.columns import Columns, asset_columns, lineage_of, schema_of

OWNERS = ["team:data-engineering"]
RAW_TAGS = {"phi": "true"}
_TAGS = {
    "raw": RAW_TAGS,
    "stage": {"deidentified": "true"},
    "processed": {"deidentified": "true"},
    "published": {"deidentified": "true"},
}


def group_tags(group: str) -> dict[str, str]:
    """Return the tags of a group's assets: whether they contain PHI."""
    return _TAGS.get(group, {})


def with_metadata(
    assets: Iterable[dg.AssetsDefinition], ingest: Ingest, dbt_manifest: Path
) -> list[dg.AssetsDefinition]:
    """Return the assets with their columns and with links to their code.

    Parameters
    ----------
    assets
        All assets.
    ingest
        Provides the mapping and the profile.
    dbt_manifest
        ``manifest.json`` of the dbt project.
    """
    manifest = validate_manifest(dbt_manifest)  # cached by dagster-dbt; parsing takes 0.25 s
    try:
        columns = asset_columns(ingest.mapping, ingest.settings.profile, manifest)
    except MappingError:
        columns = {}  # a run reports the error; the UI must load so that a run can be launched
    sources = _sources(manifest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # of code references
        return [
            asset.map_asset_specs(lambda spec: _with_metadata(spec, columns, sources))
            for asset in dg.with_source_code_references(list(assets))
            if isinstance(asset, dg.AssetsDefinition)
        ]


def _with_metadata(
    spec: dg.AssetSpec, columns: Columns, sources: Mapping[str, list[Path]]
) -> dg.AssetSpec:
    metadata: dict[str, Any] = {}
    if own_columns := columns.get(spec.key):
        metadata["dagster/column_schema"] = schema_of(own_columns)
        if lineage := lineage_of(own_columns).deps_by_column:
            metadata["dagster/column_lineage"] = dg.TableColumnLineage(lineage)
    existing = spec.metadata.get("dagster/code_references")
    python_references = existing.code_references if existing is not None else []
    source_references = [
        dg.LocalFileCodeReference(file_path=str(path), label=path.name)
        for path in sources.get(spec.key.to_user_string(), [])
    ]
    if source_references or python_references:
        metadata["dagster/code_references"] = dg.CodeReferencesMetadataValue(
            code_references=[*source_references, *python_references]
        )
    return spec.merge_attributes(metadata=metadata)


def _sources(manifest: Mapping[str, Any]) -> dict[str, list[Path]]:
    """Return the source files of each table: its model or seed, and the mapping."""
    found: dict[str, list[Path]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] in ("model", "seed"):
            schema = group_of(node)
            files = [DBT_PROJECT_DIR / node["original_file_path"]]
            if schema in ("stage", "processed"):
                files.append(MAPPING_CSV)
            found[f"{schema}/{node['name']}"] = files
    return found
