#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel builder, on a fake kernel of four files: caching, incremental builds, failures, locks.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

LAB=$TMP/lab
fake_lab "$LAB"
K=$NESTLAB_ROOT/kernels
export FAKE_COUNT=$TMP/count
made() { cat "$FAKE_COUNT" 2>/dev/null | wc -l; }
# Every file's content, mode and time below a folder.
fingerprint() {
	(cd "$1" && find . -type f -printf '%p %m %T@ %s\n' -o -type l -printf '%p %l %T@\n' | sort &&
		find . -type f -print0 | sort -z | xargs -0 sha256sum)
}
left_over() { find "$NESTLAB_CACHE/work" -mindepth 1 -maxdepth 1 ! -name .lock 2>/dev/null; }

# ---- builds and the cache ----

like "$(build root)" '^root +[0-9a-f]{12} +built' 'a root variant is built'
is "$(made)" 1 'with one make'
like "$(build root)" '^root +[0-9a-f]{12} +cached' 'the same again is cached'
is "$(made)" 1 'with no make'
ROOT=$(entry root)
for f in bzImage vmlinux System.map config log manifest.json; do
	[ -s "$ROOT/$f" ]
	ok $? "$f is kept"
done
is "$("$NESTLAB" kernel show --json root | sed -n 's/.*"build_id": *"\(.*\)".*/\1/p')" \
	"$(readelf -n "$ROOT/vmlinux" | sed -n 's/.*Build ID: //p')" 'the build-id is that of vmlinux'
is "$(left_over)" '' 'nothing is left in the work folder'

TREE=$NESTLAB_CACHE/trees/$(basename "$ROOT")
fingerprint "$TREE" >"$TMP/before"
OUT=$(build child)
like "$OUT" '^child +[0-9a-f]{12} +built' 'a variant with a patch is built'
like "$OUT" 'from its base' 'from its base'
fingerprint "$TREE" >"$TMP/after"
cmp -s "$TMP/before" "$TMP/after"
ok $? 'the base tree is as it was: contents, modes and times'
is "$(grep -c '^  CC' "$(entry child)/log")" 1 'one file was compiled'
is "$(ls "$NESTLAB_CACHE/trees")" "$(basename "$ROOT")" 'only the tree of the root is kept'
CHILD_SHA=$(sha256sum <"$(entry child)/bzImage")

# The same sources in one go, elsewhere, give the same bytes.
sed "s/\"config\"/\"patches\": \"patches\/child\", &/" "$K/root.json" >"$K/whole.json"
NESTLAB_CACHE=$TMP/elsewhere build whole >/dev/null
is "$(NESTLAB_CACHE=$TMP/elsewhere; sha256sum <"$(entry whole)/bzImage")" "$CHILD_SHA" \
	'an incremental build gives the bytes of a full one in another folder'
like "$(build whole)" 'whole +[0-9a-f]{12} +built|cached' 'a variant with the same content'
is "$(entry whole)" "$(entry child)" 'has the same key'

touch "$LAB/fake.tar"
like "$(build root)" 'cached' 'a tarball with a new time and the same content is the same source'
printf '# a remark\nCONFIG_ONE=y\n' >"$K/config/one.config"
like "$(build root)" 'cached' 'so is a fragment with a remark'
echo damaged >"$ROOT/bzImage"
OUT=$(build root)
like "$OUT" 'differs from the manifest.*building it again' 'a damaged entry is noticed'
like "$OUT" 'root +[0-9a-f]{12} +built' 'and built again'

echo '{ "base": "child", "config": ["config/two.config"] }' >"$K/grandchild.json"
echo 'CONFIG_TWO=7' >"$K/config/two.config"
like "$(build grandchild)" 'grandchild +[0-9a-f]{12} +built' 'a variant of a variant is built'
is "$(ls "$NESTLAB_CACHE/trees" | wc -l)" 2 'and its base now has a tree as well'
like "$(cat "$(entry grandchild)/config")" 'CONFIG_TWO=7' 'with its own option'

echo '{ "base": "root", "options": ["CONFIG_LOW=y"] }' >"$K/low.json"
echo '{ "base": "low", "patches": "patches/child" }' >"$K/high.json"
BEFORE=$(made)
build low >/dev/null
like "$(build high)" '^high +[0-9a-f]{12} +built' 'a variant whose base was built before it'
is "$(($(made) - BEFORE))" 2 'finds the tree of its base, which is not built again'

like "$("$NESTLAB" kernel list)" '^child +root +1 +yes' 'list says what is built'
like "$("$NESTLAB" kernel list --json)" '"name": *"grandchild"' 'list --json too'

# ---- what can go wrong ----

expect() { # expect NAME STATUS REGEX TEST
	local out status
	out=$(build "$1")
	status=$?
	is $status "$2" "$4: status"
	like "$out" "$3" "$4: message"
	is "$(left_over)" '' "$4: nothing left over"
}
mkdir "$K/patches/wrong"
fake_patch 3 >"$K/patches/wrong/a.patch"
fake_patch 1 wrong >"$K/patches/wrong/b.patch"
printf 'a.patch\nb.patch\n' >"$K/patches/wrong/series"
echo '{ "base": "root", "patches": "patches/wrong" }' >"$K/wrong.json"
expect wrong 1 'patch b.patch does not apply: src/f1.c: the hunk for line 1 does not match' 'a patch that does not apply'
echo '{ "base": "root", "patches": "patches/wrong", "patch_count": 1 }' >"$K/counted.json"
like "$(build counted)" 'built' 'patch_count leaves it out'

mkdir "$K/patches/generated"
printf -- '--- a/linked.log\n+++ b/linked.log\n@@ -1 +1 @@\n-linked\n+patched\n' >"$K/patches/generated/a.patch"
echo a.patch >"$K/patches/generated/series"
echo '{ "base": "root", "patches": "patches/generated" }' >"$K/generated.json"
expect generated 1 'patch a.patch does not apply to the sources: make generates linked.log' \
	'a patch for a file that only a built tree has'
mkdir "$K/patches/twice"
fake_patch 2 | sed 's/return 20/return 21/; s/return 2;/return 20;/' >"$K/patches/twice/a.patch"
echo a.patch >"$K/patches/twice/series"
echo '{ "base": "child", "patches": "patches/twice" }' >"$K/twice.json"
like "$(build twice)" 'twice +[0-9a-f]{12} +built' 'a source that the base patched may be patched again'

mkdir "$K/patches/broken"
fake_patch 4 | sed 's/return 40/return what/' >"$K/patches/broken/a.patch"
echo a.patch >"$K/patches/broken/series"
echo '{ "base": "root", "patches": "patches/broken" }' >"$K/broken.json"
expect broken 1 'src/f4.c:1:.*error: .*what' 'a compile error'
LOG=$(build broken | sed -n 's/.*log: \(.*\))/\1/p')
like "$(cat "$LOG")" 'error: ' 'its log is kept where the message says'

printf 'CONFIG_UNKNOWN_A=y\nCONFIG_THREE=y\nCONFIG_UNKNOWN_B=5\n# CONFIG_TINY is not set\n' \
	>"$K/config/unknown.config"
echo '{ "base": "root", "config": ["config/unknown.config"] }' >"$K/unknown.json"
expect unknown 1 'CONFIG_UNKNOWN_A=y .*unknown.config:1' 'options that do not take'
like "$(build unknown)" 'CONFIG_UNKNOWN_B=5 .*unknown.config:3' 'each is listed'
unlike "$(build unknown)" 'CONFIG_(THREE|TINY)' 'and no other'

echo '../config/one.config' >"$K/patches/broken/series"
expect broken 128 'must be a file in the same folder' 'a series that leads elsewhere'
sed "s/$FAKE_SHA/$(printf '%064d' 0)/" "$K/root.json" >"$K/othersum.json"
expect othersum 128 'its SHA-256 is '"$FAKE_SHA" 'a tarball with another hash'
sed "s/\"config\"/\"compiler\": \"no-such-cc\", &/" "$K/root.json" >"$K/nocc.json"
expect nocc 128 'no-such-cc: no such program' 'a compiler that is not there'
echo '{ "base": "circle" }' >"$K/circle.json"
expect circle 128 'circle' 'a variant based on itself'
expect nothing-there 128 'no such kernel variant' 'no such variant'
for bad in list-bad.json ../lab/kernels/root; do
	expect "$bad" 128 'no such kernel variant' "a name that is none ($bad)"
done
rm "$K/circle.json"

# ---- sources by URL and from git ----

sed "s|../fake.tar|file://$LAB/fake.tar|" "$K/root.json" >"$K/url.json"
like "$(build url)" '^url +[0-9a-f]{12} +(built|cached)' 'a tarball by URL'
is "$(entry url)" "$(entry root)" 'is the same source'
sed -i "s/$FAKE_SHA/$(printf '%064d' 0)/" "$K/url.json"
expect url 128 'the downloaded file has SHA-256' 'a URL that gives something else'
is "$(ls "$NESTLAB_CACHE/downloads" | grep -v "^$FAKE_SHA$")" '' 'which is not kept'
cat >"$TMP/half.py" <<'PY' # half an answer, and nothing more
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
c = s.accept()[0]
c.recv(4096)
c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + bytes(500000))
print("half", flush=True)
c.recv(1)
PY
exec 5< <(exec python3 "$TMP/half.py" 2>/dev/null) # it is cut off
read -r PORT <&5
sed "s|../fake.tar|http://127.0.0.1:$PORT/x|; s/$FAKE_SHA/$(printf '%064d' 1)/" "$K/root.json" >"$K/half.json"
"$NESTLAB" kernel build half >"$TMP/half.out" 2>&1 &
read -r _ <&5
kill -KILL $!
wait $! 2>/dev/null
exec 5<&-
is "$(ls "$NESTLAB_CACHE/downloads" | grep -v "^$FAKE_SHA$")" '' 'a nestlab that is killed in a download leaves nothing'
rm "$K/half.json"

export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@x
export GIT_CONFIG_GLOBAL=/dev/null
REPO=$LAB/linux-fake
git -C "$REPO" init -q -b main && git -C "$REPO" add . && git -C "$REPO" commit -qm base
git -C "$REPO" checkout -qb mine && fake_patch 2 | patch -s -d "$REPO" -p1
git -C "$REPO" commit -qam 'change f2'
echo dirty >>"$REPO/src/f1.c"
STATE=$(git -C "$REPO" status --porcelain; git -C "$REPO" rev-parse HEAD)
git_variant() { # git_variant NAME LOCATION REF
	cat >"$K/$1.json" <<-EOF
		{ "base": "root", "source": { "kind": "git", "location": "$2", "ref": "$3" } }
	EOF
}
git_variant branch ../linux-fake mine
like "$(build branch)" '^branch +[0-9a-f]{12} +built' "a branch of one's own repository"
is "$(sha256sum <"$(entry branch)/bzImage")" "$CHILD_SHA" 'its commits count, not what is uncommitted'
is "$(git -C "$REPO" status --porcelain; git -C "$REPO" rev-parse HEAD)" "$STATE" \
	'the repository is as it was'
git_variant remote "file://$REPO" mine
like "$(build remote)" '^remote +[0-9a-f]{12} +cached' 'the same branch by URL has the same key'
git_variant remote "file://$REPO" main
like "$(build remote)" '^remote +[0-9a-f]{12} +built' 'another branch by URL'
CLONE=$(echo "$NESTLAB_CACHE"/git/*/)
touch "$CLONE/shallow.lock" "$CLONE/config.lock"
git -C "$REPO" branch -f main mine
like "$(build remote)" '^remote +[0-9a-f]{12} +cached' "what a killed git left keeps no branch from being fetched"
is "$("$NESTLAB" kernel show --json remote | jq -r .build.key)" \
	"$("$NESTLAB" kernel show --json branch | jq -r .build.key)" "and it is the new commit's kernel"
rm -r "$CLONE"
for i in 1 2 3 4 5 6; do
	build remote >"$TMP/fetch.$i" &
	fetching[i]=$!
done
failed=0
for i in 1 2 3 4 5 6; do
	wait "${fetching[i]}" || failed=$((failed + 1))
done
is "$failed" 0 "six that fetch one clone at once all get it"
unlike "$(cat "$TMP"/fetch.?)" 'was fetched earlier' "and none takes an older commit"
git_variant gone "file://$REPO" no-such-branch
expect gone 128 'ref no-such-branch' 'a branch that is not there'
git_variant gone ../linux-fake no-such-branch
expect gone 128 'has no commit called no-such-branch' 'nor in a folder'
mkdir "$LAB/scenarios" && cp "$TOP/scenarios/quick.json" "$LAB/scenarios/"
is "$("$NESTLAB" run quick --db "$TMP/x.db" --kernel "$K/gone.json" 2>&1 | grep -c 'kernel .*: kernel gone')" 0 \
	'run puts the kernel in front of the message once'
echo '{ "base": "root", "sauce": 1 }' >"$K/typo.json"
is "$("$NESTLAB" run quick --db "$TMP/x.db" --kernel "$K/typo.json" 2>&1 | grep -o 'typo\.json' | wc -l)" 1 \
	'and names the file of a wrong variant once'
rm "$K/typo.json"

# ---- from a mailing list ----

MBOX=$TOP/tests/fixtures/mbox
OUT=$("$NESTLAB" kernel import --mbox "$MBOX/complete.mbox" --onto root --name listed 2>&1)
ok $? 'a thread is imported'
like "$OUT" 'base_commit: 0123456789abcdef' 'with its base-commit'
like "$(build listed)" '^listed +[0-9a-f]{12} +built' 'and builds'
is "$(grep -c '^  CC' "$(entry listed)/log")" 3 'with its three changes'
OUT=$("$NESTLAB" kernel import --mbox "$MBOX/missing.mbox" --onto root --name short 2>&1)
is $? 128 'a thread with a patch missing is not'
like "$OUT" 'patches are missing: 2/3' 'which one is said'
[ ! -e "$K/short.json" ] && [ ! -e "$K/patches/short" ]
ok $? 'and nothing is there of it'
"$NESTLAB" kernel import --mbox "$MBOX/complete.mbox" 2>/dev/null
is $? 129 'import without a name is a usage error'
for action in '' list show build import; do
	like "$("$NESTLAB" kernel $action --help)" '^usage: nestlab kernel' "kernel $action --help"
done

# ---- two at once, cancelled, killed ----

mkdir "$TMP/gate" && mkfifo "$TMP/gate/started" "$TMP/gate/go"
export FAKE_GATE=$TMP/gate
await_start() { read -r _ < <(timeout 300 cat "$TMP/gate/started"); }
new_root() { # a root that is not built yet
	echo "CONFIG_NEW=$1" >"$K/config/new.config"
	sed 's/one.config/new.config/' "$K/root.json" >"$K/new.json"
}
new_root 1
BEFORE=$(made)
build new >"$TMP/first" &
FIRST=$!
await_start
: >"$TMP/second" # for tail(1), which may be faster than what fills it
FAKE_GATE='' build new >"$TMP/second" &
SECOND=$!
timeout 300 tail -n +1 -f --pid=$SECOND "$TMP/second" | grep -q -m1 'waiting for another nestlab'
ok $? 'a second build of the same waits'
echo >"$FAKE_GATE/go"
wait $FIRST $SECOND
is "$(made)" $((BEFORE + 1)) 'one make for both'
like "$(cat "$TMP/first")" 'built' 'the first built it'
like "$(cat "$TMP/second")" 'new +[0-9a-f]{12} +' 'the second has it'

new_root 2
"$NESTLAB" kernel build new >"$TMP/first" 2>&1 &
FIRST=$!
await_start
kill -TERM $FIRST
wait $FIRST
is $? 128 'a cancelled build says so'
like "$(cat "$TMP/first")" 'cancelled' 'in words too'
is "$(left_over)" '' 'and leaves nothing'
like "$("$NESTLAB" kernel list)" '^new +- +0 +no' 'nor half a build'

# what was compiled is gone on from, by a build of the same inputs alone
compiled() { grep -c '^  CC' "$(entry "$1")/log"; }
UNFINISHED=$NESTLAB_CACHE/trees/unfinished
[ -e "$UNFINISHED" ]
ok $? 'but what was compiled'
new_root 3
FAKE_GATE='' build new >/dev/null
is "$(compiled new)" 4 'another configuration is built from nothing'
new_root 2
"$NESTLAB" kernel build new >"$TMP/first" 2>&1 & # cancelled a second time
FIRST=$!
await_start
kill -TERM $FIRST
wait $FIRST
[ -e "$UNFINISHED" ]
ok $? 'cancelled again, it is kept again'
mkdir "$TMP/late" # where make hears of its compilers' end first, which happens once in a hundred times
printf '#!/bin/sh\ntrap : TERM\n%s "$@" || exit 2\n' "$(command -v make)" >"$TMP/late/make"
chmod +x "$TMP/late/make"
PATH=$TMP/late:$PATH "$NESTLAB" kernel build new >"$TMP/first" 2>&1 &
FIRST=$!
await_start
kill -TERM $FIRST
wait $FIRST
[ -e "$UNFINISHED" ]
ok $? 'and with a make that says it failed'
out=$(FAKE_GATE='' build new)
like "$out" 'went on from the build that was cancelled' 'the same one goes on'
is "$(compiled new)" 0 'and compiles nothing again'
is "$(grep -c '^  LD' "$(entry new)/log")" 0 'nor links'
is "$(sha256sum <"$(entry new)/bzImage")" "$(FAKE_GATE='' NESTLAB_CACHE=$TMP/fresh
	build new >/dev/null; sha256sum <"$(entry new)/bzImage")" 'with the bytes of a build in one go'
[ ! -e "$UNFINISHED" ]
ok $? 'then it is kept no longer'
new_root 4
FAKE_DEAF=1 "$NESTLAB" kernel build new >"$TMP/first" 2>&1 &
FIRST=$!
await_start
kill -TERM $FIRST
wait $FIRST
like "$(cat "$TMP/first")" 'cancelled' 'a build that does not end when it should is cancelled all the same'
[ ! -e "$UNFINISHED" ]
ok $? 'and nothing is kept of it: it was killed, perhaps while it was writing'
new_root 5

"$NESTLAB" kernel build new >"$TMP/first" 2>&1 &
FIRST=$!
await_start
kill -KILL $FIRST
wait $FIRST 2>/dev/null
(exec 3<>"$FAKE_GATE/go" && echo >&3)
like "$("$NESTLAB" kernel list)" '^new +- +0 +no' 'a killed build is no build'
unset FAKE_GATE
like "$(build new)" 'built' 'the next one works'
is "$(left_over)" '' 'and removes what the killed one left'

# ---- a full disk, at every stage ----

if unshare -rm true 2>/dev/null; then
	mkdir "$TMP/full"
	unshare -rm bash -c '
		for kb in 8 40 60 80 100 120 140 180 220 400 1000; do
			mount -t tmpfs -o size=${kb}k none "$1" || exit 3
			NESTLAB_CACHE=$1 "$2" kernel build child >"$3" 2>&1
			status=$?
			half=$(find "$1/kernels" -mindepth 1 -maxdepth 1 -type d ! -exec test -s {}/manifest.json \; -print)
			echo "$kb $status [$half] $(grep -ciE "disk full|no space" "$3")"
			umount "$1"
		done' - "$TMP/full" "$NESTLAB" "$TMP/full.out" >"$TMP/full.table" 2>/dev/null
	is "$(grep -vE '^[0-9]+ (0 \[\] 0|128 \[\] [1-9][0-9]*)$' "$TMP/full.table")" '' \
		'a full disk: an error that says so, and never half an entry'
	like "$(cat "$TMP/full.table")" ' 128 ' 'it was full at times'
	like "$(cat "$TMP/full.table")" '^[0-9]+ 0 ' 'and once not'
else
	skip 'a full disk' 'cannot mount a tmpfs here (user namespaces are off)'
fi
# ---- variants that are made on the spot ----

like "$(build child+CONFIG_TWO=y+CONFIG_THREE=7)" '^child\+CONFIG_TWO=y\+CONFIG_THREE=7 +[0-9a-f]{12} +built' \
	'a variant with more options needs no file'
like "$(cat "$(entry child+CONFIG_TWO=y+CONFIG_THREE=7)/config" | paste -sd,)" 'CONFIG_THREE=7,.*CONFIG_TWO=y' 'and has them'
like "$(build child+CONFIG_TWO=y)" 'child\+CONFIG_TWO=y +[0-9a-f]{12} +built' 'other options make another kernel'
is "$(basename "$(entry child+CONFIG_ONE=y)")" "$(basename "$(entry child)")" 'one that changes nothing is the same kernel'
OUT=$(build root+CONFIG_UNKNOWN_X=y)
is $? 1 'an option that does not take is the kernel'"'"'s fault'
like "$OUT" 'CONFIG_UNKNOWN_X=y .root.CONFIG_UNKNOWN_X=y:1.: the kernel.s configuration has n' 'and is named'
echo '{ "base": "root", "options": ["CONFIG_TWO=y"] }' >"$K/optional.json"
is "$(basename "$(entry optional)")" "" 'a file with options: not built yet'
build optional >"$TMP/out"
like "$(cat "$(entry optional)/config")" 'CONFIG_TWO=y' 'but then it has them'
echo '{ "base": "root", "options": ["TWO=y"] }' >"$K/wrong.json"
like "$(build wrong)" 'wrong.json:1: expected CONFIG_NAME=VALUE' 'a wrong one is named'
rm "$K/optional.json" "$K/wrong.json"
if command -v clang >/dev/null && command -v ld.lld >/dev/null; then
	echo '{ "base": "root", "compiler": "LLVM=1" }' >"$K/llvm.json"
	like "$(build llvm)" '^llvm +[0-9a-f]{12} +built' 'LLVM=1 builds'
	unlike "$("$NESTLAB" kernel show --json llvm | jq -r .build.key)" "^$("$NESTLAB" kernel show --json root | jq -r .build.key)\$" \
		'under another key'
	is "$("$NESTLAB" kernel show --json llvm | jq -r .build.compiler)" \
		"$(clang --version | head -1), $(ld.lld --version | head -1)" 'the identity says which clang and lld'
	like "$(readelf -p .comment "$(entry llvm)/vmlinux")" 'Linker: .*LLD' 'lld linked it'
	unlike "$(readelf -p .comment "$(entry llvm)/vmlinux")" 'GCC' 'nothing of it is from the tree that gcc made'
	like "$(build llvm)" '^llvm +[0-9a-f]{12} +cached' 'the same again is cached'
	echo '{ "base": "root", "compiler": "clang" }' >"$K/mixed.json"
	build mixed >"$TMP/out"
	ok "$([ "$(entry mixed)" != "$(entry llvm)" ]; echo $?)" "clang with GNU's linker is another compiler"
else
	skip 'LLVM=1 builds' 'clang and lld are not installed'
fi
echo '{ "base": "root", "compiler": "LLVM=-999" }' >"$K/none.json"
like "$(build none)" 'clang-999: no such program in PATH' 'an LLVM that is not there is named'
echo '{ "base": "root", "compiler": "LLVM=../x" }' >"$K/none.json"
like "$(build none)" '\$.compiler: expected one program.s name, "LLVM=1" or "LLVM=-VERSION"' 'what is no LLVM is refused'
if command -v ccache >/dev/null; then
	echo '{ "base": "root", "compiler": "ccache gcc", "options": ["CONFIG_CACHED=y"] }' >"$K/quick.json"
	like "$(CCACHE_DIR=$TMP/ccache build quick)" '^quick +[0-9a-f]{12} +built' 'a compiler behind ccache builds'
	ok "$([ -n "$(ls "$TMP/ccache" 2>/dev/null)" ]; echo $?)" 'through ccache'
	is "$(basename "$(entry quick)")" "$(basename "$(entry root+CONFIG_CACHED=y)")" 'the kernel that the compiler alone makes'
	rm "$K/quick.json"
else
	skip 'a compiler behind ccache builds' 'ccache is not installed'
fi
plan_done
