#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An agent whose boots Slurm runs, as arrays: a real Slurm with four nodes, whose controller and nodes are killed in the middle, as
# the agent is. Every boot is stored once. (Boots are faked; tests/bench/slurm-real.sh makes real ones.)
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/slurm.sh"
have_slurm || skip_all "Slurm is not installed (slurmctld slurmd slurm-client munge), or this is not root"
trap 'stop_slurm; end_daemons' EXIT
build_fake_boot
# how a boot is faked is in a file, and its log says where it ran
cat >"$TMP/boot" <<SH
#!/bin/sh
echo "on \$SLURMD_NODENAME"
FAKE_BOOT="\$(cat $TMP/fake)" exec "$FAKE_BOOT_PROGRAM" "\$@"
SH
chmod +x "$TMP/boot"
FAKE_BOOT_PROGRAM=$TMP/boot
start_slurm
idle() { [ "$(sinfo -h -t idle -o %D)" = 4 ]; }
await idle
ok $? "Slurm has four idle nodes" || sed 's/^/# /' "$SLURM/log/slurmctld.log"

start_daemon --tries 100 --lease 60000 --quarantine 1000000
start_farm() {
	start_agent farm --slots 8 --tags icelake,sapphire --slurm "--gres=emulator:1 --partition=lab" --reconcile 1
}
submit() { # submit BOOTS TAGS KERNEL...
	request "$1" "${@:3}" >"$TMP/run.json"
	"$NESTLAB" submit ${2:+--tags "$2"} "$TMP/run.json"
}
stored() {
	sqlite3 "$STATE/nestlab.db" "SELECT count(*), count(DISTINCT kernel_name || boot) FROM run WHERE session = '$1'"
}
epochs() { "$NESTLAB" show --json "$1" | jq '[.all_boots[].epoch] | max'; }
finish() { await job_is "$1" done; }

# ---- arrays, and the controller and a node killed ----

echo "gate=$TMP/killed" >"$TMP/fake"
job=$(submit 6 '' a b)
start_farm
in_slurm() { [ "$(squeue -h -r -t running -o %j | grep -c '^nestlab-')" -ge 3 ]; }
await in_slurm
ok $? "its boots run as Slurm's jobs"
is "$(squeue -h -r -o %F | sort -u | wc -l)" 1 "which are one array"
kill -KILL "$(cat "$SLURM/slurmctld.pid")"
kill -KILL "$(cat "$SLURM/slurmd.n2.pid")"
: >"$TMP/killed"
start_controller
start_node 2
finish "$job"
ok $? "after kill -9 of controller and a node the job is done"
is "$(stored "$job")" "12|12" "and every boot is stored once"

# ---- the agent killed ----

echo "gate=$TMP/back" >"$TMP/fake"
job=$(submit 3 '' c)
await in_slurm
kill -KILL "$AGENT"; wait "$AGENT" 2>/dev/null
start_farm
: >"$TMP/back"
finish "$job"
ok $? "an agent that was killed takes up what Slurm goes on with"
is "$(stored "$job"), $(epochs "$job")" "3|3, 1" "in the same attempts"

# ---- features ----

: >"$TMP/fake"
job=$(submit 4 sapphire d)
finish "$job"
like "$("$NESTLAB" log "$job" | grep -o 'on n[0-9]' | sort -u | tr -d '\n')" "^(on n[34])+$" "a tag that a job asks for is a feature of its nodes"

# ---- two copies ----

echo "gate=$TMP/twice" >"$TMP/fake"
idle() { [ "$(sinfo -h -N -n n1,n2 -o %T | sort -u)" = idle ]; } # whatever the kills above left them in
scontrol update NodeName=n1,n2 State=RESUME 2>/dev/null
await idle
scontrol update NodeName=n2 State=DRAIN Reason="the first copy is to run on n1"
job=$(submit 1 icelake e)
ran() { [ "$("$NESTLAB" log "$job" | grep -c 'on n')" -ge "$1" ]; }
await ran 1
node=$("$NESTLAB" log "$job" | sed -n 's/.*on \(n[0-9]\)/\1/p')
scontrol update NodeName=n2 State=RESUME
kill -KILL "$(cat "$SLURM/slurmd.$node.pid")"
scontrol update NodeName="$node" State=DOWN Reason="no slurmd answers" # as the controller says after its timeout
await ran 2
ok $? "a boot whose node is gone runs again on another one"
like "$("$NESTLAB" log "$job" | sed -n 's/.*on \(n[0-9]\)/\1/p' | tail -1)" "[^${node#n}]$" "which is another node"
both() { [ "$(pgrep -cf "fake_boot .*--session $job")" = 2 ]; }
await both
ok $? "while the first copy still runs"
: >"$TMP/twice"
finish "$job"
is "$(stored "$job"), $(epochs "$job")" "1|1, 2" "and is stored once, of the newer attempt"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
is "$(find "$TMP/spool-farm" -name lease.json | wc -l)" 0 "the agent has nothing left to bring"
echo "# attempts: $(sqlite3 "$STATE/daemon.db" "SELECT coalesce(outcome, 'open'), count(*) FROM attempt GROUP BY 1" | tr '\n' ' ')"
plan_done
