# SPDX-License-Identifier: GPL-2.0-only
# sol.sh - after tap.sh and bmc.sh: records over serial over LAN whose session is dropped again and again.
LINE=$TMP/line
build_line() {
	local build
	build=$(dirname "$(dirname "$NESTLAB")")
	# shellcheck disable=SC2046
	(cd "$TOP" && gcc -std=gnu17 -D_GNU_SOURCE -O1 -I. -pthread -o "$LINE" tests/lib/line.c \
		agents/l0/records/channel.c agents/l0/clock.c agents/l0/files.c agents/l0/records/framed.c agents/l0/records/port.c \
		agents/l0/records/stream.c agents/l0/records/upload.c "$build/libnestlab.a" \
		$(pkg-config --libs $(sed -n 's/^LIBRARIES := //p' Makefile)) -lm)
}
# drop_session HOW: kills ipmitool, or has the BMC end its session
drop_session() {
	if [ "$1" = kill ]; then
		kill -9 "$(pgrep -P "$RECEIVER" ipmitool | head -1)" 2>/dev/null
	else
		bmc sol deactivate >/dev/null 2>&1
	fi
}
# sol_transfer BYTES DROPS: sends so much, drops the session so often meanwhile; sets RECEIVED and CHECKED
sol_is_active() { [ "$(bmc raw 6 0x4a 1 2>/dev/null)" = " 01 01 00" ]; }
sol_transfer() {
	local uart sender dropped=0 at
	printf 'user=lab\npassword=%s\n' "$BMC_PASSWORD" >"$TMP/cred"
	chmod 600 "$TMP/cred"
	cat >"$TMP/sol.json" <<-END
		{ "driver": "ipmi", "bmc": "127.0.0.1:$BMC_PORT", "credentials": "file:$TMP/cred", "cipher": 3,
		  "image_file": "/nowhere", "silence_s": 2, "firmware": "bios" }
	END
	"$LINE" receive "$TMP/sol.json" "$TMP/sol" >"$TMP/received" 2>&1 &
	RECEIVER=$!
	await sol_is_active
	uart=$(cat "$TMP/m/uart")
	"$LINE" send "$uart" "$1" &
	sender=$!
	while [ $dropped -lt "$2" ] && kill -0 "$RECEIVER" 2>/dev/null; do
		# evenly, by what has come
		at=$(($1 / ($2 + 1) * (dropped + 1)))
		if [ "$(cat "$TMP/sol/console.log" "$TMP/m/wire.log" 2>/dev/null | wc -c)" -ge $at ]; then
			drop_session "$([ $((dropped % 2)) = 0 ] && echo kill)"
			dropped=$((dropped + 1))
		fi
		sleep 0.05
	done
	wait "$RECEIVER"
	# it may not have heard that all has come, and would go on asking
	kill $sender 2>/dev/null
	wait $sender 2>/dev/null
	RECEIVED="dropped $dropped times; $(cat "$TMP/received")"
	CHECKED=$("$LINE" check "$TMP/sol/records.jsonl" "$1")
}
