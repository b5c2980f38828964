"""Draws the life of a call, from the table of transitions that the sidecar obeys.

Usage: draw_life.py > sidecar/pictures/life-of-a-call.svg

Where a state stands is said here; which arrows there are, what they are called and what they do to
the money comes from sidecar/kernel/transitions.h. An arrow between states that has no way here is an
error: draw it.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "sidecar/kernel/transitions.h"
LEFT, WIDTH, HEIGHT = -110, 1290, 520


class Arrow(NamedTuple):
    start: str  # "new", or a state
    end: str
    event: str
    money: str


class Box(NamedTuple):
    x: int  # of its middle
    y: int
    says: tuple[str, ...]
    fill: str
    width: int = 128
    height: int = 46


class Way(NamedTuple):
    """How an arrow runs, and where what it is called stands; no path: said below the picture."""

    path: str
    x: int = 0
    y: int = 0
    anchor: str = "start"


BOXES = {
    "new": Box(160, 215, ("proposed", "scope, name, registry", "rules, rates, price", "budgets, approval"),
               "#eef2ff", 190, 92),
    "denied": Box(160, 60, ("denied",), "#fee2e2"),
    "held": Box(160, 420, ("held", "waits for a person"), "#fef3c7", 150, 52),
    "granted": Box(500, 215, ("granted", "on disk; then the body runs"), "#dcfce7", 200, 56),
    "cancelled": Box(500, 420, ("cancelled",), "#f1f5f9"),
    "completed": Box(880, 100, ("completed",), "#bbf7d0"),
    "failed": Box(880, 240, ("failed",), "#fecaca"),
    "in_doubt": Box(880, 420, ("in doubt", "it may have run"), "#fde68a", 140, 52),
}

AGAIN = Way("")  # a call that is decided afresh under its name
WAYS = {
    ("new", "denied"): Way("M160 169 V85", 170, 130),
    ("new", "held"): Way("M160 261 V392", 170, 330),
    ("new", "granted"): Way("M255 215 H398", 326, 205, "middle"),
    ("new", "completed"): Way("M250 169 C380 80 640 60 814 92", 440, 76, "middle"),
    ("held", "granted"): Way("M235 400 C320 370 400 310 425 245", 376, 300, "end"),
    ("held", "denied"): Way("M100 393 C30 330 30 140 106 84", 40, 230, "end"),
    ("held", "cancelled"): Way("M235 425 H434", 330, 443, "middle"),
    ("granted", "granted"): Way("M470 187 C460 140 540 140 530 187", 500, 142, "middle"),
    ("granted", "completed"): Way("M600 200 C680 176 730 128 814 110", 716, 132, "end"),
    ("granted", "failed"): Way("M600 222 L814 238", 812, 186, "end"),
    ("granted", "cancelled"): Way("M490 243 V395", 484, 352, "end"),
    ("granted", "in_doubt"): Way("M560 243 C590 330 700 400 808 412", 606, 300),
    ("in_doubt", "completed"): Way("M945 395 C985 330 985 180 940 123", 984, 236),
    ("in_doubt", "failed"): Way("M880 394 V265", 870, 318, "end"),
    ("in_doubt", "cancelled"): Way("M810 425 H566", 688, 443, "middle"),
    ("denied", "granted"): AGAIN,
    ("denied", "denied"): AGAIN,
    ("denied", "held"): AGAIN,
    ("failed", "granted"): AGAIN,
    ("failed", "denied"): AGAIN,
    ("failed", "held"): AGAIN,
}
COLOURS = {"reserve": "#2563eb", "rebook": "#2563eb", "raise": "#2563eb", "keep": "#b45309",
           "charge": "#b91c1c", "release": "#15803d", "none": "#64748b"}


def arrows() -> list[Arrow]:
    text = TABLE.read_text("utf-8")
    rows = re.findall(r"Transition\{(?:std::nullopt|State::(\w+)), ActionEvent::(\w+), State::(\w+), "
                      r"Money::(\w+)\}", text)
    if len(rows) != text.count("    Transition{"):
        raise SystemExit(f"{TABLE}: {len(rows)} of {text.count('    Transition{')} rows understood")
    return [Arrow(start or "new", end, event, money) for start, event, end, money in rows]


def drawn_box(box: Box) -> str:
    left, top = box.x - box.width // 2, box.y - box.height // 2
    parts = [f'<rect x="{left}" y="{top}" width="{box.width}" height="{box.height}" rx="9" '
             f'fill="{box.fill}" stroke="#475569"/>']
    first = box.y - (len(box.says) - 1) * 9 + 5
    for row, says in enumerate(box.says):
        style = "state" if row == 0 else "small"
        parts.append(f'<text class="{style}" x="{box.x}" y="{first + row * 18}">{escape(says)}</text>')
    return "\n".join(parts)


def drawn_way(way: Way, along: list[Arrow]) -> str:
    """One line, coloured as the first of its arrows, with what each of them is called."""
    colour = COLOURS[along[0].money]
    parts = [f'<path d="{way.path}" stroke="{colour}" marker-end="url(#{along[0].money})"/>']
    for row, arrow in enumerate(along):
        parts.append(f'<text class="event" x="{way.x}" y="{way.y + row * 15}" '
                     f'text-anchor="{way.anchor}" style="fill:{COLOURS[arrow.money]}">'
                     f'{escape(arrow.event.replace("_", " "))}: {arrow.money}</text>')
    return "\n".join(parts)


def heads() -> str:
    return "\n".join(
        f'<marker id="{money}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" style="fill:{colour}"/></marker>'
        for money, colour in COLOURS.items())


def picture() -> str:
    along: dict[tuple[str, str], list[Arrow]] = {}
    for arrow in arrows():
        along.setdefault((arrow.start, arrow.end), []).append(arrow)
    if missing := along.keys() - WAYS.keys():
        raise SystemExit(f"no way is drawn for {sorted(missing)}")
    if unused := WAYS.keys() - along.keys():
        raise SystemExit(f"there is no such arrow any more: {sorted(unused)}")
    ways = [drawn_way(WAYS[pair], along[pair]) for pair in along if WAYS[pair] is not AGAIN]
    boxes = [drawn_box(box) for box in BOXES.values()]
    note = ("A call with a name that a machine denied, or that an operator found not to have run, "
            "is decided afresh when it is proposed again.")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{LEFT} 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-label="The life of a call">',
        "<style>text{font:13px system-ui,sans-serif;fill:#0f172a}.state{font-weight:600;"
        "font-size:15px;text-anchor:middle}.event{font-size:12px}.small{text-anchor:middle;fill:#475569}"
        "path{fill:none;stroke-width:1.6}marker path{stroke:none}</style>",
        f"<defs>{heads()}</defs>",
        f'<rect x="{LEFT}" width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#ffffff"/>',
        *ways, *boxes,
        f'<text class="small" x="{LEFT + WIDTH // 2}" y="{HEIGHT - 18}">{escape(note)}</text>',
        "</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(picture())
