"""PyTorch through the channels: gradients against differences, and a training that learns."""
import unittest

import numpy as np
import torch

import semwave
import semwave.torch

KINDS = [
    "awgn",
    "ideal",
    {"kind": "rayleigh", "coherence": "symbol"},
    {"kind": "rician", "k_db": 3},
    "nakagami",
    {"kind": "rayleigh", "csi": {"receiver": "estimated", "pilots": 2}},
    {"kind": "tdl"},
    {"kind": "erasure", "loss": 0.4},
    {"kind": "phase_noise"},
]


def symbols(*shape, seed=1):
    torch.manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex64)


class Gradients(unittest.TestCase):
    def test_are_those_of_differences(self):
        for kind in KINDS:
            for equaliser in (None, "zf", "mmse"):
                channel, x = semwave.Channel(kind), symbols(3, 20).requires_grad_()
                weights = symbols(3, 20, seed=2)

                def loss(at):
                    heard = semwave.torch.apply(
                        channel, at, images=[4, 5, 6], seed=3, equaliser=equaliser
                    )
                    return (
                        (weights.conj() * heard.symbols).real + 0.1 * heard.symbols.abs() ** 2
                    ).sum()

                loss(x).backward()
                for place in ((0, 0), (1, 7), (2, 19)):
                    for part, step in (("real", 0.25), ("imag", 0.25j)):
                        moved = torch.zeros_like(x)
                        moved[place] = step
                        with torch.no_grad():
                            # The loss is quadratic: central differences are exact but for rounding.
                            difference = (loss(x + moved) - loss(x - moved)).item() / 0.5
                        found = getattr(x.grad[place], part).item()
                        self.assertAlmostEqual(
                            found,
                            difference,
                            delta=2e-3 * max(1, abs(difference)),
                            msg=f"{kind} {equaliser} {place} {part}",
                        )

    def test_flow_through_i_and_q(self):
        channel, x = semwave.Channel("rayleigh"), symbols(2, 5)
        pairs = torch.view_as_real(x).clone().requires_grad_()
        heard = semwave.torch.apply(channel, pairs)
        self.assertEqual(heard.symbols.shape, (2, 5, 2))
        torch.testing.assert_close(
            torch.view_as_complex(heard.symbols.detach()), semwave.torch.apply(channel, x).symbols
        )
        heard.symbols.sum().backward()
        self.assertEqual(pairs.grad.shape, pairs.shape)

    def test_of_gradients_too(self):
        x = symbols(2, 3).requires_grad_()
        heard = semwave.torch.apply(semwave.Channel("rayleigh"), x, equaliser="mmse").symbols
        (first,) = torch.autograd.grad((heard.abs() ** 2).sum(), x, create_graph=True)
        (first.abs() ** 2).sum().backward()
        self.assertTrue(
            torch.isfinite(torch.view_as_real(x.grad)).all() and x.grad.abs().sum() > 0
        )


class Layers(unittest.TestCase):
    def test_hear_what_numpy_hears(self):
        x = symbols(4, 2, 3)
        heard = semwave.torch.apply(semwave.Channel("rayleigh"), x, images=[1, 2, 3, 4], seed=9)
        wanted = semwave.Channel("rayleigh").apply(
            x.reshape(4, 6).numpy(), images=[1, 2, 3, 4], seed=9
        )
        np.testing.assert_array_equal(heard.symbols.numpy().reshape(4, 6), wanted.symbols)
        np.testing.assert_array_equal(heard.gains.numpy().reshape(4, 6), wanted.gains)
        conjugated = semwave.torch.apply(semwave.Channel("ideal"), x.conj())
        torch.testing.assert_close(conjugated.symbols, x.conj().resolve_conj())

    def test_meet_other_noise_at_each_call_of_a_training(self):
        layer, x = semwave.torch.Channel("awgn"), symbols(2, 8)
        self.assertFalse(torch.equal(layer(x), layer(x)))
        layer.eval()
        self.assertTrue(torch.equal(layer(x), layer(x)))
        other = semwave.torch.Channel("awgn")
        other.load_state_dict(layer.state_dict())
        layer.train(), other.train()
        self.assertTrue(torch.equal(layer(x), other(x)))

    def test_refuse_other_tensors(self):
        for bad in (
            np.zeros((2, 3), np.complex64),
            symbols(2, 3).to(torch.complex128),
            torch.zeros(2, 3),
            torch.zeros((), dtype=torch.complex64),
            torch.full((2, 3), float("nan"), dtype=torch.complex64),
        ):
            with self.assertRaises(semwave.Error) as caught:
                semwave.torch.apply(semwave.Channel("awgn"), bad)
            self.assertEqual(caught.exception.place, "x")

    def test_train_an_autoencoder_over_rayleigh(self):
        """Four numbers over four symbols: what is learned beats sending nothing by far, and
        comes near uncoded sending."""
        torch.manual_seed(0)
        encoder, decoder = torch.nn.Linear(4, 8), torch.nn.Linear(8, 4)
        channel = semwave.torch.Channel({"kind": "rayleigh", "snr_db": 15})
        optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.02)

        def error(count):
            source = torch.randn(count, 4)
            sent = torch.view_as_complex(encoder(source).reshape(count, 4, 2))
            sent = sent / sent.abs().square().mean(1, keepdim=True).sqrt()
            heard = torch.view_as_real(channel(sent)).reshape(count, 8)
            return torch.nn.functional.mse_loss(decoder(heard), source)

        for _ in range(150):
            optimiser.zero_grad()
            loss = error(256)
            loss.backward()
            optimiser.step()
        channel.eval()
        self.assertLess(error(4000).item(), 0.25)
