#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# An installed nestlab, used by somebody who is not root, in a home without a checkout: own variants,
# scenarios, hosts and policies; import, build, run, compare, report; commands that work when copied.
# Kernels are the ones that other tests boot, too: their files are put into that user's cache.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

[ "$(id -u)" = 0 ] || skip_all "only root can become another user"
command -v setpriv >/dev/null || skip_all "setpriv is not installed (util-linux)"
cd "$TOP" || exit 1

UID_OF_USER=65534
home=$TMP/home build=${BUILD:-build}
own=$home/.config/nestlab
chmod 711 "$TMP"
umask 077 # an administrator's: what is installed can be read by all the same
touch kernels/nobodys-business.$$.json
MAKEFLAGS='' make --no-print-directory install "BUILD=$build" "VERSION=$(cat "$build/version")" \
	"DESTDIR=$TMP/dest" PREFIX=/usr >"$TMP/out" 2>&1
is "$?" 0 "make install"
rm kernels/nobodys-business.$$.json
chmod -R go+rX "$TMP/dest"
is "$(find "$TMP/dest" -name 'nobodys*')" "" "does not install a variant that git does not know"
umask 022

as_user() { # as_user COMMAND...: in the user's home, with nothing of our environment
	(cd "$home" && exec setpriv --reuid=$UID_OF_USER --regid=$UID_OF_USER --clear-groups env -i \
		"HOME=$home" "PATH=$TMP/dest/usr/bin:$PATH" "$@" 2>&1)
}

# ---- what is the user's own ----

mkdir -p "$own/kernels/config" "$own/scenarios" "$own/policies" "$own/hosts" "$home/mail"
fake_kernel "$TMP/linux-fake"
tar -C "$TMP" -cf "$home/fake.tar" --mtime=@1000000000 linux-fake
echo CONFIG_ONE=y >"$own/kernels/config/one.config"
cat >"$own/kernels/root.json" <<-END
	{ "source": { "kind": "tarball", "location": "$home/fake.tar",
	    "sha256": "$(sha256sum <"$home/fake.tar" | cut -d' ' -f1)" }, "config": ["config/one.config"] }
END
echo '{ "base": "baseline", "config": ["config/bare-metal.config"] }' >"$own/kernels/metal.json"
echo '{ "scenarios": [ { "scenario": "multiplex", "l1": "micro-vmx", "l2_vcpus": 4, "rounds": 20 } ] }' \
	>"$own/scenarios/small.json"
echo '{ "driver": "emulated", "parallel": 1 }' >"$own/hosts/alone.json"
cp results/policies/quick.json "$own/policies/mine.json"
cp tests/fixtures/mbox/single.mbox "$home/mail"
chown -R $UID_OF_USER:$UID_OF_USER "$home"

out=$(as_user nestlab kernel list)
like "$out" '^root .*' "a variant of the user's is listed"
like "$out" '^baseline ' "beside those that were installed"
like "$(as_user nestlab kernel show metal)" "$TMP/dest/usr/share/nestlab/kernels/config/bare-metal.config" \
	"a fragment that is not the user's is the installed one"
like "$(as_user nestlab scenario list)" '^small ' "a scenario of the user's"
like "$(as_user nestlab host list)" '^alone ' "a host"
like "$(as_user nestlab report signoff --policy nope --base a --new b -o x)" 'there are:.* mine' "a policy"

# ---- import and build ----

before=$(cd "$TMP/dest" && find . | sort)
out=$(as_user nestlab kernel import --mbox mail/single.mbox --onto root --name mine)
is "$?" 0 "an import of an installed nestlab"
like "$out" "file: $own/kernels/mine.json" "goes into the user's folder"
is "$(cd "$TMP/dest" && find . | sort)" "$before" "and nowhere else"
out=$(as_user nestlab kernel build mine)
is "$?" 0 "it can be built"
like "$out" "$home/.cache/nestlab/kernels" "in the user's cache"
out=$(as_user nestlab kernel import --mbox mail/single.mbox --onto root --name baseline)
is "$?" 128 "an import that would hide an installed variant is refused"
like "$out" 'share/nestlab/kernels/baseline.json: exists already' "with the file"

# ---- run, compare, report ----

"$NESTLAB" host check emulated >/dev/null || { skip "boots" "no emulated host"; plan_done; }
"$NESTLAB" kernel build baseline nested-context >"$TMP/out" 2>&1
is "$?" 0 "the kernels are there" || cat "$TMP/out"
cache=$("$NESTLAB" kernel show --json baseline | jq -r .build.bzimage)
cache=${cache%/kernels/*}
for k in baseline nested-context; do
	cp -r "$(dirname "$("$NESTLAB" kernel show --json $k | jq -r .build.bzimage)")" "$home/.cache/nestlab/kernels/"
done
find "$cache/kernel-index" -type f -size -2k -exec cp {} "$home/.cache/nestlab/kernel-index/" \;
chown -R $UID_OF_USER:$UID_OF_USER "$home/.cache"

out=$(as_user nestlab run small --kernel baseline --kernel nested-context --boots 1)
status=$?
ok "$([ $status = 0 ] || [ $status = 125 ]; echo $?)" "run of a scenario of the user's (exit status $status)"
like "$out" "database: $home/.local/share/nestlab/nestlab.db" "stores in the user's data folder"
next=$(sed -n 's/^next: //p' <<<"$out")
like "$next" '^nestlab compare baseline nested-context' "the next command is called as this one was"
like "$(as_user sh -c "$next")" 'multiplex' "and works when copied"
as_user ../dest/usr/bin/nestlab report baseline nested-context --format text -o r.txt
like "$(cat "$home/r.txt")" '^ *\.\./dest/usr/bin/nestlab run small --kernel baseline' \
	"a report's commands, too, with the path that was used"
as_user nestlab report baseline nested-context --format html -o r.html
like "$(head -c 100 "$home/r.html")" '^<!doctype html>|^<!DOCTYPE html>' "a page"
as_user nestlab report signoff --policy mine --base baseline --new nested-context -o signed >"$TMP/out"
ok "$([ -s "$home/signed/signoff.txt" ]; echo $?)" "a sign-off by a policy of the user's"
is "$(find "$TMP/dest" | sort)" "$(cd "$TMP/dest" && sed "s|^\.|$TMP/dest|" <<<"$before")" \
	"nothing was written where nestlab is installed"

# ---- bisect: a tree of somebody else's, which can only be read ----

# Its Makefile compiles the fake files and then takes a kernel that is built: commits to boot, in no time.
repo=$TMP/linux
fake_kernel "$repo"
sed -i -e 's|@cat vmlinux .config >\(.*/bzImage\)|@cp "$$(cat built)/bzImage" \1|' \
	-e 's|@nm vmlinux >System.map|@cp "$$(cat built)/System.map" "$$(cat built)/vmlinux" .|' "$repo/Makefile"
git init -q -b main "$repo"
commit() { # commit TAG KERNEL
	dirname "$("$NESTLAB" kernel show --json "$2" | jq -r .build.bzimage)" >"$repo/built"
	echo "$1" >"$repo/$1"
	sed -i "s|^.*/kernels/|$home/.cache/nestlab/kernels/|" "$repo/built"
	git -C "$repo" add . && git -C "$repo" -c user.name=t -c user.email=t@localhost commit -qm "commit $1"
	git -C "$repo" tag "$1"
}
commit v1 baseline
commit v2 baseline
commit v3 nested-context
commit v4 nested-context
chmod -R go+rX,go-w "$repo"
outside() { (cd "$TMP" && find . -path ./home -prune -o -path ./out -prune -o -printf '%p %s %T@\n' | sort); }
before=$(outside)
probe=(--variant root --scenario exits --param l1=micro-vmx --param reason=vmcall --metric exit)
out=$(as_user nestlab bisect --tree "$repo" --good v1 --bad v4 "${probe[@]}")
is "$?" 128 "a tree of another user's is not bisected unasked"
like "$out" "belongs to another user.* git config --global --add safe.directory $repo" "and the remedy is named"
as_user git config --global --add safe.directory "$repo"
out=$(as_user nestlab bisect --tree "$repo" --good v1 --bad v4 "${probe[@]}" --boots 2)
is "$?" 0 "once it is trusted, it is" || echo "$out" | tail -20
like "$out" 'from another commit.s tree' "with builds that go on from the commit before"
like "$(grep -A2 'first bad commit (confirmed)' <<<"$out")" 'commit v3' "the commit is found"
like "$out" 'testing again .*, and the bad end without it' "and a revert tried"
unlike "$out" 'could not be tested by a revert' "which needed no writing to the tree"
echo '$(error what is not committed)' >>"$repo/Makefile"
before=$(outside)
out=$(as_user nestlab test "$repo" "${probe[@]}" --limit 1)
is "$?" 125 "what is checked out there is tested"
like "$out" 'what is not committed|see .*log' "with what is not committed"
is "$(outside)" "$before" "nothing was written outside the user's home"

# ---- and gone ----

MAKEFLAGS='' make --no-print-directory uninstall "BUILD=$build" "DESTDIR=$TMP/dest" PREFIX=/usr >"$TMP/out" 2>&1
is "$?" 0 "make uninstall"
is "$(find "$TMP/dest" -type f)" "" "leaves no file"
MAKEFLAGS='' make --no-print-directory uninstall "BUILD=$build" "DESTDIR=$TMP/dest" PREFIX=/usr >"$TMP/out" 2>&1
like "$(cat "$TMP/out")" 'no nestlab is installed here' "a second time says that nothing is there"
plan_done
