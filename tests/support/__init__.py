"""What tests share: DICOM files made by pydicom, and a landing zone with its raw zone."""
