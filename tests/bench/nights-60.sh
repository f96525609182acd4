#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nights-60.sh: 60 nights of real builds and boots on the emulated host, one measurement, one boot a night.
#
# A branch of Debian's 6.12 source gets a commit every second day: harmless ones, some of which touch nothing that is
# compiled; one that panics in half of its boots (mended four days later); three on one day of which the second makes an
# exit 0.7 % longer; later its revert. The other nights have an unchanged ref. The daemon's clock (libfaketime) goes
# on by a day each time, so that the calendar begins the nights; the daemon is killed with SIGKILL in some of them.
#
# What has to come out: the change confirmed in its night, bisected to its commit, one mail; fixed in the revert's
# night, with a second mail; no other change; every boot stored once.
#
# NIGHTS_DIR: where the repository and the state go (default: the cache's bench-bisect).
# NIGHTS_PERCENT: of an exit, by how much it is slower (default 0.7).
# NIGHTS_RESUME: the folder of a run that came to no end (it is printed at the beginning): goes on with its next night.
set -u
BISECT_DIR=${NIGHTS_DIR:-${BISECT_DIR:-}} percent=${NIGHTS_PERCENT:-0.7}
[ -n "$BISECT_DIR" ] || unset BISECT_DIR
. "$(dirname "$0")/../lib/history.sh"
nights=60 panic=20 mended=24 slow=30 revert=45 killed=" 10 20 30 31 40 50 "
nested=arch/x86/kvm/vmx/nested.c howto=Documentation/process/howto.rst exit_instructions=12284 # as measured

# ---- the history ----

slow_entry() { # a round of the loop is 3.07 instructions on the average
	local rounds
	rounds=$(awk "BEGIN { print int($exit_instructions * $percent / 100 / 3.07 + 0.5) }")
	show $nested | awk -v rounds="$rounds" '
		{ print }
		/^enum nvmx_vmentry_status nested_vmx_enter_non_root_mode/ { inside = 1 }
		inside && /^$/ {
			print "\tfor (int spin = 0; spin < " rounds "; spin++)\n\t\tcpu_relax(); /* slow */\n"
			inside = 0
		}'
}
quick_entry() { show $nested | sed '/for (int spin = 0/,/^$/d'; }

commit_panic() { # by the clock's low bits, which differ from boot to boot
	commit "init: look at the clock" init/main.c < <(show init/main.c |
		sed '/^\twait_for_completion(&kthreadd_done);/a\
\tif ((u32)(rdtsc() * 0x9e3779b97f4a7c15ull >> 32) < 2147483648u)\
\t\tpanic("flaky");')
}

commit_of_day() { # commit_of_day N: what is pushed before night N
	case $1 in
	"$panic") commit_panic ;;
	"$mended") commit "init: look no more" init/main.c < <(show init/main.c | grep -v 'rdtsc() \*\|panic("flaky")') ;;
	"$slow")
		commit_note 301
		commit "KVM: nVMX: settle before entry" $nested < <(slow_entry)
		culprit=$head
		commit_note 302 ;;
	"$revert") commit 'Revert "KVM: nVMX: settle before entry"' $nested < <(quick_entry) ;;
	*)
		[ $(($1 % 2)) = 0 ] || return 1
		if [ $(($1 % 4)) = 0 ]; then
			commit "documentation ($1)" $howto < <(append $howto "Note $1.")
		else
			commit_note "$1"
		fi ;;
	esac
	git update-ref refs/heads/nights "$head"
}

# ---- the daemon, its clock, its agent, a mail server ----

faked=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
[ -e "$faked" ] || die "libfaketime is not installed"
import_source
run=${NIGHTS_RESUME:-$(mktemp -d "$dir/nights.XXXXXX")} state=$run/state
echo "in $run"
rm -f "$run/port"
export NESTLAB_URL=unix:$state/nestlabd.sock
mkdir -p "$state/schedules" "$run/mails"

await() { # await SECONDS COMMAND...
	local until=$((SECONDS + $1))
	shift
	while ! "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.2
	done
}
answers() { curl -sf --unix-socket "$state/nestlabd.sock" http://nestlabd/healthz; }
start_daemon() {
	LD_PRELOAD=$faked FAKETIME_TIMESTAMP_FILE=$run/clock FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
		"$(dirname "$nestlab")/nestlabd" --state "$state" --workers 0 --health none --smtp "smtp://127.0.0.1:$(cat "$run/port")" \
		2>>"$run/daemon.log" &
	daemon=$!
	await 30 answers || die "the daemon does not answer: $(tail -1 "$run/daemon.log")"
}
stop_all() {
	trap - EXIT
	kill "$agent" "$daemon" "$smtp" 2>/dev/null
	wait
}
trap stop_all EXIT
trap 'exit 1' INT TERM
[ -s "$run/clock" ] || echo '+0' >"$run/clock"
python3 "$top/tests/lib/smtp.py" "$run/port" "$run/mails" & smtp=$! agent= daemon=
await 30 test -s "$run/port" || die "no mail server"

begin_history
if [ -n "${NIGHTS_RESUME:-}" ]; then
	head=$(git rev-parse nights) && git read-tree nights || die "no history"
else
	git update-ref refs/heads/nights "$head"
fi
cat >"$run/one.json" <<-J
	{"description": "one", "scenarios": [
	 {"scenario": "exits", "reason": "cpuid", "memory": "managed", "rounds": 30, "warmup": 3}]}
J
jq -n --arg git "$repo" --arg plan "$run/one.json" '{at: "*-*-* 01:00", kernels: [{git: $git, ref: "nights"}],
	plans: [$plan], boots: 1, on_change: {mail: ["kvm@example.org"]}}' >"$state/schedules/main.json"
start_daemon
"$nestlab" agent --spool "$run/spool" --host lab 2>"$run/agent.log" & agent=$!

# ---- the nights ----

sql() { sqlite3 "$state/daemon.db" "$1"; }
results() { sqlite3 "$state/nestlab.db" "$1"; }
looked() { [ "$(sql 'SELECT count(*) FROM night WHERE looked = 1')" -ge "$1" ]; }
begun() { [ "$(sql 'SELECT count(*) FROM night')" -ge "$1" ]; }
settled() { [ "$(sql "SELECT count(*) FROM change WHERE state IN ('alarm', 'confirming', 'confirmed', 'bisecting', 'culprit')")" = 0 ]; }
mails() { find "$run/mails" -type f | wc -l; }

kill_daemon() {
	kill -KILL "$daemon"
	wait "$daemon" 2>/dev/null
	kills=$((kills + 1))
	start_daemon
}

kills=0 started=$EPOCHREALTIME
culprit=$(git log -1 --format=%H --grep='^KVM: nVMX: settle before entry' nights)
listed() { [ "$(sql 'SELECT next > 0 FROM schedule')" = 1 ]; }
await 30 listed || die "the schedule is not taken: $(sql 'SELECT error FROM schedule')"
for n in $(seq $(($(sql 'SELECT count(*) FROM night WHERE looked = 1') + 1)) $nights); do
	pushed=no began=$EPOCHREALTIME
	if ! begun "$n"; then
		commit_of_day "$n" && pushed=yes
		echo "+${n}d" >"$run/clock"
		: >"$state/schedules/.morning" # a file that changes wakes the daemon
	fi
	await 60 begun "$n" || die "night $n does not begin: $(tail -1 "$run/daemon.log")"
	if [[ $killed == *" $n "* ]]; then
		sleep $((RANDOM % 8)).$((RANDOM % 10))
		kill_daemon
	fi
	await 3600 looked "$n" || die "night $n does not end"
	if [ "$n" = "$slow" ]; then # once while it confirms, and once while it bisects
		sleep $((RANDOM % 15)); kill_daemon
		bisecting() { [ "$(sql "SELECT count(*) FROM change WHERE state = 'bisecting'")" = 1 ]; }
		await 3600 bisecting && sleep $((RANDOM % 30)) && kill_daemon
	fi
	await 3600 settled || die "night $n: a change is not settled"
	echo "night $n ($(sql "SELECT substr(time, 1, 10) FROM night WHERE id = $n")): pushed $pushed," \
		"$(results "SELECT coalesce(round(median, 1), 'boot failed: ' || substr(error, 1, 60)) FROM run LEFT JOIN
			metric ON metric.run = run.id AND metric = 'exit' WHERE session = (SELECT value FROM (SELECT '$(sql "SELECT job FROM night WHERE id = $n")' AS value))")," \
		"changes: $(sql "SELECT coalesce(group_concat(id || ' ' || state), 'none') FROM change"), mails: $(mails)," \
		"$(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $began }") s"
done
await 60 test "$(mails)" -ge 2

# ---- what came of it ----

change=$(sql "SELECT id FROM change WHERE state = 'fixed'")
bad=0
check() { # check WHAT IS EXPECTED
	[ "$2" = "$3" ] && { echo "ok: $1: $2"; return; }
	echo "NOT: $1: $2, not $3"
	bad=1
}
check "nights" "$(sql 'SELECT count(*) FROM night WHERE looked = 1')" $nights
check "changes by state" "$(sql "SELECT group_concat(state) FROM change WHERE state NOT IN ('noise', 'inconclusive')")" fixed
check "alarms that fresh boots did not confirm" "$(sql "SELECT count(*) FROM change WHERE state IN ('noise', 'inconclusive')")" 0
check "its night" "$(sql "SELECT bad FROM change WHERE id = ${change:-0}")" $slow
check "confirmed on the day" "$(sql "SELECT substr(j.ended, 1, 10) = substr(n.time, 1, 10) FROM change c JOIN night n ON n.id = c.bad JOIN job j ON j.uid = c.confirm_job")" 1
check "its commit" "$(sql "SELECT culprit FROM change WHERE id = ${change:-0}")" "$culprit"
check "fixed in night" "$(sql "SELECT fixed FROM change WHERE id = ${change:-0}")" $revert
check "mails: one for the change, one for its end" "$(mails)" 2
check "nightly jobs with other than one boot stored" "$(sql "SELECT count(*) FROM job WHERE kind = 'nightly' AND
	(SELECT count(*) FROM boot WHERE job = job.id AND boot.state = 'stored') <> 1")" 0
check "boots of nights and confirmations stored" "$(results "SELECT count(*) FROM run WHERE session IN ($(sql "SELECT
	group_concat('''' || uid || '''') FROM job WHERE kind IN ('nightly', 'confirm')"))")" $((nights + 8))
check "boots stored twice" "$(results 'SELECT count(*) - count(DISTINCT session || kernel_name || boot) FROM run')" 0
check "the queue" "$("$nestlab" daemon check --state "$state" | grep -c good)" 1
check "the results" "$("$nestlab" db check --db "$state/nestlab.db" >/dev/null 2>&1; echo $?)" 0
echo "panics: $(results "SELECT count(*) FROM run WHERE error LIKE '%flaky%'"); changes:"
"$nestlab" changes
"$nestlab" changes --json "${change:-1}" | jq -c '.metrics[0] | [.metric, .before, .after, .ratio, .low, .high, .verdict]'
grep -h '^Subject:' "$run"/mails/*
echo "jobs: $(sql "SELECT group_concat(kind || ' ' || n, ', ') FROM (SELECT kind, count(*) AS n FROM job GROUP BY kind)");" \
	"boots: $(results 'SELECT count(*) FROM run'); attempts: $(sql "SELECT group_concat(outcome || ' ' || n, ', ') FROM (SELECT outcome, count(*) AS n FROM attempt GROUP BY outcome)");" \
	"daemon killed $kills times; $(awk "BEGIN { printf \"%.0f\", $EPOCHREALTIME - $started }") s in all"
stop_all
times >"$run/times" # of children that were waited for; a subshell would tell of its own
echo "CPU of all children (user, system): $(tail -1 "$run/times")"
echo "state: $run"
exit $bad
