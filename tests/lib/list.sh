# SPDX-License-Identifier: GPL-2.0-only
# list.sh - after daemon.sh: a mailing list in a real public-inbox, and patch series over a small repository.
#
#	make_repo: $TMP/repo with branches main and next
#	make_inbox NAME VERSION: $TMP/NAME, public-inbox's format 1 or 2
#	series NAME [FORMAT-PATCH OPTION...] -- COMMAND: what the shell COMMAND commits on a branch of main becomes NAME/*.patch
#	post NAME FILE...: mails to the inbox, as a mail server delivers them
#	post_thread NAME FOLDER: all of FOLDER/*.patch

export PI_CONFIG=$TMP/inbox.config
AUTHOR="Ann Otherö <ann@example.org>"

make_repo() {
	git init -q -b main repo
	git -C repo config user.name "Ann Otherö"
	git -C repo config user.email ann@example.org
	mkdir -p repo/arch/x86/kvm/vmx repo/Documentation
	echo 1500 >repo/cost
	printf 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n' >repo/arch/x86/kvm/vmx/nested.c
	echo text >repo/Documentation/kvm.rst
	git -C repo add . && git -C repo commit -q -m start
	git -C repo branch next
	git -C repo checkout -q next
	echo only here >repo/arch/x86/kvm/vmx/next.c
	git -C repo add . && git -C repo commit -q -m "next has more"
	git -C repo checkout -q main
}

make_inbox() {
	local options=(-V "$2")
	[ "$2" = 2 ] && options+=(-L basic)
	public-inbox-init "${options[@]}" "$1" "$TMP/$1" "http://127.0.0.1/$1" "$1@example.org" >/dev/null 2>&1
	git config -f "$PI_CONFIG" publicinboxmda.spamcheck none
}

series() {
	local name=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	git -C repo checkout -q -B topic "${FROM:-main}"
	(cd repo && eval "$2") || echo "# series $name: failed"
	# where an editor would have been asked
	git -C repo format-patch -q --thread -o "$TMP/$name" --to kvm@example.org "${options[@]}" "${FROM:-main}" >/dev/null
	for f in "$name"/*0000-*.patch; do
		[ -e "$f" ] || continue
		sed -i "s/\*\*\* SUBJECT HERE \*\*\*/${TITLE:-$name}/; s/\*\*\* BLURB HERE \*\*\*/What $name does./" "$f"
	done
	git -C repo checkout -q main
}

# in `series`: commit TITLE
commit_all() { git add -A . && git commit -q -m "$1"; }

post() {
	local name=$1 f
	shift
	for f in "$@"; do
		ORIGINAL_RECIPIENT=$name@example.org public-inbox-mda --no-precheck <"$f" 2>>"$TMP/mda.log" ||
			echo "# $f: not delivered"
	done
}

post_thread() { post "$1" "$2"/*.patch; }

id_of() { sed -n 's/^Message-Id: //Ip' "$1" | head -1; }

# a mail of words: reply FILE PARENT-ID SUBJECT TEXT
mail() {
	printf 'From: Bob <bob@example.org>\nTo: kvm@example.org\nSubject: %s\nDate: %s\nMessage-ID: <%s@example.org>\n' \
		"$3" "$(date -R)" "$(basename "$1")" >"$1"
	[ -z "$2" ] || printf 'In-Reply-To: %s\nReferences: %s\n' "$2" "$2" >>"$1"
	printf '\n%s\n' "$4" >>"$1"
}
