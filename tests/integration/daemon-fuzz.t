#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Requests by chance, and connections that send a byte now and then: the daemon goes on.
# FUZZ_REQUESTS, FUZZ_LORIS: how many (for longer runs, and with NESTLABD a sanitizer's).
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
start_daemon
figures=$(python3 "$TOP/tests/lib/daemon_fuzz.py" "$STATE/nestlabd.sock" "${FUZZ_REQUESTS:-600}" "${FUZZ_LORIS:-200}")
ok $? "it answers what it should, and nothing is its own trouble"
echo "# $figures"
like "$("$NESTLAB" daemon check --state "$STATE")" good "the queue does not contradict itself"
kill -TERM "$DAEMON"; wait "$DAEMON"
is $? 0 "and it ends at SIGTERM, with all these connections"
plan_done
