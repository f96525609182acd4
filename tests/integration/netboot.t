#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boot from the network: a BMC (ipmi_sim) switches QEMU, whose firmware (iPXE instead of a BIOS' PXE, then UEFI's own)
# gets iPXE's script from a TFTP server and the image from nestlab's own. QEMU has no VMX: the agent comes up, says
# so, and is told that all arrived.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/bmc.sh"
. "$TOP/tests/lib/boot.sh"
for program in ipmitool ipmi_sim qemu-system-x86_64; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
"$NESTLAB" kernel build baseline >"$TMP/kernel" 2>&1 || skip_all "no kernel: $(tail -1 "$TMP/kernel")"
cd "$TMP" || exit 1
trap 'stop_bmcs; rm -rf "$TMP"' EXIT
mkdir -p m/tftp
start_bmc m --qemu -machine pc -cpu qemu64 -m 512 -netdev user,id=n,tftp=@DIR@/tftp,bootfile=lab.ipxe \
	-device e1000,netdev=n -boot n
port=$(free_port)
printf 'user=lab\npassword=%s\n' "$BMC_PASSWORD" >cred
chmod 600 cred
host() { # host NAME MORE: a host file, with more keys
	cat >"$1.json" <<-END
		{ "driver": "ipmi", "bmc": "127.0.0.1:$BMC_PORT", "credentials": "file:$TMP/cred", "cipher": 3,
		  "boot": "pxe", "firmware": "bios", "image_url": "http://10.0.2.2:$port",
		  "listen": "127.0.0.1:$port", "boot_script": "$TMP/m/tftp/lab.ipxe", "boot_limit_s": 300,
		  "poll_ms": 200, $2 "console": "ttyS0,115200" }
	END
}
host console '"kernel_config": [],'
like "$("$NESTLAB" host netboot ./console.json)" '^dhcp-boot=tag:nestlab,tag:ipxe,lab.ipxe$' \
	"host netboot prints what dnsmasq must say"
out=$(timeout 1800 "$NESTLAB" run quick --kernel baseline --boots 1 --host ./console.json --db console.db 2>&1)
like "$out" 'job: .*VMX' "a host that boots by PXE, iPXE and HTTP runs the agent, which says what is missing"
like "$(head -1 runs/*/*/records.jsonl)" '"nonce":"[0-9a-f]{32}"' "from the image of this boot"
is "$($MACHINE get power | head -1)" "power:0" "the machine is off"
[ ! -e m/tftp/lab.ipxe ]
ok $? "the boot script is gone"

if ! find_pc_kernel; then
	skip "records come by HTTP" "no kernel for PCs: $(tail -1 "$TMP/kernel.out")"
	plan_done
fi
host http '"records": "http", "cmdline": "no_timer_check", "kernel_config": ["pc"],'
rm -rf runs
before=$(wc -c <m/wire.log)
out=$(timeout 1800 "$NESTLAB" run quick --kernel baseline --boots 1 --host ./http.json --db http.db 2>&1)
like "$out" 'job: .*VMX' "records come by HTTP, by the address that the kernel got by DHCP"
like "$(head -1 runs/*/*/records.jsonl)" '"nonce":"[0-9a-f]{32}"' "this boot's"
is "$(tail -c +$((before + 1)) m/wire.log | grep -c $'\x1e')" 0 "and not by the console"

# ---- UEFI: the firmware's own PXE, by a dnsmasq that is told what `host netboot` prints ----

ovmf=/usr/share/OVMF/OVMF_CODE.fd
loader=/usr/lib/ipxe/snponly.efi
link=np$$
net=10.97.$((RANDOM % 250 + 2))
mac=52:54:00:6e:6c:01
end_network() {
	[ ! -e "$TMP/dnsmasq.pid" ] || kill "$(cat "$TMP/dnsmasq.pid")"
	ip link del "$link" 2>/dev/null
}
if ! command -v dnsmasq >/dev/null || [ ! -r $ovmf ] || [ ! -r $loader ]; then
	skip "UEFI firmware boots by PXE" "no dnsmasq, $ovmf or $loader (apt-get install dnsmasq-base ovmf ipxe)"
	plan_done
fi
if ! { ip tuntap add "$link" mode tap && ip addr add $net.1/24 dev "$link" && ip link set "$link" up; } 2>"$TMP/ip"; then
	skip "UEFI firmware boots by PXE" "cannot make a network: $(tail -1 "$TMP/ip")"
	plan_done
fi
trap 'stop_bmcs; end_network; rm -rf "$TMP"' EXIT
mkdir -p u/tftp
cp $loader u/tftp/
start_bmc u --qemu -M q35 -m 1024 -cpu max -accel tcg -drive if=pflash,format=raw,readonly=on,file=$ovmf \
	-netdev "tap,id=n,ifname=$link,script=no,downscript=no" -device virtio-net-pci,netdev=n,mac=$mac,romfile=
cat >uefi.json <<-END
	{ "driver": "ipmi", "bmc": "127.0.0.1:$BMC_PORT", "credentials": "file:$TMP/cred", "cipher": 3,
	  "boot": "pxe", "firmware": "uefi", "image_url": "http://$net.1", "boot_script": "$TMP/u/tftp/lab.ipxe",
	  "boot_limit_s": 400, "poll_ms": 200, "records": "http", "kernel_config": ["pc"], "console": "ttyS0,115200" }
END
"$NESTLAB" host netboot ./uefi.json | sed "s/192.0.2.100,192.0.2.200/$net.10,$net.20/; s/02:00:00:00:00:01/$mac/" >dnsmasq.conf
dnsmasq --conf-file=dnsmasq.conf --pid-file="$TMP/dnsmasq.pid" --leasefile-ro --port=0 --interface="$link" \
	--bind-interfaces --user=root --log-facility="$TMP/dnsmasq.log" --log-dhcp
ok $? "dnsmasq takes what host netboot prints, with a range and a MAC address put in"
rm -rf runs
out=$(timeout 1800 "$NESTLAB" run quick --kernel baseline --boots 1 --host ./uefi.json --db uefi.db 2>&1)
like "$out" 'job: .*VMX' "UEFI firmware boots by PXE, iPXE and HTTP to the agent"
like "$(cat dnsmasq.log)" 'sent .*/snponly.efi to ' "the firmware fetched iPXE"
like "$(cat dnsmasq.log)" 'sent .*/lab.ipxe to ' "iPXE fetched the boot's script"
like "$(head -1 runs/*/*/records.jsonl)" '"nonce":"[0-9a-f]{32}"' "and the records came by HTTP"
is "$(grep -c $'\x1e' u/wire.log)" 0 "not by the console"
plan_done
