#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# bisect-config.sh: which of twenty options for debugging costs a switch most?
#
# The two fragments in bisect-config/ differ in twenty options that each compile few files anew. With
# unmanaged memory L0 maps pages of L1's at each switch, which allocates: CONFIG_SLUB_DEBUG_ON, which
# poisons and checks all that is allocated, is the guilty one. Prints what `nestlab bisect` said and
# what it took. BISECT_DIR: where the database goes (default: the cache's bench-bisect).
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
nestlab=${NESTLAB:-$top/build/bin/nestlab} here=$top/tests/bench/bisect-config
dir=${BISECT_DIR:-${NESTLAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nestlab}/bench-bisect}
guilty='CONFIG_SLUB_DEBUG_ON: n -> y'
die() { echo "bisect-config: $*" >&2; exit 1; }

mkdir -p "$dir"
run=$(mktemp -d "$dir/config.XXXXXX") db=$run/nestlab.db
started=$EPOCHREALTIME
"$nestlab" bisect --config "$here/good.config" "$here/bad.config" --variant "$here/base.json" \
	--scenario multiplex --metric switch --param memory=unmanaged --rounds 50 --db "$db" \
	>"$run/out" 2>"$run/err"
status=$?
ended=$EPOCHREALTIME
grep '^bisect:' "$run/err"
cat "$run/out"
[ $status -eq 128 ] && tail -3 "$run/err"
echo "twenty options: $(sqlite3 "$db" "SELECT count(*) FROM bisect_step") sets judged," \
	"$(sqlite3 "$db" "SELECT count(*) FROM run") boots," \
	"$(awk "BEGIN { printf \"%.0f\", $ended - $started }") s in all"
echo "database: $db"
[ $status -eq 0 ] || die "exit status $status"
[ "$(sed -n 2p "$run/out")" = "  $guilty" ] || die "the guilty one is $guilty"
