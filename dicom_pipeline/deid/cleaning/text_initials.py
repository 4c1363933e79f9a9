"""Find the initials of a person in a text, which the pieces beside them decide.

Belongs here: the conditions under which letters are initials.
Does not belong here: initials of names (identity_terms), and what else is removed (text_cleaning).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from dicom_pipeline.deid.cleaning.own_terms import OwnTerms
from dicom_pipeline.deid.cleaning.text_tokens import DIGITS, text_tokens, word_set
from dicom_pipeline.deid.tokens import folded, lowered

# Control characters stand for what was removed; the text contains no others by then. The second one
# stands for a date or a time: letters beside it may be the initials of a signature.
REMOVED = "\x1e"
MOMENT = "\x1d"
# two letters that may be initials with full stops
_SINGLE_LETTERS = re.compile(r"(?<![^\W\d_])[^\W\d_][. ] ?[^\W\d_](?![^\W\d_])")


# a person is named after these words, with initials or a short name
PERSON_LABELS = word_set(
    """
    by tech techs technologist technician radiographer sonographer operator op rt mta mtr mtra
    nurse rn md dr doctor physician radiologist reader attending resident fellow initials name
    staff user student trainee init sig signature qc qa scanned done processed postprocessed
    prepared positioned marked injected signed verified reviewed checked corrected approved
    dictated performed per
    patient pat pt subject volunteer participant research proband
    von durch par por door przez untersucher operateur operador operatore paciente paziente
    pacjent pacjentka patientin patiente patiënt patiënte paciënt pacient pacientka pasient potilas
    hasta beteg bolnav пациент пациентка ασθενής sjuksköterska läkare arzt ärztin mtr mtra
    médecin médico medico lekarz lékař laborant laborantka hemşire doktor naam nombre nome nom
    jméno imię namn navn nimi név nume имя ad adı
    """
)


def found_initials(pieces: list[str], own: OwnTerms, dotted: Collection[str]) -> set[int]:
    """Return the positions of initials.

    Parameters
    ----------
    pieces
        Pieces of a text after the replacement of patterns.
    own
        Terms of the patient.
    dotted
        Letters of initials that occur with full stops in the text.
    """
    found = set()
    for place, piece in enumerate(pieces):
        kinds = own.initials.get(piece, ())
        if dotted and folded(lowered(piece)) in dotted:
            kinds = (*kinds, "letter")
        if kinds and any(_are_initials(kind, pieces, place) for kind in kinds):
            found.add(place)
    return found


def dotted_letters(lower: str, initials: Collection[str]) -> set[str]:
    """Return the letters of those initials that a text contains with full stops: J.D., or J. D.

    Parameters
    ----------
    lower
        The text in lower case.
    initials
        Initials of the patient, two or three letters.
    """
    if "." not in lower or not _SINGLE_LETTERS.search(lower):
        return set()
    plain = folded(lower)
    with_dots = plain.replace(". ", ".")
    # J.D., J. D., or J D.
    found = [of for of in initials if ".".join(of) in with_dots or f"{' '.join(of)}." in plain]
    if not found:
        return set()
    sentence = f" {' '.join(text_tokens(plain))} "
    return {letter for of in found if f" {' '.join(of)} " in sentence for letter in of}


def _are_initials(kind: str, pieces: list[str], place: int) -> bool:
    """Whether letters are somebody's initials.

    ``initials`` are it everywhere but beside a number, where they are the name of a kernel or a
    sequence (LS16, FL3D). ``dotted`` are also an abbreviation in imaging: they are it after a word
    for a person, alone in parentheses, and beside a date or a time (12:04 FB). ``letter``, of
    initials with full stops, is it beside a full stop: the C of C.D. is not that of C-SPINE.
    """
    before = pieces[place - 1] if place > 0 else ""
    after = pieces[place + 1] if place + 1 < len(pieces) else ""
    if kind == "initials":
        return before[:1] not in DIGITS and after[:1] not in DIGITS
    if kind == "letter":
        return before in (".", ". ") or after[:1] == "."
    if not before:
        return False
    if MOMENT in before or MOMENT in after:
        return True
    if before.endswith("(") and after.startswith(")"):
        return True
    is_named = place > 1 and lowered(pieces[place - 2]) in PERSON_LABELS
    return is_named and "/" not in before
