#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Real machines behind a BMC that speaks Redfish (tests/lib/bmc.py): Bochs, whose numbers are those of the emulated
# host, and QEMU with UEFI firmware.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/boot.sh"
. "$TOP/tests/lib/redfish.sh"

"$NESTLAB" host check emulated >"$TMP/host" || skip_all "$(grep missing "$TMP/host" | head -1)"
find_kernel || skip_all "no kernel: $(tail -1 "$TMP/kernel.out")"
export NESTLAB_ROOT=$TMP/root
mkdir -p "$NESTLAB_ROOT/hosts" "$NESTLAB_ROOT/scenarios"
ln -s "$TOP/kernels" "$NESTLAB_ROOT/kernels"
cat >"$NESTLAB_ROOT/scenarios/one.json" <<'END'
{"scenarios": [{"scenario": "multiplex", "l1": "micro-vmx", "memory": "unmanaged", "l2_vcpus": 4, "rounds": 20, "warmup": 5}]}
END

# ---- Bochs: a machine with VMX, to the numbers ----

start_redfish bochs --machine bochs
# The kernel of the emulated host, told of the same machine: the same numbers.
write_host metal '{"request_limit_ms": 30000, "boot_limit_s": 300, "console":
	{"command": ["'"$TOP/tests/lib/bmc.py"'", "console", "'"$RF"'"]},
	"cmdline": "nestlab.clock=emulated tsc_early_khz=100000 mem=768M"}'
db=$TMP/nestlab.db
out=$(timeout 1800 "$NESTLAB" run one --host metal --kernel baseline --boots 1 --db "$db" 2>&1)
status=$?
ok "$status" "run --host metal: from power-on over virtual media to the records"
[ $status -eq 0 ] || tail -20 <<<"$out" | sed 's/^/# /'
is_clean "the BMC is as it was"
timeout 1800 "$NESTLAB" run one --host emulated --kernel baseline --boots 1 --db "$db" >/dev/null 2>&1
ok $? "the same on the emulated host"
median() { # median HOST
	sqlite3 "$db" "SELECT m.mean FROM metric m JOIN run r ON m.run = r.id
		WHERE r.host_name = '$1' AND m.metric = 'switch'" 2>&1
}
behind=$(median metal)
plain=$(median emulated)
ok "$(awk -v a="$behind" -v b="$plain" 'BEGIN { exit !(b > 0 && a / b > 0.99 && a / b < 1.01) }'; echo $?)" \
	"a switch costs the same on both, within 1 % ($behind, $plain)"
identity=$(sqlite3 "$db" "SELECT host_identity FROM run WHERE host_name = 'metal'")
is "$(jq -r '[.maker, .bmc_firmware, .firmware_settings.ProcVirtualization] | join(" ")' <<<"$identity")" \
	"ACME 1.0 Enabled" "what makes its numbers comparable is stored with them"
is "$(grep -laF "$RF_PASSWORD" "$db"* | head -1)" "" "the password is not in the database"
stop_redfish

# ---- QEMU with UEFI firmware ----

ovmf=/usr/share/OVMF/OVMF_CODE.fd
if ! command -v qemu-system-x86_64 >/dev/null || [ ! -r $ovmf ]; then
	skip "QEMU boots by virtual media" "no qemu-system-x86_64 or $ovmf (apt-get install qemu-system-x86 ovmf)"
	plan_done
fi
start_redfish qemu --machine qemu --qemu -M q35 -m 1024 -cpu max -accel tcg -nic none \
	-drive if=pflash,format=raw,readonly=on,file=$ovmf -cdrom @DIR@/media.iso
write_host uefi '{"request_limit_ms": 30000, "boot_limit_s": 400, "console":
	{"command": ["'"$TOP/tests/lib/bmc.py"'", "console", "'"$RF"'"]}}'
out=$(timeout 1800 "$NESTLAB" host check --boot uefi 2>&1)
like "$out" 'uefi: boots' "QEMU with UEFI firmware boots the image by virtual media"
like "$out" 'lacks .*VMX' "and the agent says that its CPU has no VMX"
is_clean "and the BMC is as it was"
stop_redfish

# ---- the same by UEFI HTTP boot: no drive; the firmware asks DHCP, and fetches the image itself ----

link=nl$$
net=10.98.$((RANDOM % 250 + 2))
end_network() {
	[ ! -e "$TMP/dnsmasq.pid" ] || kill "$(cat "$TMP/dnsmasq.pid")"
	ip link del "$link" 2>/dev/null
}
if ! command -v dnsmasq >/dev/null; then
	skip "QEMU boots by UEFI HTTP" "no dnsmasq (apt-get install dnsmasq-base)"
	plan_done
fi
if ! { ip tuntap add "$link" mode tap && ip addr add $net.1/24 dev "$link" && ip link set "$link" up; } 2>"$TMP/ip"; then
	skip "QEMU boots by UEFI HTTP" "cannot make a network: $(tail -1 "$TMP/ip")"
	plan_done
fi
trap 'stop_redfish; end_network; rm -rf "$TMP"' EXIT
cat >"$TMP/dhcp" <<END
#!/bin/sh
exec dnsmasq --conf-file=/dev/null --pid-file=$TMP/dnsmasq.pid --leasefile-ro --port=0 --interface=$link \\
	--bind-interfaces --user=root --dhcp-range=$net.10,$net.20,255.255.255.0 \\
	--dhcp-match=set:http,option:client-arch,16 --dhcp-option-force=tag:http,60,HTTPClient \\
	"--dhcp-boot=tag:http,\$1"
END
chmod +x "$TMP/dhcp"
start_redfish http --profile ami --machine qemu --http-boot "$TMP/dhcp" --qemu -M q35 -m 1024 -cpu max -accel tcg \
	-drive if=pflash,format=raw,readonly=on,file=$ovmf -netdev "tap,id=n,ifname=$link,script=no,downscript=no" \
	-device virtio-net-pci,netdev=n -fw_cfg name=opt/org.tianocore/IPv4PXESupport,string=n \
	-fw_cfg name=opt/org.tianocore/IPv6PXESupport,string=n
# With the kernel for PCs the records go the way that the image came.
way='"records": "console"'
if find_pc_kernel; then
	way='"records": "http", "kernel_config": ["pc"]'
else
	skip "records come by HTTP" "no kernel for PCs: $(tail -1 "$TMP/kernel.out")"
fi
write_host http '{"request_limit_ms": 30000, "boot_limit_s": 400, "image_url": "http://'$net.1'", '"$way"', "console":
	{"command": ["'"$TOP/tests/lib/bmc.py"'", "console", "'"$RF"'"]}}'
out=$(timeout 1800 "$NESTLAB" host check --boot http 2>&1)
like "$out" 'http: boots' "QEMU with UEFI firmware fetches the image by HTTP and boots it"
like "$out" 'lacks .*VMX' "and the agent says what it said"
[ -z "${way##*console*}" ] || is "$(grep -c $'\x1e' "$RF/machine/wire.log")" 0 "its records came by HTTP, and not by the console"
is_clean "and the BMC is as it was"
plan_done
