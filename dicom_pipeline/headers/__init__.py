"""Header readers: from the bytes of a DICOM file to the values of its header."""
