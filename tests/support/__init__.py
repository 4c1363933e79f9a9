"""Shared test code: DICOM files written by pydicom, and a landing zone with its raw zone."""
