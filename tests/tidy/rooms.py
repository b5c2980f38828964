"""Who includes what. That an include against the direction of the rooms does not compile, tests/rooms
proves; here it is which room says which library, and that every file is built or included."""

from __future__ import annotations

import re
from typing import NamedTuple

from source import Finding, Source

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
ROOMS = ("protocol", "ledger", "policy", "kernel", "exec", "stdio", "cli")


class Library(NamedTuple):
    name: str
    header: str  # what its headers begin with
    rooms: tuple[str, ...]


LIBRARIES = (
    Library("SQLite", "sqlite3", ("ledger",)),
    Library("toml++", "toml++/", ("policy",)),
    Library("Boost.Process", "boost/process", ("exec",)),
    Library("Boost.Asio", "boost/asio", ("exec", "stdio", "cli")),
    Library("Boost.Multiprecision", "boost/multiprecision", ("policy",)),
    Library("spdlog", "spdlog/", ("stdio",)),
    Library("simdjson", "simdjson", ("protocol",)),
    Library("OpenSSL", "openssl/", ("protocol",)),
    Library("CLI11", "CLI/", ("cli",)),
)
# Headers that name a library all the same, since no other room includes them.
PRIVATE_HEADERS = {
    "sidecar/policy/toml_plus_plus.h": "what has to stand around that library's own headers",
    "sidecar/exec/job.h": "a process and its pipes are members of the loop's",
    "sidecar/exec/adopted.h": "a timer of the loop is a member",
}
# System headers that start or end processes, or read terminals.
PROCESS_HEADERS = {"spawn.h", "sys/wait.h", "sys/ptrace.h"}


def _check_library(source: Source, header: str, line: int) -> None:
    for library in LIBRARIES:
        if not header.startswith(library.header):
            continue
        if source.room not in library.rooms:
            source.complain("library", line, f"{library.name} is known to {', '.join(library.rooms)}"
                                             f" alone, not to {source.room}")
        elif source.suffix == ".h" and source.path not in PRIVATE_HEADERS:
            source.complain("library", line, f"a header that names {library.name} shows it to every "
                                             "room that includes it; include it in the .cpp")


def _check_process(source: Source, header: str, line: int) -> None:
    if header in PROCESS_HEADERS and source.room != "exec":
        source.complain("process", line, f"<{header}> belongs to the room exec")


def check_includes(source: Source) -> None:
    """Of the product."""
    if not source.is_cpp or not source.is_product:
        return
    for found in INCLUDE.finditer(source.code):
        line = source.line_of(found.start())
        quote, header = found.groups()
        if quote == '"':
            if header.split("/")[0] not in ROOMS or ".." in header:
                source.complain("include", line, f'"{header}" names no room; write "ROOM/FILE.h"')
        else:
            _check_library(source, header, line)
            _check_process(source, header, line)


def _built(lists: list[Source]) -> set[str]:
    """The base names that any CMakeLists.txt speaks of."""
    return {word.rsplit("/", 1)[-1] for one in lists for word in re.findall(r"[\w./-]+\.cpp\b", one.text)}


def check_dead_files(sources: list[Source]) -> list[Finding]:
    """A source that no target builds, and a header that nobody includes, say nothing true."""
    built = _built([one for one in sources if one.path.endswith(("CMakeLists.txt", ".cmake"))])
    included = {found[2].rsplit("/", 1)[-1] for one in sources if one.is_cpp
                for found in INCLUDE.finditer(one.code)}
    dead = []
    for one in sources:
        name = one.path.rsplit("/", 1)[-1]
        if one.suffix == ".cpp" and name not in built and name not in included:
            # The tests of e2e that are libraries to preload are built by their name alone.
            if one.path.startswith("tests/e2e/"):
                continue
            dead.append(Finding(one.path, 1, "dead file", "no CMakeLists.txt builds it"))
        if one.suffix == ".h" and name not in included and not one.path.startswith("clients/"):
            dead.append(Finding(one.path, 1, "dead file", "nobody includes it"))
    return dead
