#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""daemon_kill.py NESTLABD NESTLAB FAKE_BOOT FOLDER KILLS BOOTS [SEED]: a job of BOOTS faked boots on two agents, while
KILLS times one of the daemon, an agent or a boot's process is ended by SIGKILL, at a moment by chance, and what
was ended is started again. Some boots fail by the infrastructure's fault besides. Prints figures as JSON; exits 1 if
a boot was lost, stored twice, or stored although it was the infrastructure's trouble.
"""
import json, os, random, signal, sqlite3, subprocess, sys, time

nestlabd, nestlab, fake_boot, folder = sys.argv[1:5]
kills, boots = int(sys.argv[5]), int(sys.argv[6])
rng = random.Random(int(sys.argv[7]) if len(sys.argv) > 7 else 1)
state = os.path.join(folder, "state")
socket = os.path.join(state, "nestlabd.sock")
env = dict(os.environ, NESTLAB_URL="unix:" + socket, FAKE_BOOT="ms=150 infra=9 crash=11")
log = open(os.path.join(folder, "log"), "ab")
procs = {}


def start(name):
    if name == "daemon":
        argv = [nestlabd, "--state", state, "--workers", "0", "--min-free", "1", "--heartbeat", "100", "--lease",
                "1500", "--tries", "1000", "--backoff", "1", "--quarantine", "1000000"]
    else:
        argv = [nestlab, "agent", "--spool", os.path.join(folder, "spool-" + name), "--host", name, "--program",
                fake_boot, "--slots", "2"]
    procs[name] = subprocess.Popen(argv, env=env, stdout=log, stderr=log, start_new_session=True)


def ask(*argv):
    """The answer as JSON; None while nobody answers."""
    out = subprocess.run([nestlab, *argv, "--json"], env=env, capture_output=True, text=True)
    return json.loads(out.stdout) if out.returncode == 0 else None


def insist(*argv):
    until = time.monotonic() + 300
    while time.monotonic() < until:
        answer = ask(*argv)
        if answer is not None:
            return answer
        time.sleep(0.02)
    ended = {name: p.poll() for name, p in procs.items() if p.poll() is not None}
    with open(log.name) as f:
        sys.exit("no answer: %s; ended: %s; the log's end:\n%s" % (" ".join(argv), ended, f.read()[-2000:]))


def child_of(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return int(rng.choice(out)) if out else None


def kill_one(done):
    victim = rng.choice(["daemon", "h1", "h2", "boot"])
    if victim == "boot":
        pid = child_of(procs[rng.choice(["h1", "h2"])].pid)
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return
    else:
        procs[victim].kill()
        procs[victim].wait()
        time.sleep(rng.uniform(0, 0.2))
        start(victim)
    done[victim] = done.get(victim, 0) + 1


def submit(n):
    path = os.path.join(folder, "request%d.json" % n)
    with open(path, "w") as f:
        json.dump({"request": "run", "scenarios": ["quick"], "kernels": ["a", "b"], "boots": boots // 2}, f)
    return insist("submit", "--key", "kill-%d" % n, path)["uid"]


os.makedirs(state, exist_ok=True)
for name in ("daemon", "h1", "h2"):
    start(name)
began = time.monotonic()
done, jobs = {}, [submit(0)]
while sum(done.values()) < kills:
    time.sleep(rng.uniform(0, 0.25))
    kill_one(done)
    if all((ask("show", j) or {}).get("state") == "done" for j in jobs[-1:]):
        jobs.append(submit(len(jobs)))
until = time.monotonic() + 300
while time.monotonic() < until and not all(insist("show", j)["state"] == "done" for j in jobs):
    time.sleep(0.2)
seconds = time.monotonic() - began
states = [insist("show", j)["state"] for j in jobs]
for p in procs.values():
    p.terminate()
    p.wait()

queue = sqlite3.connect(os.path.join(state, "daemon.db"))
results = sqlite3.connect(os.path.join(state, "nestlab.db"))
attempts, infra, lost = queue.execute("SELECT count(*), sum(class = 'infrastructure'), sum(outcome = 'lost') FROM attempt"
                                      ).fetchone()
duplicates = queue.execute("SELECT count(*) FROM inbox WHERE state = 'duplicate'").fetchone()[0]
stored = results.execute("SELECT session, kernel_name, boot, count(*) FROM run GROUP BY 1, 2, 3").fetchall()
judged = results.execute("SELECT count(*) FROM run WHERE class = 'infrastructure'").fetchone()[0]
checks = [subprocess.run([nestlab, "daemon", "check", "--state", state], capture_output=True).returncode,
          subprocess.run([nestlab, "db", "check", "--db", os.path.join(state, "nestlab.db")],
                         capture_output=True).returncode]
wanted = len(jobs) * (boots // 2) * 2
figures = {"kills": done, "jobs": len(jobs), "states": sorted(set(states)), "boots": wanted, "stored": len(stored),
           "lost": wanted - len(stored), "twice": sum(n > 1 for *_, n in stored), "infrastructure_judged": judged,
           "attempts": attempts, "infrastructure": infra, "attempts_lost": lost, "duplicates_kept": duplicates,
           "checks": checks, "seconds": round(seconds, 1)}
print(json.dumps(figures))
sys.exit(figures["lost"] != 0 or figures["twice"] or judged or checks != [0, 0] or set(states) != {"done"})
