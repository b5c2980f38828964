"""How long files and functions are. What is too long already stands in exceptions.txt, with its
reason and how long it may be at most: such a number only ever shrinks."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from source import Finding, Source

FILE_MAX = 400
FUNCTION_MAX = 70
_SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|extern\s*"?\s*"?\s*$')
_MEMBERS = re.compile(r"\)\s*(?:noexcept\s*)?:\s")


@dataclass
class Exceptions:
    """Lines of `PATH LINES REASON`."""

    path: str
    allowed: dict[str, int]
    findings: list[Finding]

    @classmethod
    def read(cls, root: Path, path: str) -> Exceptions:
        found = cls(path, {}, [])
        for number, line in enumerate((root / path).read_text(encoding="utf-8").splitlines(), 1):
            if not line or line.startswith("#"):
                continue
            words = line.split(maxsplit=2)
            if len(words) < 3 or not words[1].isdecimal():
                found.findings.append(Finding(path, number, "exception", "write PATH LINES REASON"))
            else:
                found.allowed[words[0]] = int(words[1])
        return found


def check_file_lengths(sources: list[Source], exceptions: Exceptions) -> list[Finding]:
    findings = list(exceptions.findings)
    known = {one.path: one.text.count("\n") for one in sources if one.is_code}
    for path, lines in known.items():
        allowed = exceptions.allowed.get(path, FILE_MAX)
        if lines > allowed:
            findings.append(Finding(path, lines, "long file", f"{lines} lines; at most {allowed}: "
                                                              "which part is a file of its own?"))
    for path, allowed in exceptions.allowed.items():
        if known.get(path, 0) <= FILE_MAX or allowed <= FILE_MAX:
            findings.append(Finding(exceptions.path, 1, "exception",
                                    f"{path} needs none any more: take the line out"))
    return findings


def _python_functions(source: Source) -> list[tuple[int, int]]:
    tree = ast.parse(source.text, source.path)
    return [(node.lineno, node.end_lineno or node.lineno) for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


def _is_function(before: str) -> bool:
    """What stands before a brace: of a table it ends with `=`, and after a member with braces of its
    own only a comma or nothing is left."""
    before = before.strip()
    return not before or before.startswith(",") or ("(" in before and not before.endswith("="))


def _cpp_functions(code: str) -> list[tuple[int, int]]:
    """The first and last place of each block that stands in no other one but of namespaces and
    types, together with what stands before it."""
    code = re.sub(r"(?m)^[ \t]*#(?:.*\\\n)*.*$", lambda found: re.sub(r"[^\n]", " ", found[0]), code)
    functions = []
    scopes: list[bool] = []  # of each open brace: whether functions may stand in it
    head = begin = 0
    counts = False
    for found in re.finditer(r"[{};]", code):
        place = found.start()
        inside = not all(scopes)
        if found[0] == "{":
            before = code[head:place]
            if not inside:  # the members a constructor begins with are a list, and may be long
                begin = place if _MEMBERS.search(before) else place - len(before.lstrip())
                counts = _is_function(before)
            is_scope = not inside and bool(_SCOPE.search(before)) and "(" not in before
            scopes.append(is_scope)
        elif found[0] == "}" and scopes:
            was_scope = scopes.pop()
            if all(scopes) and not was_scope and counts:
                functions.append((begin, place))
        head = place + 1
    return functions


def check_function_lengths(source: Source) -> None:
    if source.suffix == ".py":
        spans = _python_functions(source)
    elif source.is_cpp:
        spans = [(source.line_of(first), source.line_of(last))
                 for first, last in _cpp_functions(source.code)]
    else:
        return
    for first, last in spans:
        if last - first + 1 > FUNCTION_MAX:
            source.complain("long function", first, f"{last - first + 1} lines; at most {FUNCTION_MAX}")
