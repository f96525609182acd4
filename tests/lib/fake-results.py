#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""fake-results.py DB: makes a nestlab database of schema version 1 without booting anything, from
lines on stdin:

    KERNEL KEY SEED CLOCK METRIC=VALUE...

Each is a boot that passed; VALUE is each of its 100 samples (whole numbers). The runs are not sealed, so
`nestlab db check` will say so.
"""
import os
import sqlite3
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def bucket(value):  # common/histogram.h
    if value < 2048:
        return value
    e = value.bit_length() - 11
    return 2048 + (e - 1) * 1024 + (value >> e) - 1024


def leb128(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def main():
    db = sqlite3.connect(sys.argv[1])
    db.executescript(open(os.path.join(TOP, "results", "store", "schema.sql"), encoding="utf-8").read())
    db.execute("PRAGMA user_version = 1")
    db.execute("""INSERT INTO measurement VALUES (1, 'multiplex',
               '{"l1":"micro-vmx","l2_vcpus":8,"memory":"managed"}')""")
    for run, line in enumerate(sys.stdin, 1):
        kernel, key, seed, clock, *metrics = line.split()
        for metric in metrics:
            name, value = metric.split("=")
            v = int(value)
            unit = "instructions" if clock == "emulated" else "ns"
            db.execute("INSERT INTO metric VALUES (?,1,?,?,'lower',1,0,100,10,1,100,?,?,?,?,?,?)",
                       (run, name, unit, v, v, v, v, v, leb128(bucket(v)) + leb128(100)))
        db.execute("""INSERT INTO run (id, kernel_name, kernel_key, agent_sha256, scenario_name,
                   host_name, host_identity, clock, session, boot, seed, started, wall_seconds,
                   status) VALUES (?,?,?,'agent','quick',?,?,?,'s1',1,?,'2026-11-23T20:00:00Z',9,
                   'pass')""", (run, kernel, key, clock, clock, clock, int(seed)))
    db.commit()


main()
