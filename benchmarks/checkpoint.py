#!/usr/bin/env python3
"""Two changes to a safetensors file of semwave; the numbers of its weights stay byte for byte as they are.

    benchmarks/checkpoint.py strip results/train/training.safetensors kept/training.safetensors
    benchmarks/checkpoint.py range models/fashion.safetensors -5 20

strip: takes the optimiser's moments out of a training state; a third of the size is left. Under the name training.safetensors in the --out
folder of its training it is what `semwave train --resume` goes on from: at its step of the schedule, with moments gathered anew.

range: says in the metadata which SNRs, in dB, the model was trained for, as `semwave train` says it of new models. What the networks are
told of the state of the channel ends there.
"""
import argparse
import json
import os
import struct
import sys

WEIGHTS = ("transmitter.", "receiver.", "classifier.")


def read(path):
    """Header (an object) and numbers of a safetensors file."""
    with open(path, "rb") as file:
        content = file.read()
    length = struct.unpack("<Q", content[:8])[0] if len(content) >= 8 else len(content)
    if len(content) < 8 + length:
        sys.exit(f"{path}: truncated, or no safetensors file")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def write(path, header, numbers):
    """Whole or not at all; laid out as semwave itself does it, so that equal contents are equal bytes."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + numbers)
    os.replace(path + ".part", path)


def strip(header, numbers):
    """Header and numbers of the weights alone."""
    kept, parts, end = {"__metadata__": header["__metadata__"]}, [], 0
    for name in sorted(name for name in header if name.startswith(WEIGHTS)):
        begin, stop = header[name]["data_offsets"]
        parts.append(numbers[begin:stop])
        kept[name] = header[name] | {"data_offsets": [end, end + stop - begin]}
        end += stop - begin
    return kept, b"".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    action = actions.add_parser("strip", help="a training state without moments")
    action.add_argument("file", help="training.safetensors as semwave train wrote it")
    action.add_argument("out", help="file to write")
    action = actions.add_parser("range", help="the SNRs a model was trained for")
    action.add_argument("file", help="the model, changed in place")
    action.add_argument("low_db", type=float)
    action.add_argument("high_db", type=float)
    options = parser.parse_args()

    header, numbers = read(options.file)
    metadata = header.get("__metadata__", {})
    needed = "semwave.step" if options.action == "strip" else "semwave.architecture"
    if needed not in metadata:
        sys.exit(f"{options.file}: has no {needed} in its metadata")
    if options.action == "strip":
        write(options.out, *strip(header, numbers))
        return
    if not -200 <= options.low_db <= options.high_db <= 200:
        sys.exit("expected -200 <= low_db <= high_db <= 200")

    metadata["semwave.conditioning"] = json.dumps({"snr_db": [options.low_db, options.high_db]}, separators=(",", ":"))
    header["__metadata__"] = dict(sorted(metadata.items()))
    write(options.file, header, numbers)


if __name__ == "__main__":
    main()
