"""A small agent at work on a checkout, governed: what each call asked, got, and cost.

Usage: checkout_agent.py POLICY SUMMARY_FILE RUN, from the root of a git checkout.

Nothing in here is pretended but the thinking: files are searched, git is run, the summary is
written. The script decides freely what to try; the policy decides what happens.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import tallygate


class Report:
    """Makes calls and remembers a row for each."""

    COLUMNS = ("CALL", "DECISION", "COST", "USD LEFT")

    def __init__(self, gate: tallygate.Gate) -> None:
        self._gate = gate
        self._rows: list[tuple[tuple[str, ...], str]] = []  # the cells, and why not

    def call(self, tool: str, **args: Any) -> Any:
        """The tool's output, or None where the gate or the tool said no."""
        try:
            result = self._gate.govern(tool, args)
        except tallygate.NotCompleted as error:
            result = error.result
        decision = result.status if result.code is None else f"{result.status}: {result.code}"
        cost = result.spent.get("usd", Decimal(0))
        shown = ", ".join(repr(value)[:24] for value in args.values())
        row = (f"{tool}({shown})", decision, f"{cost:.2f}", self._left())
        self._rows.append((row, result.reason or ""))
        return result.output if result.status == "completed" else None

    def _left(self) -> str:
        budget = next(b for b in self._gate.budgets() if b.unit == "usd")
        return f"{budget.available:.2f}"

    def table(self) -> str:
        rows = [(self.COLUMNS, ""), *self._rows]
        widths = [max(len(row[i]) for row, _ in rows) for i in range(len(self.COLUMNS))]
        lines = []
        for row, reason in rows:
            lines.append("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip())
            lines += textwrap.wrap(reason, 92, initial_indent="  ", subsequent_indent="  ")
        return "\n".join(lines)


def register_tools(gate: tallygate.Gate, summary_file: Path) -> None:
    """The bodies. None of them runs unless the sidecar asks for it."""

    @gate.tool
    def search_files(pattern: str, suffix: str) -> list[str]:
        """Names the tracked files with this suffix that contain the text."""
        tracked = subprocess.run(
            ["git", "ls-files", f"*{suffix}"], capture_output=True, text=True, check=True
        ).stdout.split("\n")
        return [
            name
            for name in tracked
            if name and pattern in Path(name).read_text(encoding="utf-8", errors="replace")
        ]

    @gate.tool
    def git_log(count: int) -> list[str]:
        """The newest commits, a line each."""
        done = subprocess.run(
            ["git", "log", f"-{count}", "--format=%h %s"], capture_output=True, text=True
        )
        return done.stdout.splitlines() if done.returncode == 0 else []

    @gate.tool
    def ask_model(question: str) -> str:
        """Thinks, for money: here a word count does the thinking."""
        words = Counter(word.lower() for word in question.split() if len(word) > 3)
        return ", ".join(word for word, _ in words.most_common(3))

    @gate.tool
    def write_summary(text: str) -> int:
        """Writes the report, and says how long it is."""
        return summary_file.write_text(text, encoding="utf-8")

    @gate.tool
    def delete_files(pattern: str) -> None:
        """Would delete files. The policy never lets it come to that."""
        raise AssertionError("this body must never run")


def work(report: Report) -> None:
    """What an eager agent would try."""
    headers = report.call("search_files", pattern="#pragma once", suffix=".h") or []
    fears = report.call("search_files", pattern="overrun", suffix=".cpp") or []
    commits = report.call("git_log", count=5) or []
    themes = [
        report.call("ask_model", question=question)
        for question in (" ".join(headers), " ".join(fears), " ".join(commits), "Once more?")
    ]
    lines = [f"{len(headers)} headers", f"{len(fears)} sources speak of overrun", *commits]
    lines += [f"theme: {theme}" for theme in themes if theme]
    report.call("write_summary", text="\n".join(lines) + "\n")
    report.call("send_email", to="everyone", text="done!")
    report.call("delete_files", pattern="*")


def main() -> int:
    policy, summary_file, run = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    with tallygate.start(policy, run=run) as gate:
        register_tools(gate, summary_file)
        report = Report(gate)
        work(report)
        print(report.table())
        print(f"\nThe agent wrote {summary_file.name}, {summary_file.stat().st_size} bytes.")
    print(f"Audit head to keep elsewhere: {gate.audit_head}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
