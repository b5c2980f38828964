"""Draws what a command printed as the screen of a terminal.

Usage: sidecar/quickstart | tests/documents/draw_screen.py > sidecar/pictures/quickstart.svg

Of the quickstart's output, what comes after the build. Refusals, headings and the rest differ by
weight and shade; the text alone says everything.
"""

from __future__ import annotations

import re
import sys
from xml.sax.saxutils import escape

COLUMN, ROW, MARGIN, TOP = 8.1, 19, 22, 58
KINDS = ((r"^== ", "heading"), (r"denied: |held|failed", "refused"), (r"^  \S", "reason"),
         (r"completed", "done"))


def shown(output: str) -> list[str]:
    """The lines of a session, without those of the build before it."""
    lines = output.rstrip("\n").split("\n")
    first = next((place for place, line in enumerate(lines) if line.startswith("== an agent")), 0)
    return lines[first:]


def kind_of(line: str) -> str:
    return next((kind for pattern, kind in KINDS if re.search(pattern, line)), "plain")


def screen(lines: list[str]) -> str:
    width = round(max(map(len, lines)) * COLUMN) + 2 * MARGIN
    height = TOP + ROW * len(lines) + MARGIN // 2
    rows = "\n".join(
        f'<text xml:space="preserve" class="{kind_of(line)}" x="{MARGIN}" y="{TOP + ROW * place}">{escape(line)}</text>'
        for place, line in enumerate(lines) if line)
    lights = "".join(f'<circle cx="{MARGIN + 18 * place}" cy="20" r="6" fill="{colour}"/>'
                     for place, colour in enumerate(("#ff5f57", "#febc2e", "#28c840")))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" \
aria-label="What the quickstart prints">
<style>text{{font:13.5px ui-monospace,"DejaVu Sans Mono",monospace;white-space:pre;fill:#d1d5db}}\
.heading{{fill:#f9fafb;font-weight:700}}.refused{{fill:#fca5a5}}.reason{{fill:#9ca3af}}\
.done{{fill:#86efac}}</style>
<rect width="{width}" height="{height}" rx="10" fill="#111827"/>
{lights}
{rows}
</svg>
"""


def lines_of(picture: str) -> list[str]:
    """The texts that a picture shows, in order: what `screen` was given but for empty lines."""
    found = re.findall(r"<text [^>]*>(.*)</text>", picture)
    return [text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in found]


if __name__ == "__main__":
    sys.stdout.write(screen(shown(sys.stdin.read())))
