#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The pages name nothing that is not there, and their examples are right.
set -u
. "$(dirname "$0")/../lib/tap.sh"
cd "$TOP" || exit 1
bin=$(dirname "$NESTLAB")

is "$(python3 tests/lib/docs.py "$NESTLAB" "$bin/nestlabd" "$bin/nestlab-agent")" "" \
	"links lead somewhere; paths, commands and options are there"
plan_done
