#!/usr/bin/env python3
"""Draws docs/modules.svg from the #include lines: the modules, their folders, who uses whom, and the way of one image.

    docs/modules.py            writes it
    docs/modules.py --check    fails where it is not up to date, or where a step of the way is declared somewhere else
"""
import argparse
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BANDS = [["apps"], ["node", "python"], ["experiment"], ["transmitter", "receiver"], ["channel"], ["phy"], ["core"]]  # top down
# The way of one image: what is called, and where it is declared.
WAY = [
    ("realise", "channel/channel.h", "gains of the link"),
    ("observe", "channel/channel.h", "what the sender believes"),
    ("plan", "transmitter/policy/policy.h", "tokens, depth, symbols"),
    ("transmit", "transmitter/transmitter.h", "features to I/Q symbols"),
    ("apply", "channel/channel.h", "the symbols as heard"),
    ("receive", "receiver/receiver.h", "class and image"),
]
WIDTH, MARGIN, CHIP, GAP = 960, 16, 24, 8
COLOURS = {"apps": "#f2e6ff", "node": "#e6ecff", "python": "#e6ecff", "experiment": "#e0f4f4", "transmitter": "#e4f5e1", "receiver": "#e4f5e1",
           "channel": "#fff3d6", "phy": "#ffe8d9", "core": "#f0f0f0"}


def sources(module):
    for path in sorted((ROOT / module).rglob("*")):
        if path.suffix in (".h", ".cpp", ".cu", ".inc"):
            yield path


def included(path):
    return re.findall(r'^\s*#\s*include\s*"([^"]+)"', path.read_text(), re.M)


def modules():
    """Module -> (its folders, how many of its files include each other module)."""
    known = [module for band in BANDS for module in band]
    made = {}
    for module in known:
        folders, uses = set(), {}
        for path in sources(module):
            folder = path.parent.relative_to(ROOT / module)
            if str(folder) != ".":
                folders.add(str(folder))
            for other in {name.split("/")[0] for name in included(path)} - {module}:
                if other in known:
                    uses[other] = uses.get(other, 0) + 1
        made[module] = (sorted(folders), uses)
    return made


def text(x, y, words, size=13, anchor="start", weight="normal", fill="#222"):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="{fill}">'
            f"{words}</text>")


def box(x, y, width, height, fill, stroke="#888"):
    return f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{height:.0f}" rx="5" fill="{fill}" stroke="{stroke}"/>'


def band(module, folders, uses, x, y, width):
    """(height, drawing) of one module."""
    used = ", ".join(f"{name} ({count})" for name, count in sorted(uses.items(), key=lambda item: (-item[1], item[0])))
    made = [text(x + 10, y + 19, module + "/", 15, weight="bold"),
            text(x + width - 10, y + 18, "uses " + used if used else "uses no other module", 11, "end", fill="#555")]
    left, top = x + 10, y + 30
    for folder in folders:
        wide = 7.2 * len(folder) + 14
        if left + wide > x + width - 10:
            left, top = x + 10, top + CHIP + 4
        made += [box(left, top, wide, CHIP - 2, "white", "#bbb"), text(left + 7, top + 15, folder, 12)]
        left += wide + 6
    height = (top - y + CHIP + 8) if folders else 32
    return height, [box(x, y, width, height, COLOURS[module])] + made


def draw():
    known = modules()
    y, made = MARGIN, []
    for names in BANDS:
        width = (WIDTH - 2 * MARGIN - (len(names) - 1) * GAP) / len(names)
        drawn = [band(name, *known[name], MARGIN + at * (width + GAP), y, width) for at, name in enumerate(names)]
        for _, shapes in drawn:
            made += shapes
        y += max(height for height, _ in drawn) + GAP
    made.append(text(MARGIN, y + 8, "A module uses only what lies below it. In brackets: how many of its files do.", 12, fill="#555"))
    y += 36
    made.append(text(MARGIN, y, "The way of one image", 15, weight="bold"))
    wide = (WIDTH - 2 * MARGIN - (len(WAY) - 1) * 22) / len(WAY)
    for at, (call, where, words) in enumerate(WAY):
        x = MARGIN + at * (wide + 22)
        made += [box(x, y + 12, wide, 62, COLOURS[where.split("/")[0]]), text(x + wide / 2, y + 34, call, 14, "middle", "bold"),
                 text(x + wide / 2, y + 51, words, 10, "middle"), text(x + wide / 2, y + 66, where.split("/")[0] + "/", 10, "middle", fill="#555")]
        if at:
            made.append(f'<path d="M{x - 20:.0f} {y + 43:.0f} h14 m-5 -4 l5 4 l-5 4" fill="none" stroke="#444"/>')
    y += 90
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y:.0f}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y:.0f}" fill="white"/>'] + made + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description="draws docs/modules.svg")
    parser.add_argument("--check", action="store_true", help="write nothing: fail where the drawing is not up to date")
    options = parser.parse_args()
    for call, where, _ in WAY:
        if not re.search(rf"\b{call}\(", (ROOT / where).read_text()):
            sys.exit(f"{where} declares no {call}(): the way of one image has changed")
    drawing, file = draw(), ROOT / "docs" / "modules.svg"
    if not options.check:
        file.write_text(drawing)
    elif not file.exists() or file.read_text() != drawing:
        sys.exit("docs/modules.svg is not what the sources say: run docs/modules.py")


main()
