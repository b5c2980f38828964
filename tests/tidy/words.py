"""Words and calls that do not stand in this house, each with what stands instead."""

from __future__ import annotations

import re
from typing import NamedTuple

from source import Source


class Ban(NamedTuple):
    rule: str
    pattern: str
    instead: str
    where: str  # "product", "c++" or "header"
    allowed: tuple[str, ...] = ()  # the files that may, as in `rooms.py`: with the reason beside it


BANS = (
    Ban("unbounded copy", r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok)\s*\(",
        "std::string, or snprintf with a size", "c++"),
    Ban("shell", r"\b(system|popen)\s*\(", "an argv without a shell: the room exec", "c++"),
    Ban("number reader", r"\b(atoi|atol|atoll|atof)\s*\(", "std::from_chars, which can refuse",
        "c++"),
    Ban("chance", r"\b(s?rand|random|drand48)\s*\(|\bstd::(random_device|mt19937(_64)?)\b",
        "Entropy", "product"),
    Ban("flush", r"\bstd::endl\b", "'\\n': a line is flushed by whoever writes it", "c++"),
    Ban("stream", r"\bstd::(cout|cerr|clog)\b", "the wire, the log, or cli/output", "product"),
    Ban("float", r"\b(double|float)\b", "int64 steps of a unit's scale, or milliseconds", "product"),
    Ban("owning pointer", r"(?<!\boperator )\b(new|delete)\b(?!\s*;)",
        "std::make_unique, or a value", "product",
        # What SQLite allocates as bytes holds no object that would end by itself.
        ("sidecar/ledger/gathered_log.cpp",)),
    Ban("exception", r"\bthrow\b", "a Result with place and reason, or CHECK", "product"),
    Ban("assertion", r"\bassert\s*\(|\bstd::abort\b", "CHECK, which every build keeps", "product",
        ("protocol/check.h",)),
    Ban("thread", r"\bstd::(thread|jthread|async|mutex|atomic|condition_variable)\b",
        "one thread, one loop", "product",
        # A word to people who wait, while the work stays on its thread.
        ("sidecar/stdio/progress.h", "sidecar/stdio/progress.cpp")),
    Ban("jump", r"\bgoto\b|\b(set|long)jmp\s*\(", "a function with one way out", "c++"),
    Ban("seam", r"\bvirtual\b", "a value, or one of the seams of kernel/seams.h", "product",
        ("sidecar/kernel/seams.h",)),
    Ban("namespace in a header", r"\busing\s+namespace\b", "the name in full", "header"),
    Ban("namespace", r"\busing\s+namespace\s+(?!std::(chrono|string_literals|string_view_literals)\b"
        r"|tallygate::)", "the name in full", "c++"),
    Ban("clock", r"\b(clock_gettime|gettimeofday|usleep|nanosleep)\b|\bstd::time\s*\("
        r"|\b(steady_clock|system_clock|high_resolution_clock)::now\b|\bsleep_(for|until)\b",
        "Clock, as an argument of the turn", "product",
        ("sidecar/stdio/system.cpp",  # the Clock itself
         "sidecar/ledger/file_lock.cpp",  # how long to queue for a lock: no row says so
         "sidecar/exec/job.cpp",  # when to kill what SIGTERM did not end
         "sidecar/exec/adopted.cpp",  # between two looks at processes that are ending
         "sidecar/cli/call_words.cpp")),  # between two looks at a call that a person waits for
)

# A private constructor is out of make_unique's reach; placement new is no allocation.
_OWNED = re.compile(r"_ptr<[^;=]*>\(\s*$|=\s*$|\boperator\s+$|#include\s*<$")

# In text of any kind. Spelt so that this file does not break its own rules.
MARKS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
PLACES = re.compile(r"(?<![\w.}$/-])/(?:ho" r"me|ro" r"ot|wo" r"rk|Us" r"ers|t" r"mp)/[\w.-]+")


def _applies(ban: Ban, source: Source) -> bool:
    if not source.is_cpp or source.path in ban.allowed:
        return False
    if ban.where == "product":
        return source.is_product
    return ban.where == "c++" or source.suffix == ".h"


def _is_owned(ban: Ban, source: Source, place: int) -> bool:
    return ban.rule == "owning pointer" and bool(_OWNED.search(source.code[:place][-120:]))


def check_bans(source: Source) -> None:
    for ban in BANS:
        if not _applies(ban, source):
            continue
        for found in re.finditer(ban.pattern, source.code):
            if not _is_owned(ban, source, found.start()):
                source.complain(ban.rule, source.line_of(found.start()),
                                f"{found[0].strip()}: instead, {ban.instead}")


def check_marks(source: Source) -> None:
    for rule, pattern, why in (("unfinished", MARKS, "finish it, or leave it out"),
                               ("place", PLACES, "a path of one machine")):
        for found in pattern.finditer(source.text):
            source.complain(rule, source.line_of(found.start()), f"{found[0]}: {why}")
