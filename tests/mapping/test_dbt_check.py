"""dbt alone refuses the same lines as the mapping when it is loaded in Python."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
from dbt_common.clients.jinja import get_template
from dbt_common.exceptions.macros import MacroReturn
from pydicom.datadict import DicomDictionary, keyword_for_tag

from dicom_pipeline.config.project import DBT_PROJECT_DIR
from dicom_pipeline.config.settings import Profile
from dicom_pipeline.mapping.attribute_mapping import FUNCTIONS, parse_attribute_path
from dicom_pipeline.mapping.function_check import check_function, needs_accepted_risk
from dicom_pipeline.mapping.vr_functions import vr_functions
from tools.deid_standard import standard

MACROS = ("refuse_leak", "needs_accepted_risk", "allowed_actions", "seed_rows")
PATHS = (
    "OtherPatientIDsSequence[0].PatientID",
    "OtherPatientIDsSequence[0].TypeOfPatientID",
    "ReferencedImageSequence[0].ReferencedSOPInstanceUID",
    "ReferencedImageSequence[12].ReferencedSOPClassUID",
    "RequestAttributesSequence[0].ScheduledProcedureStepDescription",
    "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing",
)
UNLISTED = ("EchoTime", "SoftwareVersions", "SOPClassUID", "SourceIrradiationEventSequence")


class Row(dict[str, str | None]):
    """A row as dbt's `run_query` returns it."""

    def dict(self) -> dict[str, str | None]:
        return dict(self)


class Refused(Exception):
    """The macro raised an error."""


def read_seed(query: str, names: Callable[[str], str]) -> list[Row]:
    path = DBT_PROJECT_DIR / "seeds" / f"{query.removeprefix('select * from ')}.csv"
    with path.open(newline="") as file:
        return [Row({names(k): v or None for k, v in row.items()}) for row in csv.DictReader(file)]


def macros(profile: str, names: Callable[[str], str]) -> dict[str, Callable[..., Any]]:
    """Return the macros as functions, with the part of dbt that they use."""

    def return_(value: Any) -> None:
        raise MacroReturn(value)

    def refuse(column: Any, problem: str) -> None:
        raise Refused(problem)

    def function(name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            try:
                return getattr(module, f"dbt_macro__{name}")(*arguments)
            except MacroReturn as result:
                return result.value

        return call

    found = {name: function(name) for name in MACROS}
    context = found | {
        "return": return_,
        "mapping_error": refuse,
        "deid_profile": lambda: profile,
        "run_query": lambda query: read_seed(query, names),
        "ref": lambda name: name,
        "modules": SimpleNamespace(re=re),
        "context": {},
    }
    text = (DBT_PROJECT_DIR / "macros" / "stage" / "refuse_leak.sql").read_text()
    module = get_template(text, context).make_module(vars=context, shared=False)
    return found


# Snowflake returns the names of columns in upper case
@pytest.mark.parametrize(
    ("profile", "names"), [(Profile.RESEARCH, str.lower), (Profile.STRICT, str.upper)]
)
def test_dbt_refuses_what_the_mapping_refuses(
    profile: Profile, names: Callable[[str], str]
) -> None:
    called = macros(profile.value, names)
    tags = [int(tag, 16) for tag in standard().rules if re.fullmatch("[0-9A-F]{8}", tag)]
    listed = [keyword_for_tag(tag) for tag in tags if tag in DicomDictionary]
    assert len(listed) > 600
    outcomes = {True: 0, False: 0}
    for attribute, function in product([*listed, *PATHS, *UNLISTED], sorted(FUNCTIONS)):
        path = parse_attribute_path(attribute)
        if path.vr not in vr_functions():
            continue  # binary
        column = {"attribute": attribute, "vr": path.vr, "function": function}
        for risk, reviewed in product((None, "Accepted."), (False, True)):
            refused = expected = False
            try:
                called["refuse_leak"](column | {"accepted_risk": risk, "reviewed": reviewed})
            except Refused:
                refused = True
            try:
                check_function(
                    function, attribute, path, profile, reviewed=reviewed, accepted_risk=bool(risk)
                )
            except ValueError:
                expected = True
            assert refused == expected, (attribute, function, risk, reviewed)
            outcomes[refused] += 1
        if not expected:
            needed = called["needs_accepted_risk"](column)
            assert needed == needs_accepted_risk(function, attribute, path, profile)
    assert min(outcomes.values()) > 1000
