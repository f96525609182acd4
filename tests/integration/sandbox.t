#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The makefiles of a patch under test in a sandbox (kernels/sandbox.c): what they can and cannot do, on a fake kernel.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"
command -v bwrap >/dev/null || skip_all "bubblewrap is not installed"
bwrap --unshare-all --ro-bind / / true 2>/dev/null || skip_all "this machine lets nobody make namespaces"

LAB=$TMP/lab
fake_lab "$LAB"
mkdir "$TMP/outside" && echo secret >"$TMP/outside/file"
python3 -c 'import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print(s.getsockname()[1], flush=True); time.sleep(600)' >"$TMP/port" &
LISTENER=$!
trap 'kill $LISTENER; rm -rf "$TMP"' EXIT
await test -s "$TMP/port"

# Whatever it reaches is a line of its own. The listener is looked for by its words: its number may be that of a process in
# the sandbox, too.
cat >>"$LAB/linux-fake/Makefile" <<MAKE
bzImage: evil
evil:
> @echo tried >tried
> @echo x 2>/dev/null >$TMP/outside/written && echo wrote outside >>tried || true
> @echo x 2>/dev/null >$NESTLAB_CACHE/poison || true
> @cat $TMP/outside/file >/dev/null 2>&1 && echo read /tmp >>tried || true
> @[ -z "\$\$(ls -A /run /root /home | grep -v :)" ] || echo saw homes or /run >>tried
> @python3 -c 'import socket; socket.create_connection(("127.0.0.1", $(cat "$TMP/port")), 5)' 2>/dev/null && echo reached the network >>tried || true
> @grep -qs '[s]ocket, time' /proc/[0-9]*/cmdline && echo reached a process >>tried || true
> @cat tried
MAKE
tar -C "$LAB" -cf "$LAB/fake.tar" --mtime=@1000000000 linux-fake
jq --arg s "$(sha256sum "$LAB/fake.tar" | cut -d' ' -f1)" '.source.sha256 = $s' "$LAB/kernels/root.json" >"$TMP/new"
mv "$TMP/new" "$LAB/kernels/root.json"

tried() { sed -n '/^tried$/,/^  /p' "$(entry root)/log" | grep -v '^  ' | tr '\n' ';'; }
forget() { rm -rf "${NESTLAB_CACHE:?}"; }
export NESTLAB_SANDBOX=bwrap
out=$(build root)
is $? 0 "a kernel is built in the sandbox" || sed 's/^/# /' <<<"$out"
like "$(tried)" '^tried;(made;)?$' "its makefile reaches nothing but its tree"
[ ! -e "$TMP/outside/written" ] && [ ! -e "$NESTLAB_CACHE/poison" ]
ok $? "and has written nothing elsewhere"
one=$(sha256sum <"$(entry root)/bzImage")

# the test itself: without the sandbox all of it works
forget
NESTLAB_SANDBOX='' build root >/dev/null
like "$(tried)" 'wrote outside;.*read /tmp;saw homes or /run;reached the network;reached a process;' "without it there is no end to what it reaches"
is "$(sha256sum <"$(entry root)/bzImage")" "$one" "the kernel is the same to the byte"

# ---- where there is none ----

forget
like "$(NESTLAB_SANDBOX=chroot build root)" 'NESTLAB_SANDBOX: expected bwrap, not chroot' "another sandbox is not known"
mkdir "$TMP/bin" "$TMP/none"
for p in /usr/bin/*; do
	[ "${p##*/}" = bwrap ] || ln -s "$p" "$TMP/none"
done
like "$(PATH=$TMP/none build root)" 'there is no bwrap: install bubblewrap' "without bubblewrap nothing is built"
printf '#!/bin/sh\necho "bwrap: No permissions to create new namespace" >&2\nexit 1\n' >"$TMP/bin/bwrap"
chmod +x "$TMP/bin/bwrap"
like "$(PATH=$TMP/bin:$PATH build root)" 'says nothing about the kernel: bwrap: No permissions' \
	"and where it may not work that is no fault of the kernel's"
plan_done
