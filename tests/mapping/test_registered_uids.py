"""UIDs that are kept name an object of the standard; the dictionary of pydicom is the oracle."""

from pydicom._uid_dict import UID_dictionary

from dicom_pipeline.mapping.registered_uids import registered_uids


def test_the_seed_has_the_uids_of_the_standard() -> None:
    assert registered_uids() == UID_dictionary.keys()
