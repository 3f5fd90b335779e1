"""Every block of Python in docs/python.md runs, one after another, as a reader would type them."""
import contextlib
import io
import os
import re
import unittest

import semwave
from quickstart_runs import ROOT

try:
    import pandas  # noqa: F401
    import torch  # noqa: F401

    COMPLETE = True
except ImportError:
    COMPLETE = False


@unittest.skipUnless(COMPLETE, "the guide wants python3-torch and python3-pandas")
class Guide(unittest.TestCase):
    def test_is_true(self):
        blocks = re.findall(
            r"^```python\n(.*?)^```", (ROOT / "docs" / "python.md").read_text(), re.M | re.S
        )
        self.assertGreater(len(blocks), 8)
        before, names = os.getcwd(), {}
        self.addCleanup(os.chdir, before)
        os.chdir(ROOT)
        for block in blocks:
            with self.subTest(block.splitlines()[0]):
                said = io.StringIO()
                with contextlib.redirect_stdout(said):
                    exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102
                if "raleigh" in block:
                    self.assertIn(
                        "channel: /kind - unknown name 'raleigh'; did you mean 'rayleigh'?",
                        said.getvalue(),
                    )
        self.assertLess(names["loss"].item(), 0.5)
        self.assertTrue((names["decoded"].bits == names["bits"]).all(1).mean() > 0.5)

    def test_names_only_what_is_there(self):
        for name in re.findall(r"`(\w+)\(scenario", (ROOT / "docs" / "python.md").read_text()):
            self.assertTrue(hasattr(semwave, name), name)
