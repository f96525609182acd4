#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""daemon_load.py NESTLABD NESTLAB FOLDER: how much a nestlabd takes. Prints figures as JSON:

claim: leases among 100,000 queued boots, one after the other; as the machine is; at nice -10 as nestlabd.service has it; then with the
daemon and this program before all others (SCHED_RR: what the claim itself takes), then with the queue in memory as well (without the
disk's part). cpu_ms, the daemon's processor time a claim, hardly depends on the load; agents: 1,000 of them at once, each with a lease, a
heartbeat and a result of 28 kB; import: rows of acknowledged results a second against `sqlite3 .import` of as many rows (80 a
result), in turn, so that both see the same load; idle: context switches a second of a daemon that nobody asks.
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
    times, cpu, before = [], cpu_seconds(), switches()
    for i in range(1000):
        began = time.perf_counter()
        status, _ = await ask(streams, "POST", "/v1/leases", lease_body("h%d" % (i % 10)))
        times.append(time.perf_counter() - began)
        assert status == 200
    return {"load": round(os.getloadavg()[0], 1), "p50_ms": percentile(times, 0.5), "p90_ms": percentile(times, 0.9),
            "p99_ms": percentile(times, 0.99), "longest_ms": percentile(times, 1),
            "cpu_ms": round(cpu_seconds() - cpu, 3), "switches": round((switches() - before) / 1000, 1)}


def stop():
    daemon.terminate()
    daemon.wait()


def claims_at(place):
    with tempfile.TemporaryDirectory(dir=place) as where:
        start(where)
        figures = asyncio.run(claims())
        stop()
    return figures


def claims_before_others():
    """As the unit has it; then what a claim takes where nobody else wants the processor, with the disk and without it."""
    figures = {}
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
        figures["claim_nice_-10"] = claims_at(folder)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
        figures["claim_before_others"] = claims_at(folder)
        figures["claim_before_others_in_memory"] = claims_at("/dev/shm")
    except PermissionError:
        pass
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


def cpu_seconds():
    """The daemon's, to the nanosecond."""
    total = 0
    for t in os.listdir(f"/proc/{daemon.pid}/task"):
        with open(f"/proc/{daemon.pid}/task/{t}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e9


async def acknowledged(body, digest, boots):
    """Seconds, and the daemon's seconds of processor."""
    streams = await asyncio.open_unix_connection(socket)
    await submit_many(boots)
    leases = []
    for _ in range(boots):
        leases.append(json.loads((await ask(streams, "POST", "/v1/leases", lease_body("p")))[1]))
    began, cpu = time.perf_counter(), cpu_seconds()
    await asyncio.gather(*(put_all(leases, body, digest) for _ in range(50)))
    return time.perf_counter() - began, cpu_seconds() - cpu


def imported(rows):
    """The same of sqlite3."""
    path, db = os.path.join(folder, "rows.txt"), os.path.join(folder, "rows.db")
    with open(path, "w") as f:
        for i in range(rows):
            f.write("%d|%s\n" % (i, ROW))
    began, cpu = time.perf_counter(), sum(os.times()[2:4])
    subprocess.run(["sqlite3", db], input="PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;\nCREATE TABLE r (key TEXT "
                   "PRIMARY KEY, row TEXT);\n.separator |\n.import %s r\n" % path, text=True, check=True, stdout=log)
    spent = time.perf_counter() - began, sum(os.times()[2:4]) - cpu
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(db + suffix):
            os.remove(db + suffix)
    return spent


def compare_import(body, digest, turns=5, boots=400, rows=80):
    acked, theirs = [], []
    for _ in range(turns):
        acked.append(asyncio.run(acknowledged(body, digest, boots)))
        theirs.append(imported(boots * rows))
    n = turns * boots * rows
    sums = [[sum(x) for x in zip(*side)] for side in (acked, theirs)]
    return {"load": round(os.getloadavg()[0], 1), "acknowledged_rows_a_second": round(n / sums[0][0]),
            "sqlite3_import": round(n / sums[1][0]), "ratio": round(sums[1][0] / sums[0][0], 2),
            "ratio_of_each_turn": [round(b[0] / a[0], 2) for a, b in zip(acked, theirs)],
            "cpu_us_a_row": round(sums[0][1] / n * 1e6, 2), "sqlite3_cpu_us_a_row": round(sums[1][1] / n * 1e6, 2)}


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
figures["import"] = compare_import(body, digest)
stop()
figures.update(claims_before_others())
print(json.dumps(figures, indent=1))
