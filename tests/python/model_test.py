"""Pictures through a model step by step give what a run of the program records of each image,
to the bit."""
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np

import semwave
from baseline_test import FOLDER, fashion
from quickstart_runs import QUICKSTART, ROOT, program, settings

FASHION = str(ROOT / "models" / "fashion.safetensors")
RUNS = {
    "awgn": {
        "/channel": {"kind": "awgn", "snr_db": 0},
        "/transmitter/policy": {"kind": "fixed", "keep": 0.25, "depth": 2, "symbols_per_token": 4},
    },
    "rayleigh": {
        "/channel": {
            "kind": "rayleigh",
            "snr_db": 8,
            "csi": {"receiver": "estimated", "pilots": 2},
        }
    },
    "tdl": {
        "/channel": {"kind": "tdl", "snr_db": 12},
        "/transmitter/policy": {"kind": "fixed", "keep": 0.5, "depth": 4, "symbols_per_token": 2},
    },
    "erasure": {"/channel": {"kind": "erasure", "snr_db": 10, "loss": 0.2}},
    "digital": {
        "/transmitter/link": {"kind": "digital", "bits_per_value": 2},
        "/channel": {"kind": "awgn", "snr_db": 10},
    },
}
POLICY = {
    "/transmitter/policy": {"kind": "fixed", "keep": 0.5, "depth": 4, "symbols_per_token": 4},
    "/sweep": {},
}


def psnr_db(picture, original):
    """As experiment/metric/picture_scores.cpp: 8-bit levels, peak 1."""
    levels = np.floor((np.clip(picture, 0, 1) * np.float32(255)).astype(np.float64) + 0.5)
    error = np.mean((levels / 255 - original / 255) ** 2)
    return -10 * np.log10(max(error, 1e-10))


@unittest.skipUnless(FOLDER.exists(), "dataset-fashion-mnist is not installed")
class Models(unittest.TestCase):
    def test_do_what_a_run_records(self):
        images, _ = fashion(60)
        for name, changes in RUNS.items():
            overrides = (
                POLICY
                | changes
                | {"/source/count": 60, "/output/records": True, "/metrics": ["accuracy", "psnr"]}
            )
            with tempfile.TemporaryDirectory() as folder:
                program("run", QUICKSTART, "--quiet", "--out", folder, *settings(overrides))
                records = semwave.load(folder, "records", frame=False)
            model = semwave.Model.load(QUICKSTART, **overrides)
            sent = model.transmit(images)
            heard = model.channel.apply(sent)
            answer = model.receive(heard)
            for i, record in enumerate(records):
                said = (
                    int(answer.decisions[i]),
                    len(sent.tokens[i]),
                    int(sent.exit_depth[i]),
                    heard.uses[i].as_dict(),
                    float(heard.mean_gain[i]),
                    float(sent.believed_snr_db[i]),
                )
                theirs = (
                    -1 if record["decision"] is None else record["decision"],
                    record["tokens"],
                    record["exit_depth"],
                    record["uses"],
                    record["gain"],
                    record["believed_snr_db"],
                )
                self.assertEqual(said, theirs, f"{name}, image {i}: {json.dumps(record)}")
                self.assertAlmostEqual(
                    psnr_db(answer.pictures[i], images[i]), record["psnr_db"], places=6, msg=name
                )

    def test_send_what_a_channel_alone_makes_noisy_alike(self):
        """One fade for the image: where the payload begins is the same to it. (A fade that
        changes counts the header's uses.)"""
        images, _ = fashion(5)
        model = semwave.Model.load(
            QUICKSTART, **(POLICY | {"/channel": {"kind": "rayleigh", "snr_db": 10}})
        )
        sent = model.transmit(images, ids=[10, 11, 12, 13, 14], plan={"keep": 1})
        heard = model.channel.apply(sent)
        alone = semwave.Channel({"kind": "rayleigh", "snr_db": 10}).apply(
            np.stack(sent.symbols), images=[10, 11, 12, 13, 14], seed=7
        )
        np.testing.assert_array_equal(alone.symbols, np.stack(heard.symbols))
        np.testing.assert_array_equal(alone.gains, np.stack(heard.gains))
        other = semwave.Channel({"kind": "rayleigh", "snr_db": 10}).apply(sent)
        np.testing.assert_array_equal(np.stack(other.symbols), np.stack(heard.symbols))

    def test_show_what_they_decide(self):
        images, _ = fashion(8)
        model = semwave.Model.load(
            FASHION, **{"/transmitter/gate": {"kind": "learned", "at": [0]}, "/channel/snr_db": 15}
        )
        sent = model.transmit(images, plan={"keep": 0.25, "depth": 3, "symbols_per_token": 2})
        self.assertEqual(sent.scores.shape, (8, 49))
        for i in range(8):
            best = np.argsort(-sent.scores[i], kind="stable")[:12]
            self.assertEqual(set(best), set(sent.tokens[i]))
            self.assertEqual(len(sent.symbols[i]), 24)
            self.assertAlmostEqual(float(np.mean(np.abs(sent.symbols[i]) ** 2)), 1, places=4)
        answer = model.receive(model.channel.apply(sent))
        self.assertEqual(len(answer.routes), 3)
        self.assertEqual(
            int(answer.expert_rows.sum()), sum(route.experts.size for route in answer.routes)
        )
        for route in answer.routes:
            np.testing.assert_allclose(route.probabilities.sum(1), 1, rtol=1e-5)
            np.testing.assert_array_equal(route.experts[:, 0], route.probabilities.argmax(1))
        np.testing.assert_array_equal(
            answer.logits.argmax(1)[~answer.lost], answer.decisions[~answer.lost]
        )

    def test_take_floats_and_bytes_alike(self):
        images, _ = fashion(4)
        model = semwave.Model.load(QUICKSTART, **POLICY)
        for one, other in zip(
            model.transmit(images).symbols,
            model.transmit(images.astype(np.float32) / np.float32(255)).symbols,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)

    def test_lose_headers_and_say_so(self):
        images, _ = fashion(30)
        model = semwave.Model.load(QUICKSTART, **(POLICY | {"/channel/snr_db": -9}))
        answer = model.receive(model.channel.apply(model.transmit(images, believed_snr_db=15)))
        self.assertTrue(answer.lost.any())
        self.assertTrue((answer.decisions[answer.lost] == -1).all())
        self.assertFalse(answer.rebuilt[answer.lost].any())

    def test_refuse_what_is_none(self):
        images, _ = fashion(4)
        model = semwave.Model.load(QUICKSTART, **POLICY)
        sent = model.transmit(images)
        for place, call in (
            ("images", lambda: model.transmit(images[:, :27].copy())),
            ("images", lambda: model.transmit(images[:, ::2])),
            ("images", lambda: model.transmit(images.astype(float))),
            ("images", lambda: model.transmit(np.full((1, 28, 28, 1), np.nan, np.float32))),
            ("images", lambda: model.transmit([1])),
            ("ids", lambda: model.transmit(images, ids=[1])),
            ("plan: /kep", lambda: model.transmit(images, plan={"kep": 1})),
            ("plan", lambda: model.transmit(images, plan={"keep": 2})),
            ("plan: /depth", lambda: model.transmit(images, plan={"depth": 1.5})),
            (
                "heard",
                lambda: semwave.Model.load(QUICKSTART, **POLICY).receive(
                    model.channel.apply(sent)
                ),
            ),
        ):
            with self.assertRaises(semwave.Error) as caught:
                call()
            self.assertTrue(caught.exception.place.startswith(place), caught.exception)
        for call in (
            lambda: model.transmit(images, plan={"depth": 40}),
            lambda: model.transmit(images, plan={"symbols_per_token": 400}),
            lambda: semwave.Model.load("none.safetensors"),
            lambda: semwave.Model.load(FASHION, **{"/transmitter/gate": "lerned"}),
            lambda: semwave.Model.load(FASHION, gate=1),
            lambda: semwave.Model.load(str(ROOT / "README.md")),
        ):
            with self.assertRaises(semwave.Error):
                call()
        empty = model.transmit(images[:0])
        self.assertEqual(model.receive(model.channel.apply(empty)).pictures.shape, (0, 28, 28, 1))
