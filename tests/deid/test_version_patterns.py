"""Versions of programs are kept; identifiers, persons and dates in them are found.

The versions are those of devices of many manufacturers, as they are in public collections and
conformance statements.
"""

from __future__ import annotations

import csv

import pytest

from dicom_pipeline.deid.cleaning.patterns.version_patterns import (
    VERSION_WORDS,
    identifies_in_version,
)

from .own import SEEDS, cleaner

VERSIONS = r"""
syngo MR E11|syngo MR B17|syngo CT 2012B|syngo CT VA40A|syngo MR 2004V 4VB17A|VB42B|VA30A_SP4
N4_VA00B_LATEST_20VB|syngo.via VB30A_HF04|24\LX\MR Software release:12.0_M5A_0904.a
25\LX\MR Software release:DV25.1_R02_1623.a|27\LX\MR29.1_EA_2120.a|gmp_vct.42|sles_hde.169
kl_mict.10|dm10_hl2.44|HDx|LightSpeed QX/i|Volume Viewer v11.3 Ext.8|Xeleris 3.1108
ADS Application Package VERSION ADS_54.11|5.4.1\5.4.1.0|5.1.7\5.1.7.2|MR Release 5.1.7
PMS/DICOM 4.0 MIMIT|R5.6.1 Service Pack 2|Neusoft 2.0.5|V8.3ER003|V4.86ER003|V3.20*R550
AWS:MAMMODROC_3_4_1_8\PXCM:1.4.0.7\ARR:1.7.3.10\IP:4.9.0\CAD:10.1|Selenia Dimensions 1.7.3.10
A12-02|NX2.0.8400|5.7.412.6041|4.6.0.17092|1.0.20100.1|RayStation 9.0.0.113|15.6.03|15.06.02
XVI 5.0.3b72|Hi-Art 4.2.3 (build 17)|iPlan RT 4.5|PMOD 3.1|dcm4che-2.0|DCMTK 3.6.5+_DEBIAN
OFFIS_DCMTK_354|GDCM 2.0.17|MIM 6.9.7|OsiriX 5.8.5|RAPID 5.0.2|iSchemaView RAPID 4.9
Aquarius 4.4.13.P2|3D Slicer 4.10.2|3.5.0-rc1|2.0.0.b12|R2019.03|Rev B|rev. 3|Revision 1.0|Ver 2.1
DR 3.2|Canon DR Software 1.0|PET/CT 5.0 MD|Version 2.6 (Patch 4)|GE Medical Systems
""".replace("\n", "|").strip("|").split("|")  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_has_no_identifier(version: str) -> None:
    for value in version.split("\\"):
        assert not identifies_in_version(value, cleaner().is_allowed)


@pytest.mark.parametrize(
    "text",
    [
        "R2 Hr. Tobler 0228 287-15000",
        # dates, also that of a release: it may be that of a visit
        "syngo MR E11 installed 20190503",
        "V3.1 2008-03-05",
        "V3.1 05.03.2008",
        "2.0.7.20110917",
        "VB10 190503",
        "05/15/07",
        "Build Mar 3 2011",
        "Nov 20 2019",
        "v3 2019年5月3日",
        # numbers
        "R2 0228 28715",
        "R2 (0228) 28715000",
        "call 0228/287150",
        "VA10 Tel. 287-150",
        "R2 +49 228 287 150",
        "R2 555-123-4567",
        "R2 555.123.4567",
        "R2 4711823",
        "R2 MRN 47110",
        # contacts, computers
        "support@example.com",
        "www.example-service.de",
        "192.168.10.12",
        "1.2.840.113619.6.55",
        # persons and institutions
        "R2 Hr. Tobler",
        "v2 Dr. Page",
        "v2 Mr. Ver",
        "v2 Herr Tobler",
        "v2 HERR TOBLER",
        "v2 Frau Dr. Meier",
        "Mrs Smith R2",
        "installed by Tobler",
        "Installed by Farmer",
        "gewartet von Tobler",
        "serviced by S. Farmer",
        "Operator: Tobler",
        "R2 / Technologist: A. Tobler",
        "Holy Ghost Hospital 3.1",
    ],
)
def test_an_identifier_in_a_version_is_found(text: str) -> None:
    assert identifies_in_version(text, cleaner().is_allowed)


def test_words_of_versions_are_allowed_words_so_that_the_leak_check_ignores_them() -> None:
    with (SEEDS / "allowed_words.csv").open(newline="") as lines:
        allowed = {line["word"] for line in csv.DictReader(lines)}
    # it ignores words of up to two letters in any case
    assert {word for word in VERSION_WORDS if len(word) > 2} <= allowed
