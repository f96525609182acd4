#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""expressions.py [--measure] FILE...: conditional expressions, functions and comments of C files.

Prints a line for each fault: a statement with more than one `?:`, `ret = ret ? ...`, a function of more
than 60 lines. With --measure it prints instead, per folder: lines, conditional expressions per 1,000
lines, the share of lines in .c and .h files that carry a comment, the longest function and file.
"""
import os, re, sys

FUNCTION_MAX = 60


def strip(text):
    """Comments, strings and character constants blanked, line breaks kept."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m.group(0)), text, flags=re.S)


def functions(code):
    """(name, first line, lines) of each function: `{` and `}` in the first column."""
    lines, start = code.split("\n"), None
    for i, line in enumerate(lines):
        if line.startswith("{"):
            head = i - 1
            while head > 0 and lines[head - 1].strip() and not re.match(r"[};#]", lines[head - 1]):
                head -= 1
            name = re.search(r"(\w+)\s*\(", " ".join(lines[head:i]))
            start = (name.group(1) if name else "?", head + 1)
        elif line.startswith("}") and start:
            yield start[0], start[1], i - start[1] + 2
            start = None


def faults(path, code):
    at = 0
    for statement in re.split(r"[;{}]", code):
        line = code.count("\n", 0, at + len(statement) - len(statement.lstrip())) + 1
        if statement.count("?") > 1:
            yield f"{path}:{line}: {statement.count('?')} conditional expressions in a statement"
        elif re.search(r"\bret = ret \?|\bret = !ret \?", statement):
            yield f"{path}:{line}: `ret = ret ? ...`: return, or goto the end"
        at += len(statement) + 1
    for name, line, lines in functions(code):
        if lines > FUNCTION_MAX:
            yield f"{path}:{line}: {name}() has {lines} lines"


def measure(paths):
    folders = {}
    for path in paths:
        text = open(path, encoding="utf-8").read()
        code = strip(text)
        f = folders.setdefault(os.path.dirname(path), {"lines": 0, "files": 0, "q": 0, "fn": (0, ""),
                               "file": (0, ""), ".c": [0, 0], ".h": [0, 0], "names": 0, "one": 0})
        n = text.count("\n")
        f["lines"] += n
        f["files"] += 1
        f["q"] += code.count("?")
        f["file"] = max(f["file"], (n, path))
        for name, _, lines in functions(code):
            f["fn"] = max(f["fn"], (lines, name))
            f["names"] += 1
            f["one"] += "_" not in name
        kept = [(a, b) for a, b in zip(text.split("\n"), code.split("\n")) if a.strip()]
        share = f[os.path.splitext(path)[1]]
        share[0] += sum(bool(re.search(r"//|/\*|^\s*\*", a)) and "SPDX" not in a for a, _ in kept)
        share[1] += len(kept)
    print(f"{'folder':24} files  lines  ?/kloc  .c com  .h com  one-word  longest function, file")
    total = [0, 0, 0, 0]
    for name, f in sorted(folders.items()):
        total = [a + b for a, b in zip(total, (f["lines"], f["q"], f["names"], f["one"]))]
        share = [f"{100 * f[e][0] / f[e][1]:.0f} %" if f[e][1] else "-" for e in (".c", ".h")]
        print(f"{name:24} {f['files']:5} {f['lines']:6} {1000 * f['q'] / f['lines']:7.1f} "
              f"{share[0]:>7} {share[1]:>7} {f['one']:4}/{f['names']:<4} {f['fn'][1]} {f['fn'][0]}, "
              f"{os.path.basename(f['file'][1])} {f['file'][0]}")
    print(f"in all: {total[0]} lines, {1000 * total[1] / total[0]:.1f} conditional expressions per 1,000; "
          f"{total[3]} of {total[2]} functions have a one-word name ({100 * total[3] / total[2]:.1f} %)")


if sys.argv[1] == "--measure":
    measure(sys.argv[2:])
else:
    for path in sys.argv[1:]:
        for fault in faults(path, strip(open(path, encoding="utf-8").read())):
            print(fault)
