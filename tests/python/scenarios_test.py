"""Scenarios from Python give what the program gives, and end as they should."""
import json
import os
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

import semwave
from quickstart_runs import QUICK, QUICKSTART, ROOT, rows_of_program, without_clock

TINY_TRAINING = {
    "/model/architecture/dim": 16,
    "/model/architecture/heads": 2,
    "/model/architecture/tokeniser": [
        {"channels": 8, "kernel": 3, "stride": 4, "padding": 1},
        {"channels": 16, "kernel": 3, "stride": 2, "padding": 1},
    ],
    "/source/count": 512,
    "/source/split": "train",
    "/source/validation": "test",
    "/train/epochs": 2,
}


class Rows(unittest.TestCase):
    def test_are_those_of_the_program(self):
        rows = semwave.run(QUICKSTART, frame=False, progress=False, **QUICK)
        self.assertEqual(
            [without_clock(row) for row in rows],
            [without_clock(row) for row in rows_of_program("run", QUICKSTART, QUICK)],
        )

    def test_of_a_dict_are_those_of_the_file(self):
        scenario = json.loads(Path(QUICKSTART).read_text())
        scenario["model"] = str(ROOT / "models" / "fashion.safetensors")
        self.assertIn("file", json.dumps(scenario["sweep"]))
        of_dict = semwave.run(scenario, frame=False, progress=False, **QUICK)
        of_file = semwave.run(Path(QUICKSTART), frame=False, progress=False, **QUICK)
        for one, other in zip(of_dict, of_file):
            self.assertEqual(one["point_sha256"], other["point_sha256"])
            self.assertEqual(one["psnr_db"], other["psnr_db"])

    def test_of_a_sweep_keep_its_order(self):
        sweep = {"/transmitter/policy/keep": [0.5, 0.25], "/channel/snr_db": [10, 0]}
        rows = semwave.budget(QUICKSTART, time=False, frame=False, **{"/sweep": sweep})
        self.assertEqual(
            [list(row["point"].values()) for row in rows],
            [[0.5, 10], [0.5, 0], [0.25, 10], [0.25, 0]],
        )

    def test_of_a_link(self):
        scenario = str(ROOT / "scenarios" / "link_qam.json")
        swept = json.loads(Path(scenario).read_text())
        overrides = {"/stop/frame_errors": 5, "/stop/max_frames": 200}
        rows = semwave.run(scenario, frame=False, progress=False, **overrides)
        theirs = rows_of_program("link", scenario, overrides)
        self.assertGreater(len(rows), 1, swept)
        for one, other in zip(rows, theirs):
            self.assertEqual(one["point_sha256"], other["point_sha256"])
            self.assertEqual(one["bit_errors"], other["bit_errors"])

    def test_of_a_budget(self):
        rows = semwave.budget(QUICKSTART, time=False, frame=False, **QUICK)
        theirs = rows_of_program("budget", QUICKSTART, QUICK)[:2]
        self.assertEqual(
            [row["channel_uses"] for row in rows], [row["channel_uses"] for row in theirs]
        )


class Folders(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_are_loaded_and_compared(self):
        records = QUICK | {"/output/records": True}
        for name, keep in (("a", 0.25), ("b", 0.5)):
            semwave.run(
                QUICKSTART,
                out=self.folder / name,
                progress=False,
                **(
                    records
                    | {
                        "/transmitter/policy": {
                            "kind": "fixed",
                            "keep": keep,
                            "depth": 4,
                            "symbols_per_token": 4,
                        }
                    }
                )
            )
        rows = semwave.load(self.folder / "a", frame=False)
        self.assertEqual([row["point"]["/channel/snr_db"] for row in rows], [0, 10])
        self.assertEqual(len(semwave.load(self.folder / "a", "records", frame=False)), 400)
        compared = semwave.compare(self.folder / "a", self.folder / "b")
        self.assertEqual(compared, rows_of_compare(self.folder))
        self.assertEqual(
            len(
                semwave.compare(
                    self.folder / "a", self.folder / "b", point={"/channel/snr_db": 10}
                )
            ),
            1,
        )
        with self.assertRaisesRegex(semwave.Error, "no matched point"):
            semwave.compare(self.folder / "a", self.folder / "b", point={"/channel/snr_db": 3})

    def test_that_are_none_are_errors(self):
        with self.assertRaises(semwave.Error) as caught:
            semwave.load(self.folder / "nothing")
        self.assertIn("nothing/results.jsonl", caught.exception.place)
        with self.assertRaises(semwave.Error):
            semwave.load(self.folder, "records")
        with self.assertRaises(semwave.Error) as caught:
            semwave.load(self.folder, "recods")
        self.assertEqual(caught.exception.place, "what")

    def test_of_an_interrupted_run_are_gone_on_with(self):
        overrides = QUICK | {"/source/count": 2500, "/sweep": {"/channel/snr_db": [0, 5, 10, 15]}}

        def stop(event):
            if event["event"] == "row":
                threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT)).start()

        with self.assertRaises(KeyboardInterrupt):
            semwave.run(QUICKSTART, out=self.folder, progress=stop, **overrides)
        done = semwave.load(self.folder, frame=False)
        self.assertIn(len(done), (1, 2))
        rows = semwave.run(
            QUICKSTART,
            out=self.folder,
            progress=False,
            frame=False,
            **(overrides | {"/sweep": {"/channel/snr_db": [0]}})
        )
        self.assertEqual(rows[0], done[0])

    def test_of_a_training(self):
        scenario = str(ROOT / "scenarios" / "train_fashion.json")
        epochs = semwave.train(
            scenario,
            out=self.folder / "t",
            progress=False,
            frame=False,
            threads=2,
            **TINY_TRAINING
        )
        self.assertEqual([epoch["epoch"] for epoch in epochs], [1, 2])
        self.assertTrue((self.folder / "t" / "model.safetensors").exists())
        with self.assertRaisesRegex(semwave.Error, "holds a training already"):
            semwave.train(scenario, out=self.folder / "t", progress=False, **TINY_TRAINING)


def rows_of_compare(folder):
    from quickstart_runs import program

    return [
        json.loads(line)
        for line in program("compare", folder / "a", folder / "b", "--json").splitlines()
    ]


class Mistakes(unittest.TestCase):
    def test_have_a_place(self):
        with self.assertRaises(semwave.Error) as caught:
            semwave.run(QUICKSTART, **{"/channel/kind": "raleigh"})
        self.assertIsInstance(caught.exception, ValueError)
        self.assertEqual(caught.exception.place, QUICKSTART + ": /channel/kind")
        self.assertIn("did you mean 'rayleigh'", caught.exception.message)

    def test_in_arguments_are_errors(self):
        for call in (
            lambda: semwave.run(3),
            lambda: semwave.run(QUICKSTART, channel=3),
            lambda: semwave.run({"version": {1, 2}}),
            lambda: semwave.run({"version": float("nan")}),
            lambda: semwave.run({3: 4}),
            lambda: semwave.list("gatse"),
            lambda: semwave.run(QUICKSTART, device="gpu"),
            lambda: semwave.run("no_such_file.json"),
        ):
            with self.assertRaises((semwave.Error, TypeError)):
                call()

    def test_are_all_told_by_validate(self):
        found = semwave.validate(QUICKSTART, **{"/channel/snr_db": "x", "/seed": -1})
        self.assertEqual(len(found["mistakes"]), 2)
        self.assertEqual(semwave.validate(QUICKSTART)["mistakes"], [])
        self.assertEqual(semwave.validate(QUICKSTART)["points"], 18)

    def test_of_a_progress_function_end_the_run(self):
        def fail(event):
            raise LookupError("mine")

        with self.assertRaisesRegex(LookupError, "mine"):
            semwave.run(QUICKSTART, progress=fail, **QUICK)


class Waiting(unittest.TestCase):
    def test_other_threads_of_python_go_on(self):
        ticks, end = [0], threading.Event()

        def tick():
            while not end.is_set():
                ticks[0] += 1
                time.sleep(0.001)

        thread = threading.Thread(target=tick)
        thread.start()
        begun = time.monotonic()
        semwave.run(QUICKSTART, progress=False, **(QUICK | {"/source/count": 1000}))
        seconds = time.monotonic() - begun
        end.set()
        thread.join()
        self.assertGreater(ticks[0], 20 * seconds)

    def test_names_are_those_of_the_program(self):
        self.assertIn("rayleigh", semwave.list("channels"))
        self.assertEqual(
            set(semwave.list()),
            {
                "gates",
                "exits",
                "routers",
                "policies",
                "channels",
                "equalisers",
                "codes",
                "modulations",
                "codecs",
                "datasets",
                "metrics",
                "pairs",
            },
        )
