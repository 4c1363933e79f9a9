"""`make docs`: the pages of `dbt docs`, with every column described, served to this machine.

Belongs here: having dbt make its pages, and filling in what the mapping says of columns.
Does not belong here: the words (orchestration.columns, warehouse.comments), and docs/deid.md
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
# what the server may give away: dbt keeps logs and compiled SQL beside them
SERVED = ("index.html", "manifest.json", "catalog.json")


def generate(
    workspace: Workspace, pages: Path = PAGES, waiting: Callable[[str], None] | None = None
) -> None:
    """Write the pages of what is built, in the profile of the settings.

    Parameters
    ----------
    pipeline
        The settings and zones.
    pages
        Folder that they go into.
    waiting
        Told when another process writes, which is waited for.

    Raises
    ------
    DbtCommandFailed
        dbt failed.
    """
    project = dbt_project()
    export_for_dbt(workspace.settings)
    with WriteSession(workspace)(waiting=waiting):
        workspace.warehouse.prepare()
        # compiling asks tables that may not be there yet
        run_dbt(project, "docs", "generate", "--quiet", "--no-compile", target_path=pages)
        workspace.warehouse.restrict_permissions()
    ensure_manifest(project)
    manifest = json.loads(project.manifest_path.read_text())
    columns = asset_columns(workspace.ingest.mapping, workspace.settings.profile, manifest)
    (pages / "manifest.json").write_text(json.dumps(described(manifest, columns)))


def described(manifest: Mapping[str, Any], columns: Columns) -> dict[str, Any]:
    """Dbt's manifest with a description of every column that is known.

    Parameters
    ----------
    manifest
        As dbt wrote it: columns that models derive.
    columns
        Columns of all assets.
    """
    key_of = Translator().get_asset_key
    filled = {kind: dict(manifest[kind]) for kind in ("nodes", "sources")}
    for kind in filled.values():
        for name, node in kind.items():
            if node["resource_type"] not in ("model", "seed", "source"):
                continue
            of = {column.name: column for column in columns.get(key_of(node), ())}
            empty = {"meta": {}, "tags": [], "data_type": None}
            said = {
                name: {**empty, **node["columns"].get(name, {}), "name": name,
                       "description": column.description}
                for name, column in of.items()
            }  # fmt: skip
            kind[name] = {**node, "columns": {**node["columns"], **said}}
    return {**manifest, **filled}


class _Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0].strip("/") or "index.html"
        return str(Path(self.directory) / (name if name in SERVED else "nothing"))

    def log_message(self, *_: object) -> None:
        pass


def server(port: int, pages: Path = PAGES) -> ThreadingHTTPServer:
    """A server of the pages for this machine alone; port 0 is any that is free."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(_Handler, directory=str(pages)))


def main(port: Annotated[int, typer.Option(help="0 is any that is free.")] = 8080) -> None:
    """Make the pages, and serve them until Ctrl-C."""
    with user_errors(debug=False) as console:
        console.print("making the pages: 20 seconds or so")
        generate(Workspace(load_settings()), waiting=console.print)
        with server(port) as pages:
            address = f"http://127.0.0.1:{pages.server_port}"
            console.print(f"tables and columns: {address} (Ctrl-C ends it)")
            with suppress(KeyboardInterrupt):
                pages.serve_forever()


if __name__ == "__main__":
    typer.run(main)
