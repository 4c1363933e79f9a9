"""The command ``dicom-pipeline``."""
