"""The commands of ``dicom-pipeline``, one file per command."""
