#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""circles.py BUILD: prints each circle of source files, a line each.

File A knows file B when A's object needs a symbol that B's defines. Headers do not tell: two files may
declare their functions in one. Looked at are the library and programs, the agent and L1 as built.
"""
import os, subprocess, sys


def list_objects(root):
    names = []
    for folder, _, files in os.walk(root):
        for f in files:
            name = os.path.relpath(os.path.join(folder, f), root)
            source = os.path.splitext(name)[0]
            # not the tests, nor what is left of a file that was moved
            there = any(os.path.exists(source + e) for e in ("", ".c", ".S"))
            if f.endswith(".o") and there and not name.startswith("tests/"):
                names.append(name)
    return names


def symbols(root, names):
    """By object, what it defines for others, and what it needs of them. One nm for all: to start 900 takes ten seconds."""
    defined, needed = {f: set() for f in names}, {f: set() for f in names}
    out = subprocess.run(["nm", "-A", "-g", *names], cwd=root, capture_output=True, text=True, check=True).stdout
    for line in out.splitlines():
        f, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        (needed if kind in "Uvw" else defined)[f].add(name)
    return defined, needed


def arrows(root):
    names = list_objects(root)
    if not names:
        return {}
    defined, needed = symbols(root, names)
    owner = {s: f for f in names for s in defined[f]}
    return {f: {owner[s]: s for s in sorted(needed[f]) if owner.get(s, f) != f} for f in names}


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
