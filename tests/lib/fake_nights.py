#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""fake_nights.py STATE NIGHTS METRICS: results and queue of a daemon that has had so many nights of so many metrics, two boots
each; the first metric is 0.7 % dearer in the last ten nights, which is change 1, confirmed. `results` goes before the daemon's
first start, `queue` after it.

usage: fake_nights.py results|queue STATE NIGHTS METRICS"""
import datetime, os, random, sqlite3, sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SLOW = 10  # nights
part, state, nights, metrics = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])


def when(night):
    return (datetime.datetime(2026, 8, 1, 1) + datetime.timedelta(night)).strftime("%Y-%m-%dT%H:%M:%SZ")


def session(night):
    return "%s-%08x" % ((datetime.datetime(2026, 8, 1, 1) + datetime.timedelta(night)).strftime("%Y%m%dT%H%M%S"), night)


def kernel(night):
    return "main-%012x" % (0x5eed0000 + night)


def results():
    noise = random.Random(1)
    os.makedirs(state, exist_ok=True)
    db = sqlite3.connect(os.path.join(state, "nestlab.db"))
    db.executescript(open(os.path.join(TOP, "results", "store", "schema.sql"), encoding="utf-8").read())
    db.execute("PRAGMA user_version = 1")
    for m in range(metrics):
        db.execute("INSERT INTO measurement VALUES (?, 'multiplex', ?)",
                   (m + 1, '{"l1":"micro-vmx","l2_vcpus":%d,"memory":"managed"}' % (m + 1)))
    run = 0
    for night in range(nights):
        for boot in (1, 2):
            run += 1
            for m in range(metrics):
                v = 20000 + 500 * m
                v *= 1.007 if m == 0 and night >= nights - SLOW else 1
                v = round(v * (1 + noise.gauss(0, 0.0005)))
                db.execute("INSERT INTO metric VALUES (?,?,'switch','instructions','lower',1,0,100,10,1,1,?,?,?,?,?,x'0001')",
                           (run, m + 1, v, v, v, v, v))
            db.execute("""INSERT INTO run (id, kernel_name, kernel_key, agent_sha256, scenario_name, host_name, host_identity,
                       clock, session, boot, seed, started, wall_seconds, status) VALUES (?,?,?,'agent','quick','emulated',
                       'emulated','emulated',?,?,?,?,9,'pass')""",
                       (run, kernel(night), "%064x" % night, session(night), boot, run, when(night)))
    db.commit()


def queue():
    db = sqlite3.connect(os.path.join(state, "daemon.db"), timeout=30)
    for night in range(nights):
        db.execute("""INSERT INTO job (uid, kind, request, owner, priority, state, verdict, schedule, submitted, started, ended)
                   VALUES (?, 'nightly', '{"request":"run"}', 'nestlabd', 40, 'done', 'unchanged', 'main', ?1, ?1, ?1)"""
                   .replace("?1", "?2").replace("VALUES (?,", "VALUES (?1,"), (session(night), when(night)))
        db.execute("""INSERT INTO night (schedule, branch, kernel, path, commit_id, job, time, looked) VALUES ('main',
                   'kvm/next', ?1, ?1, ?2, ?3, ?4, 1)""", (kernel(night), "%040x" % night, session(night), when(night)))
    good, bad = nights - SLOW, nights - SLOW + 1  # rows count from 1
    db.execute("""INSERT INTO change (schedule, branch, environment, good, bad, state, culprit, subject, opened, changed) VALUES
               ('main', 'kvm/next', 'emulated agent emulated', ?, ?, 'reported', ?, 'KVM: nVMX: walk twice', ?3, ?3)"""
               .replace("?, ?, 'reported', ?", "?1, ?2, 'reported', ?4"), (good, bad, when(bad - 1), "%040x" % (bad - 1)))
    db.execute("""INSERT INTO change_metric VALUES (1, 'multiplex', '{"l1":"micro-vmx","l2_vcpus":1,"memory":"managed"}',
               'switch', 'instructions', 20000, 20140, 1.007, 1.0065, 1.0075, 'regressed')""")
    lists(db)
    db.commit()


MAIL = """From: nestlab <lab@example.org>\r
To: "Ann" <ann@example.org>\r
Subject: Re: [PATCH] KVM: nVMX: Draft\r
\r
On Mon, 2 Nov 2026, Ann wrote:\r
> [PATCH] KVM: nVMX: Draft\r
\r
Verdict: regressed\r
"""
OUTCOMES = [("measured", "improved"), ("measured", "unchanged"), ("unapplied", None), ("broken", None), ("passed", None), ("queued", None)]


def lists(db):
    """Of a list "kvm": 120 series of one patch, the newest with a draft, talk, and a mail that was refused."""
    for n in range(1, 121):
        state, verdict = OUTCOMES[n % len(OUTCOMES)]
        subject = "[PATCH v%d] KVM: nVMX: Change %d" % (1 + n % 2, n)
        if n == 120:
            state, verdict, subject = "measured", "regressed", "[PATCH v2] KVM: <script>alert(1)</script>\033[31m Draft"
        time = when(n - 1)
        db.execute("INSERT INTO list_thread VALUES (?1, 'kvm', 'root' || ?1, ?2, ?3, 1, 1, 'series', NULL)", (n, subject, time))
        db.execute("""INSERT INTO list_series (id, schedule, thread, version, message_id, refs, subject, author, email, date, kin,
                   patches, state, verdict, why, job, base, kernel, base_branch, found, changed) VALUES (?1, 'kvm', ?1, ?2,
                   '<m' || ?1 || '@example.org>', '', ?3, 'Ann Other', 'ann@example.org', ?4, 'kin' || ((?1 + 1) / 2),
                   '[{"title": "KVM: nVMX: One", "print": "x"}]', ?5, ?6, ?7, ?8, ?9, ?10, 'next', ?4, ?4)""",
                   (n, 1 + n % 2, subject, time, state, verdict, "on next: patch 1 of 1 does not apply" if state == "unapplied" else None,
                    session(1) if state == "measured" else None, kernel(79) if state == "measured" else None,
                    kernel(80) if state == "measured" else None))
    db.execute("""INSERT INTO outbox (dedupe, kind, recipients, payload, series, held) VALUES ('series-120', 'mail',
               '["ann@example.org"]', ?, 120, 1)""", (MAIL,))
    db.execute("INSERT INTO list_thread VALUES (121, 'kvm', 'talk', 'KVM: it hangs', ?, 3, 3, 'talk', NULL)", (when(120),))
    db.execute("INSERT INTO list_mail VALUES (1, 'kvm', '<big@example.org>', NULL, 'huge', ?, NULL, '3000000 bytes')", (when(121),))


{"results": results, "queue": queue}[part]()
