# SPDX-License-Identifier: GPL-2.0-only
# systemd.sh - after tap.sh: a systemd as process 1 of namespaces of its own, over this machine's files, with nestlab
# installed; nothing of it is left behind.
#
#	systemd_lacks: prints what this machine lacks for it
#	start_systemd: installs and starts it; $ROOT is its root before it starts; waits until it is up
#	inside COMMAND...: in it, as root
SYSTEMD_GROUP=/sys/fs/cgroup/unified
[ -f /sys/fs/cgroup/cgroup.procs ] && SYSTEMD_GROUP=/sys/fs/cgroup
SYSTEMD_GROUP=$SYSTEMD_GROUP/nestlab-test-$$
ROOT=$TMP/machine/root

systemd_lacks() {
	[ "$(id -u)" = 0 ] || { echo "only root can start it"; return; }
	[ -x /lib/systemd/systemd ] || { echo "systemd is not installed"; return; }
	mkdir "$SYSTEMD_GROUP" 2>/dev/null || { echo "no cgroup can be made (cgroup2)"; return; }
	unshare --mount --pid --fork --cgroup --uts --ipc --net true 2>/dev/null || echo "namespaces cannot be made"
}

end_systemd() {
	{
		kill -KILL "$SYSTEMD_OUTER"
		wait "$SYSTEMD_OUTER"
	} 2>/dev/null
	for _ in $(seq 600); do
		find "$SYSTEMD_GROUP" -depth -type d -exec rmdir {} + 2>/dev/null
		[ -d "$SYSTEMD_GROUP" ] || break
		sleep 0.1
	done
	rm -rf "$TMP"
}
trap end_systemd EXIT

# In the new namespaces: a root of its own, which is written to memory.
make_root() {
	mount --make-rprivate / && mkdir -p "$TMP/machine" && mount -t tmpfs -o mode=755 none "$TMP/machine" || return
	mkdir "$TMP/machine/up" "$TMP/machine/work" "$ROOT"
	mount -t overlay -o "lowerdir=/,upperdir=$TMP/machine/up,workdir=$TMP/machine/work" none "$ROOT" || return
	mount -t proc proc "$ROOT/proc"
	mount -t sysfs -o ro sysfs "$ROOT/sys"
	mount -t cgroup2 none "$ROOT/sys/fs/cgroup" || return
	for where in run tmp dev; do mount -t tmpfs -o mode=755 none "$ROOT/$where"; done
	chmod 1777 "$ROOT/tmp"
	for node in null zero full random urandom tty; do cp -a "/dev/$node" "$ROOT/dev"; done
	mkdir "$ROOT/dev/shm" "$ROOT/dev/pts"
	mount -t tmpfs none "$ROOT/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$ROOT/dev/pts"
	ln -s pts/ptmx "$ROOT/dev/ptmx"
	ln -s /proc/self/fd "$ROOT/dev/fd"
}

# Nothing is started but what a test starts, and what that needs.
make_units() {
	local etc=$ROOT/etc/systemd/system
	rm -rf "$etc"/*.wants "$ROOT"/lib/systemd/system/{sysinit,basic,sockets,timers,local-fs}.target.wants
	tr -d - </proc/sys/kernel/random/uuid >"$ROOT/etc/machine-id"
	printf '[Unit]\nRequires=basic.target systemd-journald.service\nAfter=basic.target\n' >"$etc/nestlab-test.target"
}

install_nestlab() {
	MAKEFLAGS='' make -s --no-print-directory -C "$TOP" install "BUILD=${BUILD:-build}" \
		"VERSION=$(cat "$TOP/${BUILD:-build}/version")" "DESTDIR=$ROOT" PREFIX=/usr >/dev/null
}

be_machine() { # be_machine [COMMAND]: COMMAND prepares $ROOT
	make_root && make_units && install_nestlab && "${1:-true}" || exit
	mkdir -p "$ROOT/old"
	cd "$ROOT" && pivot_root . old && cd / && umount -l old || exit
	mount --make-rshared / # a container's systemd leaves that to who started it
	ip link set lo up
	exec env -i container=nestlab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
		--unit=nestlab-test.target --show-status=false --log-target=journal
}

start_systemd() {
	(
		echo $BASHPID >"$SYSTEMD_GROUP/cgroup.procs"
		export -f be_machine make_root make_units install_nestlab "$@"
		export TMP ROOT TOP BUILD
		exec unshare --mount --pid --fork --kill-child --cgroup --uts --ipc --net bash -c "be_machine $*" </dev/null >"$TMP/machine.log" 2>&1
	) &
	SYSTEMD_OUTER=$!
	for _ in $(seq 3000); do
		SYSTEMD_PID=$(pgrep -P "$SYSTEMD_OUTER" -x systemd) && inside systemctl is-active -q nestlab-test.target 2>/dev/null && return
		kill -0 "$SYSTEMD_OUTER" 2>/dev/null || break
		sleep 0.1
	done
	sed 's/^/# /' "$TMP/machine.log"
	return 1
}

inside() { nsenter -t "$SYSTEMD_PID" -m -p -C -u -i -n -r -w -- "$@"; }
