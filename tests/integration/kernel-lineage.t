#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Commits built one from the tree of another (kernels/lineage.c), on a fake kernel of four files.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

LAB=$TMP/lab
fake_lab "$LAB"
K=$NESTLAB_ROOT/kernels
REPO=$TMP/repo
TREES=$NESTLAB_CACHE/trees
git() { command git -C "$REPO" -c user.name=test -c user.email=test@localhost "$@"; }
compiled() { grep -c '^  CC' "$(entry "$1")/log"; }

# commit NAME: what is in the repository becomes a commit and a variant of that name
commit() {
	git add -A && git commit -q -m "$1" && git tag "$1"
	cat >"$K/$1.json" <<-END
		{ "source": { "kind": "git", "location": "$REPO", "ref": "$1" },
		  "config": ["config/one.config"] }
	END
}

mkdir "$REPO" && command git init -q -b main "$REPO"
fake_kernel "$REPO"
echo old >"$REPO/src/gone.h"
ln -s f1.c "$REPO/src/link.c"
commit first
echo 'int f2(void) { return 20; }' >"$REPO/src/f2.c"
rm "$REPO/src/gone.h" "$REPO/src/link.c"
echo 'a plain file now' >"$REPO/src/link.c"
commit second
echo 'int f3(void) { return missing }' >"$REPO/src/f3.c"
commit broken
echo 'int f3(void) { return 30; }' >"$REPO/src/f3.c"
commit mended
echo '# a remark' >>"$REPO/Makefile"
commit remade
before=$(git show-ref; git status --porcelain)

like "$(build first)" '^first +[0-9a-f]{12} +built' 'the first commit is built'
is "$(compiled first)" 4 'from nothing'
out=$(build second)
like "$out" "from another commit's tree" 'the second from the tree of the first'
is "$(compiled second)" 1 'compiling the one file that differs'
is "$(ls "$TREES" | wc -l)" 1 'one tree is kept'
tree=$TREES/$(ls "$TREES")
[ ! -e "$tree/src/gone.h" ]
ok $? 'a file that the commit removes is gone'
is "$(cat "$tree/src/link.c")" 'a plain file now' 'a link that became a file is one'
is "$(cat "$tree/src/f1.c")" 'int f1(void) { return 1; }' 'and what it pointed to is untouched'

out=$(build broken)
like "$out" 'does not compile' 'a commit that does not compile fails'
like "$(build mended)" "from another commit's tree" 'and the next is built all the same'
is "$(compiled mended)" 1 'with little to compile'
like "$(build first)" 'cached' 'the first is still in the cache'
like "$(build remade)" "from another commit's tree" 'a changed Makefile'
grep -q 'CONFIG_ONE=y' "$(entry remade)/config"
ok $? 'has its configuration made anew'

for variant in second mended remade; do
	is "$(NESTLAB_CACHE=$TMP/$variant; build $variant >/dev/null
		sha256sum <"$(entry $variant)/bzImage")" "$(sha256sum <"$(entry $variant)/bzImage")" \
		"$variant: the bytes are those of a build from nothing elsewhere"
done

# another work tree of the repository is the same lineage
git worktree add -q "$TMP/other" remade 2>/dev/null
echo 'int f4(void) { return 44; }' >"$TMP/other/src/f4.c"
command git -C "$TMP/other" -c user.name=test -c user.email=test@localhost commit -q -a -m elsewhere
sed "s|$REPO|$TMP/other|; s|remade|HEAD|" "$K/remade.json" >"$K/elsewhere.json"
like "$(build elsewhere)" "from another commit's tree" "a commit of another work tree"
is "$(compiled elsewhere)" 1 'is built from what was built of this one'
git worktree remove --force "$TMP/other"

# two at once, and what a kill leaves
echo 'int f4(void) { return 40; }' >"$REPO/src/f4.c"
commit left
echo 'int f4(void) { return 41; }' >"$REPO/src/f4.c"
commit right
build left >"$TMP/left" &
build right >"$TMP/right"
wait $!
like "$(cat "$TMP/left" "$TMP/right")" 'right +[0-9a-f]{12} +built' 'of two at once one is built'
like "$(cat "$TMP/left")" 'left +[0-9a-f]{12} +built' 'and so is the other'
is "$(ls "$TREES" | wc -l)" 1 'still one tree is kept'
like "$(cat "$tree/.nestlab-commit")" '^[0-9a-f]{40}$' 'which says what it is'
echo 0000000000000000000000000000000000000000 >"$tree/.nestlab-commit"
echo 'int f1(void) { return 11; }' >"$REPO/src/f1.c"
commit last
like "$(build last)" '^last +[0-9a-f]{12} +built' 'a kept tree of a commit that is gone serves by its files'
like "$(compiled last)" '^[12]$' 'and what differs is compiled (by which of the two trees was kept)'
git tag -d left right last >/dev/null && git reset -q --hard remade
is "$(git show-ref; git status --porcelain)" "$before" 'the repository is as it was'


# ---- the first commit, like a source that is built already ----

like "$(build root)" 'built' 'a tarball is built'
CLONE=$TMP/clone
mkdir "$CLONE" && tar -xf "$LAB/fake.tar" -C "$CLONE" --strip-components=1
clone() { command git -C "$CLONE" -c user.name=test -c user.email=test@localhost "$@"; }
clone init -q -b main && clone add -A && clone commit -q -m same && clone tag same
echo 'int f2(void) { return 22; }' >"$CLONE/src/f2.c"
echo added >"$CLONE/src/added.h"
clone rm -q src/f4.c && ln -s f1.c "$CLONE/src/f4.c" && chmod +x "$CLONE/scripts/olddefconfig.awk"
sed -i 's| src/f4.o||' "$CLONE/Makefile"
clone add -A && clone commit -q -m near && clone tag near
like_root() { # like_root NAME: a variant of that commit of the clone, based on the tarball
	cat >"$K/$1.json" <<-END
		{ "base": "root", "source": { "kind": "git", "location": "$CLONE", "ref": "$1" } }
	END
}
like_root same
like_root near
out=$(build same)
like "$out" "from another commit's tree" 'a commit with the files of the tarball starts from its tree'
is "$(sha256sum <"$(entry same)/bzImage")" "$(sha256sum <"$(entry root)/bzImage")" 'the bytes are its'
rm -rf "$TREES"/git-*
before=$(cd "$TREES" && find . -type f -exec sha256sum {} + | sort)
like "$(build near)" "from another commit's tree" 'and so does one that differs in a few'
is "$(NESTLAB_CACHE=$TMP/near; build near >/dev/null; sha256sum <"$(entry near)/bzImage")" \
	"$(sha256sum <"$(entry near)/bzImage")" 'with the bytes of a build from nothing'
near=$(echo "$TREES"/git-*)
is "$(cd "$near" && find . -path ./.git -prune -o -type l -print -o -name '*.[ch]' -print | sort)" \
	"$(cd "$CLONE" && find . -path ./.git -prune -o -type l -print -o -name '*.[ch]' -print | sort)" \
	'and the sources of the commit, no other'
is "$(cat "$near/src/f2.c")" "$(cat "$CLONE/src/f2.c")" 'as they are there'
[ -x "$near/scripts/olddefconfig.awk" ] && [ -L "$near/src/f4.c" ]
ok $? 'modes and links, too'
is "$(cd "$TREES" && find . -path './git-*' -prune -o -type f -exec sha256sum {} + | sort)" "$before" \
	'the tree that it started from is as it was'
echo 'int f3(void) { return 33; }' >"$CLONE/src/f3.c"
clone commit -q -a -m next && clone tag next
like_root next
like "$(build next)" "from another commit's tree" 'the next commit starts from there'
is "$(compiled next)" 1 'and compiles what differs'
rm -rf "$TREES"/git-*
sed 's|"base": "root", ||; s|}$|, "config": ["config/one.config"] }|' "$K/near.json" >"$K/alone.json"
echo 'int f1(void) { return 1000; }' >"$CLONE/src/f1.c"
clone commit -q -a -m alone && clone tag alone && sed -i 's|"near"|"alone"|' "$K/alone.json"
like "$(build alone)" "from another commit's tree" 'so does a variant that has no base, as those of a bisect'
rm -rf "$TREES"/git-*
for i in $(seq 1001); do echo $i >"$CLONE/src/n$i.h"; done
clone add -A && clone commit -q -m large && clone tag large
like_root large
out=$(build large)
like "$out" 'large +[0-9a-f]{12} +built' 'one that differs in a thousand files is built'
is "$(grep -c "another commit's tree" <<<"$out")" 0 'from its sources'

echo 'CONFIG_MORE=y' >"$K/config/more.config"
sed 's|"config/one.config"|&, "config/more.config"|' "$K/root.json" >"$K/rich.json"
rm -rf "$TREES"
build rich >/dev/null
echo 'int f1(void) { return 2000; }' >"$CLONE/src/f1.c"
clone rm -q -r src/n*.h && clone commit -q -a -m plain && clone tag plain
sed 's|"alone"|"plain"|' "$K/alone.json" >"$K/plain.json"
like "$(build plain)" "from another commit's tree" 'a tree with more options serves, too'
is "$(cat "$(entry plain)/config")" "$(cat "$(entry alone)/config")" 'but not its configuration'

plan_done
