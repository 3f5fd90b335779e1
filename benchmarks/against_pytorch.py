#!/usr/bin/env python3
"""semwave and PyTorch in turns on the yardstick: forward passes (batch 1 on one thread, batch 64 on two) and the training step.

Outputs of both are compared first. PyTorch is tuned: OpenBLAS for this processor, several formulations of the network, frozen graphs,
two threads inside an operation or two processes of one thread, vectors of 512 bits and a quieter allocator. A short turn picks the
fastest few; these and semwave then take turns. Exit status 1 where outputs differ, 2 where something is missing.
"""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import rounds
from rounds import Candidate, Failed, Server

TOLERANCE, TOLERANCE_ERF = 1e-3, 2e-3  # of the logits; PyTorch's fast path of a layer has the other GELU
# What the environment of a PyTorch process says. `plain`: the OpenBLAS kernels of a processor with 512-bit vectors, which OpenBLAS does not
# find by itself on new ones. `further`: PyTorch's own 512-bit kernels too, and activations that are not returned to the system each time.
TUNINGS = {
    "plain": {"OPENBLAS_CORETYPE": "SKYLAKEX"},
    "further": {"OPENBLAS_CORETYPE": "SKYLAKEX", "ATEN_CPU_CAPABILITY": "avx512", "MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "2147483648",
                "MALLOC_TOP_PAD_": "268435456"},
}


class Peer:
    """The processes of one tuning: one with two threads, a pair with one each."""

    def __init__(self, tuning, folder, python):
        self.tuning = tuning
        pair = Path(folder) / f"pair_{tuning}"
        pair.write_bytes(bytes(16))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("OMP_", "GOMP_", "OPENBLAS_", "MALLOC_", "ATEN_"))} | TUNINGS[tuning]
        start = lambda threads, place: Server([python, Path(__file__).with_name("pytorch_yardstick.py"), folder, threads, pair, place], environment)
        self.wide, self.pair = start(2, 0), (start(1, 0), start(1, 1))

    def servers(self):
        return (self.wide, *self.pair)

    def forward(self, server, name, batch, threads):
        def turn(repetitions):
            return [end - start for start, end in server.ask(f"forward\t{name}\t{batch}\t{repetitions}")["spans"]]
        return Candidate(f"PyTorch {self.tuning}, {name}, {threads} thread{'s' if threads > 1 else ''}", turn)

    def halves(self, name, batch):
        """Both begin at once with half of the batch each; from the first beginning to the last end."""
        def turn(repetitions):
            half = batch // 2
            for place, server in enumerate(self.pair):
                server.send(f"half\t{name}\t{place * half}\t{half}\t{repetitions}")
            spans = receive_all(self.pair)
            return [max(a[1], b[1]) - min(a[0], b[0]) for a, b in zip(spans[0]["spans"], spans[1]["spans"])]
        return Candidate(f"PyTorch {self.tuning}, {name}, 2 processes of 1 thread", turn)

    def training(self, name, batch):
        def turn(repetitions):
            return [end - start for start, end in self.wide.ask(f"train\t{name}\t{batch}\t{repetitions}")["spans"]]
        return Candidate(f"PyTorch {self.tuning}, {name}, 2 threads", turn)


def receive_all(servers):
    answers = [None] * len(servers)

    def receive(place):
        try:
            answers[place] = servers[place].receive()
        except Exception as error:
            answers[place] = error
    threads = [threading.Thread(target=receive, args=(place,)) for place in range(len(servers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def compare_outputs(peers, semwave, what):
    """Every formulation against semwave's logits and its first losses; Failed where one differs."""
    if "forward" in what:
        for peer in peers:
            worst = erf = 0.0
            for name in peer.wide.ask("forwards")["names"]:
                made = peer.wide.ask(f"check\t{name}\t64")
                limit = TOLERANCE_ERF if name.startswith("layer") else TOLERANCE
                if not made["difference"] <= limit:
                    raise Failed(f"PyTorch {peer.tuning}, {name}: logits differ by {made['difference']:.2e}, more than {limit:g}")
                if name.startswith("layer"):
                    erf = max(erf, made["difference"])
                else:
                    worst = max(worst, made["difference"])
            print(f"# logits of 64 images, PyTorch {peer.tuning} against semwave: largest difference {worst:.1e} of {made['largest']:.2f} "
                  f"(the fast path of a layer, with the erf GELU: {erf:.1e})", flush=True)
    if "train" in what:
        ours = semwave.ask("losses 64 3")["losses"]
        for peer in peers:
            worst = 0.0
            for name in peer.wide.ask("trainings")["names"]:
                theirs = peer.wide.ask(f"losses\t{name}\t64\t3")["losses"]
                worst = max([worst] + [abs(a - b) for a, b in zip(ours, theirs)])
            if not worst <= TOLERANCE:
                raise Failed(f"PyTorch {peer.tuning}: losses of three steps differ by {worst:.2e}, more than {TOLERANCE:g}")
            print(f"# losses of the first 3 steps, PyTorch {peer.tuning} against semwave: largest difference {worst:.1e}", flush=True)


def report(title, ours, peak, operations, candidates, results, key):
    """Prints the table and keeps the ratios: against the fastest peer of all, the fastest of each tuning, and the peak."""
    rounds.table(title, [ours] + candidates)
    best = min(candidates, key=lambda candidate: candidate.median)
    results[key] = {"peer": best.name, "ratio": rounds.quotient(best, ours), "seconds": ours.median, "peer_seconds": best.median}
    print(f"ratio to the fastest: {rounds.interval(results[key]['ratio'])}  ({best.name})")
    for tuning in TUNINGS:
        of_tuning = [candidate for candidate in candidates if candidate.name.startswith(f"PyTorch {tuning},")]
        if of_tuning and best not in of_tuning:
            other = min(of_tuning, key=lambda candidate: candidate.median)
            results[key][f"ratio_{tuning}"] = rounds.quotient(other, ours)
            print(f"ratio to the fastest of the {tuning} tuning: {rounds.interval(results[key][f'ratio_{tuning}'])}  ({other.name})")
    results[key]["share_of_peak"] = rounds.share_of_peak(peak, ours, operations)


def finalists(candidates, options):
    """The fastest few of each tuning by a short turn."""
    chosen = []
    for tuning in options.tunings:
        chosen += rounds.fastest([c for c in candidates if c.name.startswith(f"PyTorch {tuning},")], options.finalists, 3)
    return chosen


def measure_forward(peers, semwave, options, results):
    for key, batch, threads, repetitions in (("batch_1", 1, 1, options.repetitions_1), ("batch_64", 64, 2, options.repetitions_64)):
        title = f"forward, batch {batch}, {threads} thread{'s' if threads > 1 else ''}"
        print(f"\n# {title}: every formulation, one short turn each", flush=True)
        candidates = []
        for peer in peers:
            for name in peer.wide.ask("forwards")["names"]:
                candidates.append(peer.forward(peer.pair[0] if threads == 1 else peer.wide, name, batch, threads))
                if threads == 2:
                    candidates.append(peer.halves(name, batch))
        chosen, notes = finalists(candidates, options), {}
        ours = rounds.semwave_candidate(semwave, "forward", batch, threads, options.shard, notes)
        peak = rounds.peak_candidate(semwave, threads)
        rounds.interleave([ours, peak] + chosen, options.rounds, repetitions)
        report(f"{title}, {notes['shard']} images per shard" if batch > 1 else title, ours, peak, notes["operations"], chosen, results, key)


def measure_training(peers, semwave, options, results):
    print("\n# training step, batch 64, AdamW, 2 threads: every formulation, one short turn each", flush=True)
    chosen = finalists([peer.training(name, 64) for peer in peers for name in peer.wide.ask("trainings")["names"]], options)
    notes, forward = {}, semwave.ask("forward 64 2 1")
    ours = rounds.semwave_candidate(semwave, "train", 64, 2, options.shard, notes)
    peak = rounds.peak_candidate(semwave, 2)
    rounds.interleave([ours, peak] + chosen, options.rounds, options.repetitions_train)
    report(f"training step, batch 64, 2 threads, {notes['shard']} images per shard", ours, peak, 3 * forward["operations"], chosen, results, "train")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yardstick", default=os.environ.get("YARDSTICK", str(rounds.ROOT / "build" / "benchmarks" / "yardstick")), help="semwave's program")
    parser.add_argument("--python", default="/usr/bin/python3", help="interpreter that has PyTorch")
    parser.add_argument("--only", choices=["forward", "train"], help="half of it (default: both)")
    parser.add_argument("--tunings", nargs="+", choices=list(TUNINGS), default=list(TUNINGS), help="of PyTorch's environment")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--finalists", type=int, default=3, help="formulations of each tuning that take part in the rounds")
    parser.add_argument("--repetitions-1", type=int, default=60, help="in each round, batch 1")
    parser.add_argument("--repetitions-64", type=int, default=15, help="in each round, batch 64")
    parser.add_argument("--repetitions-train", type=int, default=7, help="in each round")
    parser.add_argument("--shard", type=int, default=0, help="images a thread of semwave takes at once (default: what the backend likes)")
    parser.add_argument("--json", default="", help="writes the ratios there")
    options = parser.parse_args()
    what = [options.only] if options.only else ["forward", "train"]
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the children end, the folder goes
    servers, results = [], {}
    with tempfile.TemporaryDirectory(prefix="semwave_peer_") as folder:
        try:
            semwave = rounds.semwave_server(options.yardstick)
            servers.append(semwave)
            subprocess.run([options.yardstick, "--export", folder], check=True)
            peers = []
            for tuning in options.tunings:
                peers.append(Peer(tuning, folder, options.python))
                servers += peers[-1].servers()
            versions = peers[0].wide.ask("versions")
            versions["libraries"] = " ".join(versions.pop("loaded"))
            tunings = {f"PyTorch {tuning}": " ".join(f"{key}={value}" for key, value in TUNINGS[tuning].items()) for tuning in options.tunings}
            rounds.heading("semwave and PyTorch on the yardstick", versions | tunings)
            if not any("openblas-openmp" in word for word in versions["libraries"].split()):
                print("# WARNING: the OpenMP build of OpenBLAS is not what PyTorch has loaded (apt install libopenblas0-openmp)")
            compare_outputs(peers, semwave, what)
            if "forward" in what:
                measure_forward(peers, semwave, options, results)
            if "train" in what:
                measure_training(peers, semwave, options, results)
        except (Failed, OSError, subprocess.CalledProcessError) as reason:
            print(f"against_pytorch: {reason}", file=sys.stderr)
            return 1
        finally:
            for server in servers:
                server.close()
    rounds.write_json(options.json, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
