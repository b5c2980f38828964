"""The Debian package: what is in it works where it is unpacked, without the tree it was built from."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = Path(os.environ["TALLYGATE_BUILD"])
# Everything that a Debian 12 without a compiler has to bring. One more is a decision.
LIBRARIES = {"libc6", "libcctz2", "libgcc-s1", "libsimdjson14", "libstdc++6", "tzdata"}
# The parts of these tests that say most about a binary and the files beside it.
AGAIN = ("test_cli.py", "test_stdio.py", "test_call.py", "test_help.py", "test_watch.py")


def run(*command: "str | Path", **options: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          timeout=250, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return str(done.stdout)


@unittest.skipUnless(shutil.which("dpkg-shlibdeps") and shutil.which("file"),
                     "packages are made with dpkg-dev and file, which are not installed")
class Package(unittest.TestCase):
    tree: Path
    package: Path

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", folder.name, cwd=folder.name)
        (cls.package,) = Path(folder.name).glob("*.deb")
        cls.tree = Path(folder.name) / "tree"
        run("dpkg", "-x", cls.package, cls.tree)
        cls.binary = cls.tree / "usr/bin/tallygate"
        cls.share = cls.tree / "usr/share/tallygate"

    def environment(self) -> "dict[str, str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TALLYGATE_")}
        return {**kept, "TALLYGATE_BIN": str(self.binary), "PYTHONPATH": str(self.share / "clients/python")}

    def field(self, name: str) -> str:
        return run("dpkg", "-f", self.package, name).strip()

    def test_it_says_what_it_is_and_what_it_wants(self) -> None:
        self.assertEqual(run(self.binary, "--version"), f"tallygate {self.field('Version')}\n")
        wanted = {re.split(r"[ (]", one)[0] for one in self.field("Depends").split(", ")}
        self.assertEqual(wanted, LIBRARIES)
        self.assertIn("@", self.field("Maintainer"))
        self.assertRegex(self.package.name, r"^tallygate_[0-9.]+_[a-z0-9]+\.deb$")

    def test_it_has_no_scripts_and_no_configuration(self) -> None:
        run("dpkg", "-e", self.package, self.tree.parent / "control")
        self.assertEqual({file.name for file in (self.tree.parent / "control").iterdir()},
                         {"control", "md5sums"})
        self.assertEqual({file.name for file in self.tree.iterdir()}, {"usr"})

    def test_everything_is_in_its_place_and_nothing_else(self) -> None:
        there = {str(file.relative_to(self.tree / "usr")) for file in self.tree.rglob("*")
                 if not file.is_dir() or file.is_symlink()}
        for wanted in ("bin/tallygate", "share/man/man1/tallygate.1.gz",
                       "share/bash-completion/completions/tallygate",
                       "share/zsh/vendor-completions/_tallygate",
                       "share/fish/vendor_completions.d/tallygate.fish",
                       "share/doc/tallygate/README.md", "share/doc/tallygate/copyright",
                       "share/doc/tallygate/changelog.gz",
                       "share/tallygate/clients/shell/tallygate.bash",
                       "share/tallygate/clients/python/tallygate/__init__.py"):
            self.assertIn(wanted, there)
        starters = {file.name for file in (ROOT / "policies").iterdir()}
        self.assertEqual({file.name for file in (self.share / "policies").iterdir()}, starters)
        self.assertEqual([name for name in there if re.search(r"pycache|\.pyc|/tests/|egg-info", name)], [])
        page = gzip.decompress((self.tree / "usr/share/man/man1/tallygate.1.gz").read_bytes()).decode()
        self.assertEqual(page, run(self.binary, "manual"))
        self.assertNotIn(str(ROOT).encode(), self.binary.read_bytes())

    def test_links_of_its_documents_lead_somewhere(self) -> None:
        documents = self.tree / "usr/share/doc/tallygate"
        for folder in ("policies", "clients"):
            self.assertTrue((documents / folder).is_dir(), folder)
        for document in (documents / "README.md", documents / "sidecar/README.md"):
            pictures = re.findall(r"\]\((\S+\.svg)\)", document.read_text("utf-8"))
            self.assertTrue(pictures, document)
            for picture in pictures:
                self.assertTrue((document.parent / picture).is_file(), picture)

    def test_a_copy_of_the_program_alone_brings_the_starters(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            alone = Path(home) / "tallygate"
            shutil.copy(self.binary, alone)
            policy = Path(home) / "policy.toml"
            env = {"HOME": home}
            run(alone, "init", "-c", policy, "--from", "spend-cap", env=env)
            self.assertEqual(policy.read_text(), (self.share / "policies/spend-cap.toml").read_text())
            run(alone, "policy", "check", policy, env=env)

    def test_the_session_of_the_quickstart_is_governed(self) -> None:
        with tempfile.TemporaryDirectory() as home:
            checkout = Path(home) / "checkout"
            run("git", "clone", "-q", ROOT, checkout)
            policy = self.share / "policies/quickstart.toml"
            env = {**self.environment(), "XDG_STATE_HOME": f"{home}/state"}
            told = run(sys.executable, self.share / "clients/python/examples/checkout_agent.py", policy,
                       f"{home}/summary.md", "r1", cwd=checkout, env=env)
            for decision in ("completed", "denied: budget_exhausted", "denied: unregistered_tool",
                             "denied: policy_denied"):
                self.assertIn(decision, told)
            self.assertIn("is whole", run(self.binary, "audit", "verify", "-c", policy, env=env))

    def test_the_whole_from_outside_holds_for_it(self) -> None:
        for script in AGAIN:
            with self.subTest(script):
                done = subprocess.run([sys.executable, "-B", script], cwd=HERE, env=self.environment(),
                                      capture_output=True, text=True, timeout=250)
                self.assertEqual(done.returncode, 0, done.stderr[-4000:])


if __name__ == "__main__":
    unittest.main()
