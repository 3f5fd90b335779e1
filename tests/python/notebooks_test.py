"""The notebooks run from top to bottom, headless, and are kept without what they printed."""
import contextlib
import io
import json
import os
import unittest

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from quickstart_runs import ROOT  # noqa: E402

FOLDER = ROOT / "examples" / "notebooks"


class Notebooks(unittest.TestCase):
    def run_through(self, name):
        book = json.loads((FOLDER / name).read_text())
        names, said = {}, io.StringIO()
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(FOLDER)
        for number, cell in enumerate(book["cells"]):
            if cell["cell_type"] != "code":
                continue
            self.assertEqual(
                (cell["outputs"], cell["execution_count"]),
                ([], None),
                "clear the outputs before a commit",
            )
            with contextlib.redirect_stdout(said):
                exec(
                    compile("".join(cell["source"]), f"{name}, cell {number}", "exec"), names
                )  # noqa: S102
        plt.close("all")
        return names

    def test_first_sweep(self):
        rows = self.run_through("first_sweep.ipynb")["rows"]
        self.assertEqual(len(rows), 15)
        self.assertGreater(rows["psnr_db"].max(), 25)

    def test_own_encoder(self):
        names = self.run_through("own_encoder.ipynb")
        ours, jpeg = names["ours"], list(names["baseline"]["jpeg"]["psnr_db"])
        self.assertEqual(ours, sorted(ours))
        self.assertGreater(ours[0], jpeg[0] + 3)  # the cliff of the baseline
        self.assertGreater(ours[-1], 15)

    def test_are_all_run(self):
        self.assertEqual(
            {file.name for file in FOLDER.glob("*.ipynb")},
            {"first_sweep.ipynb", "own_encoder.ipynb"},
        )
