#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The emulated host for real: a kernel in Bochs whose init (tests/lib/tiny_init.c) goes wrong on
# demand. Each way to go wrong has its own outcome and text.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

"$NESTLAB" host check emulated >"$TMP/host" || skip_all "$(grep missing "$TMP/host" | head -1)"
find_kernel || skip_all "no kernel: $(tail -1 "$TMP/kernel.out")"
build_boot || { ok 1 "the tests' boot program builds"; plan_done; }
export NESTLAB_CACHE=$TMP/cache
printf '{"driver":"emulated","wall_limit_s":25}\n' >"$TMP/short.json"

# boot WHAT [HOST [CMDLINE]]: what a boot of tiny_init doing that comes to; run directory $TMP/WHAT
boot() {
	local iso
	iso=$("$BOOT" image "$KERNEL" "$TINY" "$1" "${3:-}") &&
		timeout 900 "$BOOT" host "$iso" "$TMP/$1" "${2:-emulated}"
}

# Two at once, as boots of a run are.
SECONDS=0
boot "done" >"$TMP/done.out" &
first=$!
boot clock >"$TMP/clock.out"
wait $first
# What shows no progress is ended after four times as long as a boot takes now that other tests run too.
limit=$((4 * SECONDS > 20 ? 4 * SECONDS : 20))
printf '{"driver":"emulated","progress_limit_s":%d}\n' $limit >"$TMP/hasty.json"
like "$(cat "$TMP/done.out")" '^done: 2 records' "a boot that ends well"
like "$(cat "$TMP/clock.out")" '^done: 3 records' "and another beside it"
ticks=$(grep -o 'second=[0-9]*' "$TMP/clock/records.jsonl" | cut -d= -f2)
ok "$([ "${ticks:-0}" -gt 99900000 ] && [ "$ticks" -lt 100100000 ]; echo $?)" \
	"a second of the kernel's is 100 million instructions, within 0.1 %"

like "$(boot panic)" '^panic: 1 records: Kernel panic - not syncing: Attempted to kill init' \
	"a panic: its text is the error"
like "$(boot "done" emulated rdinit=/nonexistent)" '^panic: 0 records: Kernel panic .*(init|root)' \
	"no init: a panic before the first record"
like "$(boot warn)" '^complained: 2 records: .*WARNING: .*arch/x86/kvm/vmx/nested.c:1234' \
	"a WARNING of the kernel's fails the boot and is told"
like "$(boot flip)" '^broken records: 1 records: record line 2: CRC' "a flipped bit: the line"
like "$(boot skip)" '^broken records: 1 records: record line 2: .*number 1 is missing' "a lost line"
like "$(boot truncate)" '^broken records: 1 records: record line 2: breaks off' "a broken-off line"
like "$(boot no-bye)" '^broken records: 1 records: .*after line 1 without a bye' "no bye"
like "$(boot silent)" '^died: 0 records: .*before the agent' "switched off without a record"
like "$(boot reboot)" '^died: 1 records: the machine reset' "a reset in the middle"
# Those that only a limit ends, at the same time: what they take is waiting.
for what in stall hang spin; do
	boot $what "$TMP/hasty.json" >"$TMP/$what.out" &
done
like "$(boot chatter "$TMP/short.json")" '^hang: [0-9]+ records: not done within 25 s' \
	"a guest that talks for ever"
wait
like "$(cat "$TMP/stall.out")" "^hang: 1 records: .*nothing came for $limit s.*before it: .*detected stalls" \
	"a kernel that is locked up and says so for ever"
like "$(cat "$TMP/spin.out")" "^hang: 1 records: .*nothing came for $limit s" \
	"a guest that spins for ever"
like "$(cat "$TMP/hang.out")" "^hang: 1 records: .*nothing came for $limit s" \
	"a guest that sleeps for ever"

# ---- a disk that runs full ----

if mkdir "$TMP/small" && mount -t tmpfs -o size=200k none "$TMP/small" 2>/dev/null; then
	iso=$("$BOOT" image "$KERNEL" "$TINY" chatter)
	like "$(timeout 900 "$BOOT" host "$iso" "$TMP/small/run" emulated)" \
		'^host failed: .*small/run: no space left' "a disk that runs full is told as that"
	umount "$TMP/small"
else
	skip "a disk that runs full is told as that" "cannot mount a small one"
fi

# ---- an emulator that is killed, and a nestlab that is ----

emulator_of() { # emulator_of PID: its child
	pgrep -P "$1" bochs
}
hanging() { # hanging NAME: boots in the background until the hello is there; sets PID, EMULATOR
	local iso
	iso=$("$BOOT" image "$KERNEL" "$TINY" hang)
	mkdir -p "$TMP/$1"
	: >"$TMP/$1/records.jsonl"
	"$BOOT" host "$iso" "$TMP/$1" emulated >"$TMP/$1.out" &
	PID=$!
	timeout 900 tail -n +1 -F "$TMP/$1/records.jsonl" 2>/dev/null | grep -q -m1 '"hello"'
	EMULATOR=$(emulator_of $PID)
}
hanging victim
kill -KILL "$EMULATOR"
wait $PID
like "$(cat "$TMP/victim.out")" '^host failed: 1 records: .*killed by signal 9' \
	"a killed emulator is trouble of the host's"
hanging orphan
kill -KILL $PID
{ wait $PID; } 2>/dev/null
timeout 600 tail --pid="$EMULATOR" -f /dev/null
ok $? "kill -9 of nestlab ends its emulator"

plan_done
