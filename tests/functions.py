#!/usr/bin/env python3
"""No function of the sources is longer than 80 lines, no line longer than 100 columns. Prints what is; exit status 1 then."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 80
WIDEST = 100
# A line that opens a function's body: a closing parenthesis, what may follow it, the brace.
OPENS = re.compile(r"(\)|\} *:.*\)|\}) *(const)? *(noexcept)? *(override|final)? *(-> *[\w:<>*&, ]+)? *\{$")
NOT_ONE = re.compile(r"\s*(namespace|class|struct|enum|union|extern|switch|if|for|while|do|else|return|case)\b")


def functions(lines):
    """(line, length) of each body that begins at the margin of a file or of a class."""
    for number, line in enumerate(lines):
        if not OPENS.search(line):
            continue
        first = number  # of the statement that the brace ends
        while first > 0 and not re.search(r"([;{}:]|^\s*//.*|^)$", lines[first - 1].rstrip()):
            first -= 1
        indent = len(lines[first]) - len(lines[first].lstrip())
        if indent not in (0, 2) or NOT_ONE.match(lines[first]):
            continue
        end = number + 1
        while end < len(lines) and not lines[end].startswith(" " * indent + "}"):
            end += 1
        yield number + 1, end - number + 1


def main():
    listed = subprocess.run(["git", "ls-files", "*.h", "*.cpp", "*.cu", "*.cuh"], cwd=ROOT, capture_output=True, text=True, check=True)
    faults = 0
    for name in listed.stdout.split():
        lines = (ROOT / name).read_text().split("\n")
        for number, line in enumerate(lines, 1):
            if len(line) > WIDEST:
                print(f"{name}:{number}: {len(line)} columns")
                faults += 1
        for number, length in set(functions(lines)):
            if length > LONGEST:
                print(f"{name}:{number}: a function of {length} lines")
                faults += 1
    sys.exit(1 if faults else 0)


main()
