"""The separation baseline of an array of pictures is that of the program."""
import unittest
from pathlib import Path

import numpy as np

import semwave
from quickstart_runs import QUICKSTART, ROOT, rows_of_program, without_clock

FOLDER = Path("/usr/share/datasets/fashion-mnist")
CLASSIFIER = str(ROOT / "models" / "fashion_classifier_decoded.safetensors")


def fashion(count):
    """The first test pictures [count, 28, 28, 1] and their labels."""
    images, labels, _ = semwave.dataset("fashion-mnist", count=count)
    return images, labels


@unittest.skipUnless(FOLDER.exists(), "dataset-fashion-mnist is not installed")
class Baseline(unittest.TestCase):
    def test_is_that_of_the_program(self):
        images, labels = fashion(200)
        settings = {
            "/model": CLASSIFIER,
            "/source/count": 200,
            "/transmitter": {"kind": "separation", "codec": "jpeg", "budget": 384},
            "/sweep": {"/channel/snr_db": [5, 10]},
            "/metrics": ["accuracy", "psnr"],
        }
        theirs = rows_of_program("run", ROOT / "scenarios" / "baseline.json", settings)
        ours = semwave.baseline(
            images,
            uses=384,
            channel="awgn",
            snr_db=[5, 10],
            labels=labels,
            classifier=CLASSIFIER,
            seed=7,
            frame=False,
        )
        unlike = ("point_sha256", "data_sha256")
        for one, other in zip(ours, theirs):
            self.assertEqual(
                {key: value for key, value in without_clock(one).items() if key not in unlike},
                {key: value for key, value in without_clock(other).items() if key not in unlike},
            )

    def test_needs_no_model(self):
        images = np.random.default_rng(1).integers(0, 256, (5, 16, 24, 3), np.uint8)
        rows = semwave.baseline(
            images,
            uses=[2000, 6000],
            channel={"kind": "rayleigh", "snr_db": 20},
            codec="webp",
            metrics=["psnr", "ssim"],
            frame=False,
        )
        self.assertEqual([row["point"]["/transmitter/budget"] for row in rows], [2000, 6000])
        self.assertGreater(rows[1]["psnr_db"], rows[0]["psnr_db"])
        floats = semwave.baseline(
            (images / 255).astype(np.float32),
            uses=2000,
            channel={"kind": "rayleigh", "snr_db": 20},
            codec="webp",
            metrics=["psnr", "ssim"],
            frame=False,
        )
        self.assertEqual(floats[0]["psnr_db"], rows[0]["psnr_db"])

    def test_refuses_what_is_none(self):
        images, labels = fashion(4)
        good = {"uses": 384, "channel": "awgn"}
        for place, call in (
            ("images", lambda: semwave.baseline(images[..., 0], **good)),
            ("images", lambda: semwave.baseline(images.astype(float), **good)),
            ("images", lambda: semwave.baseline(images[:, ::2], **good)),
            ("images", lambda: semwave.baseline(images[:0], **good)),
            ("images", lambda: semwave.baseline(images.astype(np.float32), **good)),
            ("labels", lambda: semwave.baseline(images, labels=labels, **good)),
            (
                "labels",
                lambda: semwave.baseline(images, labels=labels[:2], classifier=CLASSIFIER, **good),
            ),
            ("scenario: /transmitter/budget", lambda: semwave.baseline(images, 3, "awgn")),
            ("scenario: /transmitter/codec", lambda: semwave.baseline(images, 384, "awgn", "jpg")),
            ("scenario: /channel", lambda: semwave.baseline(images, 384, "awgm")),
        ):
            with self.assertRaises(semwave.Error) as caught:
                call()
            self.assertTrue(caught.exception.place.startswith(place), caught.exception)

    def test_data_sets_are_those_of_scenarios(self):
        images, labels, classes = semwave.dataset("fashion-mnist", "train", 5)
        self.assertEqual(
            (images.shape, list(labels), classes[9]),
            ((5, 28, 28, 1), [9, 0, 0, 3, 0], "Ankle boot"),
        )
        for place, call in (
            ("split", lambda: semwave.dataset("fashion-mnist", "tset")),
            ("dataset", lambda: semwave.dataset("fashion-mnits")),
            ("count", lambda: semwave.dataset(count=-1)),
            ("dataset", lambda: semwave.dataset(count=10**6)),
            ("", lambda: semwave.dataset(path="/nowhere")),
        ):
            with self.assertRaises(semwave.Error) as caught:
                call()
            self.assertTrue(caught.exception.place.startswith(place), caught.exception)

    def test_any_scenario_is_evaluated_on_pictures(self):
        images, labels = fashion(100)
        settings = {
            "/source/count": 100,
            "/sweep": {"/channel/snr_db": [10]},
            "/transmitter/policy": {
                "kind": "fixed",
                "keep": 0.5,
                "depth": 4,
                "symbols_per_token": 4,
            },
        }
        ours = semwave.evaluate(
            QUICKSTART,
            images,
            labels,
            frame=False,
            **{key: value for key, value in settings.items() if key != "/source/count"}
        )
        theirs = rows_of_program("run", QUICKSTART, settings)
        self.assertEqual(
            [ours[0]["correct"], ours[0]["psnr_db"], ours[0]["channel_uses"]],
            [theirs[0]["correct"], theirs[0]["psnr_db"], theirs[0]["channel_uses"]],
        )
