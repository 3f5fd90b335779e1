#!/usr/bin/env python3
"""Every kind of channel against its closed forms: antennas, tapped delay lines over OFDM, loss, impulses, phase noise, traces, interference; capacity and the normal
approximation; and the trap of public code, which moves a curve of `semwave run` by exactly 3.01 dB."""
import math

from claim import measure
from suite import build_folder, demand

SCENARIO = "scenarios/class_awgn.json"
SHIFT = 10 * math.log10(2)


def trap(claim):
    """The same images through the named convention and through the default 3.01 dB higher up: the same decisions, image by image."""
    images = 300 if claim.options.quick else 1000
    base = {"/sweep": {}, "/stop": {}, "/source/count": images, "/transmitter/policy/keep": 0.0625, "/transmitter/policy/symbols_per_token": 1, "/output": {"records": True}}
    moved = differing = total = 0
    for snr_db in (-8, -5, -2, 1):
        def run(name, conventions, at):
            out = f"{name}_{snr_db}"
            rows, _ = claim.run(SCENARIO, base | {"/conventions": conventions, "/channel": {"kind": "rayleigh", "snr_db": at}}, out=out)
            return rows[0], [record["decision"] for record in next(iter(claim.records(out).values()))]
        named, a = run("named", {"snr": "per_real_value"}, snr_db)
        _, b = run("higher", {}, snr_db + SHIFT)
        plain, _ = run("plain", {}, snr_db)
        if named["conventions"].get("snr") != "per_real_value" or "snr" in plain["conventions"]:
            claim.check("the row names the convention", named["conventions"], False, "snr: per_real_value where chosen, and only there")
        differing += sum(x != y for x, y in zip(a, b))
        total += len(a)
        moved += named["correct"] - plain["correct"]
        claim.note(f"{snr_db:+d} dB: accuracy {plain['accuracy']:.3f} by the default, {named['accuracy']:.3f} by the convention of public code")
    claim.check(f"decisions that differ from those of the default {SHIFT:.2f} dB higher up", f"{differing} of {total}", differing == 0, "none")
    claim.check("images that the convention wins on paper", moved, moved > 0, "more than none")


def body(claim):
    demand(claim, "capacity, ergodic capacity, outage, normal approximation", r"^Capacity\.", 8, "every figure of the conventions")
    demand(claim, "detectors (Eigen's, too) and combining, CSI, uses", r"^(Detection|Antennas)\.", 8, "exact, or within four standard errors")
    demand(claim, "profiles, time-domain convolution against tones, interference beyond the prefix, estimates, uses", r"^(TapProfiles|Ofdm)\.", 9, "1e-5 within the prefix; theory within four standard errors beyond")
    demand(claim, "lost tokens and packets, Gilbert-Elliott", r"^Loss\.", 5, "within four standard errors")
    demand(claim, "impulses, interference, phase noise", r"^(Impulses|Interference|PhaseNoise)\.", 6, "within four standard errors")
    demand(claim, "traces and what is refused of them", r"^Trace\.", 6, "exact")
    demand(claim, "outage and phase of Rayleigh fades", r"^Fading\.", 4, "within four standard errors")
    demand(claim, "moments, laws and error variances of Nakagami fades", r"^Nakagami\.", 5, "within four standard errors")
    demand(claim, "chains: each kind to the last bit, orders that mean nothing refused", r"^Chain\.", 4, "exact")
    trap(claim)


def arguments(parser):
    build_folder(parser)
    parser.add_argument("--quick", action="store_true", help="fewer images for the 3.01 dB")


measure("channels against their closed forms", body, arguments)
