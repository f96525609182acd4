#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# 200 times kill -9 of daemon, agents and boots, over jobs of 100 boots. Arguments: KILLS BOOTS SEED.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
build_fake_boot || exit 1
python3 "$TOP/tests/lib/daemon_kill.py" "$NESTLABD" "$NESTLAB" "$FAKE_BOOT_PROGRAM" "$TMP" "${1:-200}" "${2:-100}" "${3:-1}"
