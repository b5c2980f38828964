"""The pictures of the documents are drawn from what the program is and says today."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path
from xml.dom import minidom

import draw_life
import draw_screen
from blocks import ROOT
from place import Place

PICTURES = ROOT / "sidecar/pictures"


def without_moments(line: str) -> str:
    """A line of the screen without what differs from run to run and from checkout to checkout."""
    line = re.sub(r"\d{8}-\d{6}", "MOMENT", line)
    line = re.sub(r"\b\d+:[0-9a-f]{64}", "HEAD", line)
    line = re.sub(r"\b(git_log|ask_model|write_summary)\(.*?\)(?=  |$)", r"\1(...)", line)
    return re.sub(r" +", " ", re.sub(r"\b\d+ (bytes|rows)", r"N \1", line)).strip()


class Pictures(unittest.TestCase):
    def test_the_life_of_a_call_is_that_of_the_table(self) -> None:
        self.assertEqual((PICTURES / "life-of-a-call.svg").read_text("utf-8"), draw_life.picture(),
                         "draw it again: tests/documents/draw_life.py")

    def test_the_screen_is_what_the_quickstart_prints(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            printed = Place(Path(folder)).shell("sidecar/quickstart")
        now = [line for line in draw_screen.shown(printed) if line]
        shown = draw_screen.lines_of((PICTURES / "quickstart.svg").read_text("utf-8"))
        self.assertGreater(len(shown), 15)
        self.assertEqual(list(map(without_moments, shown)), list(map(without_moments, now)),
                         "draw it again: tests/documents/draw_screen.py")

    def test_a_picture_is_well_formed_and_fits_a_page(self) -> None:
        for path in sorted(PICTURES.glob("*.svg")):
            with self.subTest(path.name):
                (root,) = minidom.parse(str(path)).getElementsByTagName("svg")
                width = float(root.getAttribute("viewBox").split()[2])
                self.assertLessEqual(width, 1300)

    def test_every_picture_is_shown(self) -> None:
        documents = [(ROOT / name).read_text("utf-8") for name in ("README.md", "sidecar/README.md")]
        for path in PICTURES.glob("*.svg"):
            self.assertTrue(any(path.name in text for text in documents), path.name)


if __name__ == "__main__":
    unittest.main()
