#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
A Linux L1 with running L2s goes from one L0 kernel to the next, and on: saved in a boot of the first, restored in one of
the second, and so on. In the last one it proves what its L2s have done since the first: no step lost, no word wrong.

    tests/bench/l1-relay.py linux-evmcs baseline nested-context nested-context baseline

The boots are those of the emulated host, one after the other. What L1 was saved to goes through the emulated machine's memory
(agents/l0/vmm/handover.h): this program reads and writes it in the emulator's process while the agent waits. Exit
status 0: every boot passed.
"""
import argparse, json, os, struct, subprocess, sys, tempfile, time, zlib

MAGIC = 0x7265766F646E6168
HEAD = struct.Struct("<QIIIIII")
CHUNK, CHUNKS = 0x10000, 1024
FULL, TAKEN, EMPTY, FILLED = 1, 2, 3, 4
STATE_AT = 16  # of a chunk's state
PIECE = 16 << 20  # of memory that is looked at, at once


def emulator_of(folder):
    """The process of the emulator whose machine is described in @folder."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if os.path.basename(words[0]).startswith(b"bochs") and any(folder.encode() in w for w in words):
            return int(pid)
    return None


def ram_of(pid):
    """Where the machine's memory is: the largest piece that the emulator has."""
    best = (0, 0)
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            words = line.split()
            first, last = (int(x, 16) for x in words[0].split("-"))
            if words[1].startswith("rw") and len(words) == 5 and last - first > best[1] - best[0]:
                best = (first, last)
    return best


def find_chunks(mem, ram):
    """{index: (address, count, state, len, crc)} of the chunks on the machine's pages."""
    word, found = struct.pack("<Q", MAGIC), {}
    for at in range(ram[0], ram[1], PIECE):
        data = os.pread(mem, min(PIECE, ram[1] - at), at)
        i = data.find(word)
        while i >= 0:
            if not i & 7 and i + HEAD.size <= len(data):
                _, index, count, state, length, crc, _ = HEAD.unpack_from(data, i)
                if index < CHUNKS and 0 < count <= CHUNKS and state in (FULL, EMPTY):
                    found[index] = (at + i, count, state, length, crc)
            i = data.find(word, i + 8)
    return found


def take_out(mem, chunks):
    state = []
    for i in range(chunks[0][1]):
        at, _, _, length, crc = chunks[i]
        data = os.pread(mem, length, at + HEAD.size)
        if zlib.crc32(data) != crc:
            sys.exit(f"chunk {i}: CRC")
        state.append(data)
    os.pwrite(mem, struct.pack("<I", TAKEN), chunks[0][0] + STATE_AT)
    return state


def put_in(mem, chunks, state):
    for i in reversed(range(len(state))):
        at = chunks[i][0]
        os.pwrite(mem, state[i], at + HEAD.size)
        os.pwrite(mem, struct.pack("<II", len(state[i]), zlib.crc32(state[i])), at + 20)
        os.pwrite(mem, struct.pack("<I", len(state)), at + 12)
    os.pwrite(mem, struct.pack("<I", FILLED), chunks[0][0] + STATE_AT)


def look(folder, incoming):
    """One look at the machine: what was taken out of it, or None."""
    pid = emulator_of(folder)
    if pid is None:
        return None, False
    mem = os.open(f"/proc/{pid}/mem", os.O_RDWR)
    try:
        chunks = find_chunks(mem, ram_of(pid))
        first = chunks.get(0)
        if not first or any(i not in chunks for i in range(first[1])):
            return None, False
        if first[2] == FULL:
            return take_out(mem, chunks), False
        if first[2] == EMPTY and incoming:
            put_in(mem, chunks, incoming)
            return None, True
        return None, False
    except OSError:  # it has just ended
        return None, False
    finally:
        os.close(mem)


def boot(a, leg, kernel, handover, incoming):
    """One boot; what L1 was saved to in it, or None."""
    plan = os.path.join(a.folder, f"relay-{leg}.json")
    with open(plan, "w") as f:
        json.dump({"scenarios": [{"scenario": "l1-save-restore", "l1": a.l1, "vmm": "qemu", "l2_vcpus": a.l2,
                                  "rounds": a.moves, "handover": handover}]}, f)
    run = subprocess.Popen([a.nestlab, "run", plan, "--kernel", kernel, "--boots", "1",
                            "--db", os.path.join(a.folder, "relay.db")])
    state = None
    while run.poll() is None:
        time.sleep(a.look)
        taken, put = look(a.folder, incoming)
        state = taken or state
        if put:
            print(f"leg {leg}: L1 is in the boot of {kernel}", flush=True)
            incoming = None
    if run.returncode:
        sys.exit(f"leg {leg}: nestlab ended with {run.returncode}")
    return state


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("l1", choices=["linux-kvm", "linux-evmcs"])
    p.add_argument("kernel", nargs="+")
    p.add_argument("--moves", type=int, default=1, help="saves and restores within each boot (1)")
    p.add_argument("--l2", type=int, default=8, help="L2s (8)")
    p.add_argument("--look", type=float, default=2, help="seconds between two looks at the machine's memory (2)")
    p.add_argument("--folder", help="for plans, database and runs (a new one)")
    p.add_argument("--nestlab", default=os.path.join(os.path.dirname(__file__), "../../build/bin/nestlab"))
    a = p.parse_args()
    if len(a.kernel) < 2:
        p.error("two kernels or more")
    a.folder = os.path.abspath(a.folder or tempfile.mkdtemp(prefix="l1-relay-"))
    state, last = None, len(a.kernel) - 1
    for leg, kernel in enumerate(a.kernel):
        handover = "out" if not leg else "in" if leg == last else "both"
        state = boot(a, leg, kernel, handover, state)
        if leg < last and not state:
            sys.exit(f"leg {leg}: L1 did not leave the boot of {kernel}")
        if state:
            print(f"leg {leg}: L1 left the boot of {kernel}: {sum(map(len, state))} bytes", flush=True)
    print(f"passed: {' -> '.join(a.kernel)}, {a.l1}, {a.l2} L2s; {a.folder}")


main()
