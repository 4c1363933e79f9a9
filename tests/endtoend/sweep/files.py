"""The landing zone of the sweep: whole files, broken ones, and their names.

Belongs here: the files of the first state and of the changed state.
Does not belong here: content of headers (planting), patients with ordinary names (special).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from .needles import Maker, Needles
from .people import LANGUAGES, Person, make_person
from .planting import CLASSES, Planter, mapped, put, put_raw, written

_MODALITIES = tuple(CLASSES)
_SYNTAXES = ("explicit", "implicit", "big endian", "deflated")


class Archive:
    """All planted files; `first` and `second` write them to a landing zone."""

    def __init__(self) -> None:
        self.needles = Needles()
        self.codes = Needles()  # made-up codes: the mapping keeps values with the form of a code
        self.maker = Maker(self.needles)
        self.planter = Planter(self.maker)
        self.people = {language: make_person(language, self.maker) for language in LANGUAGES}

    def first(self, landing: Path) -> None:
        """Write the files of the first run."""
        with disable_value_validation():
            for name, content in self._first():
                _write(landing / name, content)
        name = self.maker.word("link")
        (landing / f"{name}.dcm").symlink_to(landing.parent / f"{name}^{self.maker.word('target')}")

    def _first(self) -> Iterator[tuple[str, bytes]]:
        for i, person in enumerate(self.people.values()):
            for j in range(2):
                modality = _MODALITIES[(i + j * 3) % len(_MODALITIES)]
                made = self.planter.header(person, modality)
                # alternate the transfer syntaxes
                yield self._name(person, modality), written(made, _SYNTAXES[(i + j) % 4])
        english, german = self.people["english"], self.people["german"]
        for modality in ("CT", "MR", "US", "DX", "SR"):
            content = written(self.planter.everything(english, modality))
            yield self._name(english, f"all_{modality}"), content
        yield from self._misused(german)
        yield from self._misused(english)
        yield from self._undefined(german)
        yield from self._broken(english)
        yield from self._copies(german)

    def few(self, landing: Path, description: str, *, people: int = 7, study: int = 1) -> None:
        """Write one file per person for a few people, with a given description."""
        with disable_value_validation():
            for person in list(self.people.values())[:people]:
                made = self.planter.header(person, "CT", study)
                text = description.format(**person.facts, own_word=self.maker.word("few"))
                put(made, "StudyDescription", text)
                _write(landing / self._name(person, "few"), written(made))

    def second(self, landing: Path) -> None:
        """Change a file, delete two and add new ones, with new needles."""
        with disable_value_validation():
            self._second(landing)

    def _second(self, landing: Path) -> None:
        files = sorted(p for p in landing.rglob("*.dcm") if p.is_file() and not p.is_symlink())
        english, german = self.people["english"], self.people["german"]
        changed = self.planter.header(german, "CT")
        put(changed, "OtherPatientNames", f"{self.maker.word('changed')}^Eva")
        put(changed, "StudyDescription", f"CT {english.facts['nowhere']}")
        _write(next(p for p in files if "_CT" in p.name), written(changed))
        gone = [p for p in files if "_MR" in p.name][:2]
        for path in gone:
            path.unlink()
        added = self.planter.header(self.people["russian"], "US", study=3)
        put(added, "ReferringPhysicianName", self.maker.word("added"))
        _write(landing / self._name(self.people["russian"], "added"), written(added))
        text = self.maker.word("second")
        _write(landing / f"{text}.txt", text.encode() * 50)

    def _name(self, person: Person, what: str) -> str:
        facts = person.facts
        folder = f"{facts['family']}^{facts['given']}_{self.maker.word('folder')}"
        file = f"{facts['patient_id']}_{self.maker.word('file')}_{what}.dcm"
        return f"{folder}/{facts['birth_iso']}/{file}"

    def _misused(self, person: Person) -> Iterator[tuple[str, bytes]]:
        """Yield files with names in dates, numbers, codes and UIDs."""
        planter, facts = self.planter, person.facts
        for modality, vr_of_all in (("CT", None), ("MR", "LO")):
            made = planter.header(person, modality, study=4)
            for keyword, vr in mapped().items():
                if vr in ("AS", "DA", "DS", "FD", "IS", "TM", "UL", "US", "US or SS"):
                    written_vr = vr_of_all or (vr if vr in ("AS", "DA", "DS", "IS", "TM") else "LO")
                    put_raw(made, keyword, written_vr, self.maker.word(f"misused {keyword}"))
                elif vr == "CS" and keyword not in ("SpecificCharacterSet", "Modality"):
                    name = facts["family"].upper() if vr_of_all is None else facts["given"]
                    put_raw(made, keyword, "CS", name)
            made.Modality = modality
            yield self._name(person, f"misused_{modality}"), written(made)
        made = planter.header(person, "US", study=5)
        put_raw(made, "Modality", "CS", facts["family"].upper()[:16])
        put_raw(made, "BodyPartExamined", "CS", facts["given"].upper())
        put_raw(made, "ImageType", "CS", f"ORIGINAL\\{facts['family'].upper()}")
        put_raw(made, "FrameOfReferenceUID", "UI", self.maker.word("misused uid"))
        put_raw(made, "PatientSex", "CS", facts["number"])
        yield self._name(person, "misused_codes"), written(made)
        # error messages for these values would quote them
        made = planter.header(person, "CT", study=6)
        for keyword in ("RequestAttributesSequence", "SharedFunctionalGroupsSequence"):
            item = planter.item(person, 1)
            put_raw(item, "SliceThickness", "DS", self.maker.word("misused item"))
            put_raw(item, "InstanceNumber", "IS", self.maker.word("misused item"))
            put(made, keyword, Sequence([item]))
        yield self._name(person, "misused_item"), written(made)
        # an unknown character set: an error message may quote its name
        content = written(planter.header(person, "CT", study=7))
        charset = person.charset.encode().ljust(len(person.charset) + len(person.charset) % 2)
        assert charset in content
        name = facts["family"].upper().encode("ascii", "ignore").ljust(len(charset))[: len(charset)]
        yield self._name(person, "no_charset"), content.replace(charset, name)

    def _undefined(self, person: Person) -> Iterator[tuple[str, bytes]]:
        """Yield a file with words in the form of codes that appear nowhere else in the file."""
        made = self.planter.header(person, "CT", study=9)
        coins = Maker(self.codes, first_word=30_000)
        for keyword, vr in mapped().items():
            if vr == "CS" and keyword not in ("SpecificCharacterSet", "Modality"):
                put_raw(made, keyword, "CS", coins.word(keyword).upper())
        yield self._name(person, "undefined_codes"), written(made)

    def _broken(self, person: Person) -> Iterator[tuple[str, bytes]]:
        maker, planter = self.maker, self.planter
        made = planter.header(person, "CT")
        whole, deflated = written(made), written(made, "deflated")
        yield self._name(person, "cut"), whole[: len(whole) // 2]
        yield self._name(person, "short"), whole[:400]
        yield self._name(person, "inflated"), deflated[:-200] + b"\xff" * 100
        yield f"{maker.word('text')} {person.name}.txt", (maker.word("text") + "\n").encode() * 90
        report = f"{person.name} {maker.word('report')}"
        yield f"{maker.word('report')}.dcm", report.encode("utf-16")
        made = planter.header(person, "MR")
        del made.SOPInstanceUID
        made.file_meta.MediaStorageSOPInstanceUID = maker.uid("no sop")
        yield self._name(person, "no_sop"), written(made)
        syntax = b"1.2.826.0.1.3680043.7741.1"
        yield self._name(person, "syntax"), whole.replace(b"1.2.840.10008.1.2.1\0", syntax[:20], 1)
        # a sequence that is shorter than its item cannot be read
        broken = bytearray(whole)
        at = whole.index(b"SQ\0\0")
        broken[at + 4 : at + 8] = b"\x07\0\0\0"
        yield self._name(person, "sequence"), bytes(broken)
        yield self._name(person, "vr"), whole.replace(b"LO", b"ZZ", 40)
        yield f".{maker.word('hidden')}.dcm", whole
        yield f"{maker.word('arriving')}.dcm.part", whole[:5000]
        record = Dataset()
        put(record, "PatientName", person.name)
        put(record, "PatientID", maker.identifier("directory"))
        made = planter.header(person, "CT")
        made.DirectoryRecordSequence = Sequence([record])
        made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
        yield f"{maker.word('media')}/DICOMDIR", written(made)

    def _copies(self, person: Person) -> Iterator[tuple[str, bytes]]:
        maker, planter = self.maker, self.planter
        made = planter.header(person, "DX")
        content = written(made)
        yield self._name(person, "original"), content
        yield self._name(person, "duplicate"), content
        put(made, "ImageComments", maker.word("other version"))
        put(made, "PatientComments", maker.word("other version"))
        yield self._name(person, "version"), written(made)
        made = planter.header(person, "PT", study=8)
        del made.PatientID
        put(made, "PatientName", f"{maker.word('nobody')}^{maker.word('nobody')}")
        put(made, "EthnicGroup", made.PatientName.family_name)
        put(made, "StudyDescription", f"PET {made.PatientName.family_name}")
        yield self._name(person, "nobody"), written(made)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
