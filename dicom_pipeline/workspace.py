"""The services of one set of settings; shared by Dagster and the command line.

Belongs here: one attribute per service.
Does not belong here: the logic of a service (extract.ingest, warehouse.warehouse).
"""

from __future__ import annotations

from pathlib import Path

from dicom_pipeline.config.settings import Settings
from dicom_pipeline.extract.ingest import Ingest
from dicom_pipeline.mapping.attribute_mapping import MAPPING_CSV
from dicom_pipeline.warehouse.warehouse import Warehouse


class Workspace:
    """The services of one set of settings.

    Parameters
    ----------
    settings
        Locations and options.
    mapping_csv
        The seed that maps attributes to tables and columns.

    Attributes
    ----------
    ingest
        Landing zone and raw zone.
    warehouse
        Vault, build database and published database.
    """

    def __init__(self, settings: Settings, mapping_csv: Path = MAPPING_CSV) -> None:
        self.settings = settings
        self.ingest = Ingest(settings, mapping_csv)
        self.warehouse = Warehouse(settings, self.ingest)
