#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""circles.py BUILD: prints each circle of source files, a line each.

File A knows file B when A's object needs a symbol that B's defines. Headers do not tell: two files may
declare their functions in one. Looked at are the library and programs, the agent and L1 as built.
"""
import os, subprocess, sys


def symbols(path):
    """What an object defines for others, and what it needs of them."""
    defined, needed = set(), set()
    out = subprocess.run(["nm", "-g", path], capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        kind, name = line.split()[-2:]
        (needed if kind in "Uvw" else defined).add(name)
    return defined, needed


def arrows(root):
    objects = {}
    for folder, _, files in os.walk(root):
        for f in files:
            path = os.path.join(folder, f)
            name = os.path.relpath(path, root)
            source = os.path.splitext(name)[0]
            # not the tests, nor what is left of a file that was moved
            there = any(os.path.exists(source + e) for e in ("", ".c", ".S"))
            if f.endswith(".o") and there and not name.startswith("tests/"):
                objects[name] = symbols(path)
    owner = {s: f for f, (defined, _) in objects.items() for s in defined}
    return {f: {owner[s]: s for s in sorted(needed) if owner.get(s, f) != f}
            for f, (_, needed) in objects.items()}


def circles(graph):
    """Sets of files that lead to each other (Tarjan's strongly connected components)."""
    index, low, stack, found = {}, {}, [], []

    def visit(v):
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in graph[v]:
            if w not in index:
                visit(w)
            if w in stack:
                low[v] = min(low[v], low[w])
        if low[v] == index[v]:
            at = stack.index(v)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10000)
    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


build = sys.argv[1]
for part in ("obj", "agent", "l1"):
    root = os.path.join(build, part)
    if not os.path.isdir(root):
        print(f"{root}: not built")
        continue
    graph = arrows(root)
    if not graph:
        print(f"{root}: nothing in it")
    for circle in circles(graph):
        ties = [f"{a} -> {b} ({s})" for a in circle for b, s in graph[a].items() if b in circle]
        print(f"{part}: " + ", ".join(ties))
