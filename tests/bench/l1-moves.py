#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Moves a Linux L1 with eight running L2s many times, by QEMU (or libvirt: --vmm): 50 saves with their restores and 20 live migrations of both
kinds, in boots of ten saves and four migrations each, and prints how they went and the distribution of their downtime.

    tests/bench/l1-moves.py nested-context
    tests/bench/l1-moves.py --boots 1 --l1 linux-evmcs baseline

A boot takes 8 thousand million instructions a kind of L1, two to three minutes of a free core. Exit status: that of the run.
"""
import argparse, json, os, glob, subprocess, sys, tempfile

LINEAR, SUB = 2048, 1024  # common/histogram.h


def value_of(bucket):
    if bucket < LINEAR:
        return bucket
    e, rest = divmod(bucket - LINEAR, SUB)
    return (SUB + rest) << (e + 1)


def read_records(folder, kernel):
    """{(scenario and L1): [the records of its boots]} of @kernel."""
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "runs", "*", f"{kernel}-moves-*", "records.jsonl"))):
        with open(path) as f:
            for line in f:
                r = json.loads(line)
                found.setdefault(r.get("id"), []).append(r)
    return found


def quantile(values, share):
    return values[min(len(values) - 1, int(share * len(values)))]


def describe(what, records):
    buckets, most, counters, fails = {}, 0, {}, []
    for r in records:
        if r["type"] == "metric" and r["metric"] == "downtime":
            most = max(most, r["max"])
            for b, n in r["hist"]:
                buckets[b] = buckets.get(b, 0) + n
        elif r["type"] == "counters":
            for k, v in r["values"].items():
                counters[k] = counters.get(k, 0) + v
        elif r["type"] == "fail":
            fails.append(f"{r['text']}: expected {r['expected']}, found {r['found']}")
    values = [value_of(b) for b in sorted(buckets) for _ in range(buckets[b])]
    said = ", ".join(f"{k} {v}" for k, v in sorted(counters.items()) if k.startswith("l1_"))
    print(f"{what}: {said or 'no move was counted'}")
    if values:
        m = [f"{name} {v / 1e6:.1f}" for name, v in (("median", quantile(values, 0.5)),
                                                    ("p90", quantile(values, 0.9)), ("max", most))]
        print(f"  downtime of {len(values)}, million clock units: {', '.join(m)}")
    for f in fails:
        print(f"  FAIL {f}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("kernel")
    p.add_argument("--boots", type=int, default=5)
    p.add_argument("--l1", nargs="+", default=["linux-kvm", "linux-evmcs"])
    p.add_argument("--saves", type=int, default=10, help="of each L1 in a boot (10)")
    p.add_argument("--migrations", type=int, default=4, help="likewise (4)")
    p.add_argument("--vmm", default="qemu", help="libvirt: live from one libvirt to another (qemu)")
    p.add_argument("--l2", type=int, nargs="+", default=[8], help="L2s; several: a measurement of each, so that one that fails "
                   "leaves the others' downtime (8)")
    p.add_argument("--folder", help="for plan, database and runs (a new one)")
    p.add_argument("--nestlab", default=os.path.join(os.path.dirname(__file__), "../../build/bin/nestlab"))
    a = p.parse_args()
    folder = os.path.abspath(a.folder or tempfile.mkdtemp(prefix="l1-moves-"))
    plan = [{"scenario": s, "l1": l1, "vmm": a.vmm, "l2_vcpus": l2, "rounds": n}
            for s, n in (("l1-save-restore", a.saves), ("l1-live-migrate", a.migrations)) if n for l1 in a.l1
            for l2 in a.l2]
    with open(os.path.join(folder, "moves.json"), "w") as f:
        json.dump({"scenarios": plan}, f)
    run = subprocess.run([a.nestlab, "run", os.path.join(folder, "moves.json"), "--kernel", a.kernel, "--boots",
                          str(a.boots), "--db", os.path.join(folder, "moves.db")])
    records = read_records(folder, a.kernel)
    for i in range(0, len(plan), len(a.l2)):
        all_l2 = [r for n in range(i, i + len(a.l2)) for r in records.get(n, [])]
        describe(f"{plan[i]['scenario']} {plan[i]['l1']}", all_l2)
    print(f"in {folder}")
    sys.exit(run.returncode)


main()
