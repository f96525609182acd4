#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line: help for every command, and usage errors that say what is wrong.
set -u
. "$(dirname "$0")/../lib/tap.sh"

commands=$("$NESTLAB" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')
like "$commands" '^run$' "nestlab --help lists the commands"
for c in $commands; do
	out=$("$NESTLAB" "$c" --help 2>"$TMP/err")
	is "$?" 0 "$c --help exits 0"
	like "$out" '^usage: nestlab' "$c --help prints its usage on stdout"
done

usage() { # usage NAME REGEX ARGUMENT...: exits 129 and says REGEX
	local name=$1 regex=$2 out
	shift 2
	out=$("$NESTLAB" "$@" 2>&1)
	is "$?" 129 "$name exits 129"
	like "$out" "$regex" "$name says why"
}
usage "no command" '^usage: nestlab COMMAND'
usage "an unknown command" 'no such command: nope' nope
usage "an unknown option" '--nope: no such option' run --nope
usage "a missing value" '--kernel: wants a value' run quick --kernel
usage "a number out of range" '--boots: expected a whole number from 1 to' run quick --boots 0
usage "no scenario" 'no SCENARIO given' run --kernel baseline
usage "no kernel" 'give --kernel once or twice' run quick
usage "one kernel twice" 'compare A A' run quick --kernel baseline --kernel baseline

out=$("$NESTLAB" run no-such-scenario --kernel baseline --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown scenario is fatal"
like "$out" 'no-such-scenario' "and is named"
out=$("$NESTLAB" run quick --kernel no-such-kernel --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown kernel is fatal"
like "$out" 'no-such-kernel' "and is named"
out=$("$NESTLAB" run quick --kernel baseline --host no-such-host --db "$TMP/x.db" 2>&1)
is "$?" 128 "an unknown host is fatal"
like "$out" 'no-such-host' "and is named"

plan_done
