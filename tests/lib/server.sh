# SPDX-License-Identifier: GPL-2.0-only
# server.sh - after tap.sh and boot.sh: a server that runs a Linux of its own, for host driver kexec. QEMU,
# whose kernel and initramfs come back after each reset as a server's disk would; Debian's busybox,
# dropbear and kexec in it; its serial line is a socket. Two watchdogs: the chipset's (iTCO) and a BMC's.

SERVER_PORT=0

# What the server needs besides nestlab's own packages; the first missing one.
server_lacks() {
	local program
	for program in busybox dropbear dropbearkey kexec ssh socat ssh-keygen; do
		PATH=$PATH:/usr/sbin:/sbin command -v $program >/dev/null || { echo $program; return 0; }
	done
	return 1
}

# install_program PROGRAM: into the server's root, with the libraries that it is linked with
install_program() {
	local path lib
	path=$(PATH=$PATH:/usr/sbin:/sbin command -v "$1")
	cp -L "$path" "$TMP/root/bin/"
	for lib in $(ldd "$path" 2>/dev/null | grep -o '/[^ ]*'); do
		mkdir -p "$TMP/root$(dirname "$lib")"
		cp -L "$lib" "$TMP/root$lib"
	done
}

# make_server: $TMP/server.cpio, its keys, and the user's ssh configuration with host `server`
make_server() {
	local dir
	for dir in bin dev proc sys tmp root/.ssh etc/dropbear var/tmp sys/kernel/security; do
		mkdir -p "$TMP/root/$dir"
	done
	install_program busybox
	install_program dropbear
	install_program kexec
	dropbearkey -t ed25519 -f "$TMP/root/etc/dropbear/key" >"$TMP/host.pub" 2>/dev/null
	ssh-keygen -q -t ed25519 -N '' -f "$TMP/id"
	cp "$TMP/id.pub" "$TMP/root/root/.ssh/authorized_keys"
	chmod 700 "$TMP/root/root" "$TMP/root/root/.ssh"
	chmod 600 "$TMP/root/root/.ssh/authorized_keys"
	echo 'root:x:0:0::/root:/bin/sh' >"$TMP/root/etc/passwd"
	echo /bin/sh >"$TMP/root/etc/shells"
	cat >"$TMP/root/init" <<-'END'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		export PATH=/bin
		mount -t devtmpfs dev /dev
		mount -t proc proc /proc
		mount -t sysfs sys /sys
		mkdir -p /dev/pts
		mount -t devpts pts /dev/pts
		echo "own system: up"
		exec dropbear -F -E -s -r /etc/dropbear/key
	END
	chmod 755 "$TMP/root/init"
	(cd "$TMP/root" && find . | cpio --quiet -o -H newc -R 0:0) >"$TMP/server.cpio"
}

# start_server KERNEL: starts it on a free port; SERVER is its process
start_server() {
	SERVER_PORT=$("$TOP/tests/lib/free_port.py")
	cat >"$TMP/ssh_config" <<-END
		Host server
			HostName 127.0.0.1
			Port $SERVER_PORT
			User root
			IdentityFile $TMP/id
			IdentitiesOnly yes
			UserKnownHostsFile $TMP/known_hosts
			GlobalKnownHostsFile /dev/null
	END
	echo "[127.0.0.1]:$SERVER_PORT $(grep -o 'ssh-ed25519 [^ ]*' "$TMP/host.pub")" >"$TMP/known_hosts"
	qemu-system-x86_64 -accel tcg -m 1024 -machine q35 -display none -monitor none \
		-nic "user,model=virtio-net-pci,restrict=on,hostfwd=tcp:127.0.0.1:$SERVER_PORT-:22" \
		-global ICH9-LPC.noreboot=false -action watchdog=reset \
		-device ipmi-bmc-sim,id=bmc -device isa-ipmi-kcs,bmc=bmc -serial "unix:$TMP/line,server=on,wait=off" \
		-kernel "$1" -initrd "$TMP/server.cpio" -append "console=ttyS0 ip=dhcp quiet" \
		</dev/null >"$TMP/qemu.out" 2>&1 &
	SERVER=$!
}

# on_server COMMAND: as the user would
on_server() { ssh -F "$TMP/ssh_config" -o BatchMode=yes -o ConnectTimeout=5 server "$@" 2>>"$TMP/ssh.err"; }

# wait_for_server: until its own system answers, or QEMU has ended
wait_for_server() {
	while kill -0 "$SERVER" 2>/dev/null; do
		on_server true && return
		sleep 1
	done
	return 1
}
