"""Entry point of ``python -m dicom_pipeline.cli``."""

from dicom_pipeline.cli.app import main

main()
