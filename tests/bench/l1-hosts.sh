#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux L1 with eight running L2s goes from one L0 host to another while it runs (docs/l1-guests.md), both kinds of L1 in
# each direction between two kernels, and with an emulator that is killed meanwhile, that of the destination and that of the
# source. A pair of boots takes some two minutes of a busy core.
#
#	tests/bench/l1-hosts.sh [KERNEL KERNEL]	default baseline nested-context
#
# PARTS="moves" or "killed" takes that part alone. Exit status 1: what an emulator that is killed leaves is not told as it should be. What
# the moves show is for a reader: baseline loses a linux-evmcs now and then.
set -eu
failed=0
NESTLAB=${NESTLAB:-$(dirname "$0")/../../build/bin/nestlab}
[ $# -eq 2 ] || set -- baseline nested-context
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

write_plan() { # NAME L1S DESTINATION
	echo '{ "scenarios": [ { "scenario": "l1-live-migrate", "vmm": "qemu", "l1": '"$2"', "destination": "'"$3"'" } ] }' \
		>"$dir/$1.json"
}
run() { # DB ARGUMENT...: a failed run is an answer, too, if its boots have their rows
	local db=$1 rows
	shift
	"$NESTLAB" run "$@" --boots 1 --db "$dir/$db.db" >"$dir/$db.out" 2>&1 || true
	rows=$(sqlite3 -separator ': ' "$dir/$db.db" "SELECT kernel_name || ' ' || scenario_name, status,
		coalesce(class || ', ' || error, '') FROM run ORDER BY id")
	[ -n "$rows" ] || { cat "$dir/$db.out" && return 1; }
	echo "$rows"
}
emulator_of() { pgrep -f "bochs.*$dir/runs/[^ ]*/$1/bochsrc"; }
is_ready() { grep -q '"type":"crossing"' "$dir"/runs/*/"$1"/records.jsonl 2>/dev/null; }
kill_emulator() { # FOLDER OTHER PID: that of FOLDER's boot, once L1 is on its way, for which both have said that they are ready; PID: nestlab's
	until is_ready "$1" && is_ready "$2"; do
		kill -0 "$3" 2>/dev/null || return 0 # it ended before: its rows say why
		sleep 0.1
	done
	emulator_of "$1" | head -1 | xargs -r kill -9
}

lose() { # WHAT KERNEL FOLDER OTHER WORDS: a move within KERNEL, an emulator of which is killed; neither boot passes, and the other says WORDS
	local said
	rm -rf "$dir/runs"
	run "$1" "$dir/killed.json" --kernel "$2" &
	kill_emulator "$3" "$4" $!
	wait $!
	said=$(sqlite3 "$dir/$1.db" "SELECT group_concat(error) FROM run WHERE status = 'fail' AND class = 'infrastructure' HAVING count(*) = 2")
	case $said in *"$5"*) ;; *) failed=1 && echo "NOT AS IT SHOULD BE: $1" ;; esac
}
move_each_way() { # KERNEL KERNEL
	write_plan to-1 '["linux-kvm", "linux-evmcs"]' "$1"
	write_plan to-2 '["linux-kvm", "linux-evmcs"]' "$2"
	run all "$dir/to-1.json" "$dir/to-2.json" --kernel "$1" --kernel "$2"
	sqlite3 -separator ' ' "$dir/all.db" "SELECT kernel_name, scenario_name, params ->> '\$.l1', metric, printf('%.3f M', median / 1e6)
		FROM metric JOIN run ON run.id = metric.run JOIN measurement AS m ON m.id = metric.measurement
		WHERE metric IN ('departure', 'arrival', 'duration', 'gap') ORDER BY 2, 1, 3, 4"
	sqlite3 -separator ' ' "$dir/all.db" "SELECT kernel_name, scenario_name, params ->> '\$.l1', name, value
		FROM counter JOIN run ON run.id = counter.run JOIN measurement AS m ON m.id = counter.measurement ORDER BY 2, 1, 3, 4"
}
lose_each() { # KERNEL
	write_plan killed '"linux-kvm"' "$1"
	lose destination-killed "$1" "$1-killed-from-$1-1" "$1-killed-1" "It ran on here, its L2s right to the last step"
	lose source-killed "$1" "$1-killed-1" "$1-killed-from-$1-1" "the Linux L1 did not come"
}

for part in ${PARTS:-moves killed}; do
	case $part in
	moves) move_each_way "$1" "$2" ;;
	killed) lose_each "$1" ;;
	esac
done
exit $failed
