#!/usr/bin/env python3
"""The study of this folder, whole: runs, pictures, README.md. About 20 minutes on two free cores; what is done is kept in --work and not run again.

    docs/studies/baseline/make.py [--images N] [--work DIR] [--semwave PROGRAM] [--check]

With --check nothing of this folder is written: the page and pictures that would be are compared with those that are here, times aside, and each
line that differs is shown. Exit status 1 where one does: the page then states what this program does not print.

Fashion-MNIST at three budgets of channel uses an image, everything counted: the semantic pair against JPEG, WebP and HEIC behind channel
codes that adapt to the SNR, against the bound of a code at capacity, and against sending the label. What a semantic transmitter sends at
an SNR is decided by tables of the validation split, never on the test images. An image that takes more than the budget counts as lost.
"""
import argparse
import difflib
import json
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
sys.path.insert(0, str(ROOT / "benchmarks" / "claims"))
sys.path.insert(0, str(HERE))

from claim import mean_interval, wilson  # noqa: E402
from draw import Curves, page  # noqa: E402

BUDGETS = [128, 384, 1024]
SNRS = [-5, -2.5, 0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20]
CHANNELS = {"awgn": "AWGN", "rayleigh": "Rayleigh"}
CODECS = {"JPEG": "jpeg", "WebP": "webp", "HEIC": "heic"}
USES_AT_0_DB = [24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 576, 640, 704, 768, 1024, 1536, 2048]
TARGETS = [0.80, 0.85, 0.88, 0.90]
CLIFF_SNRS = [-5, 0, 5, 7, 8, 9, 9.5, 10, 10.5, 11, 12, 15, 20]
SCHEMES = ["semantic", "semantic, digital", "JPEG", "WebP", "HEIC", "HEIC at capacity", "label", "early exit"]
BITS_PER_VALUE = 2
DIGITAL = {"kind": "digital", "bits_per_value": BITS_PER_VALUE}
MODELS = {"class": ROOT / "models" / "fashion_class.safetensors", "image": ROOT / "models" / "fashion.safetensors"}
# Behind codecs, and at the sender of labels: trained on clean images alone, and on decoded ones too.
CLASSIFIERS = {"clean": ROOT / "models" / "fashion_classifier.safetensors", "decoded": ROOT / "models" / "fashion_classifier_decoded.safetensors"}
# The network of the semantic pair, its last exit head answering for every image: the class is in the header, and nothing else is sent.
EARLY_EXIT = {"kind": "semantic", "gate": {"kind": "learned", "at": [2]}, "exit": {"kind": "confidence", "threshold": 0.01, "from": 4, "answer": True},
              "policy": {"kind": "fixed", "keep": 1, "depth": 4, "symbols_per_token": 4}, "positions": "none"}
CLASSIFIER_SNRS = [0, 5, 10, 15]


def plan_of(plan):
    return {"kind": "fixed"} | {key: plan[key] for key in ("keep", "depth", "symbols_per_token")}


def key_of(plan):
    return plan["keep"], plan["depth"], plan["symbols_per_token"]


def network_of(table):
    return {key: value for key, value in table["network"].items() if key in ("gate", "positions")}


class Study:
    def __init__(self, options):
        self.options = options
        self.work = Path(options.work).resolve()
        self.digital = self.knows_digital()
        self.digital_tables = {}

    def knows_digital(self):
        """A program without the digital link leaves its curve out, and the page says so."""
        scenario = ROOT / "scenarios" / "digital.json"
        return scenario.exists() and subprocess.run([self.options.semwave, "validate", str(scenario)], capture_output=True).returncode == 0

    def run(self, name, settings):
        """Rows, and per row its records; on the test split."""
        folder = self.work / name
        command = [self.options.semwave, "run", str(ROOT / "scenarios" / "baseline.json"), "--quiet", "--out", str(folder)]
        for pointer, value in ({"/source/count": self.options.images, "/output/records": True} | settings).items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        print(f"# {name}", file=sys.stderr, flush=True)
        ended = subprocess.run(command, stdout=subprocess.DEVNULL)
        if ended.returncode != 0:
            sys.exit(f"make.py: semwave run ended with status {ended.returncode} ({name})")
        grid = json.loads((folder / "run.json").read_text())["points"]["grid"]
        rows = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()][:grid]
        records = {}
        with open(folder / "records.jsonl") as file:
            for line in file:
                record = json.loads(line)
                records.setdefault(record["point_sha256"], []).append((record["decision"] == record["label"], record.get("psnr_db"), record["uses"]["total"]))
        return [(row, records[row["point_sha256"]]) for row in rows]

    def digital_uses(self, task, source):
        """[bins] of {plan: uses} when its tokens go as bits, as `semwave budget` predicts them at the lower edge of each bin."""
        edges = [SNRS[0]] + source["edges_db"]
        plans = [plan_of(plan) for plan in source["plans"]]
        command = [self.options.semwave, "budget", str(ROOT / "scenarios" / "baseline.json"), "--quiet", "--json"]
        settings = {"/model": str(MODELS[task]), "/source/count": 1, "/channel": {"kind": "awgn", "snr_db": 0}, "/transmitter": {"kind": "semantic", "link": DIGITAL} | network_of(source),
                    "/sweep": {"/channel/snr_db": edges, "/transmitter/policy": plans}, "/metrics": ["accuracy"] if task == "class" else ["psnr"]}
        for pointer, value in settings.items():
            command += ["--set", f"{pointer}={json.dumps(value)}"]
        made = [{} for _ in edges]
        for line in subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines():
            row = json.loads(line)
            if "point" in row:
                made[edges.index(row["point"]["/channel/snr_db"])][key_of(row["point"]["/transmitter/policy"])] = row["channel_uses"]["total"]
        return made

    def policy(self, task, channel, budget, digital):
        """A table policy: for each bin of believed SNR the plan that was best on the validation split within the budget; where none is, the cheapest. Plans of the
        digital link are ranked by what they were worth as amplitudes."""
        source = json.loads((ROOT / "scenarios" / "tables" / f"fashion_{task}_{channel}.json").read_text())
        metric = "accuracy" if task == "class" else "psnr_db"
        if digital and (task, channel) not in self.digital_tables:
            self.digital_tables[task, channel] = self.digital_uses(task, source)
        entries = []
        for at, edge in enumerate([-200] + source["edges_db"]):
            uses = lambda plan: self.digital_tables[task, channel][at][key_of(plan)] if digital else plan["uses"][at]
            within = [plan for plan in source["plans"] if uses(plan) <= budget] or [min(source["plans"], key=uses)]
            entries.append({"from_db": edge} | plan_of(max(within, key=lambda plan: plan[metric][at])))
            entries[-1].pop("kind")
        path = self.work / "tables" / f"{task}_{channel}_{budget}{'_digital' if digital else ''}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"made_by": "docs/studies/baseline/make.py", "model_sha256": source["model_sha256"], "entries": entries})
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
        return {"kind": "semantic", "policy": {"kind": "table", "file": str(path)}} | network_of(source)

    def semantic(self, task, channel, budget, snrs, digital=False):
        transmitter = self.policy(task, channel, budget, digital) | ({"link": DIGITAL} if digital else {})
        return self.run(f"semantic_{task}_{channel}_{budget}" + ("_digital" if digital else ""),
                        {"/model": str(MODELS[task]), "/channel": {"kind": channel, "snr_db": 10}, "/transmitter": transmitter,
                         "/metrics": ["accuracy"] if task == "class" else ["psnr"], "/sweep": {"/channel/snr_db": snrs}})

    def separation(self, name, channel, budget, snrs, codec, extra=None, out=None, classifier="decoded"):
        transmitter = {"kind": "separation", "codec": codec, "budget": budget} | (extra or {})
        return self.run(out or f"{name.replace(' ', '_')}_{channel}_{budget}",
                        {"/model": str(CLASSIFIERS[classifier]), "/channel": {"kind": channel, "snr_db": 10}, "/transmitter": transmitter, "/metrics": ["accuracy", "psnr"],
                         "/sweep": {"/channel/snr_db": snrs}})

    def early_exit(self, channel, snrs):
        return self.run(f"early_exit_{channel}", {"/model": str(MODELS["class"]), "/channel": {"kind": channel, "snr_db": 10}, "/transmitter": EARLY_EXIT, "/metrics": ["accuracy"],
                                                  "/sweep": {"/channel/snr_db": snrs}})

    def label(self, channel, snrs):
        return self.run(f"label_{channel}", {"/model": str(CLASSIFIERS["clean"]), "/channel": {"kind": channel, "snr_db": 10}, "/transmitter": {"kind": "label"}, "/metrics": ["accuracy"], "/sweep": {"/channel/snr_db": snrs}})


class Point:
    """One scheme at one SNR and budget: worth with half of its 95 % interval, uses, and what the sender spends."""

    def __init__(self, row, records, budget, mean_psnr):
        over = [uses > budget for _, _, uses in records]
        right = [float(correct and not late) for (correct, _, _), late in zip(records, over)]
        self.accuracy = sum(right) / len(right)
        low, high = wilson(self.accuracy, len(right))
        self.accuracy_half = (high - low) / 2
        self.psnr_db = self.psnr_half = None
        if records[0][1] is not None:
            self.psnr_db, self.psnr_half = mean_interval([mean_psnr[i] if late and mean_psnr else psnr for i, ((_, psnr, _), late) in enumerate(zip(records, over))])
        self.uses = row["channel_uses"]["total"]
        self.over = sum(over) / len(over)
        self.unfit = row.get("separation", {}).get("unfit", 0)
        self.operations = row["flops"]["transmitter"]
        self.sender_seconds = row["seconds"]["transmitter"] / row["images"]
        self.codings = row.get("separation", {}).get("codings", {})


def gather(study):
    """{(channel, budget): {scheme: {"accuracy": [Point], "psnr": [Point]}}}, points by SNR."""
    # What a lost image is worth in PSNR: the mean training image, from a sender for whom nothing fits.
    lost = study.run("lost", {"/transmitter": {"kind": "separation", "codec": "jpeg", "budget": 128, "design_snr_db": -60}, "/metrics": ["accuracy", "psnr"], "/sweep": {}})
    mean_psnr = [psnr for _, psnr, _ in lost[0][1]]
    found = {}
    for channel in CHANNELS:
        labels, exits = study.label(channel, SNRS), study.early_exit(channel, SNRS)
        for budget in BUDGETS:
            points = lambda pairs: [Point(row, records, budget, mean_psnr) for row, records in pairs]
            both = lambda pairs: dict.fromkeys(("accuracy", "psnr"), points(pairs))
            panel = found[channel, budget] = {}
            panel["semantic"] = {"accuracy": points(study.semantic("class", channel, budget, SNRS)), "psnr": points(study.semantic("image", channel, budget, SNRS))}
            if study.digital:
                panel["semantic, digital"] = {"accuracy": points(study.semantic("class", channel, budget, SNRS, True)), "psnr": points(study.semantic("image", channel, budget, SNRS, True))}
            for name, codec in CODECS.items():
                panel[name] = both(study.separation(name, channel, budget, SNRS, codec))
            panel["HEIC at capacity"] = both(study.separation("HEIC at capacity", channel, budget, SNRS, "heic", {"transport": "capacity"}))
            panel["label"] = {"accuracy": points(labels)}
            panel["early exit"] = {"accuracy": points(exits)}
    return found, mean_psnr


def crossings(first, second, value):
    """SNRs at which the second curve overtakes the first or falls back behind it, between points by straight lines."""
    gaps = [(value(b) or 0) - (value(a) or 0) for a, b in zip(first, second)]
    made = []
    for i in range(len(SNRS) - 1):
        if gaps[i] * gaps[i + 1] < 0:
            made.append((SNRS[i] + (SNRS[i + 1] - SNRS[i]) * gaps[i] / (gaps[i] - gaps[i + 1]), gaps[i + 1] > 0))
    return gaps, made


def crossing_text(first, second, value):
    gaps, made = crossings(first, second, value)
    if not made:
        return "ahead everywhere" if min(gaps) > 0 else "never ahead" if max(gaps) <= 0 else "level at an end"
    return ", ".join(f"{'ahead' if ahead else 'behind'} from {snr:.1f} dB" for snr, ahead in made)


def draw_panels(folder, found):
    for metric, value, half, title, scale, low in (("accuracy", "accuracy", "accuracy_half", "accuracy, %", 100, 0), ("psnr", "psnr_db", "psnr_half", "PSNR, dB", 1, None)):
        charts = []
        for (channel, budget), panel in found.items():
            chart = Curves(f"{CHANNELS[channel]}, {budget} uses per image", "SNR, dB", title, low)
            for name in SCHEMES:
                if metric in panel.get(name, {}):
                    chart.add(name, [(snr, scale * getattr(p, value), scale * getattr(p, half)) for snr, p in zip(SNRS, panel[name][metric])])
            charts.append(chart)
        page(folder / f"{metric}.svg", charts, 3)


def cliff(folder, study, mean_psnr):
    adapting = study.separation("JPEG", "awgn", 384, CLIFF_SNRS, "jpeg", out="cliff_adapting")
    designed = study.separation("JPEG", "awgn", 384, CLIFF_SNRS, "jpeg", {"design_snr_db": 10}, out="cliff_designed")
    charts, made = [], []
    for title, value, half, scale in (("accuracy, %", "accuracy", "accuracy_half", 100), ("PSNR, dB", "psnr_db", "psnr_half", 1)):
        chart = Curves("AWGN, 384 uses: adapting, and designed for 10 dB", "SNR, dB", title)
        for name, pairs in (("JPEG", adapting), ("JPEG designed for 10 dB", designed)):
            chart.add(name, [(snr, scale * getattr(p, value), scale * getattr(p, half)) for snr, p in zip(CLIFF_SNRS, [Point(r, q, 384, mean_psnr) for r, q in pairs])])
        charts.append(chart)
    page(folder / "cliff.svg", charts, 2)
    for snr, (row, records) in zip(CLIFF_SNRS, designed):
        made.append((snr, Point(row, records, 384, mean_psnr), (row["separation"]["block_losses"] + row["header_losses"]) / row["images"]))
    return made


def uses_for(points, target):
    """Uses at which a curve (uses, accuracy), ascending in uses, first reaches the target; by straight lines in log uses."""
    points = sorted(points)
    for at, (uses, accuracy) in enumerate(points):
        if accuracy >= target:
            if at == 0:
                return uses, True
            before, worse = points[at - 1]
            share = (target - worse) / (accuracy - worse)
            return math.exp(math.log(before) + share * (math.log(uses) - math.log(before))), False
    return None, False


def at_0_db(study, mean_psnr):
    """{scheme: [(mean uses, accuracy)]} at 0 dB AWGN. The budget is what may be taken, the uses what was."""
    curves = {"semantic": []}
    for budget in USES_AT_0_DB:
        (row, records), = study.semantic("class", "awgn", budget, [0])
        point = Point(row, records, math.inf, mean_psnr)
        curves["semantic"].append((point.uses, point.accuracy))
    for name, codec in CODECS.items():
        pairs = [study.separation(name, "awgn", budget, [0], codec, out=f"{name}_0_db_{budget}")[0] for budget in USES_AT_0_DB if budget >= 128]
        curves[name] = [(p.uses, p.accuracy) for p in (Point(row, records, math.inf, mean_psnr) for row, records in pairs) if p.unfit < 0.5]
    for name, pairs in (("label", study.label("awgn", SNRS)), ("early exit", study.early_exit("awgn", SNRS))):
        point = Point(*pairs[SNRS.index(0)], math.inf, mean_psnr)
        curves[name] = [(point.uses, point.accuracy)]
    return curves


def by_classifier(study, found, mean_psnr):
    """{codec: {classifier: [Point]}} over AWGN, 384 uses: what pictures with artefacts cost a classifier that never saw any."""
    made = {}
    for name, codec in CODECS.items():
        at = [SNRS.index(snr) for snr in CLASSIFIER_SNRS]
        clean = study.separation(name, "awgn", 384, CLASSIFIER_SNRS, codec, out=f"{name}_clean_classifier", classifier="clean")
        made[name] = {"clean": [Point(row, records, 384, mean_psnr) for row, records in clean], "decoded": [found["awgn", 384][name]["accuracy"][i] for i in at]}
    return made


def ahead(first, second):
    """SNRs at which the first is more accurate than the second by more than both intervals allow."""
    return [snr for snr, a, b in zip(SNRS, first, second) if a.accuracy - a.accuracy_half > b.accuracy + b.accuracy_half]


def class_of_ten(found):
    """What sending features is worth where one of ten classes is all that is asked for."""
    out = ["## What one class of ten can show", "",
           "One class of ten is 3.3 bits, so the strongest rival sends the answer. **early exit** does so with the network of the semantic pair: its last exit head answers, and the",
           "class travels in the header. **label** does so with a classifier of about as many parameters as that pair, trained with at least as many operations. Neither needs a receiver that computes.",
           "Where one of two rows is more accurate than the other by more than their 95 % intervals:", "",
           "| channel, uses | features ahead of early exit | early exit ahead of features | features ahead of label | label ahead of features |", "|---|---|---|---|---|"]
    words = lambda snrs: ", ".join(f"{snr:g}" for snr in snrs) + " dB" if snrs else "nowhere"
    for (channel, budget), panel in found.items():
        features, exits, label = (panel[name]["accuracy"] for name in ("semantic", "early exit", "label"))
        out.append(f"| {CHANNELS[channel]}, {budget} | {words(ahead(features, exits))} | {words(ahead(exits, features))} | {words(ahead(features, label))} | {words(ahead(label, features))} |")
    panel, at = found["awgn", 384], SNRS.index(10)
    features, exits, label = (panel[name]["accuracy"][at] for name in ("semantic", "early exit", "label"))
    out += ["", f"At 10 dB AWGN features take {features.uses:.0f} channel uses for {100 * features.accuracy:.1f} %, early exit {exits.uses:.0f} for {100 * exits.accuracy:.1f} %, label {label.uses:.0f} for {100 * label.accuracy:.1f} %.",
            "So this task cannot show that features should be sent: it shows what a link costs that carries them. Sending features is of use where the transmitter may not compute to the end, where",
            "it does not know the question, or where more than a class is asked for: a rebuilt image, below and above in this study."]
    return out


def write_page(folder, study, found, steps, curves, classifiers):
    images = study.options.images
    out = ["# The honest baseline: separate coding beside the semantic pair", "",
           f"Made by `docs/studies/baseline/make.py` ({images} test images of Fashion-MNIST per point; intervals of 95 %). All channel uses count: header, CRC, code, payload; the receiver knows the channel. Over Rayleigh one fade",
           "holds for an image and the transmitter knows it (its best case: the codes adapt image by image). `make.py --check` compares this page with what the program prints. Schemes:", "",
           "- **semantic**: tokens as amplitudes. Class: `models/fashion_class.safetensors`, tokens as a set; image: `models/fashion.safetensors`. The plan for each SNR is the best on the validation split within the budget.",
           f"- **semantic, digital**: the same tokens as bits ({BITS_PER_VALUE} a value), coded and modulated." if study.digital else "- *semantic, digital* is not in these figures: the program they were made with has no digital link.",
           "- **JPEG, WebP, HEIC**: the best quality whose stream fits, LDPC or polar code and QAM by the believed SNR with a predicted loss of at most 1 %; where nothing fits, nothing is sent and the image is lost. What the codecs need not send: `core/data/codec/`. HEIC is the stand-in for BPG; libheif codes 28 x 28 as 64 x 64, which costs it a few bits.",
           "- **HEIC at capacity**: a bound, not a link: the same codec over an ideal code at Shannon capacity, without header.",
           "- **label**: classify at the transmitter, send four bits: `models/fashion_classifier.safetensors`, trained on clean images. Behind the codecs stands `models/fashion_classifier_decoded.safetensors`, which has seen decoded pictures too.",
           "- **early exit**: `models/fashion_class.safetensors` again, every image answered by its last exit head, the class in the header.", "",
           "## Accuracy", "", "![accuracy against SNR](accuracy.svg)", "", "## PSNR", "", "![PSNR against SNR](psnr.svg)", "",
           "A lost image is worth the mean training image.", "", "## Crossovers", "",
           "Where each rival overtakes the semantic pair, between points by straight lines:", "", "| channel, uses | metric | JPEG | WebP | HEIC | HEIC at capacity | label | early exit |", "|---|---|---|---|---|---|---|---|"]
    for (channel, budget), panel in found.items():
        for metric, value in (("accuracy", lambda p: p.accuracy), ("psnr", lambda p: p.psnr_db)):
            cells = [crossing_text(panel["semantic"][metric], panel[name][metric], value) if metric in panel[name] else "-" for name in ("JPEG", "WebP", "HEIC", "HEIC at capacity", "label", "early exit")]
            out.append(f"| {CHANNELS[channel]}, {budget} | {metric} | " + " | ".join(cells) + " |")
    out += ["", "## The cliff", "", "JPEG at 384 uses over AWGN, once adapting to the SNR and once designed for 10 dB:", "", "![the cliff](cliff.svg)", "", "| SNR, dB | accuracy | PSNR, dB | images lost |", "|---|---|---|---|"]
    out += [f"| {snr:g} | {100 * p.accuracy:.1f} % | {p.psnr_db:.2f} | {100 * lost:.1f} % |" for snr, p, lost in steps]
    out += ["", "## Uses for equal accuracy at 0 dB", "", "AWGN, mean channel uses per image at which a curve of accuracy against uses reaches the target, and how many times those of the semantic pair that is:", "",
            "| accuracy | " + " | ".join(curves) + " |", "|---|" + "---|" * len(curves)]
    for target in TARGETS:
        own, _ = uses_for(curves["semantic"], target)
        cells = []
        for name, points in curves.items():
            uses, least = uses_for(points, target)
            ratio = f" ({uses / own:.1f}x)" if uses and own and name != "semantic" else ""
            cells.append("not reached" if uses is None else f"{'at most ' if least else ''}{uses:.0f}{ratio}")
        out.append(f"| {100 * target:.0f} % | " + " | ".join(cells) + " |")
    out += [""] + class_of_ten(found)
    out += ["", "## The classifier behind the codecs", "", "Accuracy over AWGN with 384 uses, once with the classifier that was trained on clean images alone and once with the one that has seen decoded pictures too:", "",
            "| codec, classifier | " + " | ".join(f"{snr:g} dB" for snr in CLASSIFIER_SNRS) + " |", "|---|" + "---|" * len(CLASSIFIER_SNRS)]
    for name, of_codec in classifiers.items():
        out += [f"| {name}, {kind} | " + " | ".join(f"{100 * p.accuracy:.1f} %" for p in points) + " |" for kind, points in of_codec.items()]
    out += ["", "## What the transmitter works", "", "At 10 dB AWGN, 384 uses. A codec's work is not multiply-adds: it counts as no network operations, its time on this machine stands beside it (search for the quality included, streams", "that were encoded before taken from memory; the times are those of one run and not a measurement).", "",
            "| scheme | MFLOP per image | ms per image | uses | accuracy | PSNR, dB | nothing fits |", "|---|---|---|---|---|---|---|"]
    panel, at = found["awgn", 384], SNRS.index(10)
    for name in SCHEMES:
        for metric in ("accuracy", "psnr"):
            if name not in panel or metric not in panel[name] or (metric == "psnr" and not name.startswith("semantic")):
                continue
            p = panel[name][metric][at]
            psnr = f"{p.psnr_db:.2f}" if p.psnr_db is not None else "-"
            accuracy = "-" if name.startswith("semantic") and metric == "psnr" else f"{100 * p.accuracy:.1f} %"
            out.append(f"| {name}{', image' if metric == 'psnr' else ''} | {p.operations / 1e6:.1f} | {1e3 * p.sender_seconds:.2f} | {p.uses:.0f} | {accuracy} | {psnr} | {100 * p.unfit:.1f} % |")
    out += ["", "## Every point", "", "| channel, uses | scheme | " + " | ".join(f"{snr:g}" for snr in SNRS) + " |", "|---|---|" + "---|" * len(SNRS)]
    for (channel, budget), panel in found.items():
        for name in SCHEMES:
            for metric in panel.get(name, {}):
                cells = [f"{100 * p.accuracy:.1f}" if metric == "accuracy" else f"{p.psnr_db:.1f}" for p in panel[name][metric]]
                out.append(f"| {CHANNELS[channel]}, {budget} | {name}, {'accuracy %' if metric == 'accuracy' else 'PSNR dB'} | " + " | ".join(cells) + " |")
            first = panel.get(name, {}).get("accuracy", [None])[0]
            if first is not None and name in list(CODECS):
                out.append(f"| {CHANNELS[channel]}, {budget} | {name}, nothing fits % | " + " | ".join(f"{100 * p.unfit:.0f}" for p in panel[name]["accuracy"]) + " |")
    (folder / "README.md").write_text("\n".join(out) + "\n")


def without_times(text):
    """The page without the milliseconds of one run, which no other run prints again."""
    return re.sub(r"^(\| [^|]+ \| [\d.]+ \|) [\d.]+ \|", r"\1 - |", text, flags=re.MULTILINE)


def compare(folder):
    """Lines in which page and pictures of this folder differ from those just made."""
    different = 0
    for name in ("README.md", "accuracy.svg", "psnr.svg", "cliff.svg"):
        here, made = (without_times((place / name).read_text()) if (place / name).exists() else "" for place in (HERE, folder))
        lines = [line for line in difflib.unified_diff(here.splitlines(), made.splitlines(), f"{name} (stated)", f"{name} (printed)", lineterm="", n=0)]
        different += sum(line[0] in "+-" and line[:3] not in ("+++", "---") for line in lines)
        if name.endswith(".md"):
            print("\n".join(lines))
        elif lines:
            print(f"{name} differs")
    print(f"{'PASS' if different == 0 else 'FAIL'}  lines of the study that the program does not print: {different}  (0 wanted)")
    return different == 0


def main():
    parser = argparse.ArgumentParser(description="runs the study of separate coding and draws it")
    parser.add_argument("--images", type=int, default=1000, help="test images per point")
    parser.add_argument("--work", default=str(ROOT / "build" / "studies" / "baseline"))
    parser.add_argument("--semwave", default=str(ROOT / "build" / "semwave"))
    parser.add_argument("--check", action="store_true", help="write nothing: compare this folder with what would be written")
    study = Study(parser.parse_args())
    found, mean_psnr = gather(study)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if study.options.check else HERE
        draw_panels(folder, found)
        write_page(folder, study, found, cliff(folder, study, mean_psnr), at_0_db(study, mean_psnr), by_classifier(study, found, mean_psnr))
        if study.options.check and not compare(folder):
            sys.exit(1)


main()
