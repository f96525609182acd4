#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# schedules.sh [SEEDS [FIRST]] [TEST...]: tests (*.t, programs of build/tests) with SEEDS (1) disturbed schedules each, the seeds
# being FIRST (1), FIRST + 1, ...: those that failed are named, and what they printed is kept.
#
# tests/lib/schedules.c delays the calls at which processes and threads meet, of our own programs, by MS (20)
# milliseconds and, rarely, ten times that; with STOPS=1 they are also stopped and continued at random. Little CPU is used:
# JOBS (2) tests run at once. `taskset -c 0 nice tests/bench/schedules.sh` has them fight for one CPU, too.
#
# MS, JOBS, STOPS, PROGRAMS (disturbed ones, by name), LOGS (a folder for the output; default: a new one)
set -u
cd "$(dirname "$0")/../.." || exit 1
export BUILD=${BUILD:-build} CMOCKA_MESSAGE_OUTPUT=TAP XDG_CONFIG_HOME=/nonexistent
seeds=1 first=1
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seeds=$1; shift; fi
if [[ ${1:-} =~ ^[0-9]+$ ]]; then first=$1; shift; fi
[ $# -gt 0 ] || set -- tests/integration/{lists,nights,health,demo}.t tests/integration/daemon{,-abuse,-clean,-kill,-tls}.t
logs=${LOGS:-$(mktemp -d "${TMPDIR:-/tmp}/schedules.XXXXXX")} stops=${STOPS:-0}
export SCHEDULE_MS=${MS:-20} SCHEDULE_ONLY=" ${PROGRAMS:-nestlab nestlabd nestlab-agent fake_boot} "
mkdir -p "$logs"
library=$(realpath "$logs")/schedules.so
gcc -std=gnu17 -D_GNU_SOURCE -O1 -Wall -shared -fPIC -o "$library" tests/lib/schedules.c || exit 1

below() { # below PID: it and all that it started
	local child
	echo "$1"
	for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do below "$child"; done
}

stop_at_random() { # stop_at_random PID: one of our programs below it after the other, until PID has ended
	local pid
	while kill -0 "$1"; do
		for pid in $(below "$1" | shuf); do
			[[ $SCHEDULE_ONLY == *" $(cat "/proc/$pid/comm") "* ]] || continue
			kill -STOP "$pid"
			sleep "0.$((RANDOM % 400 + 100))"
			kill -CONT "$pid"
			break
		done
		sleep "0.$((RANDOM % 200 + 100))"
	done 2>/dev/null
}

run_one() { # run_one TEST SEED
	local name log began=$EPOCHREALTIME status pid
	name=$(basename "$1") log=$logs/$name.$2
	SCHEDULE_SEED=$2 LD_PRELOAD=$library prove -v --merge "$1" -e '' </dev/null >"$log" 2>&1 &
	pid=$!
	[ "$stops" = 0 ] || stop_at_random $pid &
	wait $pid
	status=$?
	printf '%-6s %s seed %s (%.0f s)\n' "$([ $status = 0 ] && echo ok || echo FAILED)" "$name" "$2" \
		"$(bc <<<"$EPOCHREALTIME - $began")"
	[ $status = 0 ] && return 0
	grep -E '^not ok|^No subtests|Dubious|Bad plan|Non-zero' "$log" | sed 's/^/       /'
	echo "       $log"
	touch "$logs/failed"
}

for ((seed = first; seed < first + seeds; seed++)); do
	for test; do
		while [ "$(jobs -pr | wc -l)" -ge "${JOBS:-2}" ]; do wait -n; done
		run_one "$test" $seed &
	done
done
wait
[ ! -e "$logs/failed" ]
