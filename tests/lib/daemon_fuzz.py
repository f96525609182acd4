#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""daemon_fuzz.py SOCKET REQUESTS LORIS [SEED]: requests by chance to a nestlabd (methods, paths, queries, headers, JSON,
chunks, cut off anywhere), while LORIS connections send a byte now and then. Exits 1 if the daemon stops answering, or
if an answer is none of HTTP or says that the daemon is in trouble (500).
"""
import json, random, re, socket, sys, time

path, requests, loris = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW", "", "GET\x01"]
PIECES = ["v1", "jobs", "leases", "boots", "hosts", "tokens", "events", "records", "failure", "log", "retry", "..", "%00",
          "%2e%2e", "%ff", "{uid}", "1", "-1", "99999999999999999999", "a" * 300, "", "metrics", "openapi.json", "healthz"]
QUERIES = ["limit", "cursor", "state", "owner", "epoch", "offset", "status", "error", "wait", "after", "job"]
VALUES = ["1", "0", "-1", "x", "", "9" * 30, "%00", "%", "1e9", "a" * 2000, "'; DROP TABLE job; --"]
HEADERS = ["Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999", "Transfer-Encoding: chunked",
           "Transfer-Encoding: gzip", "Expect: 100-continue", "If-None-Match: \"x\"", "Idempotency-Key: " + "k" * 300,
           "Last-Event-ID: x", "Authorization: Bearer nlt_x", "X-Content-SHA256: zz", "Connection: close", "Host", ": x",
           "X: " + "y" * 9000, "Range: bytes=0-"]
WORDS = [None, True, -1, 1e300, "", "run", "\u202e", "a" * 500, [], {}, ["quick"], {"request": {}}, "../../etc"]
KEYS = ["request", "scenarios", "kernels", "boots", "priority", "hold", "after", "tags", "agent", "host", "serves", "pool",
        "class", "error", "lost", "state", "for", "owner", "scope", "days", "deadline_seconds", "seed"]


def value(depth=0):
    if depth < 3 and rng.random() < 0.4:
        return {rng.choice(KEYS): value(depth + 1) for _ in range(rng.randrange(6))}
    return rng.choice(WORDS)


def body():
    text = json.dumps(value()).encode()
    kind = rng.randrange(5)
    if kind == 0:
        return text[:rng.randrange(len(text) + 1)]
    if kind == 1:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(200)))
    if kind == 2:
        return b"[" * rng.randrange(5000)
    return text


def request():
    url = "/" + "/".join(rng.choice(PIECES) for _ in range(rng.randrange(6)))
    if rng.random() < 0.5:
        url = rng.choice(["/v1/jobs", "/v1/leases", "/v1/boots/x.1/records", "/v1/boots/x.1/log", "/v1/leases/x.1/1",
                          "/v1/hosts/h", "/v1/tokens", "/v1/boots/x/failure"])
    if rng.random() < 0.5:
        url += "?" + "&".join(rng.choice(QUERIES) + "=" + rng.choice(VALUES) for _ in range(rng.randrange(4)))
    data = body()
    lines = ["%s %s HTTP/1.1" % (rng.choice(METHODS[:5] if rng.random() < 0.8 else METHODS), url), "Host: x"]
    lines += [rng.choice(HEADERS) for _ in range(rng.randrange(3))]
    if rng.random() < 0.3:
        lines.append("Transfer-Encoding: chunked")
        data = b"%x\r\n" % (len(data) + rng.randrange(-1, 2) if len(data) else 0) + data + b"\r\n0\r\n\r\n"
    else:
        lines.append("Content-Length: %d" % len(data))
    text = ("\r\n".join(lines) + "\r\n\r\n").encode() + data
    return text[:rng.randrange(len(text))] if rng.random() < 0.1 else text


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    return s


def send(data, seconds=2):
    """The answer's first bytes; b"" where the connection was closed, or a cut request waits for its rest."""
    s = connect()
    s.settimeout(seconds)
    try:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return s.recv(65536)
    except (socket.timeout, ConnectionError, BrokenPipeError):
        return b""
    finally:
        s.close()


def check_alive():
    began = time.monotonic()
    answer = send(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 120)
    if not answer.startswith(b"HTTP/1.1 200"):
        sys.exit("the daemon does not answer any more: %r" % answer[:100])
    return time.monotonic() - began


slow = [connect() for _ in range(loris)]
for s in slow:
    s.send(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
statuses, longest = {}, 0
for i in range(requests):
    data = request()
    answer = send(data)
    status = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    if answer and not status:
        sys.exit("no HTTP: %r for %r" % (answer[:100], data[:300]))
    key = status.group(1).decode() if status else "closed"
    statuses[key] = statuses.get(key, 0) + 1
    if key == "500":
        sys.exit("trouble: %r for %r" % (answer[-400:], data[:300]))
    if i % 50 == 0:
        longest = max(longest, check_alive())
        for s in slow:
            try:
                s.send(b" ")
            except OSError:
                pass
print(json.dumps({"answers": statuses, "longest_healthz_ms": round(longest * 1000, 1), "loris": loris}))
