#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# nestlab kernel import: what lists, archives, quilt and git format-patch give people, onto a fake kernel.
set -u
. "$(dirname "$0")/../lib/tap.sh"
. "$TOP/tests/lib/fake-kernel.sh"

LAB=$TMP/lab
fake_lab "$LAB"
K=$NESTLAB_ROOT/kernels
M=$TMP/mail
SCRATCH=$TMP/scratch
mkdir "$M" "$SCRATCH"
export TMPDIR=$SCRATCH
import() { # import NAME OPTION...: onto root
	local name=$1
	shift
	"$NESTLAB" kernel import "$@" --onto root --name "$name" 2>&1
}
sha() { sha256sum <"$("$NESTLAB" kernel show --json "$1" | jq -r .build.bzimage)"; }
built() { "$NESTLAB" kernel build "$1" >"$TMP/build.out" 2>&1; sha "$1"; }
titles() { # titles NAME: the patches of an imported series, in order
	sed -n 's/^Subject: \[PATCH [0-9]*.[0-9]*\] //p' $(sed "s|^|$K/patches/$1/|" "$K/patches/$1/series") | paste -sd,
}
files() { find "$K" | sort; }
# mail SUBJECT ID [HEADER...]: with the body that is on stdin; no ID: no Message-ID
mail() {
	local subject=$1 id=$2 header
	shift 2
	printf 'From mboxrd@z Thu Jan  1 00:00:00 1970\nFrom: %s\n' "${FROM:-Ada <ada@example.org>}"
	printf 'Subject: %s\nDate: Tue, 3 Jun 2025 10:00:00 +0200\n' "$subject"
	[ -z "$id" ] || printf 'Message-ID: <%s@x>\n' "$id"
	for header in "$@"; do echo "$header"; done
	echo
	cat
	echo
}
patch_mail() { fake_patch "$2" | mail "$1 f$2" "${3-p$2}" "${@:4}"; }
indented() { fake_patch "$1" | sed 's/^/    /'; }
refused() { # refused NAME FILE STATUS REGEX TEST: and nothing stays
	local before out status
	before=$(files)
	out=$(import "$1" --mbox "$2")
	status=$?
	is $status "$3" "$5: status"
	like "$out" "$4" "$5: message"
	is "$(files)" "$before" "$5: nothing is left behind"
}

# ---- before the base is built ----

patch_mail '[PATCH]' 2 >"$M/single"
OUT=$(import early --mbox "$M/single")
like "$OUT" 'not tried: the sources of root are not unpacked here' 'without the sources nothing is tried, which is said'
is "$(built early)" "$(built child)" 'the import is built as the patch is'

# ---- prose is not applied (cases 01, 02) ----

{ echo "Rejected was:"; echo; indented 3; echo; fake_patch 2; } | mail '[PATCH] f2' q1 >"$M/quoted"
OUT=$(import quoted --mbox "$M/quoted")
like "$OUT" 'tried_on: root' 'with the sources it is tried'
is "$(built quoted)" "$(sha child)" 'a diff quoted in the message is not applied'
{ printf 'Trace:\n\n  --- a/old.txt\n  +++ b/new.txt\n  @@ -1 +1 @@\n  -was\n  +is\n\n'; fake_patch 2; } |
	mail '[PATCH] f2' q2 >"$M/trace"
import trace --mbox "$M/trace" >/dev/null
is "$(built trace)" "$(sha child)" 'nor one of a file that is not there'
mkdir "$K/patches/hand"
tail -n +2 "$M/quoted" >"$K/patches/hand/a.patch"
echo 'a.patch -p1' >"$K/patches/hand/series"
echo '{ "base": "root", "patches": "patches/hand" }' >"$K/hand.json"
is "$(built hand)" "$(sha child)" 'nor in a folder made by hand of a mail'
{ echo 'Description: by quilt'; indented 3; fake_patch 2 | sed 1,2d; } >"$K/patches/hand/a.patch"
is "$(built hand)" "$(sha child)" 'nor of a text with a diff below it'
cp "$M/quoted" "$K/patches/hand/a.patch"
{ cat "$M/quoted"; patch_mail '[PATCH]' 3; } >"$K/patches/hand/a.patch"
like "$("$NESTLAB" kernel build hand 2>&1)" 'holds 2 mails; import them' 'two mails in one patch file are refused'
for options in -p0 '-p1 -R'; do
	echo "a.patch $options" >"$K/patches/hand/series"
	like "$("$NESTLAB" kernel show hand 2>&1)" "series:1: \"$options\": patches are applied with -p1" "so is $options"
done
rm -r "$K/patches/hand" "$K/hand.json"
printf -- '--- a/src/f1.c\n+++ b/src/f1.c\n@@ -1,2 +1 @@\n int f1(void) { return 1; }\n--- /etc/x\n' |
	mail '[PATCH] lua' q3 >"$M/lua"
refused lua "$M/lua" 1 'does not apply: src/f1.c: the hunk for line 1 does not match' \
	'a removed line "-- /etc/x" is no file outside'

# ---- bytes (cases 03, 04, 14) ----

{ printf 'Gr\xf6\xdfe.\n'; fake_patch 2; } | FROM=$(printf 'J\xf6rg <j@x>') mail "$(printf '[PATCH] Gr\xf6\xdfe')" b1 \
	'Content-Type: text/plain; charset=iso-8859-1' 'Content-Transfer-Encoding: 8bit' >"$M/latin"
import latin --mbox "$M/latin" >/dev/null
is "$(jq -r .description "$K/latin.json")" 'Größe' 'raw latin-1 in a subject is transcoded'
like "$(cat "$K/patches/latin/"*.patch)" '^From: Jörg <j@x>$' 'and in a name'
like "$(cat "$K/patches/latin/"*.patch)" '^Größe\.$' 'and in the message'
fake_patch 2 | mail "$(printf '[PATCH] Gr\xf6e')" b2 >"$M/bytes"
import bytes --mbox "$M/bytes" >/dev/null
is "$(jq -r .description "$K/bytes.json")" 'Gr\xf6e' 'bytes of no charset are shown'
like "$("$NESTLAB" kernel list)" '^bytes ' 'and the variant is a good one'
{ fake_patch 2; printf '\0\n'; fake_patch 3 | sed 1,2d; } | mail '[PATCH] nul' b3 >"$M/nul"
refused nul "$M/nul" 128 'mail "\[PATCH\] nul" <b3@x>: has a NUL byte' 'a NUL byte'
{ fake_patch 2; printf '\0\n'; } | base64 | mail '[PATCH] nul' b4 'Content-Transfer-Encoding: base64' >"$M/nul64"
refused nul64 "$M/nul64" 128 'has a NUL byte' 'a NUL byte in base64'
{ echo Text; fake_patch 2; } | mail '[PATCH] x' b5 'Content-Type: text/plain; charset=x-no-such' >"$M/charset"
refused charset "$M/charset" 128 'mail "\[PATCH\] x" <b5@x>: git mailinfo cannot read it: cannot convert from x-no-such' \
	'an unknown charset'
fake_patch 2 | mail '[PATCH] esc =?utf-8?q?=1B=5B31mred=07_=C2=9B31m_=E2=80=AEtxt?=' b6 >"$M/escape"
CLEAN='esc \\x1b\[31mred\\x07 \\u009b31m \\u202etxt'
like "$(import escape --mbox "$M/escape")" "$CLEAN" 'control characters are shown on import'
like "$("$NESTLAB" kernel list)" "$CLEAN" 'in the list'
like "$("$NESTLAB" kernel show escape)" "$CLEAN" 'by show'
is "$("$NESTLAB" kernel list --json | jq -r '.[] | select(.name == "escape") | .description' | od -An -tx1 | head -1)" \
	"$(printf 'esc \033[31mred\a \xc2\x9b' | od -An -tx1 | head -1)" 'and --json has them as they are'
fake_patch 2 | sed 's/return 2;/return 9;/' | mail '[PATCH] =?utf-8?q?=1B=5B31mred?=' b7 >"$M/escape2"
like "$(import escape2 --mbox "$M/escape2")" '"\[PATCH\] \\x1b\[31mred"' 'in an error'
like "$("$NESTLAB" kernel show "$(printf 'x\033[31m')" 2>&1)" '^nestlab: error: x\\x1b\[31m' 'of an operand'
like "$("$NESTLAB" "$(printf 'x\033[31m')" 2>&1)" 'no such command: x\\x1b' 'of a command'
printf '{ "base": "root", "description": "a\\u001b[2Jb\\u009bc" }' >"$K/evil.json"
if command -v script >/dev/null; then
	for words in 'kernel list' 'kernel show evil' 'kernel show --json evil'; do
		SEEN=$(TERM=xterm script -qec "'$NESTLAB' $words" /dev/null </dev/null)
		[ -n "$SEEN" ] && ! LC_ALL=C grep -qP '\x1b|\xc2\x9b' <<<"$SEEN"
		ok $? "no control character reaches a terminal: $words"
	done
else
	skip 'no control character reaches a terminal' 'no script(1)'
fi
rm "$K/evil.json"

# ---- threads as they are ----

{ fake_patch 1 | mail '[PATCH] one' ''; fake_patch 2 | mail '[PATCH] two' ''; } >"$M/unnumbered"
import unnumbered --mbox "$M/unnumbered" >/dev/null
is "$(titles unnumbered)" 'one,two' 'git format-patch -N: in the order of the mbox (05)'
{ fake_patch 1 | mail 'one' ''; fake_patch 2 | mail 'two' ''; } >"$M/untagged"
import untagged --mbox "$M/untagged" >/dev/null
is "$(titles untagged)" 'one,two' 'git format-patch -k: as well'
{ fake_patch 1 | mail '[PATCH] one' ''; sed 's/^+++.*/*** no diff/' <(fake_patch 2) | mail '[PATCH] two' ''; } >"$M/context"
refused context "$M/context" 128 '"\[PATCH\] two": the mail has no diff that git apply knows' \
	'a patch that is no diff, by its subject, having no id'
{ patch_mail '[PATCH 1/2]' 1; { fake_patch 1; printf -- '-- \n2.1\n____\nlist mailing list\n'; } | mail '[PATCH 1/2] f1' p1
	patch_mail '[PATCH 2/2]' 2; } >"$M/footer"
import footer --mbox "$M/footer" >/dev/null
is "$(titles footer)" 'f1,f2' 'a list'"'"'s footer makes no other mail (06)'
{ patch_mail '[PATCH 1/2]' 1; patch_mail '[PATCH 2/2]' 2; } >"$M/two"
for pack in gzip bzip2 xz zstd; do
	command -v $pack >/dev/null || continue
	$pack -c <"$M/two" >"$M/two.$pack"
	import "$pack" --mbox "$M/two.$pack" >/dev/null
	is "$(titles $pack)" 'f1,f2' "compressed with $pack (07)"
done
head -c 100 "$M/two.gzip" >"$M/cut"
refused cut "$M/cut" 128 'cut: cannot be unpacked: ' 'a damaged gzip file'
mkdir -p "$M/dir/cur" "$M/dir/new" "$M/dir/tmp"
sed 1d <(patch_mail '[PATCH 1/2]' 1) >"$M/dir/cur/b"
sed 1d <(patch_mail '[PATCH 2/2]' 2) >"$M/dir/new/a"
import maildir --mbox "$M/dir" >/dev/null
is "$(titles maildir)" 'f1,f2' 'a maildir'

{ cat "$M/two"; fake_patch 2 | sed 's/return 20/return 22/' | mail '[PATCH v2] f2 again' q2 'In-Reply-To: <p2@x>'; } >"$M/partial"
OUT=$(import partial --mbox "$M/partial")
is "$(titles partial)" 'f1,f2 again' 'v2 of one patch, in reply to it: the rest is v1'"'"'s (08)'
like "$OUT" 'v2 was sent in part \(1 of 2 patches\); the rest is v1' 'which is said'
import v1 --mbox "$M/partial" --version 1 >/dev/null
is "$(titles v1)" 'f1,f2' '--version 1'
OUT=$(import v7 --mbox "$M/partial" --version 7)
is $? 128 '--version 7: status'
like "$OUT" 'has no v7; it has v1 \(2 of 2 patches\), v2' '--version 7: those that there are'
{ cat "$M/partial"; echo 'Forgot it.' | mail '[PATCH v2] f1 again' q1 'In-Reply-To: <p1@x>'; } >"$M/forgotten"
refused forgotten "$M/forgotten" 128 '"\[PATCH v2\] f1 again" <q1@x>: the mail has no diff' 'v2 of two patches, one without its diff'
{ cat "$M/two"; fake_patch 2 | mail '[PATCH v2 2/2] f2 again' q2 'In-Reply-To: <p2@x>'; } >"$M/partial2"
import partial2 --mbox "$M/partial2" >/dev/null
is "$(titles partial2)" 'f1,f2 again' 'the same with numbers'
{ cat "$M/two"; fake_patch 1 | mail '[PATCH v2 1/2] f1 new' q1; } >"$M/incomplete"
OUT=$(import incomplete --mbox "$M/incomplete")
is "$(titles incomplete)" 'f1,f2' 'the newest complete version is taken'
like "$OUT" 'v2 is incomplete \(1 of 2 patches\); v1 is taken' 'and said'
{ cat "$M/two"; patch_mail '[PATCH v2 1/3]' 1 a; patch_mail '[PATCH v2 2/3]' 2 b; patch_mail '[PATCH v2 3/3]' 3 c; } >"$M/newer"
import newer --mbox "$M/newer" >/dev/null
is "$(titles newer)" 'f1,f2,f3' 'all of v2'
{ cat "$M/two"; patch_mail '[PATCH 1/1]' 3; } >"$M/both"
refused both "$M/both" 128 'more than one series of v1: with 2 patches, and with 1; leave one' 'two series of one version'
{ cat "$M/two"; patch_mail '[PATCH RESEND 2/2]' 2 again; } >"$M/resent"
import resent --mbox "$M/resent" >/dev/null
is "$(titles resent)" 'f1,f2' 'a patch sent again as it was'
{ cat "$M/two"; fake_patch 2 | sed 's/return 20/return 21/' | mail '[PATCH 2/2] f2' other; } >"$M/twice"
refused twice "$M/twice" 128 'two different mails are patch 2/2: <p2@x> and <other@x>' 'two patches of one number'

{ cat "$M/two"; fake_patch 3 | FROM='Robot <r@x>' mail '[PATCH] fix warnings' r 'In-Reply-To: <p2@x>'; } >"$M/robot"
import robot --mbox "$M/robot" >/dev/null
is "$(titles robot)" 'f1,f2' 'a robot'"'"'s [PATCH] in reply is no part (09)'
fake_patch 1 | mail '[PATCH] f1' p1 >"$M/lone"
{ cat "$M/lone"; fake_patch 3 | FROM='Robot <r@x>' mail '[PATCH] fix' r 'References: <p1@x>'; } >"$M/robot1"
import robot1 --mbox "$M/robot1" >/dev/null
is "$(titles robot1)" 'f1' 'nor beside a single patch'
{ cat "$M/lone"; fake_patch 3 | mail '[PATCH] own' own 'References: <p1@x>'; } >"$M/own"
import own --mbox "$M/own" >/dev/null
is "$(titles own)" 'f1,own' 'a second patch by its author is'
{ patch_mail '[PATCH 1/2]' 1; fake_patch 1 | sed 's/^/> /' | FROM='Bob <b@x>' mail '[PATCH 2/2] f2' r1 'In-Reply-To: <p2@x>'
	patch_mail '[PATCH 2/2]' 2; fake_patch 3 | FROM='Bob <b@x>' mail '[PATCH 2/2] f2' r2 'In-Reply-To: <p2@x>'; } >"$M/lost"
import lost --mbox "$M/lost" >/dev/null
is "$(titles lost)" 'f1,f2' 'replies that lost their "Re:" (12)'
for form in '[%d/2]' '[PATCH %d of 2]' 'RESEND [PATCH %d/2]' '[RFC][PATCH %d/2]' '[PATCH RESEND v1 %d/2]'; do
	{ patch_mail "$(printf "$form" 2)" 2; patch_mail "$(printf "$form" 1)" 1; } >"$M/form"
	rm -rf "$K/form.json" "$K/patches/form"
	import form --mbox "$M/form" >/dev/null
	is "$(titles form)" 'f1,f2' "numbers as $form (10)"
done
patch_mail '[PATCH 1.5/2]' 2 >"$M/half"
refused half "$M/half" 128 'patches are missing: 1/2 2/2 of v1' 'a half number alone (11)'
{ cat "$M/two"; patch_mail '[PATCH 1.5/2]' 3; } >"$M/half2"
refused half2 "$M/half2" 128 '"\[PATCH 1.5/2\] f3" <p3@x>: stands between two patches' 'a half number in between'
{ printf 'From: Eve <e@x>\nSubject: no numbers\n\n'; fake_patch 1; } | mail '[PATCH 1/1] f1' i >"$M/inbody"
import inbody --mbox "$M/inbody" >/dev/null
is $? 0 'a subject in the body hides no number'

# ---- patch files, quilt, b4 ----

F=$TMP/files
mkdir -p "$F/quilt/sub" "$F/format"
fake_patch 1 | sed 1,2d >"$F/quilt/z-first.patch"
{ echo 'Second.'; indented 3; fake_patch 2 | sed 1,2d; } >"$F/quilt/a-second.diff"
printf '# quilt\nz-first.patch\na-second.diff -p1 # fine\n' >"$F/quilt/series"
import quilt --patches "$F/quilt" >/dev/null
is "$(titles quilt)" 'z-first,a-second' 'a quilt folder, in the order of its series'
{ patch_mail '[PATCH 2/2]' 2; } >"$F/format/0002-f2.patch"
{ patch_mail '[PATCH 1/2]' 1; } >"$F/format/0001-f1.patch"
echo 'Text.' | mail '[PATCH 0/2] both' c >"$F/format/0000-cover-letter.patch"
echo 'not a patch' >"$F/format/README"
import format --patches "$F/format" >/dev/null
is "$(titles format)" 'f1,f2' 'a folder of git format-patch'
is "$(jq -r .description "$K/format.json")" 'both' 'with its cover letter'
import given --patches "$F/format/0002-f2.patch" "$F/quilt/z-first.patch" >/dev/null
is "$(titles given)" 'f2,z-first' 'files in the order given'
echo text >"$F/text.patch"
OUT=$(import text --patches "$F/format/0002-f2.patch" "$F/text.patch")
is $? 128 'a file without a diff: status'
like "$OUT" '"text": the mail has no diff' 'a file without a diff: its name'
like "$(import x --patches "$F/none.patch")" 'none.patch: No such file' 'a file that is not there'
like "$(import x --mbox "$M/two" --patches "$F/quilt" 2>&1)" 'give one of --mbox, --patches and --message-id' 'two ways at once'
mkdir "$TMP/nothing"
OUT=$(PATH=$TMP/nothing import x --message-id p1@x)
like "$OUT" 'b4: is missing; apt-get install b4, or save the thread' '--message-id without b4 names the package'
mkdir "$TMP/bin"
cat >"$TMP/bin/b4" <<-EOF
	#!/bin/sh
	[ "\$*" = "mbox -o \$3 -n thread -- p1@x" ] || { echo "no such mail" >&2; exit 1; }
	cp "$M/two" "\$3/thread.mbx"
EOF
chmod +x "$TMP/bin/b4"
for id in p1@x '<p1@x>' https://lore.kernel.org/all/p1@x/; do
	rm -rf "$K/b4.json" "$K/patches/b4"
	PATH=$TMP/bin:$PATH import b4 --message-id "$id" >/dev/null
	is "$(titles b4)" 'f1,f2' "--message-id $id through b4"
done
OUT=$(PATH=$TMP/bin:$PATH import x --message-id other@x)
like "$OUT" 'b4 mbox other@x failed with status 1: no such mail' 'what b4 says'

# ---- tried at once ----

fake_patch 2 wrong | mail '[PATCH 1/1] f2' w1 >"$M/wrong"
refused wrong "$M/wrong" 1 \
	'1 of 1, "\[PATCH 1/1\] f2" <w1@x>: patch 0001-f2.patch does not apply: src/f2.c: the hunk for line 1' \
	'a patch that does not apply'
{
	fake_patch 2 wrong | mail '[PATCH 1/3] f2' w3
	fake_patch 1 | mail '[PATCH 2/3] f1' w4
	{ fake_patch 3 wrong; echo; echo 'base-commit: 0123456789abcdef0123456789abcdef01234567'; } | mail '[PATCH 3/3] f3' w5
} >"$M/several"
refused several "$M/several" 1 '1 of 3, .* does not apply: src/f2.c' 'of several'
OUT=$(import several --mbox "$M/several")
like "$OUT" 'do not apply either, of 3: 3$' 'each patch that does not apply is named'
like "$OUT" 'the mails say base-commit 0123456789abcdef.*: name a base' 'and what they were made on'
fake_patch 2 | sed 's/-1 +1/-1,9 +1,9/' | mail '[PATCH 1/1] f2' w2 >"$M/corrupt"
refused corrupt "$M/corrupt" 1 'does not apply: corrupt patch at line' 'a damaged diff'
like "$("$NESTLAB" kernel import --mbox "$M/single" --onto child --name onchild 2>&1)" \
	'does not apply: src/f2.c' 'the base'"'"'s own patches count'

# ---- CR LF inside an encoding, which git keeps ----

encoded() { # encoded ENCODING: the body on stdin, with CR LF
	echo
	if [ "$1" = base64 ]; then sed 's/$/\r/' | base64; else sed 's/=/=3D/g; s/$/=0D/'; fi
}
quoted_cr='CR LF inside base64 or quoted-printable, .*: git am --quoted-cr=strip'
for encoding in base64 quoted-printable; do
	{
		patch_mail '[PATCH]' 2 | sed '/^$/,$d'
		printf 'MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n'
		echo "Content-Transfer-Encoding: $encoding"
		fake_patch 2 | encoded $encoding
	} >"$M/$encoding"
	refused crlf "$M/$encoding" 1 "does not apply: src/f2.c: the hunk for line 1 does not match; the mail has $quoted_cr" \
		"CR LF inside $encoding"
done
unlike "$(import wrong --mbox "$M/wrong")" 'CR LF' 'of which nothing is said elsewhere'
{
	sed '/^$/,$d' "$M/base64"
	printf 'new\n---\ndiff --git a/new b/new\nnew file mode 100644\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n' |
		encoded base64
} >"$M/kept"
OUT=$(import kept --mbox "$M/kept")
is $? 0 'a file that such a mail adds is imported' || echo "$OUT"
like "$OUT" '1 of 1, .*: has CR LF inside base64 or quoted-printable; the CR is kept' 'with a warning, as git has one'
grep -q $'^+new\r$' "$K"/patches/kept/*.patch
ok $? 'and with its CR'

export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@x GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@x
export GIT_CONFIG_GLOBAL=/dev/null
REPO=$TMP/repo
cp -r "$LAB/linux-fake" "$REPO"
seq 20 >"$REPO/src/list"
git -C "$REPO" init -qb main && git -C "$REPO" add . && git -C "$REPO" commit -qm base
BASE=$(git -C "$REPO" rev-parse HEAD)
sed -i 's/^9$/nine/' "$REPO/src/list" && git -C "$REPO" commit -qam nine
git -C "$REPO" format-patch -q --base="$BASE" -1 -o "$TMP/nine"
git -C "$REPO" reset -q --hard "$BASE"
sed -i 's/^11$/eleven/' "$REPO/src/list" && git -C "$REPO" commit -qam eleven
echo "{ \"base\": \"root\", \"source\": { \"kind\": \"git\", \"location\": \"$REPO\", \"ref\": \"main\" } }" >"$K/moved.json"
OBJECTS=$(find "$REPO/.git" -type f | sort | xargs sha256sum)
OUT=$("$NESTLAB" kernel import --patches "$TMP"/nine/*.patch --onto moved --name nine 2>&1)
like "$OUT" 'was made on another commit and is merged with the base' 'a base-commit that is here: merged by git'
is "$(find "$REPO/.git" -type f | sort | xargs sha256sum)" "$OBJECTS" 'and the repository is as it was'
is "$(jq .import.merged "$K/nine.json")" true 'which the variant says'
patch -s -d "$REPO" -p1 <"$(echo "$K"/patches/nine/*.patch)"
is "$(sed -n '9p;11p' "$REPO/src/list" | paste -sd' ')" 'nine eleven' 'with both changes'
git -C "$REPO" checkout -q .
COLON=$TMP/'a:b"c'
cp -r "$REPO" "$COLON"
jq --arg at "$COLON" '.source.location = $at' "$K/moved.json" >"$K/colon.json"
OUT=$("$NESTLAB" kernel import --patches "$TMP"/nine/*.patch --onto colon --name coloned 2>&1)
is $? 0 'a repository whose path has a colon and a quotation mark' || echo "$OUT"
is "$(jq .import.merged "$K/coloned.json")" true 'in which git merges, too'
sed -i '/^base-commit/d' "$TMP"/nine/*.patch
git -C "$REPO" checkout -q .
like "$("$NESTLAB" kernel import --patches "$TMP"/nine/*.patch --onto moved --name ten 2>&1)" \
	'does not apply: src/list' 'without one it is refused'

BEFORE=$(files)
OUT=$(ulimit -f 0 && import limited --mbox "$M/two")
is $? 128 'a limit on file size: status'
like "$OUT" 'File size limit exceeded|File too large' 'a limit on file size: said'
is "$(files)" "$BEFORE" 'a limit on file size: nothing is left behind'

# killed by its own git: while it reads the mails, and when it tries them on the base
mkdir "$TMP/killer"
cat >"$TMP/killer/git" <<-END
	#!/bin/bash
	case " \$* " in *" \$KILL_AT "*) kill -KILL \$PPID; exit 1 ;; esac
	exec $(command -v git) "\$@"
END
chmod +x "$TMP/killer/git"
for at in mailsplit apply; do
	(KILL_AT=$at PATH=$TMP/killer:$PATH import killed --mbox "$M/two") >/dev/null 2>&1
	is $? 137 "killed at git $at"
done
unlike "$(ls "$SCRATCH")" '^$' 'which leaves a temporary folder'
is "$(files | grep -c killed)" 0 'but nothing of its name'
OUT=$(import killed --mbox "$M/two")
is $? 0 'the next import succeeds' || echo "$OUT"
rm -r "$K/killed.json" "$K/patches/killed"
mkdir "$K/patches/orphan"
like "$(import orphan --mbox "$M/two")" 'patches/orphan: exists already, and no variant orphan.json .*: remove it, or' \
	'killed between the series and the variant: what to do is said'
rmdir "$K/patches/orphan"

is "$(ls -A "$K/patches" | grep '^\.')" '' 'no half folder is left'
is "$(ls "$SCRATCH")" '' 'nor a temporary one'

is "$(import devzero --mbox /dev/zero 2>&1 | grep -c 'a device, not a mailbox')" 1 'a device is no mailbox'
is "$(import devzero --patches /dev/zero 2>&1 | grep -c 'a device, not a mailbox')" 1 'and no patch'
mkfifo "$TMP/pipe"
cat "$TOP/tests/fixtures/mbox/single.mbox" >"$TMP/pipe" &
OUT=$(timeout 600 "$NESTLAB" kernel import --mbox "$TMP/pipe" --onto root --name piped 2>&1)
is "$?" 0 'a mailbox that comes through a pipe is read, once' || echo "$OUT"
is "$(jq -r .import.mbox "$K/piped.json")" 'a pipe' 'and noted as one'
plan_done
