# SPDX-License-Identifier: GPL-2.0-only
# bench.sh - what benches that run plans on kernels begin with. Source it; end with `exit $failed`.
#
#	nestlab, dir	the program, and where the boots are kept: DIR, or a new folder in the build folder
#	failed		set it to 1 if something is wrong
#	write_series_plans	the series' selftests as switch.json, series.json and leak.json in dir
#
# From here on the checkout is the current folder.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
nestlab=$(realpath "${NESTLAB:-${BUILD:-build}/bin/nestlab}")
dir=${DIR:-$(mktemp -d "${BUILD:-build}/$(basename "$0" .sh).XXXXXX")}
mkdir -p "$dir" || exit 1
dir=$(realpath "$dir") failed=0
echo "# boots are kept in $dir" >&2

# Boots side by side, for slow kernels and hosts: switch takes as long as the other eight. leak runs 112 VMs before it counts
# anything; here 20 after that, and it kills 10 processes.
write_series_plans() {
	local plan=scenarios/nested-context.json switch=nested_context_switch_test

	jq ".scenarios |= [.[0] | .time_limit_s = 1800 | .test = \"$switch\"]" $plan >"$dir/switch.json"
	jq ".scenarios |= [.[0] | .time_limit_s = 1800 | .test -= [\"$switch\"]]" $plan >"$dir/series.json"
	jq '.scenarios |= [.[1] | .arguments = ["20"]]' $plan >"$dir/leak.json"
}
