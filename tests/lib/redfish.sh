# SPDX-License-Identifier: GPL-2.0-only
# redfish.sh - after tap.sh: a BMC that speaks Redfish (bmc.py), and a host file for it.
#
#	start_redfish NAME [OPTION...]	sets RF (its folder, $TMP/NAME) and RF_URL
#	write_host NAME [JSON]		hosts/NAME.json for the BMC started last, with more keys
#	control JSON			what bmc.py does between tests; prints its state
REDFISH_PIDS=
RF_PASSWORD=s3cret-Pa55word # bmc.py's

start_redfish() {
	RF=$TMP/$1
	shift
	"$TOP/tests/lib/bmc.py" serve "$RF" "$@" >"$RF.out" 2>&1 &
	REDFISH_PIDS="$REDFISH_PIDS $!"
	await test -e "$RF/url"
	RF_URL=$(cat "$RF/url")
}
# A service that shows what is in a file, at $RF.
start_tree() { # start_tree FILE
	"$TOP/tests/lib/bmc.py" tree "$RF" "$1" >"$TMP/tree.out" 2>&1 &
	REDFISH_PIDS="$REDFISH_PIDS $!"
	await test -e "$RF/url"
	RF_URL=$(cat "$RF/url")
}
# Where nestlab notes what it has changed on the BMC started last.
journal() {
	echo "$NESTLAB_CACHE/hosts/$(printf %s "${RF_URL#*://}" | sha256sum | cut -c1-16).state"
}
stop_redfish() {
	# shellcheck disable=SC2086
	[ -z "$REDFISH_PIDS" ] || kill $REDFISH_PIDS 2>/dev/null
	REDFISH_PIDS=
}
trap 'stop_redfish; rm -rf "$TMP"' EXIT

# Short limits: nobody waits for a real BMC here.
write_host() {
	mkdir -p "$NESTLAB_ROOT/hosts"
	[ -e "$TMP/cred" ] || (umask 077 && printf 'user=nestlab\npassword=%s\n' "$RF_PASSWORD" >"$TMP/cred")
	jq -n --arg url "$RF_URL" --arg cred "file:$TMP/cred" --arg bmc "$TOP/tests/lib/bmc.py" --arg dir "$RF" \
		--argjson more "${2:-{\}}" '{driver: "redfish", bmc: $url, credentials: $cred,
		image_url: "http://127.0.0.1", console: {command: [$bmc, "console", $dir], answers: false},
		kernel_config: [], retry_ms: 50, poll_ms: 20, pace_ms: 0, watch_ms: 100, request_limit_ms: 5000,
		connect_limit_ms: 5000, media_limit_s: 5, on_limit_s: 10, off_limit_s: 10, boot_limit_s: 30} + $more' \
		>"$NESTLAB_ROOT/hosts/$1.json"
}

control() {
	"$TOP/tests/lib/bmc.py" control "$RF_URL" "$1"
}

# Is all as it was before the boot?
is_clean() { # is_clean NAME
	is "$(control '{}' | jq -c '[.power, ([.media[] | select(.)] | length), .boot.Enabled, .sessions,
		(.tag // "" | startswith("nestlab"))]')" '["Off",0,"Disabled",[],false]' "$1"
}
