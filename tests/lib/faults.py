#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every HTTP call of a boot over Redfish, spoilt: what comes of the boot, and what is left on the BMC?

    faults.py DIR BOOT NESTLAB IMAGE [--every N] [--kinds A,B,...] [--profile NAME] [--jobs N]

BOOT is tests/lib/boot.c's program. Each call (or each Nth) of a boot with the fake machine is answered by each kind
of fault (bmc.py), and `stop` means that nestlab is killed (SIGKILL) while it waits for that call's answer; then
`nestlab host rescue`, and a boot that has to be good. Prints a table, and a line starting with "wrong:" for
everything that must not be: a boot that is judged, a BMC that is not as it was."""

import argparse
import collections
import concurrent.futures
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ["timeout", "reset", "500", "503", "garbage", "truncated", "late", "stop"]
CLEAN = {"power": "Off", "sessions": []}
# What says something of the kernel; a BMC's fault must not end as one of these.
JUDGED = ("panic", "complained", "hang", "died")


class Lab:
    """A BMC of its own for each worker."""

    def __init__(self, args, number):
        self.args = args
        self.dir = os.path.join(args.dir, f"lab{number}")
        os.makedirs(os.path.join(self.dir, "root/hosts"))
        self.bmc = subprocess.Popen([os.path.join(HERE, "bmc.py"), "serve", os.path.join(self.dir, "bmc"), "--hang", "6",
                                     "--profile", args.profile], stdout=subprocess.PIPE)
        self.bmc.stdout.readline()
        with open(os.path.join(self.dir, "bmc/url")) as f:
            self.url = f.read().strip()
        cred = os.path.join(self.dir, "cred")
        with open(cred, "w") as f:
            f.write("user=nestlab\npassword=s3cret-Pa55word\n")
        os.chmod(cred, 0o600)
        host = {"driver": "redfish", "bmc": self.url, "credentials": "file:" + cred, "image_url": "http://127.0.0.1",
                "console": {"command": [os.path.join(HERE, "bmc.py"), "console", os.path.join(self.dir, "bmc")], "answers": False},
                "kernel_config": [], "retry_ms": 50, "poll_ms": 20, "pace_ms": 0, "watch_ms": 100, "request_limit_ms": 5000,
                "connect_limit_ms": 5000, "media_limit_s": 10, "on_limit_s": 30, "off_limit_s": 30, "boot_limit_s": 60}
        with open(os.path.join(self.dir, "root/hosts/fake.json"), "w") as f:
            json.dump(host, f)
        self.env = dict(os.environ, NESTLAB_ROOT=os.path.join(self.dir, "root"), NESTLAB_CACHE=os.path.join(self.dir, "cache"))
        self.runs = 0

    def control(self, **what):
        out = subprocess.run([os.path.join(HERE, "bmc.py"), "control", self.url, json.dumps(what)], stdout=subprocess.PIPE, check=True)
        return json.loads(out.stdout)

    def start(self):
        self.runs += 1
        self.run_dir = os.path.join(self.dir, f"run{self.runs}")
        return subprocess.Popen([self.args.boot, "host", self.args.image, self.run_dir, "fake"], env=self.env, stdout=subprocess.PIPE, text=True)

    def boot(self):
        p = self.start()
        return p.communicate(timeout=600)[0].strip()

    def dirt(self):
        """What is not as it was; the list is empty where all is."""
        s = self.control()
        left = [k for k, v in CLEAN.items() if s[k] != v]
        left += ["media"] if any(s["media"].values()) else []
        left += ["boot"] if s["boot"]["Enabled"] != "Disabled" else []
        left += ["tag"] if (s["tag"] or "").startswith("nestlab") else []
        journals = glob.glob(os.path.join(self.dir, "cache/hosts/*.state"))
        return left + (["journal"] if journals else [])

    def kill_at(self, n):
        stopped = os.path.join(self.dir, "bmc/stopped")
        if os.path.exists(stopped):
            os.unlink(stopped)
        self.control(reset=True, fault=[n, "stop"])
        p = self.start()
        until = time.monotonic() + 300
        while not os.path.exists(stopped) and p.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        p.send_signal(signal.SIGKILL)
        p.wait()
        while os.path.exists(stopped) and time.monotonic() < until: # the call that it waited for is over, too
            time.sleep(0.01)
        return "killed"

    def rescue(self):
        r = subprocess.run([self.args.nestlab, "host", "rescue", "fake"], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return r.returncode

    def try_fault(self, n, kind):
        wrong = []
        if kind == "stop":
            said = self.kill_at(n)
        else:
            self.control(reset=True, fault=[n, kind])
            said = self.boot()
        word = said.split(":")[0]
        left = self.dirt()
        if word in JUDGED:
            wrong.append(f"judged: {said}")
        if left:
            if self.rescue():
                wrong.append("rescue failed")
            still = self.dirt()
            # A session whose opening was never answered is nobody's: it runs out by itself.
            if [x for x in still if x != "sessions"] or (still and not (n <= 2 or kind in ("stop", "late", "truncated", "garbage"))):
                wrong.append(f"rescue leaves {still} of {left}")
        if kind == "stop" or left:
            again = self.boot()
            if not again.startswith("done"):
                wrong.append(f"the boot after it: {again}")
        return word, bool(left), [f"wrong: call {n} {kind}: {w}" for w in wrong]


def main():
    p = argparse.ArgumentParser()
    for name in ("dir", "boot", "nestlab", "image"):
        p.add_argument(name)
    p.add_argument("--every", type=int, default=1)
    p.add_argument("--kinds", default=",".join(KINDS))
    p.add_argument("--profile", default="plain")
    p.add_argument("--jobs", type=int, default=6)
    args = p.parse_args()
    labs, kinds, numbers = threading.local(), args.kinds.split(","), iter(range(1000))
    all_labs, table, lock = [], collections.Counter(), threading.Lock()

    def lab():
        if not hasattr(labs, "own"):
            with lock:
                labs.own = Lab(args, next(numbers))
                all_labs.append(labs.own)
        return labs.own

    try:
        said = lab().boot()
        calls = lab().control()["requests"]
        print(f"without a fault: {said} ({calls} calls)")
        jobs = [(n, k) for i, n in enumerate(range(1, calls + 1)) for j, k in enumerate(kinds) if (i + j) % args.every == 0]
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for (n, kind), (word, left, wrong) in zip(jobs, pool.map(lambda job: lab().try_fault(*job), jobs)):
                table[kind, word] += 1
                table[kind, "rescued"] += left
                table[kind, "wrong"] += len(wrong)
                for w in wrong:
                    print(w, flush=True)
    finally:
        for one in all_labs:
            one.bmc.terminate()
            one.bmc.wait()
    words = sorted({w for _, w in table if w not in ("rescued", "wrong")}) + ["rescued", "wrong"]
    print(f"{'fault':<10}" + "".join(f"{w:>14}" for w in words))
    for kind in kinds:
        print(f"{kind:<10}" + "".join(f"{table[kind, w]:>14}" for w in words))
    print(f"{len(jobs)} faults, {sum(table[k, 'wrong'] for k in kinds)} wrong")
    sys.exit(any(table[k, "wrong"] for k in kinds))


if __name__ == "__main__":
    main()
