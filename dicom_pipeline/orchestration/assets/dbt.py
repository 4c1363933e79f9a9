"""The dbt assets: internal seeds, and the stage and processed tables.

Belongs here: how dbt's nodes look in Dagster, and dbt's command lines.
Does not belong here: SQL (dbt_snowflake), and when they run (automation).
"""

import filecmp
import hashlib
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from packaging.version import Version

from dicom_pipeline.common.locks import file_lock
from dicom_pipeline.config.settings import DBT_PROJECT_DIR, dbt_environment
from dicom_pipeline.orchestration.assets.dbt_events import BuildBefore, DbtProgress, with_counts
from dicom_pipeline.orchestration.automation import condition_for, condition_for_checks
from dicom_pipeline.orchestration.checks.dbt_checks import IF_IT_FAILS, check_texts
from dicom_pipeline.orchestration.instance import writing
from dicom_pipeline.orchestration.seeds import (
    DIGEST_METADATA,
    SEEDS_DIR,
    built_digest,
    seed_digest,
)
from dicom_pipeline.orchestration.ui.metadata import OWNERS, group_tags
from dicom_pipeline.orchestration.ui.progress_log import progress_log
from dicom_pipeline.warehouse.build_fingerprint import build_outdated, write_fingerprint
from dicom_pipeline.warehouse.duckdb.publish import published_schema
from dicom_pipeline.workspace import Pipeline

VAULT_KEY = dg.AssetKey(["internal", "vault"])
RETAINED_BUILDS = 10
BUILD_OUTDATED = (
    "the build database is of other models, seeds or settings: what they change is built anew"
)
# what decides dbt's manifest; the rest of the project's folder is its output
_SOURCES = ("dbt_project.yml", "config", "macros", "models", "seeds", "tests")


def dbt_project(target_path: str = "target") -> DbtProject:
    """The dbt project."""
    return DbtProject(
        project_dir=DBT_PROJECT_DIR,
        profiles_dir=DBT_PROJECT_DIR / "config",
        target_path=target_path,
        profile="dicom_pipeline",
    )


class InstalledDbt(DbtCliResource):
    """The dbt of this very environment, without what each start of it costs beside it."""

    @cached_property
    def _cli_version(self) -> Version:
        # asking dbt would start it once more
        return Version(metadata.version("dbt-core"))

    def _initialize_dbt_core_adapter(self, _args: Sequence[str]) -> Any:
        # it parses all macros in this process, for `fetch_row_counts` and `fetch_column_metadata`
        # of the events, which open the database once a model: both are done otherwise here
        return None


def dbt_resource(project: DbtProject) -> DbtCliResource:
    """The dbt command of this very environment, whether or not it is on the PATH."""
    return InstalledDbt(
        project_dir=project,  # type: ignore[arg-type]
        dbt_executable=str(Path(sys.executable).with_name("dbt")),
    )


def ensure_manifest(project: DbtProject) -> None:
    """Parse the project if its manifest is missing or was made of other sources.

    By content, not by ``prepare_if_dev``: every process of ``dagster dev`` and every run loads
    the definitions, and parsing each time would cost seconds each time. Where the build database
    lies is no matter here; dbt itself parses again when its profile names another one.
    """
    digest = sources_digest()
    stamp = project.manifest_path.with_name("manifest.digest")
    stamp.parent.mkdir(parents=True, exist_ok=True)
    with _manifest_lock(project):  # several processes load at once
        if project.manifest_path.exists() and stamp.exists() and stamp.read_text() == digest:
            return
        stamp.unlink(missing_ok=True)  # whoever is killed now leaves half a manifest
        dbt_resource(project).cli(["parse", "--quiet"], target_path=project.target_path).wait()
        stamp.write_text(digest)


def _manifest_lock(project: DbtProject) -> AbstractContextManager[None]:
    return file_lock(project.manifest_path.with_name("manifest.lock"))


def _partial_parse_options(pipeline: Pipeline) -> list[str]:
    """Options with which dbt parses only what changed since the last build in that database.

    What it parsed is kept beside the build database: it is good for one place only, and the
    folder of artifacts is shared by all pipelines of a checkout.
    """
    kept = pipeline.partial_parse_path
    return ["--partial-parse-file-path", str(kept)] if kept.exists() else []


def _store_partial_parse(pipeline: Pipeline, project: DbtProject, artifacts: Path) -> None:
    """Keep what dbt parsed for the next build; where nothing was, the shared one lies there."""
    name = pipeline.partial_parse_path.name
    parsed, shared = artifacts / name, project.manifest_path.with_name(name)
    if parsed.exists() and not (shared.exists() and filecmp.cmp(parsed, shared, shallow=False)):
        new = pipeline.partial_parse_path.with_suffix(".new")
        shutil.copyfile(parsed, new)
        new.replace(pipeline.partial_parse_path)


def remove_old_artifacts(project: DbtProject) -> None:
    """Keep dbt's artifacts of the latest builds only; each is a folder of its own."""
    target = project.project_dir / project.target_path
    folders = [path for path in target.glob("dbt_tables-*") if path.is_dir()]
    for folder in sorted(folders, key=lambda path: path.stat().st_mtime)[:-RETAINED_BUILDS]:
        shutil.rmtree(folder, ignore_errors=True)


def sources_digest() -> str:
    """Digest of the dbt project, and of the variables that its manifest depends on."""
    digest = hashlib.sha256(repr(sorted(dbt_environment().items())).encode())
    for name in _SOURCES:
        root = DBT_PROJECT_DIR / name
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file():
                digest.update(f"{path.relative_to(DBT_PROJECT_DIR)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


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
        """The schema: internal, stage or processed, wherever that is built."""
        return published_schema(str(dbt_resource_props["schema"]))

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
        pipeline: dg.ResourceParam[Pipeline],
    ) -> Iterator[Any]:
        progress = DbtProgress(context)
        with writing(context, pipeline), progress_log(context.log.info, progress.__str__):
            pipeline.prepare()
            pipeline.wait_for_build(waiting=context.log.info)
            if loaded := pipeline.load_warehouse():
                context.log.info(
                    f"{loaded.loaded} of {loaded.partitions} partitions loaded into Snowflake, "
                    f"{loaded.removed} removed, {loaded.rows} rows"
                )
            sources = sources_digest()
            if build_outdated(pipeline.build_database, sources):
                context.log.info(BUILD_OUTDATED)
            with _manifest_lock(project):
                dropped = pipeline.drop_orphan_tables(project.manifest_path)
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
                    dbt.cli(["--quiet", "seed", *_partial_parse_options(pipeline)]).wait()
                for key in chosen:
                    context.add_asset_metadata({DIGEST_METADATA: digests[key]}, asset_key=key)
                before = BuildBefore(pipeline)
                build = dbt.cli(["build", *_partial_parse_options(pipeline)], context=context)
                events, failure = progress.all_of(build.stream())
                _store_partial_parse(pipeline, project, build.target_path)
                # only now, since DuckDB is one process's at a time
                yield from with_counts(events, before)
                if failure is not None:
                    raise failure
                # a run that automation asks for leaves out what does not depend on the raw tables
                if staged <= context.selected_asset_keys:
                    write_fingerprint(pipeline.build_database, sources)
            finally:
                pipeline.restrict_permissions()

    return dbt_tables


@dg.asset(
    key=VAULT_KEY,
    group_name="internal",
    kinds={"duckdb"},
    owners=OWNERS,
    automation_condition=condition_for("internal"),
)
def vault(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[None]:
    """The derived keys, in a database of their own that is attached only while dbt runs."""
    with writing(context, pipeline):
        pipeline.prepare()
    return dg.MaterializeResult[None]()
