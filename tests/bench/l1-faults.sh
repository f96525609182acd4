#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Every fault of a Linux L1 (docs/l1-guests.md) by all three VMMs, in one boot each: what is said of each of them. Two to four minutes
# of a core, most of it libvirt's.
#
#	tests/bench/l1-faults.sh [KERNEL]	default baseline
#
# VMMS="thin qemu" takes these alone.
set -eu
NESTLAB=${NESTLAB:-$(dirname "$0")/../../build/bin/nestlab}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

write_plan() { # VMM FAULTS SAVES [GOES]: SAVES is 1 where L1 can be saved, GOES where it can go to another libvirt
	local save= go=
	[ "$3" = 0 ] || save='{ "scenario": "l1-save-restore", "fault": "disk-full", "l1": "linux-kvm", "vmm": "'$1'",
		"l2_vcpus": 1, "rounds": 1 },'
	[ "${4:-0}" = 0 ] || go='{ "scenario": "l1-live-migrate", "l1": "linux-kvm", "vmm": "'$1'", "l2_vcpus": 1, "rounds": 1,
		"fault": ["destination-refuses", "destination-killed", "destination-libvirt-killed"] },'
	cat >"$dir/$1.json" <<-END
		{ "scenarios": [
			{ "scenario": "multiplex", "l1": "linux-kvm", "vmm": "$1", "l2_vcpus": 1, "rounds": 1, "warmup": 0,
			  "fault": [$2] },
			$save
			$go
			{ "scenario": "multiplex", "l1": "linux-kvm", "vmm": "$1", "l2_vcpus": 1, "rounds": 4, "warmup": 0 } ] }
	END
}

all='"vmm-killed", "triple-fault", "panic", "silent", "no-memory"'
write_plan thin "$all" 0
write_plan qemu "$all, \"refused\"" 1
write_plan libvirt "$all, \"refused\"" 1 1
for vmm in ${VMMS:-thin qemu libvirt}; do
	"$NESTLAB" run "$dir/$vmm.json" --kernel "${1:-baseline}" --boots 1 --db "$dir/$vmm.db" >"$dir/$vmm.out" 2>&1 ||
		[ $? -eq 1 ]
	sqlite3 -separator ': ' "$dir/$vmm.db" "SELECT '$vmm', params ->> '\$.fault', text FROM test
		JOIN measurement AS m ON m.id = test.measurement WHERE result = 'fail'"
	sqlite3 -separator ' ' "$dir/$vmm.db" "SELECT '$vmm:', sum(count), 'of 4 switches measured after them' FROM metric
		WHERE metric = 'switch'"
done
