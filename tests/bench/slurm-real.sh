#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real emulated boots as an array of a real Slurm, whose controller and one of whose nodes are killed in the middle: each is stored
# once. BOOTS (4) quick boots of `baseline`, which costs 28 s of CPU each once the kernel is built.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/slurm.sh"
have_slurm || skip_all "Slurm is not installed, or this is not root"
trap 'stop_slurm; end_daemons' EXIT
BOOTS=${BOOTS:-4}
export NESTLAB_CACHE=${NESTLAB_CACHE:-$HOME/.cache/nestlab}
start_slurm
start_daemon --tries 100 --lease 60000 --quarantine 1000000
FAKE_BOOT_PROGRAM=$NESTLAB start_agent farm --slots 8 --slurm "--gres=emulator:1" --reconcile 5
request "$BOOTS" baseline >"$TMP/run.json"
job=$("$NESTLAB" submit "$TMP/run.json")
began=$(date +%s)
running() { [ "$(squeue -h -r -t running -o %j | grep -c '^nestlab-')" -ge 2 ]; }
await running
ok $? "its boots run as an array of Slurm's"
sleep 5 # somewhere in them
kill -KILL "$(cat "$SLURM/slurmctld.pid")"
kill -KILL "$(cat "$SLURM/slurmd.n2.pid")"
start_controller
start_node 2
for _ in $(seq 30); do await job_is "$job" done && break; done
is "$("$NESTLAB" show --json "$job" | jq -r .state)" done "after kill -9 of controller and a node the job is done"
is "$(sqlite3 "$STATE/nestlab.db" "SELECT count(*), count(DISTINCT boot) FROM run WHERE session = '$job' AND status = 'pass'")" \
	"$BOOTS|$BOOTS" "and every boot is stored once"
is "$(sqlite3 "$STATE/nestlab.db" "SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM metric GROUP BY run)")" 1 \
	"with the same number of metrics"
echo "# $(($(date +%s) - began)) s; attempts: $(sqlite3 "$STATE/daemon.db" "SELECT coalesce(outcome, 'open'), count(*) FROM attempt GROUP BY 1" | tr '\n' ' ')"
grep -v '^nestlab: boot' "$TMP/agent-farm.log" | sed 's/^/# /'
plan_done
