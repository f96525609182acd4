#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# How much a nestlabd takes: tests/lib/daemon_load.py.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/daemon.sh"
python3 "$TOP/tests/lib/daemon_load.py" "$NESTLABD" "$NESTLAB" "$TMP"
