"""A file of the checkout, and its code without comments and literals."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

CODE = (".cpp", ".h", ".py", ".bash", ".cmake")
_TOKENS = re.compile(
    r"""
    (?P<line>//[^\n]*)
  | (?P<block>/\*.*?\*/)
  | (?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
  | (?P<include>^[ \t]*\#[ \t]*include[^\n]*)
  | (?P<string>"(?:\\.|[^"\\\n])*")
  | (?P<char>(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)


def _blank(match: re.Match[str]) -> str:
    if match.lastgroup == "include":
        return match[0]
    return re.sub(r"[^\n]", " ", match[0])


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


@dataclass
class Source:
    """`path` is relative to the checkout."""

    path: str
    data: bytes
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def read(cls, root: Path, path: str) -> Source:
        return cls(path, (root / path).read_bytes())

    @cached_property
    def text(self) -> str:
        return self.data.decode("utf-8", errors="replace")

    @cached_property
    def code(self) -> str:
        """C++ with comments and literals blanked out; every character keeps its place."""
        return _TOKENS.sub(_blank, self.text)

    @property
    def suffix(self) -> str:
        return Path(self.path).suffix

    @property
    def is_cpp(self) -> bool:
        return self.suffix in (".cpp", ".h")

    @property
    def is_code(self) -> bool:
        return self.suffix in CODE

    @property
    def is_product(self) -> bool:
        return self.path.startswith(("protocol/", "sidecar/"))

    @property
    def room(self) -> str:
        """The room that the file belongs to, or nothing."""
        parts = self.path.split("/")
        if parts[0] == "protocol":
            return "protocol"
        return parts[1] if parts[0] == "sidecar" and len(parts) > 2 else ""

    def line_of(self, place: int) -> int:
        return self.text.count("\n", 0, place) + 1

    def complain(self, rule: str, line: int, text: str) -> None:
        self.findings.append(Finding(self.path, line, rule, text))
