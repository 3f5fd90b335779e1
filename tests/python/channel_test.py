"""Channels from Python: their draws, their laws, what they refuse."""
import threading
import unittest

import numpy as np

import semwave

KINDS = [
    "awgn",
    "rayleigh",
    {"kind": "rician", "k_db": 3},
    {"kind": "nakagami", "m": 2},
    "ideal",
    "mimo",
    "tdl",
    {"kind": "erasure", "loss": 0.3},
    {"kind": "rayleigh", "coherence": "block", "block_uses": 5},
]


def symbols(images, count, seed=1):
    draw = np.random.default_rng(seed)
    both = draw.standard_normal((images, count, 2)) / np.sqrt(2)
    return (both[..., 0] + 1j * both[..., 1]).astype(np.complex64)


class Draws(unittest.TestCase):
    def test_do_not_depend_on_the_images_beside(self):
        x = symbols(40, 700)
        for kind in KINDS:
            channel = semwave.Channel(kind)
            whole = channel.apply(x, images=range(100, 140), seed=7)
            for part in (slice(0, 1), slice(3, 9), slice(39, 40)):
                alone = channel.apply(x[part], images=range(100, 140)[part], seed=7)
                for name in ("symbols", "gains", "noise_variance"):
                    np.testing.assert_array_equal(
                        getattr(alone, name), getattr(whole, name)[part], f"{kind} {name}"
                    )

    def test_are_keyed_by_image_seed_visit_and_place(self):
        x, channel = symbols(3, 10), semwave.Channel("awgn")
        heard = channel.apply(x, images=[5, 6, 7], seed=7).symbols
        for other in (
            channel.apply(x, images=[6, 7, 8], seed=7),
            channel.apply(x, images=[5, 6, 7], seed=8),
            channel.apply(x, images=[5, 6, 7], seed=7, visit=1),
            channel.apply(x, images=[5, 6, 7], seed=7, places=range(1, 11)),
        ):
            self.assertTrue((other.symbols != heard).all())
        moved = channel.apply(
            np.ascontiguousarray(x[:, 1:]), images=[5, 6, 7], seed=7, places=range(1, 10)
        )
        np.testing.assert_array_equal(moved.symbols, heard[:, 1:])

    def test_of_a_realisation_are_those_of_apply(self):
        channel = semwave.Channel("rayleigh")
        fading = channel.realise([4, 5], seed=3)
        heard = channel.apply(symbols(2, 6), fading=fading)
        np.testing.assert_allclose(fading.gains(6), heard.gains, rtol=1e-6)
        np.testing.assert_array_equal(
            heard.symbols, channel.apply(symbols(2, 6), images=[4, 5], seed=3).symbols
        )


class Laws(unittest.TestCase):
    def test_noise_has_its_variance_and_gains_have_power_one(self):
        x = symbols(2000, 50)
        heard = semwave.Channel({"kind": "rayleigh", "snr_db": 7}).apply(x, seed=2, slope=True)
        noise = heard.symbols - heard.slope * x
        self.assertAlmostEqual(float(np.mean(np.abs(noise) ** 2)) / 10**-0.7, 1, delta=0.02)
        self.assertAlmostEqual(float(np.mean(heard.mean_gain)), 1, delta=0.1)
        np.testing.assert_allclose(heard.noise_variance, 10**-0.7, rtol=1e-6)

    def test_snr_is_that_of_the_caller(self):
        heard = semwave.Channel("awgn").apply(symbols(2, 5), snr_db=[0, 20])
        np.testing.assert_allclose(heard.noise_variance[:, 0], [1, 0.01], rtol=1e-6)

    def test_what_is_believed(self):
        channel = semwave.Channel({"kind": "rayleigh", "snr_db": 10})
        fading = channel.realise([1, 2, 3], seed=7)
        states = channel.observe(fading)
        np.testing.assert_allclose(
            states.snr_db, 10 + 20 * np.log10(np.abs(fading.gains(1)[:, 0])), rtol=1e-9
        )
        self.assertEqual(states.how, "perfect")
        blind = semwave.Channel({"kind": "rayleigh", "csi": {"transmitter": "none"}})
        self.assertEqual(list(blind.observe(blind.realise([1, 2])).snr_db), [10, 10])

    def test_equalisers(self):
        x = symbols(4, 30)
        heard = semwave.Channel("rayleigh").apply(x, slope=True)
        zero_forcing, mmse = heard.equalise("zf", slope=True), heard.equalise("mmse")
        np.testing.assert_allclose(zero_forcing.symbols, heard.symbols / heard.gains, rtol=1e-4)
        np.testing.assert_allclose(zero_forcing.slope, 1 / heard.gains, rtol=1e-4)
        power = np.abs(heard.gains) ** 2
        np.testing.assert_allclose(
            mmse.variance, heard.noise_variance / (power + heard.noise_variance), rtol=1e-4
        )

    def test_lost_symbols_are_silent_and_known(self):
        heard = semwave.Channel({"kind": "erasure", "loss": 0.5}).apply(
            symbols(30, 8), places=range(8)
        )
        self.assertEqual(heard.erased.dtype, bool)
        self.assertTrue(heard.erased.any() and not heard.erased.all())
        self.assertTrue((heard.symbols[heard.erased] == 0).all())

    def test_uses_count_pilots(self):
        channel = semwave.Channel(
            {"kind": "rayleigh", "csi": {"receiver": "estimated", "pilots": 4}}
        )
        self.assertEqual(
            channel.apply(symbols(2, 10)).uses[0].as_dict(),
            channel.uses(semwave.Ledger(payload=10)).as_dict(),
        )
        self.assertEqual(channel.uses(semwave.Ledger(payload=10)).pilots, 4)
        self.assertEqual((semwave.Ledger(1, 2) + semwave.Ledger(3, 4, 5)).total, 15)
        self.assertLess(semwave.header([20, 37], 10).uses, semwave.header([20, 37], 0).uses)


class Buffers(unittest.TestCase):
    def test_out_is_written_to_and_given_back(self):
        x = symbols(5, 40)
        for kind in KINDS:
            channel, out = semwave.Channel(kind), np.full_like(x, 9)
            heard = channel.apply(x, out=out)
            self.assertIs(heard.symbols, out)
            np.testing.assert_array_equal(out, channel.apply(x).symbols)
            inside = x.copy()
            channel.apply(inside, out=inside)
            np.testing.assert_array_equal(inside, out)

    def test_may_be_empty(self):
        for shape in ((0, 5), (3, 0), (0, 0)):
            for kind in KINDS:
                heard = semwave.Channel(kind).apply(np.zeros(shape, np.complex64), slope=True)
                self.assertEqual(heard.symbols.shape, shape)
                self.assertEqual(heard.equalise().symbols.shape, shape)

    def test_outlive_the_channel(self):
        heard = semwave.Channel("awgn").apply(symbols(3, 4))
        gains = semwave.Channel("rayleigh").realise([1]).gains(3)
        equalised = heard.equalise()
        del heard
        self.assertTrue(np.isfinite(gains).all() and np.isfinite(equalised.symbols).all())


class Refusals(unittest.TestCase):
    def refused(self, place, call):
        with self.assertRaises(semwave.Error) as caught:
            call()
        self.assertEqual(caught.exception.place, place, caught.exception)

    def test_name_the_argument(self):
        channel, x = semwave.Channel("awgn"), symbols(4, 6)
        nan, infinite = x.copy(), x.copy()
        nan[2, 3], infinite[0, 0] = np.nan, np.inf
        read_only = np.empty_like(x)
        read_only.flags.writeable = False
        for bad in (
            x.astype(np.complex128),
            x.real.copy(),
            x[0],
            x[:, ::2],
            x.T,
            nan,
            infinite,
            [[1, 2]],
            x.tolist(),
            x[None],
        ):
            self.refused("x", lambda bad=bad: channel.apply(bad, images=range(4)))
        for out in (
            x.astype(np.complex128),
            np.empty((4, 5), np.complex64),
            np.empty((4, 12), np.complex64)[:, ::2],
            read_only,
            3,
        ):
            self.refused("out", lambda out=out: channel.apply(x, out=out))
        shared = np.zeros(48, np.complex64)
        self.refused(
            "out", lambda: channel.apply(shared[:24].reshape(4, 6), out=shared[1:25].reshape(4, 6))
        )
        odd = np.frombuffer(bytes(8 * 24 + 1), np.complex64, count=24, offset=1).reshape(4, 6)
        self.refused("x", lambda: channel.apply(odd))
        self.refused("x", lambda: channel.apply(x.astype(">c8")))
        for ids in (
            [-1, 0, 1, 2],
            [0, 1, 2, 2**32],
            [0.5, 1, 2, 3],
            "abcd",
            [[1, 2, 3, 4]],
            [None] * 4,
        ):
            self.refused("images", lambda ids=ids: channel.apply(x, images=ids))
        self.refused("x", lambda: channel.apply(x, images=[1, 2, 3]))
        self.refused("places", lambda: channel.apply(x, places=[1, 2]))
        for snr_db in ([1, 2], "x", np.nan):
            self.refused("snr_db", lambda snr_db=snr_db: channel.apply(x, snr_db=snr_db))
        self.refused(
            "fading", lambda: channel.apply(x, fading=semwave.Channel("mimo").realise(range(4)))
        )
        self.refused("fading", lambda: semwave.Channel("awgn").observe(channel.realise([1])))
        for kind in KINDS:
            with self.assertRaisesRegex(semwave.Error, "number 15 "):
                semwave.Channel(kind).apply(nan)
        for seed in (-1, 2**64, 1.5):
            with self.assertRaises((TypeError, OverflowError)):
                channel.apply(x, seed=seed)
        with self.assertRaises(TypeError):
            channel.apply(x, fading=3)

    def test_of_settings_say_where(self):
        self.refused(
            "channel: /snr_db", lambda: semwave.Channel({"kind": "awgn", "snr_db": "loud"})
        )
        self.refused("channel: /snr", lambda: semwave.Channel({"kind": "awgn", "snr": 3}))
        self.refused("channel", lambda: semwave.Channel("awgm"))
        for bad in (
            None,
            3,
            [],
            {},
            {"kind": "rayleigh", "csi": {"receiver": {"kind": "quantised", "bits": 99}}},
        ):
            with self.assertRaises(semwave.Error):
                semwave.Channel(bad)


class Threads(unittest.TestCase):
    def test_may_share_a_channel(self):
        channel, x = semwave.Channel("rayleigh"), symbols(200, 500)
        wanted, found = channel.apply(x).symbols, []
        threads = [
            threading.Thread(target=lambda: found.append(channel.apply(x).symbols))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(found), 8)
        for one in found:
            np.testing.assert_array_equal(one, wanted)
