#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Two nights of real boots on the emulated host: taken by an agent, imported, judged, a point of a trend each; the daemon is
# killed with SIGKILL in both. tests/bench/nights-60.sh has builds, an alarm and a bisect as well.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/boot.sh"

"$NESTLAB" host check emulated >"$TMP/host" || skip_all "$(grep missing "$TMP/host" | head -1)"
find_kernel || skip_all "no kernel: $(tail -1 "$TMP/kernel.out")"
cd "$TMP" || exit 1

await_long() { for _ in 1 2 3 4 5 6 7 8; do await "$@" && return; done; }
sql() { sqlite3 "$STATE/daemon.db" "$1"; }
results() { sqlite3 "$STATE/nestlab.db" "$1"; }
running() { [ "$(sql "SELECT count(*) FROM boot WHERE state = 'running'")" = 1 ]; }
looked() { [ "$(sql 'SELECT count(*) FROM night WHERE looked = 1')" = "$1" ]; }
listed() { [ "$(sql 'SELECT next > 0 FROM schedule')" = 1 ]; }
kill_daemon() { kill -KILL "$DAEMON"; wait "$DAEMON" 2>/dev/null; start_daemon --health none; }

cat >one.json <<-J
	{"description": "one", "scenarios": [
	 {"scenario": "exits", "reason": "cpuid", "memory": "managed", "rounds": 30, "warmup": 3}]}
J
mkdir -p "$STATE/schedules"
jq -n --arg plan "$TMP/one.json" '{at: "*-*-* 01:00", kernels: ["baseline"], plans: [$plan], boots: 1}' \
	>"$STATE/schedules/lab.json"
cd /; STATE=${STATE#/}; start_daemon --health none; STATE=/$STATE # a relative path
export NESTLAB_URL=unix:$STATE/nestlabd.sock
cd "$TMP" || exit 1
start_agent lab --program "$NESTLAB"
await listed
"$NESTLAB" schedule run lab >/dev/null
await_long running
sleep 0.$((RANDOM % 1000))
kill_daemon
await_long looked 1
ok $? "a night of a real boot ends, though the daemon was killed in it" || tail -5 "$TMP/daemon.log" "$TMP/agent-lab.log" | sed 's/^/# /'
is "$(sql "SELECT group_concat(state || ' ' || epoch) FROM boot")" "stored 1" "in one attempt"
"$NESTLAB" schedule run lab >/dev/null
await_long running
kill_daemon
await_long looked 2
ok $? "and another one"
is "$(results "SELECT group_concat(status || ' ' || boot || ' ' || seed, ', ') FROM run")" "pass 1 1, pass 1 2" \
	"each boot is stored once, with a seed of its own"
is "$(results "SELECT count(*) FROM metric WHERE metric = 'exit' AND median BETWEEN 8000 AND 20000")" 2 "with its number"
is "$(results "SELECT max(median) / min(median) < 1.005 FROM metric WHERE metric = 'exit'")" 1 "which is that of the other night"
is "$(sql 'SELECT count(*) FROM change')" 0 "nothing has changed"
like "$(api GET /trends)" 'exit.*<svg' "the trend is drawn"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
"$NESTLAB" db check --db "$STATE/nestlab.db" >/dev/null
ok $? "nor do the results"
plan_done
