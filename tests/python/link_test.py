"""Channel codes, constellations and image codecs, step by step."""
import unittest

import numpy as np

import semwave

SETTINGS = [
    {
        "code": "ldpc",
        "rate": "1/2",
        "length": 648,
        "modulation": "16-qam",
        "block_bits": 700,
        "crc": True,
    },
    {"code": "polar", "rate": 0.3, "modulation": "qpsk", "block_bits": 100},
    {"code": "nr-ldpc", "rate": 0.6, "modulation": "64-qam", "block_bits": 5000},
    {"code": "convolutional", "modulation": "bpsk", "block_bits": 64},
    {"code": "none", "modulation": "256-qam", "block_bits": 96},
    {},
]


def bits(link, frames, seed=1):
    return np.random.default_rng(seed).integers(0, 2, (frames, link.bits), np.uint8)


class Links(unittest.TestCase):
    def test_carry_bits(self):
        for settings in SETTINGS:
            link = semwave.Link(settings)
            sent = bits(link, 7)
            air = link.encode(sent)
            x = link.modulate(air)
            self.assertEqual(air.shape, (7, link.air_bits))
            self.assertEqual(x.shape, (7, link.uses))
            self.assertEqual(link.ledger.total, link.uses)
            heard = semwave.Channel({"kind": "rayleigh", "snr_db": 45}).apply(x, seed=3)
            decoded = link.decode(link.demap(heard))
            np.testing.assert_array_equal(decoded.bits, sent, str(settings))
            self.assertTrue(decoded.held.all())
            self.assertEqual(decoded.held.shape, (7, link.blocks))

    def test_lose_bits_in_noise_and_say_so(self):
        link = semwave.Link(SETTINGS[0])
        sent = bits(link, 50)
        heard = semwave.Channel({"kind": "awgn", "snr_db": 2}).apply(
            link.modulate(link.encode(sent))
        )
        decoded = link.decode(link.demap(heard))
        wrong = (decoded.bits != sent).any(1)
        self.assertTrue(wrong.all())
        self.assertFalse(decoded.held.all(1)[wrong].any())

    def test_soft_bits_are_likelihood_ratios(self):
        link = semwave.Link({"code": "none", "modulation": "bpsk", "block_bits": 3})
        soft = link.demap(
            np.array([[1, -1, 0.5]], np.complex64) * np.complex64(np.exp(0.25j * np.pi)),
            noise_variance=0.5,
        )
        np.testing.assert_allclose(soft, [[8, -8, 4]], rtol=1e-5)

    def test_refuse_what_is_none(self):
        link = semwave.Link(SETTINGS[0])
        air, soft = link.encode(bits(link, 2)), np.zeros((2, link.air_bits), np.float32)
        x = link.modulate(air)
        for place, call in (
            ("bits", lambda: link.encode(bits(link, 2)[:, 1:].copy())),
            ("bits", lambda: link.encode(bits(link, 2) + 1)),
            ("bits", lambda: link.encode(bits(link, 2)[0])),
            ("bits", lambda: link.encode(bits(link, 2).astype(int))),
            ("bits", lambda: link.modulate(air[:, ::2])),
            ("symbols", lambda: link.demap(x.real.copy(), noise_variance=1)),
            ("noise_variance", lambda: link.demap(x, noise_variance=-1)),
            ("noise_variance", lambda: link.demap(x, noise_variance=np.nan)),
            ("gains", lambda: link.demap(x, np.ones((1, link.uses), np.complex64), 1)),
            ("soft", lambda: link.decode(soft[:, 1:])),
            ("soft", lambda: link.decode(soft + np.inf)),
            ("soft", lambda: link.decode(None)),
            ("link: /link/code", lambda: semwave.Link({"code": "ldcp"})),
            ("link: /link", lambda: semwave.Link({"cod": "ldpc"})),
            ("link", lambda: semwave.Link("ldpc")),
        ):
            with self.assertRaises(semwave.Error) as caught:
                call()
            self.assertTrue(caught.exception.place.startswith(place), caught.exception)
        self.assertEqual(link.decode(soft[:0]).bits.shape, (0, link.bits))


class Codecs(unittest.TestCase):
    def test_bring_pictures_back(self):
        ramp = np.broadcast_to(
            np.arange(32, dtype=np.uint8)[:, None, None] * 4, (32, 48, 3)
        ).copy()
        for kind in semwave.list("codecs"):
            codec = semwave.Codec(kind)
            fine, coarse = codec.encode(ramp, 95), codec.encode(ramp, 5)
            self.assertLessEqual(len(coarse), len(fine))
            back = codec.decode(fine, ramp.shape)
            self.assertLess(np.abs(back.astype(int) - ramp).mean(), 4, kind)

    def test_refuse_what_is_none(self):
        codec, picture = semwave.Codec("jpeg"), np.zeros((8, 8, 3), np.uint8)
        stream = codec.encode(picture, 50)
        for call in (
            lambda: codec.encode(picture[0], 50),
            lambda: codec.encode(picture.astype(float), 50),
            lambda: codec.encode(picture[::2], 50),
            lambda: codec.encode(picture, 101),
            lambda: codec.encode(np.zeros((8, 8, 2), np.uint8), 50),
            lambda: codec.encode(np.zeros((0, 8, 3), np.uint8), 50),
            lambda: codec.decode(b"", (8, 8, 3)),
            lambda: codec.decode(b"\xff" * 50, (8, 8, 3)),
            lambda: codec.decode(stream, (8, 8, 4)),
            lambda: semwave.Codec("jpg"),
            lambda: semwave.Codec(None),
        ):
            with self.assertRaises(semwave.Error):
                call()
