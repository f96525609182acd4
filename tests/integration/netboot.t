#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Boot from the network: a BMC (ipmi_sim) switches QEMU, whose firmware gets iPXE's script from a TFTP server and
# the image from nestlab's own. QEMU has no VMX: the agent comes up, says so, and is told that all arrived.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/bmc.sh"
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
out=$(timeout 600 "$NESTLAB" run quick --kernel baseline --boots 1 --host ./console.json --db console.db 2>&1)
like "$out" 'job: .*VMX' "a host that boots by PXE, iPXE and HTTP runs the agent, which says what is missing"
like "$(head -1 runs/*/*/records.jsonl)" '"nonce":"[0-9a-f]{32}"' "from the image of this boot"
is "$($MACHINE get power | head -1)" "power:0" "the machine is off"
[ ! -e m/tftp/lab.ipxe ]
ok $? "the boot script is gone"

# Building that kernel takes as long as the rest of the tests: only if somebody has.
host http '"records": "http", "cmdline": "no_timer_check", "kernel_config": ["pc"],'
rm -rf runs
if [ -n "${NESTLAB_PC_KERNEL:-}" ]; then
	before=$(grep -c '"seq":0' m/wire.log)
	out=$(timeout 900 "$NESTLAB" run quick --kernel baseline --boots 1 --host ./http.json --db http.db 2>&1)
	like "$out" 'job: .*VMX' "records come by HTTP, by the address that the kernel got by DHCP"
	is "$(grep -c '"seq":0' m/wire.log)" "$before" "and not by the console"
else
	skip "records come by HTTP" "it needs a kernel for PCs: set NESTLAB_PC_KERNEL to have it built"
fi
plan_done
