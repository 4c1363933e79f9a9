"""Words of scripts that are written without spaces: Japanese, Chinese, and Korean with particles.

A run of characters is divided into listed words, the longest first. What no listed word covers is
removed, together with single characters beside it, which may belong to the same name.

Belongs here: dividing a run of characters, and names before forms of address.
Does not belong here: the list of words (the seed allowed_words), other scripts (text_cleaning).
"""

from __future__ import annotations

import re
from collections.abc import Collection

from dicom_pipeline.deid.cleaning.text_tokens import word_set

_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3々〆ー"
UNSPACED = re.compile(f"[{_UNSPACED}]")
_RUN = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
# of Japanese, in another script than names
_PARTICLE = re.compile("[\u3040-\u309f]")
# forms of address after a name; longer ones first
_TITLES = re.compile(
    "(?:先生|医師|医生|医师|大夫|主任|教授|院長|院长|技師|技师|護士|护士|女士|小姐|さん|殿|様|氏|선생님|선생|교수|님|씨)"
)
# ... or words for a person's role, which are no name
_ROLES = tuple(
    word_set(
        """
        主治 担当 当直 読影 依頼 紹介 指導 放射線科 診断 主刀 值班 报告 审核 检查 申请 患者 病人
        お客 皆 副主任 住院 主 副 담당 환자
        """
    )
)
_LONGEST_NAME = 4


class UnspacedWords:
    """The listed words of scripts without spaces.

    Parameters
    ----------
    words
        Allowed words of all scripts.
    """

    def __init__(self, words: Collection[str]) -> None:
        self._words = frozenset(word for word in words if UNSPACED.search(word))
        self._longest = max(map(len, self._words), default=0)

    def kept(self, word: str) -> list[bool]:
        """Return for each character of a run whether it stays.

        Parameters
        ----------
        word
            A run of characters of these scripts, in lower case.
        """
        stays = [False] * len(word)
        segments = self._segments(word)
        for number, (start, end, is_word) in enumerate(segments):
            if is_word and (end - start > 1 or self._is_word_here(number, segments, word)):
                stays[start:end] = [True] * (end - start)
        for match in _TITLES.finditer(word):
            self._remove_name(word, match.start(), stays)
        return stays

    @staticmethod
    def _is_word_here(number: int, segments: list[tuple[int, int, bool]], word: str) -> bool:
        """Whether a listed character is a word where it is, and not a part of a name.

        It is one alone, and beside words of several characters or a particle.
        """
        if len(segments) == 1:
            return True
        sides = segments[max(0, number - 1) : number] + segments[number + 1 : number + 2]
        start = segments[number][0]
        if _PARTICLE.match(word[start]):
            return any(is_word for _, _, is_word in sides)
        return all(
            is_word and (end - begin > 1 or _PARTICLE.match(word[begin]))
            for begin, end, is_word in sides
        )

    def _segments(self, word: str) -> list[tuple[int, int, bool]]:
        """Divide a run into words with the fewest characters that no word covers."""
        count = len(word)
        # cost of the rest, and the length of the first word; 0 for a character that no word covers
        best: list[tuple[int, int]] = [(0, 0)] * (count + 1)
        for start in range(count - 1, -1, -1):
            cost, length = best[start + 1][0] + 100, 0
            for size in range(1, min(self._longest, count - start) + 1):
                if word[start : start + size] in self._words:
                    of_word = best[start + size][0] + (3 if size == 1 else 1)
                    if of_word <= cost:
                        cost, length = of_word, size
            best[start] = (cost, length)
        segments: list[tuple[int, int, bool]] = []
        start = 0
        while start < count:
            length = best[start][1]
            if length:
                segments.append((start, start + length, True))
            elif segments and not segments[-1][2]:
                segments[-1] = (segments[-1][0], start + 1, False)
            else:
                segments.append((start, start + 1, False))
            start += max(length, 1)
        return segments

    def _remove_name(self, word: str, title: int, stays: list[bool]) -> None:
        before = word[max(0, title - _LONGEST_NAME) : title]
        if not before or before.endswith(_ROLES):
            return
        for place in range(title - len(before), title):
            stays[place] = False


def runs_of(word: str) -> list[str]:
    """Split a word into runs of these scripts and of others."""
    return _RUN.findall(word)
