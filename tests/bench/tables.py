#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""tables.py limit|backing|above DATABASE [BASE NEW]: the tables of docs/nested-context.md.
tables.py quick DATABASE BASE NEW [DATABASE BASE NEW]...

limit, backing: medians of the switches and migrations of `nestlab run limit` or `backing`, averaged over the
boots of each kernel (default: baseline and nested-context). above: each median of NEW that is above that of
BASE by more than 0.5 %, with the parts of a metric. quick: what two kernels need for what `quick` measures, two
columns for each pair of them.
"""
import json
import sqlite3
import statistics
import sys

HEADLINES = ("switch", "migration")
BACKINGS = ["plain", "thp", "memfd", "memfd-shared", "hugetlb", "clean"]


def read(database, base, new):
    """{(scenario, parameters as text, metric): {kernel: median}} of what both kernels have."""
    found = {}
    rows = sqlite3.connect(database).execute(
        "SELECT kernel_name, ms.scenario, params, metric, median FROM metric"
        " JOIN run ON run.id = metric.run JOIN measurement ms ON ms.id = metric.measurement"
        " WHERE run.status = 'pass' AND better = 'lower'")
    for kernel, scenario, params, metric, median in rows:
        found.setdefault((scenario, params, metric), {}).setdefault(kernel, []).append(median)
    return {key: (statistics.mean(by[base]), statistics.mean(by[new]))
            for key, by in found.items() if base in by and new in by}


def cases(values):
    """{(case, n): {(memory, backing): (base, new)}} in the order of the documentation."""
    table = {}
    for (scenario, params, metric), pair in values.items():
        if metric not in HEADLINES:
            continue
        p = json.loads(params)
        order = (scenario == "migrate", "evmcs" in p["l1"], p["apic_pages"], p["l2_vcpus"] // p["l1_vcpus"])
        table.setdefault(order, {})[p["memory"], p.get("backing", "plain")] = pair
    return {("%s, %s%s" % ("eVMCS" if evmcs else "VMCS", "migrate" if moves else "multiplex",
                           ", APIC pages" if apic else ""), n): table[moves, evmcs, apic, n]
            for moves, evmcs, apic, n in sorted(table)}


def change(pair):
    return "%+.1f %%" % (100 * (pair[1] / pair[0] - 1))


def print_rows(heads, rows):
    print("|", " | ".join(heads), "|")
    print("|", " | ".join("---" for _ in heads), "|")
    for row in rows:
        print("|", " | ".join(row), "|")


def print_limit(values):
    heads = ["case", "n", "baseline managed", "series managed", "", "baseline unmanaged", "series unmanaged", ""]
    rows = []
    for (case, n), cells in cases(values).items():
        row = [case, str(n)]
        for memory in ("managed", "unmanaged"):
            pair = cells[memory, "plain"]
            row += ["%.0f" % pair[0], "%.0f" % pair[1], change(pair)]
        rows.append(row)
    print_rows(heads, rows)


def print_backing(values):
    table = cases(values)
    seen = {column for cells in table.values() for column in cells}
    columns = [(m, b) for m in ("managed", "unmanaged") for b in BACKINGS if (m, b) in seen]
    rows = []
    for (case, n), cells in table.items():
        rows.append([case, str(n)] + ["%.0f to %.0f, %s" % (*cells[c], change(cells[c])) if c in cells else "-"
                                      for c in columns])
    print_rows(["case", "n"] + [" ".join(c) for c in columns], rows)


def describe(scenario, p):
    """What one row of quick is."""
    words = [scenario, p.get("operation") or p.get("reason") or "", p["l1"], p["memory"]]
    return " ".join(w for w in words + (["APIC pages"] if p["apic_pages"] else []) if w)


def print_quick(columns):
    heads, rows = [""] + ["%s to %s" % (base, new) for base, new, _ in columns], {}
    for i, (_, _, values) in enumerate(columns):
        for (scenario, params, metric), pair in values.items():
            if metric in HEADLINES + ("exit", "resume"):
                row = rows.setdefault(describe(scenario, json.loads(params)), ["-"] * len(columns))
                row[i] = "%.0f to %.0f, %s" % (*pair, change(pair))
    print_rows(heads, [[name] + rows[name] for name in sorted(rows)])


def print_above(values):
    for (scenario, params, metric), pair in sorted(values.items(), key=lambda v: v[1][1] / v[1][0]):
        if pair[1] > 1.005 * pair[0]:
            p = json.loads(params)
            print("%s %s %.0f to %.0f, %+.2f %%: %s" % (scenario, metric, *pair, 100 * (pair[1] / pair[0] - 1), " ".join(
                "%s=%s" % (k, v) for k, v in p.items())))


def main():
    what, rest = sys.argv[1:2], sys.argv[2:]
    if what == ["quick"] and rest and len(rest) % 3 == 0:
        print_quick([(base, new, read(database, base, new))
                     for database, base, new in zip(rest[::3], rest[1::3], rest[2::3])])
        return
    printers = {"limit": print_limit, "backing": print_backing, "above": print_above}
    if not what or what[0] not in printers or len(rest) not in (1, 3):
        sys.exit(__doc__)
    printers[what[0]](read(rest[0], *(rest[1:] or ("baseline", "nested-context"))))


main()
