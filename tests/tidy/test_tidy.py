"""The checkout is tidy; and each rule finds what breaks it, so that it can fail."""

from __future__ import annotations

import re
import tempfile
import unittest
from pathlib import Path

import lengths
import tidy
from source import Source

ROOT = Path(__file__).resolve().parents[2]
HEADER = "// What this header is for, in one sentence.\n#pragma once\n\nint a;\n"
KERNEL, TEST = "sidecar/kernel/a.cpp", "tests/unit/kernel/a_test.cpp"
MARK = "TO" + "DO"

# The rule, the file that breaks it, its text; and what is like it and allowed.
BROKEN: tuple[tuple[str, str, str], ...] = (
    ("unbounded copy", KERNEL, "void f(char* a) { strcpy(a, b); }\n"),
    ("shell", TEST, 'int f() { return std::system("ls"); }\n'),
    ("shell", KERNEL, 'auto f() { return ::popen("ls", "r"); }\n'),
    ("number reader", TEST, "int f(const char* a) { return std::atoi(a); }\n"),
    ("chance", KERNEL, "int f() { return rand(); }\n"),
    ("chance", KERNEL, "std::mt19937_64 dice;\n"),
    ("flush", TEST, "void f() { out << 1 << std::endl; }\n"),
    ("stream", KERNEL, "void f() { std::cout << 1; }\n"),
    ("float", KERNEL, "double price = 0.1;\n"),
    ("float", "sidecar/policy/a.h", HEADER + "float price();\n"),
    ("owning pointer", KERNEL, "int* f() { return new int; }\n"),
    ("owning pointer", KERNEL, "void f(int* a) { delete a; }\n"),
    ("exception", KERNEL, "void f() { throw 1; }\n"),
    ("assertion", KERNEL, "void f() { assert(true); }\n"),
    ("thread", KERNEL, "std::mutex lock;\n"),
    ("jump", TEST, "void f() { goto end; }\n"),
    ("seam", "sidecar/kernel/a.h", HEADER + "struct A { virtual void f(); };\n"),
    ("namespace in a header", "protocol/a.h", HEADER + "using namespace std::chrono;\n"),
    ("namespace", TEST, "using namespace std;\n"),
    ("clock", KERNEL, "auto f() { return std::chrono::steady_clock::now(); }\n"),
    ("clock", "sidecar/cli/a.cpp", "void f() { ::usleep(1); }\n"),
    ("library", KERNEL, "#include <sqlite3.h>\n"),
    ("library", "protocol/a.cpp", "#include <toml++/toml.h>\n"),
    ("library", "sidecar/stdio/a.cpp", "#include <boost/process/child.hpp>\n"),
    ("library", KERNEL, "#include <boost/asio/io_context.hpp>\n"),
    ("library", "sidecar/ledger/a.cpp", "#include <spdlog/spdlog.h>\n"),
    ("library", "sidecar/policy/a.cpp", "#include <simdjson.h>\n"),
    ("library", "sidecar/ledger/a.cpp", "#include <openssl/sha.h>\n"),
    ("library", "sidecar/stdio/a.cpp", "#include <CLI/CLI.hpp>\n"),
    ("library", "sidecar/ledger/a.h", HEADER + "#include <sqlite3.h>\n"),
    ("process", "sidecar/cli/a.cpp", "#include <sys/wait.h>\n"),
    ("include", KERNEL, '#include "../ledger/turn.h"\n'),
    ("include", KERNEL, '#include "turn.h"\n'),
    ("include", KERNEL, '#include "support/dice.h"\n'),
    ("unfinished", "README.md", f"{MARK}: say what it does\n"),
    ("unfinished", TEST, f"// {MARK} later\n"),
    ("place", "README.md", "See /ho" + "me/kim/notes.\n"),
    ("place", "tests/a.py", 'PATH = "/t' + 'mp/here"\n'),
    ("line end", "README.md", "a\r\n"),
    ("final newline", "README.md", "a"),
    ("final newline", "README.md", "a\n\n"),
    ("encoding", "README.md", "a\udcff\n"),
    ("trailing blank", "policies/a.toml", "a = 1 \n"),
    ("tab", KERNEL, "\tint a;\n"),
    ("header", "protocol/a.h", "#pragma once\n"),
    ("header", "protocol/a.h", "// What this header is for.\n"),
    ("header", "protocol/a.h", "// Amounts\n#pragma once\n"),
    ("long function", KERNEL, "void f() {\n" + "  g();\n" * 70 + "}\n"),
    ("long function", KERNEL, "namespace a {\nvoid f() {\n" + "  g();\n" * 70 + "}\n}\n"),
    ("long function", KERNEL, "A::A() : b_{1} {\n" + "  g();\n" * 70 + "}\n"),
    ("long function", "tests/a.py", '"""A."""\n\n\ndef f() -> None:\n' + "    g()\n" * 71),
)
FINE: tuple[tuple[str, str], ...] = (
    (KERNEL, "// A new double, deleted by rand() as if by std::system(); goto end.\n"),
    (KERNEL, 'auto a = "new double"; auto b = R"(throw new std::endl)"; char c = \'"\';\n'),
    (KERNEL, "auto f() { return std::unique_ptr<A>(new A); }\nA(const A&) = delete;\n"),
    (KERNEL, "constexpr int many = 1'000'000; constexpr char quote = '\"'; int renewed = 1;\n"),
    (KERNEL, '#include "ledger/turn.h"\n#include <vector>\n'),
    (TEST, "double seconds = 0.5;\nint* f() { return new int; }\n"),
    (TEST, "using namespace std::string_literals;\n"),
    ("sidecar/stdio/system.cpp", "void f() { ::clock_gettime(1, nullptr); }\n"),
    ("sidecar/ledger/a.cpp", "#include <sqlite3.h>\n"),
    ("protocol/a.h", HEADER),
    (KERNEL, "void f() {\n" + "  g();\n" * 68 + "}\n"),
    (KERNEL, "constexpr int table[] = {\n" + "  1,\n" * 100 + "};\n"),
    (KERNEL, "A::A()\n" + "    : a_(1),\n" * 1 + "      b_(1),\n" * 80 + "      c_(1) {}\n"),
    ("clients/shell/recipes/Makefile", "all:\n\ttrue\n"),
)


def rules_of(path: str, text: str) -> set[str]:
    source = Source(path, text.encode("utf-8", "surrogateescape"))
    tidy.check_source(source)
    return {finding.rule for finding in source.findings}


class Rules(unittest.TestCase):
    def test_each_rule_finds_what_breaks_it_and_no_other_does(self) -> None:
        for rule, path, text in BROKEN:
            with self.subTest(rule=rule, text=text[:60]):
                self.assertEqual(rules_of(path, text), {rule})

    def test_what_only_looks_like_it_is_fine(self) -> None:
        for path, text in FINE:
            with self.subTest(text=text[:60]):
                self.assertEqual(rules_of(path, text), set())

    def test_a_finding_names_its_line(self) -> None:
        source = Source(KERNEL, b"int a;\n\n/* 1\n2 */ double b;\n")
        tidy.check_source(source)
        self.assertEqual([finding.line for finding in source.findings], [4])


class Trees(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, path: str, text: str) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def findings(self) -> list[str]:
        return [f"{one.path}: {one.rule}" for one in tidy.findings_of(self.root)]

    def test_a_source_that_no_list_names_and_a_header_that_nobody_includes_are_dead(self) -> None:
        self.write("protocol/CMakeLists.txt", "room(protocol a.cpp)\n")
        self.write("protocol/a.cpp", '#include "protocol/a.h"\n')
        self.write("protocol/a.h", HEADER)
        self.assertEqual(self.findings(), [])
        self.write("protocol/b.cpp", "int b;\n")
        self.write("protocol/b.h", HEADER)
        self.assertEqual(self.findings(), ["protocol/b.cpp: dead file", "protocol/b.h: dead file"])

    def test_a_long_file_needs_an_exception_that_only_shrinks(self) -> None:
        exceptions = "# Longer than 400 lines.\ntests/a.py {} it is one table\n"
        self.write("tests/a.py", "a = 1\n" * 410)
        self.assertEqual(self.findings(), ["tests/a.py: long file"])
        for allowed, wrong in ((410, []), (420, []), (409, ["tests/a.py: long file"])):
            self.write(tidy.EXCEPTIONS, exceptions.format(allowed))
            self.assertEqual(self.findings(), wrong, allowed)
        self.write("tests/a.py", "a = 1\n" * lengths.FILE_MAX)
        self.assertEqual(self.findings(), [f"{tidy.EXCEPTIONS}: exception"])

    def test_an_exception_wants_a_reason(self) -> None:
        self.write("tests/a.py", "a = 1\n" * 410)
        self.write(tidy.EXCEPTIONS, "tests/a.py 410\n")
        self.assertEqual(self.findings(), [f"{tidy.EXCEPTIONS}: exception", "tests/a.py: long file"])

    def test_what_was_built_and_what_is_an_input_is_not_looked_at(self) -> None:
        self.write("build/a.h", "\t")
        self.write("tests/fuzz/corpus/json/a", "\t")
        self.assertEqual(self.findings(), [])


class Checkout(unittest.TestCase):
    def test_what_runs_before_a_commit_downloads_nothing(self) -> None:
        hooks = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r"repo: *(\S+)", hooks)), {"local"})
        self.assertNotIn("additional_dependencies", hooks)

    def test_it_is_tidy(self) -> None:
        self.assertEqual("\n".join(str(one) for one in tidy.findings_of(ROOT)), "")


if __name__ == "__main__":
    unittest.main()
