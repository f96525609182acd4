#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""daemon_load.py NESTLABD NESTLAB FOLDER: how much a nestlabd takes. Prints figures as JSON:

claim: leases among 100,000 queued boots, one after the other; as the machine is, then with the daemon and this program before all
others (SCHED_RR: what the claim itself takes), then with the queue in memory as well (without the disk's part); agents: 1,000 of them at once, each with a lease,
a heartbeat and a result of 28 kB; import: rows of acknowledged results a second against `sqlite3 .import` of the
same rows in the same run (80 rows a result); idle: context switches a second of a daemon that nobody asks.
"""
import asyncio, atexit, hashlib, json, os, sqlite3, subprocess, sys, tempfile, time

nestlabd, nestlab, folder = sys.argv[1:4]
log = open(os.path.join(folder, "load.log"), "ab")
daemon = None
ROW = json.dumps({"scenario": "multiplex", "metric": "switch", "params": {"l2_vcpus": 8}, "hist": list(range(60))})[:349]


def start(where):
    global daemon, state, socket
    state = os.path.join(where, "load")
    socket = os.path.join(state, "nestlabd.sock")
    os.makedirs(state, exist_ok=True)
    daemon = subprocess.Popen([nestlabd, "--state", state, "--workers", "0", "--min-free", "1", "--tries", "1",
                               "--heartbeat", "60000", "--health", "none", "--quarantine", "1000000"], stdout=log, stderr=log)
    atexit.register(daemon.kill)
    while not os.path.exists(socket):
        time.sleep(0.02)


async def ask(streams, method, path, body=b"", headers=""):
    reader, writer = streams
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    data = await reader.readexactly(length) if length else b""
    return int(head.split(b" ", 2)[1]), data


async def submit(streams, boots, priority=50):
    request = {"request": "run", "scenarios": ["quick"], "kernels": ["a"], "boots": boots}
    status, data = await ask(streams, "POST", "/v1/jobs", json.dumps({"request": request, "priority": priority}).encode())
    assert status == 201, data


async def submit_many(n):
    """Jobs of one boot, before all others: what is sent is no result, and ends its job."""
    async def some(count):
        streams = await asyncio.open_unix_connection(socket)
        for _ in range(count):
            await submit(streams, 1, 100)
    await asyncio.gather(*(some(n // 20) for _ in range(20)))


def lease_body(name):
    return json.dumps({"agent": name, "host": name, "serves": ["emulated"]}).encode()


def percentile(values, p):
    return round(sorted(values)[min(len(values) - 1, int(len(values) * p))] * 1000, 2)


async def claims():
    streams = await asyncio.open_unix_connection(socket)
    for _ in range(100):
        await submit(streams, 1000)
    times = []
    for i in range(1000):
        began = time.perf_counter()
        status, _ = await ask(streams, "POST", "/v1/leases", lease_body("h%d" % (i % 10)))
        times.append(time.perf_counter() - began)
        assert status == 200
    return {"queued": 100000, "claims": 1000, "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99)}


def stop():
    daemon.terminate()
    daemon.wait()


def claims_before_all_others():
    """What a claim takes where nobody else wants the processor: with the disk, and without it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except PermissionError:
        return {}
    figures = {}
    for name, place in (("claim_before_others", folder), ("claim_before_others_in_memory", "/dev/shm")):
        with tempfile.TemporaryDirectory(dir=place) as where:
            start(where)
            figures[name] = asyncio.run(claims())
            stop()
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return figures


async def agent(n, body, digest, times):
    await asyncio.sleep(n * 0.02)  # over 20 seconds: three times as fast as asked for
    streams = await asyncio.open_unix_connection(socket)
    for step in range(3):
        began = time.perf_counter()
        if step == 0:
            status, data = await ask(streams, "POST", "/v1/leases", lease_body("agent%d" % n))
            assert status == 200, status
            lease = json.loads(data)
        elif step == 1:
            status, _ = await ask(streams, "PUT", "/v1/leases/%s/%d" % (lease["boot"], lease["epoch"]), b"{}")
        else:
            status, _ = await put(streams, lease, body, digest)
        times.append(time.perf_counter() - began)
    assert status == 201, status
    streams[1].close()


async def put(streams, lease, body, digest):
    while True:
        answer = await ask(streams, "PUT", "/v1/boots/%s/records?epoch=%d" % (lease["boot"], lease["epoch"]), body,
                           "X-Content-SHA256: %s\r\n" % digest)
        if answer[0] != 503:
            return answer
        streams = await asyncio.open_unix_connection(socket)


async def agents(body, digest):
    times = []
    await submit_many(1000)
    began = time.perf_counter()
    await asyncio.gather(*(agent(n, body, digest, times) for n in range(1000)))
    seconds = time.perf_counter() - began
    rss = int(next(l for l in open(f"/proc/{daemon.pid}/status") if l.startswith("VmHWM")).split()[1]) // 1024
    return {"agents": 1000, "seconds": round(seconds, 1), "p50_ms": percentile(times, 0.5), "p99_ms": percentile(times, 0.99),
            "longest_ms": percentile(times, 1), "rss_mb": rss}


async def put_all(leases, body, digest):
    streams = await asyncio.open_unix_connection(socket)
    while leases:
        status, data = await put(streams, leases.pop(), body, digest)
        assert status == 201, data


async def acknowledged(body, digest, rows):
    streams = await asyncio.open_unix_connection(socket)
    await submit_many(1000)
    leases = []
    for _ in range(1000):
        leases.append(json.loads((await ask(streams, "POST", "/v1/leases", lease_body("p")))[1]))
    began = time.perf_counter()
    await asyncio.gather(*(put_all(leases, body, digest) for _ in range(50)))
    return 1000 * rows / (time.perf_counter() - began)


def imported(rows):
    path = os.path.join(folder, "rows.txt")
    with open(path, "w") as f:
        for i in range(1000 * rows):
            f.write("%d|%s\n" % (i, ROW))
    db = os.path.join(folder, "rows.db")
    began = time.perf_counter()
    subprocess.run(["sqlite3", db], input="PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;\nCREATE TABLE r (key TEXT "
                   "PRIMARY KEY, row TEXT);\n.separator |\n.import %s r\n" % path, text=True, check=True, stdout=log)
    return 1000 * rows / (time.perf_counter() - began)


def switches():
    total = 0
    for t in os.listdir(f"/proc/{daemon.pid}/task"):
        with open(f"/proc/{daemon.pid}/task/{t}/status") as f:
            total += sum(int(l.split()[1]) for l in f if "ctxt_switches" in l)
    return total


def idle():
    time.sleep(1)
    before = switches()
    time.sleep(10)
    return round((switches() - before) / 10, 2)


body = ("\n".join([ROW] * 80)).encode()
digest = hashlib.sha256(body).hexdigest()
start(folder)
figures = {"load": os.getloadavg()[0], "idle_switches_a_second": idle()}
figures["claim"] = asyncio.run(claims())
figures["agents"] = asyncio.run(agents(body, digest))
one = imported(80)
acked = asyncio.run(acknowledged(body, digest, 80))
two = imported(80) if not os.remove(os.path.join(folder, "rows.db")) else 0
figures["import"] = {"acknowledged_rows_a_second": round(acked), "sqlite3_import": [round(one), round(two)],
                     "ratio": round(acked / max(one, two), 2)}
stop()
figures.update(claims_before_all_others())
print(json.dumps(figures, indent=1))
