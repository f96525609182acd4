#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Records over serial over LAN (Debian's ipmi_sim, ipmitool), whose session is dropped, by its client's death and
# by the BMC, and which loses bytes: all arrives, once and in order. tests/bench/sol.sh does it with 10 MB.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/bmc.sh"
. "$TOP/tests/lib/sol.sh"
for program in ipmitool ipmi_sim; do
	command -v $program >/dev/null || skip_all "$program is not installed (apt-get install ipmitool openipmi)"
done
trap 'stop_bmcs; rm -rf "$TMP"' EXIT
build_line || { ok 1 "both ends of the line build"; plan_done; }
start_bmc m --rate 60000
$MACHINE fault drop-line 20 >/dev/null
sol_transfer 300000 4
echo "# $RECEIVED"
like "$RECEIVED" 'dropped 4 times; complete: opened [4-9] times' "a session that is dropped is opened again"
like "$RECEIVED" 'asked [1-9][0-9]* times' "what was lost is asked for"
like "$CHECKED" 'all there, once and in order' "and nothing is missing or double"
plan_done
