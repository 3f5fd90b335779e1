"""The networks in PyTorch answer as the library does, and come back as a checkpoint."""
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import semwave
import semwave.torch
from baseline_test import FOLDER, fashion
from quickstart_runs import QUICKSTART, ROOT

CLASS = {"/transmitter/gate": {"kind": "learned", "at": [2]}, "/transmitter/positions": "none"}
MODELS = {
    "fashion": (
        {"/transmitter/gate": {"kind": "learned", "at": [0]}},
        {"keep": 0.5, "depth": 4, "symbols_per_token": 8},
    ),
    "fashion, all": (
        {"/transmitter/gate": {"kind": "learned", "at": [0]}},
        {"keep": 1, "depth": 2, "symbols_per_token": 3},
    ),
    "fashion_class": (CLASS, {"keep": 0.25, "depth": 4, "symbols_per_token": 4}),
    "cifar10": (
        CLASS | {"/transmitter/gate": {"kind": "learned", "at": [3]}},
        {"keep": 0.5, "depth": 6, "symbols_per_token": 6},
    ),
    "fashion_class, early": (CLASS, {"keep": 0.125, "depth": 1, "symbols_per_token": 4}),
}


def gate_margin(scores, k):
    """How far the last token that stays is from the first that goes."""
    ordered = np.sort(scores)[::-1]
    return ordered[k - 1] - ordered[k] if 0 < k < len(ordered) else np.inf


@unittest.skipUnless(FOLDER.exists(), "dataset-fashion-mnist is not installed")
class Networks(unittest.TestCase):
    def test_answer_as_the_library_does(self):
        of_fashion, _ = fashion(16)
        blobs = (
            np.random.default_rng(2)
            .integers(0, 256, (16, 8, 8, 3), np.uint8)
            .repeat(4, 1)
            .repeat(4, 2)
        )
        for name, (changes, plan) in MODELS.items():
            images = blobs if name == "cifar10" else of_fashion
            pictures = torch.from_numpy(images.astype(np.float32) / np.float32(255))
            model = semwave.Model.load(
                str(ROOT / "models" / f"{name.split(',')[0]}.safetensors"),
                **(changes | {"/channel": "ideal"}),
            )
            sent = model.transmit(images, plan=plan, believed_snr_db=10)
            answer = model.receive(model.channel.apply(sent))
            network = model.to_torch()
            with torch.no_grad():
                sending = network.send(pictures, 10.0, **plan)
                logits, rebuilt = network(pictures, 10.0, **plan)
            symbols, places = sending.symbols.numpy(), sending.places.numpy()
            # Where a picture is rebuilt the receiver works on the whole grid.
            worked_on = [49 if answer.pictures is not None else len(kept) for kept in sent.tokens]
            self.assertEqual(sum(worked_on), len(answer.routes[0].experts))
            close = 0
            for i in range(len(images)):
                kept = sorted(set(sent.tokens[i]) ^ set(places[i]))
                rows = slice(sum(worked_on[:i]), sum(worked_on[: i + 1]))
                routed = min(
                    np.diff(np.sort(route.probabilities[rows], 1)[:, -2:], axis=1).min()
                    for route in answer.routes
                )
                margin = min(
                    routed,
                    gate_margin(sent.scores[i], len(sent.tokens[i]))
                    if sent.scores is not None and not np.isnan(sent.scores[i]).any()
                    else 1,
                )
                if margin < 1e-5:
                    close += 1
                    continue
                self.assertEqual(kept, [], f"{name}, image {i}")
                np.testing.assert_allclose(
                    symbols[i], sent.symbols[i], atol=1e-4, err_msg=f"{name}, image {i}"
                )
                np.testing.assert_allclose(
                    logits[i].numpy(), answer.logits[i], atol=1e-4, err_msg=f"{name}, image {i}"
                )
                if answer.pictures is not None and rebuilt is not None:
                    np.testing.assert_allclose(
                        rebuilt[i].numpy(),
                        answer.pictures[i],
                        atol=1e-4,
                        err_msg=f"{name}, image {i}",
                    )
            self.assertLess(close, 4, name)
            same = (logits.argmax(1).numpy() == answer.decisions).mean()
            self.assertGreaterEqual(same, 1 - close / len(images), name)

    def test_answer_over_noise_as_the_library_does(self):
        images, _ = fashion(20)
        model = semwave.Model.load(
            QUICKSTART, **{"/sweep": {}, "/channel": {"kind": "awgn", "snr_db": 10}}
        )
        plan = {"keep": 1, "depth": 4, "symbols_per_token": 4}
        answer = model.receive(model.channel.apply(model.transmit(images, plan=plan)))
        with torch.no_grad():
            logits, _ = model.to_torch()(
                torch.from_numpy(images / np.float32(255)),
                10.0,
                **plan,
                link=semwave.torch.link(semwave.Channel({"kind": "awgn", "snr_db": 10}), seed=7),
            )
        near = np.abs(logits.numpy() - answer.logits).max(1) < 1e-3
        self.assertGreaterEqual(near.sum(), 18)  # one whose router hesitates may go elsewhere

    def test_learn_and_come_back(self):
        images, labels = fashion(32)
        model = semwave.Model.load(QUICKSTART, **{"/sweep": {}, "/channel": "ideal"})
        network = model.to_torch()
        pictures, optimiser = torch.from_numpy(images / np.float32(255)), torch.optim.SGD(
            network.parameters(), lr=1e-3
        )
        link = semwave.torch.link(semwave.Channel({"kind": "rayleigh", "snr_db": 10}))
        losses = []
        for _ in range(3):
            logits, rebuilt = network(pictures, keep=0.5, depth=2, symbols_per_token=4, link=link)
            loss = torch.nn.functional.cross_entropy(
                logits, torch.from_numpy(labels).long()
            ) + torch.nn.functional.mse_loss(rebuilt, pictures)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
        self.assertLess(losses[-1], losses[0])
        self.assertGreater(network.transmitter.tokeniser.conv0.weight.grad.abs().sum().item(), 0)
        with tempfile.TemporaryDirectory() as folder:
            network.save(Path(folder) / "learned.safetensors")
            back = semwave.Model.load(
                QUICKSTART,
                **{"/sweep": {}, "/channel": "ideal", "/model": folder + "/learned.safetensors"},
            )
            self.assertNotEqual(back.sha256, model.sha256)
            plan = {"keep": 1, "depth": 4, "symbols_per_token": 4}
            answer = back.receive(
                back.channel.apply(back.transmit(images, plan=plan, believed_snr_db=10))
            )
            with torch.no_grad():
                logits, _ = network(pictures, 10.0, **plan)
        near = np.abs(logits.numpy() - answer.logits).max(1) < 2e-4
        self.assertGreaterEqual(near.sum(), 30)

    def test_of_other_pairs_are_refused(self):
        for file in ("deepjscc", "fashion_classifier"):
            with self.assertRaises(semwave.Error):
                semwave.torch.Network.load(ROOT / "models" / f"{file}.safetensors")
        for path in (ROOT / "README.md", "none.safetensors"):
            with self.assertRaises(semwave.Error):
                semwave.torch.Network.load(path)
        network = semwave.torch.Network.load(ROOT / "models" / "fashion.safetensors")
        for plan in ({"keep": 2}, {"depth": 9}, {"symbols_per_token": 99}):
            with self.assertRaises(semwave.Error):
                network(torch.zeros(1, 28, 28, 1), **plan)
