#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A Linux L1 goes from one emulated L0 host to another while its L2s run: two boots at once, a row for each.
set -u
. "$(dirname "$0")/../lib/tap.sh"

plan() { # DESTINATION
	echo '{ "scenarios": [ { "scenario": "l1-live-migrate", "l1": "linux-kvm", "vmm": "qemu", "l2_vcpus": 4,
		"destination": "'"$1"'" } ] }' >"$TMP/there.json"
}
ask() { sqlite3 -separator ' ' "$TMP/db" "$1"; }

plan no-such-kernel
"$NESTLAB" run "$TMP/there.json" --kernel baseline --db "$TMP/db" >"$TMP/out" 2>&1
is "$? $(grep -c 'there.json: destination: .*no-such-kernel' "$TMP/out")" "128 1" \
	"a destination that is no kernel is found before anything is built"
plan baseline
"$NESTLAB" run "$TMP/there.json" --kernel baseline --boots 1 --db "$TMP/db" >"$TMP/out" 2>&1
is $? 0 "L1 goes from one host to the other" || sed 's/^/# /' "$TMP/out"
is "$(ask "SELECT kernel_name, scenario_name, status FROM run ORDER BY 2")" "baseline there pass
baseline there-from-baseline pass" "both boots have their row"
is "$(ask "SELECT scenario_name, metric, params ->> '\$.destination', params ->> '\$.source' FROM metric
	JOIN run ON run.id = metric.run JOIN measurement AS m ON m.id = metric.measurement
	WHERE metric IN ('departure', 'arrival', 'gap', 'switch') ORDER BY 1, 2")" "there departure baseline 
there-from-baseline arrival  baseline
there-from-baseline gap  baseline
there-from-baseline switch  baseline" "each tells its part, and of which other host"
is "$(ask "SELECT count(*) FROM counter WHERE name = 'l1_bytes_moved' AND value > 10000")" 2 "and how much went over"
records() { cat "$TMP"/runs/*/"$1"/records.jsonl; }
is "$(records baseline-there-from-baseline-1 | jq -r 'select(.type == "l1") | .nested')" vmcs "L1 says at its destination who it is"
is "$(pgrep -fc "bochs.*$TMP")" 0 "no emulator is left"
plan_done
