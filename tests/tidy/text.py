"""What holds for every text file, and how headers begin."""

from __future__ import annotations

import re

from source import Source

# The first comment of a header: a sentence or a phrase that says what it is for.
_OPENING = re.compile(r"\A(?P<comment>(?://[^\n]*\n)+)(?P<pragma>#pragma once\n)")
WORDS_MIN = 4


def check_bytes(source: Source) -> None:
    data = source.data
    if b"\r" in data:
        source.complain("line end", data.count(b"\n", 0, data.index(b"\r")) + 1, "CR; write LF alone")
    if data and not data.endswith(b"\n"):
        source.complain("final newline", data.count(b"\n") + 1, "the last line has no end")
    if data.endswith(b"\n\n"):
        source.complain("final newline", data.count(b"\n"), "blank lines at the end")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        source.complain("encoding", data.count(b"\n", 0, error.start) + 1, "not UTF-8")


def check_blanks(source: Source) -> None:
    for number, line in enumerate(source.text.split("\n"), start=1):
        if line != line.rstrip(" \t"):
            source.complain("trailing blank", number, "blanks at the end of the line")
        if "\t" in line and source.suffix != ".md" and not source.path.endswith("Makefile"):
            source.complain("tab", number, "a tab; write blanks, or \\t in a literal")


def check_header(source: Source) -> None:
    if source.suffix != ".h":
        return
    opening = _OPENING.match(source.text)
    if opening is None:
        source.complain("header", 1, "begins otherwise than with what it is for, as a comment, and "
                                     "#pragma once right after it")
        return
    words = re.sub(r"^//+", "", opening["comment"], flags=re.MULTILINE).split()
    if len(words) < WORDS_MIN or words[-1][-1] not in ".:?":
        source.complain("header", 1, "its first comment is no sentence")
