"""The dbt assets: internal seeds, and the stage and processed tables.

Belongs here: how dbt's nodes look in Dagster, and dbt's command lines.
Does not belong here: SQL (dbt_snowflake), and when they run (automation).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)

from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.dbt_events import (
    DbtProgress,
    PreBuildState,
    add_row_counts,
    compilation_errors,
)
from dicom_pipeline.orchestration.automation import condition_for, condition_for_checks
from dicom_pipeline.orchestration.checks.dbt_checks import IF_IT_FAILS, check_texts
from dicom_pipeline.orchestration.dbt_project import (
    DbtCommandFailed,
    group_of,
    manifest_lock,
    partial_parse_options,
    remove_old_artifacts,
    run_dbt,
    sources_digest,
    store_partial_parse,
)
from dicom_pipeline.orchestration.failures import user_errors_as_failures
from dicom_pipeline.orchestration.instance import hold_write_lock
from dicom_pipeline.orchestration.one_line_error import OneLineError
from dicom_pipeline.orchestration.seeds import (
    DIGEST_METADATA,
    SEEDS_DIR,
    built_digest,
    seed_digest,
    seed_file,
)
from dicom_pipeline.orchestration.ui.metadata import OWNERS, group_tags
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.warehouse.build_fingerprint import (
    BUILD_OUTDATED,
    build_outdated,
    write_fingerprint,
)
from dicom_pipeline.warehouse.duckdb.loaded_seeds import loaded_seeds
from dicom_pipeline.warehouse.warehouse import Warehouse

VAULT_KEY = dg.AssetKey(["internal", "vault"])
# a file, not a table of dbt: the step that publishes writes it
LEAK_FINDINGS = dg.AssetSpec(
    ["private", "leak_findings"],
    group_name="private",
    kinds={"parquet"},
    owners=OWNERS,
    description="The cells in which the leak check found an identifier of their patient, without "
    "values. The staged tables set them to null.",
)


class Translator(DagsterDbtTranslator):
    """Asset keys ``[group, table]``; the group is the dbt schema."""

    def __init__(self) -> None:
        super().__init__(DagsterDbtTranslatorSettings(enable_code_references=False))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """``stage/staged_images``, ``raw/images``, ``internal/vault``."""
        if dbt_resource_props["resource_type"] == "source":
            if dbt_resource_props["source_name"] == "vault":
                return VAULT_KEY
            return dg.AssetKey([dbt_resource_props["source_name"], dbt_resource_props["name"]])
        return dg.AssetKey([self.get_group_name(dbt_resource_props), dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """The schema: internal, stage or processed; helper models belong to stage."""
        return group_of(dbt_resource_props)

    def get_automation_condition(
        self, dbt_resource_props: Mapping[str, Any]
    ) -> dg.AutomationCondition[Any] | None:
        """What makes the table be built by itself."""
        return condition_for(self.get_group_name(dbt_resource_props))

    def get_tags(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, str]:
        """Those of the group; none from dbt."""
        return group_tags(self.get_group_name(dbt_resource_props))

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the table is, without its SQL: that is a link away."""
        return " ".join(dbt_resource_props["description"].split())

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """As for the raw assets."""
        return OWNERS

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        """A dbt test, with what it checks and what to do when it fails."""
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        texts = check_texts(manifest["nodes"][unique_id])
        return spec._replace(
            description=str(texts),
            metadata={**(spec.metadata or {}), IF_IT_FAILS: texts.if_it_fails},
            automation_condition=condition_for_checks(asset_spec.key),
        )


def build_dbt_assets(project: DbtProject) -> dg.AssetsDefinition:
    """All seeds and models as one step, since each step is a dbt process of its own."""
    project_seeds = [dg.AssetKey(["internal", path.stem]) for path in SEEDS_DIR.glob("*.csv")]

    @dbt_assets(
        manifest=project.manifest_path,
        project=project,
        dagster_dbt_translator=Translator(),
        name="dbt_tables",
    )
    def dbt_tables(
        context: dg.AssetExecutionContext,
        dbt: DbtCliResource,
        warehouse: dg.ResourceParam[Warehouse],
        write_session: dg.ResourceParam[WriteSession],
    ) -> Iterator[Any]:
        progress = DbtProgress(context)
        with (
            hold_write_lock(context, write_session),
            progress_log(context.log.info, progress.__str__),
        ):
            warehouse.wait_for_build(waiting=context.log.info)
            sources = sources_digest()
            if build_outdated(warehouse.build_database, sources):
                context.log.info(BUILD_OUTDATED)
            with manifest_lock(project):
                dropped = warehouse.drop_orphan_tables(project.manifest_path)
            if dropped:
                context.log.info(f"no model makes them any more, dropped: {', '.join(dropped)}")
            remove_old_artifacts(project)
            digests = {key: seed_digest(key) for key in project_seeds}
            chosen = context.selected_asset_keys & digests.keys()
            staged = {key for key in context.assets_def.keys if key.path[0] == "stage"}
            changed = {k for k, v in digests.items() if built_digest(context.instance, k) != v}
            try:
                if changed - chosen:
                    # whatever is built is built by the seeds as they are now
                    run_dbt(
                        project,
                        "seed",
                        "--quiet",
                        *partial_parse_options(warehouse.partial_parse_path),
                        target_path=project.manifest_path.with_name("seed"),
                    )
                for key in chosen:
                    context.add_asset_metadata({DIGEST_METADATA: digests[key]}, asset_key=key)
                before = PreBuildState(warehouse)
                unchanged = [seed_file(key) for key in chosen - changed]
                build = dbt.cli(
                    [
                        "build",
                        *partial_parse_options(warehouse.partial_parse_path),
                        *exclusion(loaded_seeds(warehouse.build_database, unchanged)),
                    ],
                    context=context,
                )
                events, failure = progress.collect_events(build.stream())
                store_partial_parse(warehouse.partial_parse_path, project, build.target_path)
                # only now, since DuckDB is one process's at a time
                yield from add_row_counts(events, before)
                if failure is not None:
                    if errors := compilation_errors(build.target_path):
                        with user_errors_as_failures(context):
                            raise DbtCommandFailed("; ".join(errors))
                    raise OneLineError(failure.description or "dbt failed", failure.metadata)
                # a run of automation omits assets that do not depend on the raw tables
                if staged <= context.selected_asset_keys:
                    write_fingerprint(warehouse.build_database, sources)
            finally:
                warehouse.restrict_permissions()

    return dbt_tables


def exclusion(names: Sequence[str]) -> list[str]:
    """Return options of dbt that exclude seeds; Dagster passes on one value of ``--exclude``."""
    return ["--exclude", " ".join(names)] if names else []


@dg.asset(
    key=VAULT_KEY,
    group_name="internal",
    kinds={"duckdb"},
    owners=OWNERS,
    automation_condition=condition_for("internal"),
)
def vault(
    context: dg.AssetExecutionContext, write_session: dg.ResourceParam[WriteSession]
) -> dg.MaterializeResult[None]:
    """The derived keys, in a database of their own that is attached only while dbt runs."""
    with hold_write_lock(context, write_session):  # which creates the vault
        pass
    return dg.MaterializeResult[None]()
