#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An agent whose boots Slurm runs: a real Slurm with four nodes, whose controller and one of whose nodes are killed in the
# middle. Every boot is stored once.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/slurm.sh"
have_slurm || skip_all "Slurm is not installed (slurmctld slurmd slurm-client munge), or this is not root"
trap 'stop_slurm; end_daemons' EXIT
build_fake_boot
start_slurm
idle() { [ "$(sinfo -h -t idle -o %D)" = 4 ]; }
await idle
ok $? "Slurm has four idle nodes" || sed 's/^/# /' "$SLURM/log/slurmctld.log"

start_daemon --tries 100 --lease 60000 --quarantine 1000000
FAKE_BOOT=ms=1000 start_agent farm --slots 4 --with "srun --quiet --job-name={} --gres=emulator:1 -n1"
request 6 a b >"$TMP/run.json"
job=$("$NESTLAB" submit "$TMP/run.json")
in_slurm() { squeue -h -t running -o %j | grep -q "^$job\."; }
await in_slurm
ok $? "its boots are Slurm's jobs, by their names"
kill -KILL "$(cat "$SLURM/slurmctld.pid")"
kill -KILL "$(cat "$SLURM/slurmd.n2.pid")"
start_controller
start_node 2
await job_is "$job" done || await job_is "$job" done
ok $? "after kill -9 of controller and a node the job is done"
is "$(sqlite3 "$STATE/nestlab.db" "SELECT count(*), count(DISTINCT kernel_name || boot) FROM run WHERE session = '$job'")" \
	"12|12" "and every boot is stored once"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
echo "# attempts: $(sqlite3 "$STATE/daemon.db" "SELECT coalesce(outcome, 'open'), count(*) FROM attempt GROUP BY 1" | tr '\n' ' ')"
plan_done
