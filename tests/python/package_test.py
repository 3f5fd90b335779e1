"""The package as it is installed, its documentation and its stubs."""
import ast
import inspect
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import semwave
from quickstart_runs import ROOT

BUILD = Path(semwave.__file__).resolve().parent.parent.parent


class Package(unittest.TestCase):
    def test_is_installed_with_the_rest(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run(
                ["cmake", "--install", BUILD, "--prefix", prefix, "--component", "python"],
                check=True,
                capture_output=True,
            )
            packages = list(Path(prefix).rglob("semwave"))
            self.assertEqual(len(packages), 1)
            code = "import semwave as s; print(s.__file__); s.Channel('awgn'); print(s.__version__)"
            said = subprocess.run(
                [sys.executable, "-c", code],
                cwd=prefix,
                env={**os.environ, "PYTHONPATH": str(packages[0].parent)},
                check=True,
                capture_output=True,
                text=True,
            )
            self.assertEqual(
                said.stdout.split(), [str(packages[0] / "__init__.py"), semwave.__version__]
            )

    def test_says_what_everything_is_for(self):
        for name in semwave.__all__:
            thing = getattr(semwave, name)
            if (
                name.startswith("__")
                or (isinstance(thing, type) and issubclass(thing, tuple))
                or name == "Fading"
            ):
                continue
            self.assertGreater(len(inspect.getdoc(thing) or ""), 20, name)
            for method, function in (
                vars(thing).items()
                if isinstance(thing, type) and thing.__module__.startswith("semwave.")
                else ()
            ):
                if not method.startswith("_") and inspect.isfunction(function):
                    self.assertTrue(function.__doc__, f"{name}.{method}")

    def test_has_stubs_of_what_is_compiled(self):
        from semwave import _semwave

        stubs = {}
        for node in ast.parse((ROOT / "python" / "semwave" / "_semwave.pyi").read_text()).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                stubs[node.name] = {
                    one.name
                    for one in getattr(node, "body", [])
                    if isinstance(one, ast.FunctionDef)
                } - {"__init__"}
        compiled = {}
        for name in dir(_semwave):
            thing = getattr(_semwave, name)
            if callable(thing):
                compiled[name] = (
                    {one for one in vars(thing) if not one.startswith("_")}
                    if isinstance(thing, type) and thing is not semwave.Error
                    else set()
                )
        self.assertEqual({name for name in stubs}, {name for name in compiled})
        for name, members in compiled.items():
            self.assertEqual(members, stubs[name], name)

    def test_has_types_that_hold(self):
        if not shutil.which("mypy"):
            self.skipTest("mypy is not installed (apt-get install mypy)")
        checked = subprocess.run(
            [
                "mypy",
                "--cache-dir",
                BUILD / "mypy",
                "--python-executable",
                sys.executable,
                "--ignore-missing-imports",
                "semwave",
            ],
            cwd=ROOT / "python",
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_imports_nothing_but_numpy(self):
        code = "import sys, semwave; assert not {'torch', 'matplotlib'} & set(sys.modules)"
        subprocess.run([sys.executable, "-c", code], check=True)
