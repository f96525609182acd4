#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The memory that eight L2s lie in is unplugged from a Linux L1 and plugged in again (docs/l1-guests.md): anonymous memory and memfd,
# VMCSs and enlightened ones. Prints million instructions, and how many pages of L2s L1's kernel had to move. One boot of each
# kernel, five thousand million instructions or some 75 s of a core; l1-virtio is built first.
#
#	tests/bench/l1-unplug.sh [KERNEL...]	default baseline nested-context
set -eu
NESTLAB=${NESTLAB:-$(dirname "$0")/../../build/bin/nestlab}
ROUNDS=${ROUNDS:-5}
PAGES=64 # of an L2 with one vCPU (L2VM_SIZE)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/unplug.json" <<-END
	{ "l1_kernel": "l1-virtio", "scenarios": [
		{ "scenario": "l1-unplug", "l1": ["linux-kvm", "linux-evmcs"], "vmm": "qemu", "backing": ["plain", "memfd"],
		  "l2_vcpus": 8, "rounds": $ROUNDS } ] }
END
kernels=()
for kernel in "${@:-baseline}"; do kernels+=(--kernel "$kernel"); done
[ $# -gt 0 ] || kernels+=(--kernel nested-context)
"$NESTLAB" run "$dir/unplug.json" "${kernels[@]}" --boots 1 --db "$dir/unplug.db" || [ $? -lt 128 ] # dearer or undecided is an answer
sqlite3 -separator ' ' "$dir/unplug.db" "
	SELECT kernel_name, params ->> '\$.l1', coalesce(params ->> '\$.backing', 'plain'), metric, count,
		printf('median %.1f p99 %.1f', median / 1e6, p99 / 1e6)
	FROM metric JOIN run ON run.id = run JOIN measurement AS m ON m.id = metric.measurement
	WHERE metric IN ('unplug', 'plug') ORDER BY 2, 3, 4 DESC, 1"
moved=$(sqlite3 "$dir/unplug.db" "SELECT group_concat(DISTINCT value) FROM counter WHERE name = 'l2_pages_moved'")
echo "$moved pages of L2s moved in each measurement"
[ "$moved" = $((8 * PAGES * ROUNDS)) ]
