"""Tensors of PyTorch in place of arrays: the same memory, the same answers, the same refusals."""
import unittest

import numpy as np
import torch

import semwave


class Tensors(unittest.TestCase):
    def test_go_in_and_come_out(self):
        channel, x = semwave.Channel("rayleigh"), torch.randn(3, 50, dtype=torch.complex64)
        wanted = channel.apply(x.numpy()).symbols
        out = torch.zeros_like(x)
        heard = channel.apply(x, out=out)
        np.testing.assert_array_equal(out.numpy(), wanted)
        back = torch.from_dlpack(channel.apply(x).symbols)
        torch.testing.assert_close(back, out)
        back[0, 0] = 7  # it is memory that may be written to
        self.assertEqual(heard.symbols.shape, (3, 50))
        self.assertEqual(channel.apply(x[:0], out=out[:0]).symbols.shape, (0, 50))

    def test_go_through_links_and_pictures(self):
        link = semwave.Link({"code": "polar", "rate": 0.5, "block_bits": 100})
        bits = torch.randint(0, 2, (2, 100), dtype=torch.uint8)
        soft = link.demap(torch.from_dlpack(link.modulate(link.encode(bits))), noise_variance=0.1)
        np.testing.assert_array_equal(link.decode(torch.from_dlpack(soft)).bits, bits.numpy())
        pictures = torch.randint(0, 256, (2, 16, 16, 3), dtype=torch.uint8)
        rows = [
            semwave.baseline(one, 800, "awgn", frame=False)[0]["psnr_db"]
            for one in (pictures, pictures.numpy())
        ]
        self.assertEqual(*rows)
        self.assertGreater(len(semwave.Codec("jpeg").encode(pictures[0], 50)), 0)

    def test_are_refused_as_arrays_are(self):
        channel, x = semwave.Channel("awgn"), torch.randn(3, 50, dtype=torch.complex64)
        for place, call in (
            ("x", lambda: channel.apply(x.to(torch.complex128))),
            ("x", lambda: channel.apply(x.t())),
            ("x", lambda: channel.apply(x.clone().requires_grad_())),
            ("x", lambda: channel.apply(x.conj())),
            ("x", lambda: channel.apply(torch.empty(3, 50, dtype=torch.complex64, device="meta"))),
            (
                "out",
                lambda: channel.apply(x, out=torch.zeros(3, 100, dtype=torch.complex64)[:, ::2]),
            ),
            ("out", lambda: channel.apply(x, out=torch.zeros(3, 49, dtype=torch.complex64))),
            ("x", lambda: channel.apply(x * float("nan"))),
        ):
            with self.assertRaises(semwave.Error) as caught:
                call()
            self.assertEqual(caught.exception.place, place, caught.exception)
