"""Rows as a pandas DataFrame."""
import unittest

import semwave
from quickstart_runs import QUICK, QUICKSTART


class Frames(unittest.TestCase):
    def test_have_the_columns_of_results_csv(self):
        frame = semwave.run(QUICKSTART, progress=False, **QUICK)
        self.assertEqual(list(frame["/channel/snr_db"]), [0, 10])
        for column in (
            "accuracy",
            "accuracy_ci95.0",
            "channel_uses.header",
            "flops.receiver",
            "exit_histogram.4",
        ):
            self.assertIn(column, frame.columns)
        self.assertGreater(frame["psnr_db"][1], frame["psnr_db"][0])

    def test_of_a_budget_and_of_none(self):
        self.assertEqual(len(semwave.budget(QUICKSTART, time=False, frame=True, **QUICK)), 2)
        self.assertIsInstance(semwave.budget(QUICKSTART, time=False, frame=False, **QUICK), list)
