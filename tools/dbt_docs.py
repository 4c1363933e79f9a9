"""`make docs`: generate the pages of `dbt docs` with all columns described, and serve them locally.

Belongs here: running `dbt docs generate`, adding descriptions of columns to its manifest, a server.
Does not belong here: the descriptions (orchestration.ui.columns, warehouse.comments), docs/deid.md
(deid_docs).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from dicom_pipeline.cli.console import user_errors
from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import export_for_dbt, load_settings
from dicom_pipeline.operations.write_session import WriteSession
from dicom_pipeline.orchestration.assets.dbt import Translator
from dicom_pipeline.orchestration.dbt_project import dbt_project, ensure_manifest, run_dbt
from dicom_pipeline.orchestration.ui.columns import Columns, asset_columns
from dicom_pipeline.workspace import Workspace

PAGES = DBT_PROJECT_DIR / "target" / "docs"
# only these files are served: dbt stores logs and compiled SQL in the same directory
SERVED = ("index.html", "manifest.json", "catalog.json")


def generate(
    workspace: Workspace, pages: Path = PAGES, waiting: Callable[[str], None] | None = None
) -> None:
    """Write the pages about the tables that are built, for the profile of the settings.

    Parameters
    ----------
    workspace
        The services.
    pages
        Output directory.
    waiting
        Called with a message while another process holds the write lock.

    Raises
    ------
    DbtCommandFailed
        dbt failed; its output has the reason.
    """
    project = dbt_project()
    export_for_dbt(workspace.settings)
    with WriteSession(workspace)(waiting=waiting):
        workspace.warehouse.prepare()
        # --no-compile: compiling queries tables that may not exist yet
        run_dbt(project, "docs", "generate", "--quiet", "--no-compile", target_path=pages)
        workspace.warehouse.restrict_permissions()
    ensure_manifest(project)
    manifest = json.loads(project.manifest_path.read_text())
    columns = asset_columns(workspace.ingest.mapping, workspace.settings.profile, manifest)
    (pages / "manifest.json").write_text(json.dumps(described(manifest, columns)))


def described(manifest: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Return dbt's manifest with descriptions of all columns.

    Parameters
    ----------
    manifest
        As dbt wrote it, with derived columns only.
    columns
        Columns of all assets.
    """
    key_of = Translator().get_asset_key
    filled = {kind: dict(manifest[kind]) for kind in ("nodes", "sources")}
    for kind in filled.values():
        for name, node in kind.items():
            if node["resource_type"] not in ("model", "seed", "source"):
                continue
            table_columns = {column.name: column for column in columns.get(key_of(node), ())}
            empty = {"meta": {}, "tags": [], "data_type": None}
            descriptions = {
                name: {**empty, **node["columns"].get(name, {}), "name": name,
                       "description": column.description}
                for name, column in table_columns.items()
            }  # fmt: skip
            kind[name] = {**node, "columns": {**node["columns"], **descriptions}}
    return {**manifest, **filled}


class _Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].strip("/") or "index.html"
        return str(Path(self.directory) / (name if name in SERVED else "nothing"))

    def log_message(self, *_: object) -> None:
        pass


def server(port: int, pages: Path = PAGES) -> ThreadingHTTPServer:
    """Return a server of the pages on 127.0.0.1; port 0 selects any free port."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(pages)))


def main(port: Annotated[int, typer.Option(help="0 selects any free port.")] = 8080) -> None:
    """Generate the pages, and serve them until Ctrl-C."""
    with user_errors(debug=False) as console:
        console.print("generating the pages, about 20 seconds")
        generate(Workspace(load_settings()), waiting=console.print)
        with server(port) as pages:
            address = f"http://127.0.0.1:{pages.server_port}"
            console.print(f"tables and columns: {address} (Ctrl-C to stop)")
            with suppress(KeyboardInterrupt):
                pages.serve_forever()


if __name__ == "__main__":
    typer.run(main)
