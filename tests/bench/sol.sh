#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 10 MB of records over serial over LAN, its session dropped 20 times: nothing lost, nothing double.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/bmc.sh"
. "$TOP/tests/lib/sol.sh"
trap 'stop_bmcs; rm -rf "$TMP"' EXIT
build_line || exit 1
start_bmc m --rate 2000000
SECONDS=0
sol_transfer "${1:-10000000}" "${2:-20}"
echo "$RECEIVED"
echo "$CHECKED, in $SECONDS s"
[ "${CHECKED#*all there}" != "$CHECKED" ]
