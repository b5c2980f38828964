"""The fenced blocks of the documents."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
_NOT_OURS = {"build", "node_modules", ".git", ".venv"}


class Block(NamedTuple):
    document: str  # its path in the tree
    line: int
    language: str  # "" where none is given
    text: str

    def __str__(self) -> str:
        return f"{self.document}:{self.line}"


def documents() -> list[str]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(path.as_posix() for path in found if not _NOT_OURS & set(path.parts))


def blocks(document: str, *languages: str) -> list[Block]:
    """All of them, or those in one of the languages."""
    text = (ROOT / document).read_text("utf-8")
    found = re.finditer(r"^```(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    every = [Block(document, text.count("\n", 0, one.start()) + 1, one[1], one[2]) for one in found]
    return [block for block in every if not languages or block.language in languages]
