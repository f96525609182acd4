#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The agent as an ordinary program: its answers where it cannot run, and the shape of its records.
# The CRC is checked with gzip's, which is somebody else's code.
set -u
. "$(dirname "$0")/../lib/tap.sh"

AGENT=$(dirname "$NESTLAB")/nestlab-agent
TEST='measure id=0 scenario=kselftest test=hello'
USABLE=$([ -r /dev/kvm ] && [ -w /dev/kvm ] &&
	grep -qs '[Y1]' /sys/module/kvm_intel/parameters/nested && echo yes)

# agent PLAN_LINE...: runs it on that plan; STATUS, and the records in $TMP/records
agent() {
	printf '%s\n' "$@" >"$TMP/plan"
	timeout 600 "$AGENT" --plan "$TMP/plan" --records "$TMP/records" \
		--selftests "$TMP/selftests" 2>"$TMP/stderr"
	STATUS=$?
}

# crc TEXT: 8 hex digits, from the trailer that gzip writes (RFC 1952: CRC-32, little-endian)
crc() {
	printf '%s' "$1" | gzip -c | tail -c 8 | head -c 4 | od -An -tx1 |
		awk '{ print $4 $3 $2 $1 }'
}

# Every record of the stream numbered, sealed, and counted by the last one?
stream_is_sound() {
	local n=0 line body
	while IFS= read -r line; do
		body=${line%,\"crc\":*}
		[ "$line" = "$body,\"crc\":\"$(crc "$body")\"}" ] || return 1
		case $body in "{\"seq\":$n,\"type\":"*) ;; *) return 1 ;; esac
		n=$((n + 1))
	done <"$TMP/records"
	case $body in *'"type":"bye","records":'$n) return 0 ;; *) return 1 ;; esac
}

field() { # field TYPE NAME: a text member of the first record of that type
	sed -n "/\"type\":\"$1\"/{s/.*\"$2\":\"\([^\"]*\)\".*/\1/p;q}" "$TMP/records"
}

agent "nestlab-plan 1" "run seed=1" "$TEST" "end count=1"
stream_is_sound
ok $? "records are numbered, sealed and counted"
like "$(head -1 "$TMP/records")" '"type":"hello".*"plan_count":1,' "hello comes first, with the plan's size"
is "$(field hello release)" "$(uname -r)" "hello names the kernel"
is "$(field hello clock)" tsc "a clock that nobody called emulated is the TSC"

if [ "$USABLE" ]; then
	skip "what is missing is named" "this machine can run an L1"
	is "$STATUS" 0 "the plan is run"
	is "$(field skip reason)" "$TMP/selftests/hello is not in this image" "a missing test is a skip"
else
	like "$(field fatal text)" 'VMX|kvm_intel|nested=N|may not be opened' "what is missing is named"
	is "$STATUS" 128 "exit status: fatal"
	like "$(cat "$TMP/stderr")" '^nestlab-agent: fatal: ' "stderr tells it too"
fi

for bad in "" "end count=1" "measure id=0 scenario=dance" "$TEST rounds=1"; do
	agent "nestlab-plan 1" "run seed=1" "$bad" "end count=1"
	like "$(field fatal text)" "^$TMP/plan: line 3: " "bad plan \"$bad\": file and line are named"
	is "$STATUS" 128 "bad plan \"$bad\": exit status"
done
stream_is_sound
ok $? "a refused plan is a sound stream too"
agent "nestlab-plan 1" "run seed=1" "$TEST"
like "$(field fatal text)" 'the plan ends without' "a plan that was cut off is refused"

out=$("$AGENT" --plan "$TMP/none" 2>/dev/null)
is $? 128 "no plan: exit status"
like "$out" "$TMP/none: cannot read the plan" "no plan: said on stdout, the default channel"
"$AGENT" --records "$TMP/none/records" 2>"$TMP/stderr"
is $? 128 "no channel: exit status"
like "$(cat "$TMP/stderr")" "cannot open the result channel $TMP/none/records" "no channel: said on stderr"
"$AGENT" --nonsense >"$TMP/out" 2>&1
is $? 129 "unknown option: exit status of a usage error"
"$AGENT" operand >"$TMP/out" 2>&1
is $? 129 "operand: exit status of a usage error"
like "$("$AGENT" --help)" '^usage: nestlab-agent' "--help"
plan_done
