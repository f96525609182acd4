# SPDX-License-Identifier: GPL-2.0-only
# bench.sh - what benches that run plans on kernels begin with. Source it; end with `exit $failed`.
#
#	nestlab, dir	the program, and where the boots are kept: DIR, or a new folder in the build folder
#	failed		set it to 1 if something is wrong
#
# From here on the checkout is the current folder.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
nestlab=$(realpath "${NESTLAB:-${BUILD:-build}/bin/nestlab}")
dir=${DIR:-$(mktemp -d "${BUILD:-build}/$(basename "$0" .sh).XXXXXX")}
mkdir -p "$dir" || exit 1
dir=$(realpath "$dir") failed=0
echo "# boots are kept in $dir" >&2
