#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Mutants of the nested-context series that keep too many contexts or let one vCPU have all, caught by
# nested_context_switch_test; see tests/mutants/README.md.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/mutants.sh"

catch nested_context_switch_test 120 <<'EOF'
ignore-limit|output|reuse 27, expected 24; recycle 0, expected 0
ignore-share|output|share, 2 L1, 24 L2, 8 rounds: reuse 48, expected 36
EOF
tell_errors
plan_done
