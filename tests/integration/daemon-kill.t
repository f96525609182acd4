#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# kill -9 of daemon, agents and boots at moments by chance: no boot is lost or stored twice. Many more of
# them: tests/bench/daemon-kill.sh
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot
ok $? "the fake boot is built"
figures=$(python3 "$TOP/tests/lib/daemon_kill.py" "$NESTLABD" "$NESTLAB" "$FAKE_BOOT_PROGRAM" "$TMP" 15 20)
ok $? "after 15 times kill -9 every boot is stored once, and nothing else"
echo "# $figures"
plan_done
