# SPDX-License-Identifier: GPL-2.0-only
# bmc.sh - after tap.sh: a BMC (Debian's ipmi_sim) in front of a machine (machine.py), in $TMP/NAME.
BMC_PIDS=
# start_bmc NAME [MACHINE OPTION...]: sets BMC_PORT, and MACHINE (the command that asks the machine)
start_bmc() {
	local dir=$TMP/$1 console
	shift
	mkdir -p "$dir/state"
	BMC_PORT=$("$TOP/tests/lib/free_port.py")
	console=$("$TOP/tests/lib/free_port.py")
	MACHINE="$TOP/tests/lib/machine.py $dir"
	"$TOP/tests/lib/machine.py" run "$dir" --console "$console" "$@" >"$dir/machine.out" 2>&1 &
	BMC_PIDS="$BMC_PIDS $!"
	cat >"$dir/lan.conf" <<-END
		name "fake"
		set_working_mc 0x20
		startlan 1
		addr 127.0.0.1 $BMC_PORT
		priv_limit admin
		allowed_auths_admin none md2 md5 straight
		guid a123456789abcdefa123456789abcdef
		endlan
		chassis_control "$MACHINE"
		sol "tcp:127.0.0.1:$console" 115200
		user 1 true "" "nobody" user 10 none md2 md5 straight
		user 2 true "lab" "$BMC_PASSWORD" admin 10 none md2 md5 straight
	END
	cat >"$dir/sim.emu" <<-END
		mc_setbmc 0x20
		mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
		sel_enable 0x20 1000 0x0a
		mc_enable 0x20
	END
	await grep -q ready "$dir/machine.out"
	ipmi_sim -c "$dir/lan.conf" -f "$dir/sim.emu" -s "$dir/state" -n >"$dir/sim.log" 2>&1 &
	BMC_PIDS="$BMC_PIDS $!"
	await bmc mc info
}
# bmc WORD...: what ipmitool says of the BMC that was started last
bmc() {
	printf '%s' "$BMC_PASSWORD" >"$TMP/bmc.password"
	ipmitool -I lanplus -C 3 -H 127.0.0.1 -p "$BMC_PORT" -U lab -f "$TMP/bmc.password" "$@"
}
BMC_PASSWORD=very-secret-7
stop_bmcs() {
	# shellcheck disable=SC2086
	[ -z "$BMC_PIDS" ] || kill $BMC_PIDS 2>/dev/null
	BMC_PIDS=
}
