#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Host `here`: on this machine, whatever it is; and the agent as `here` runs it, on an emulated machine
# with VMX, where its path through the real KVM is taken: made quiet, measured, killed, put back.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"

AGENT=$(dirname "$NESTLAB")/nestlab-agent
PLAN="nestlab-plan 1
run seed=1 mode=cooperative
measure id=0 scenario=exits l1=micro-vmx memory=managed l2_vcpus=1 l1_vcpus=1 ept=1 apic_pages=0 rounds=20 warmup=2 reason=vmcall
measure id=1 scenario=multiplex l1=micro-vmx memory=managed l2_vcpus=2 l1_vcpus=1 ept=1 apic_pages=0 rounds=20 warmup=2
end count=2
"
run() { # run ARGUMENT...: STATUS and $TMP/out
	NESTLAB_CACHE=$TMP/cache "$NESTLAB" run quick "$@" --db "$TMP/db" >"$TMP/out" 2>&1
	STATUS=$?
}

# ---- this machine ----

shown=$("$NESTLAB" kernel show running --json)
is "$(jq -r .build.release <<<"$shown")" "$(uname -r)" "kernel running: its release"
like "$(jq -r .build.build_id <<<"$shown")" '^([0-9a-f]{40}|)$' "its build-id"
is "$(jq -r .built <<<"$shown")" true "nothing has to be built"
run --host here --kernel baseline
is $STATUS 125 "another kernel than the running one: cannot tell"
run --host emulated --kernel running
is "$STATUS $(grep -c 'SKIP: host emulated boots kernels' "$TMP/out")" "125 1" \
	"the running kernel elsewhere: cannot tell, and why"
if [ -z "$("$NESTLAB" host check here | grep missing)" ]; then
	run --host here --kernel running --append quiet
	is "$STATUS $(grep -c 'SKIP: host here boots nothing' "$TMP/out")" "125 1" "nor are there parameters"
fi
missing=$("$NESTLAB" host check here | grep missing)
if [ -n "$missing" ]; then
	run --host here --kernel running
	is $STATUS 125 "what this machine lacks is no verdict on a kernel"
	like "$(cat "$TMP/out")" "SKIP: host here cannot run" "it is a skip"
	like "$(cat "$TMP/out")" "(VMX|root): .*" "and says what is missing"
	skip "measures on this machine" "${missing#*missing }"
else
	run --host here --kernel running
	like "$STATUS" '^(0|125)$' "measures on this machine, or says that it is not quiet"
fi
ok "$([ ! -e "$TMP/cache/hosts/here.journal" ]; echo $?)" "no journal is left"

# ---- a nestlab that was killed with its agent, on this machine: a setting that does no harm ----

setting=/proc/sys/vm/stat_interval
if [ -w $setting ]; then
	old=$(cat $setting)
	mkdir -p "$TMP/cache/hosts"
	printf 'boot\t%s\n%s\t%s\n' "$(cat /proc/sys/kernel/random/boot_id)" $setting "$old" >"$TMP/cache/hosts/here.journal"
	echo $((old + 1)) >$setting
	like "$(NESTLAB_CACHE=$TMP/cache "$NESTLAB" host rescue here)" "the machine's settings are as they were" "host rescue here"
	is "$(cat $setting)" "$old" "puts a setting back"
	like "$(NESTLAB_CACHE=$TMP/cache "$NESTLAB" host rescue here)" 'nothing is left' "then there is nothing left to do"
else
	skip "host rescue here" "$setting cannot be written"
fi

# ---- a machine with VMX ----

if ! "$NESTLAB" host check emulated >"$TMP/host"; then
	skip "the agent on a machine with VMX" "$(grep missing "$TMP/host" | head -1)"
	plan_done
fi
if ! find_kernel; then
	skip "the agent on a machine with VMX" "no kernel: $(tail -1 "$TMP/kernel.out")"
	plan_done
fi
build_boot && build_here || { ok 1 "the tests' programs build"; plan_done; }
export NESTLAB_CACHE=$TMP/cache
iso=$("$BOOT" image "$KERNEL" "$HERE" "$PLAN" "" "$AGENT")
out=$(timeout 900 "$BOOT" host "$iso" "$TMP/run" emulated)
like "$out" '^done: [0-9]+ records' "with VMX: the plan runs to its end"
records=$(cat "$TMP/run/records.jsonl")
console=$(tr -d '\r' <"$TMP/run/console.log" | grep '^here: ')
is "$(grep -c '"type":"metric"' <<<"$records" | sed 's/[1-9][0-9]*/some/')" some "and measures"
is "$(grep -c '"type":"\(skip\|fail\|fatal\)"' <<<"$records")" 0 "all of it"
like "$records" '"measuring_cpus":"0"' "hello says which CPUs are measured on"
like "$console" 'at first: 2 of 2 settings as before, the journal is gone' "the machine's settings"
like "$console" 'killed: 0 of 2 settings as before, the journal is there' \
	"killed while it measures: they are changed, and the journal knows"
like "$console" 'restore: exit status 0' "what a killed agent left is put back"
like "$console" 'restored: 2 of 2 settings as before, the journal is gone' "all of it"
like "$console" 'at the end: 2 of 2 settings as before, the journal is gone' "and so it is after a run"
unlike "$console" 'tsc: "type":"fatal"' "with a real clock the emulated machine is quiet, too"
like "$console" 'tsc: .*"clock":"tsc"' "with a real clock the agent takes the TSC"
like "$console" 'tsc: .*"machine":{.*"halt_poll_ns":"0"' "and says what identifies the machine"
plan_done
