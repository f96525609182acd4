#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Generated mails, imported and applied by nestlab, beside what `git am` makes of the same mails.

	mails.py IMPORT_TREE COUNT [SEED]

The tree has to be git am's, byte for byte, or nestlab has to refuse the mails. Prints a line for each
outcome and how often it came; exit status 1 if any tree differs. A mail is a change (one of a pool that
git made), a message full of things that look like diffs, and a way of sending it.
"""
import base64
import collections
import gzip
import os
import quopri
import random
import re
import shutil
import stat
import subprocess
import sys
import tempfile

GIT = dict(os.environ, GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_NOSYSTEM="1", GIT_AUTHOR_NAME="Ada",
	   GIT_AUTHOR_EMAIL="ada@example.org", GIT_COMMITTER_NAME="Ada", LC_ALL="C",
	   GIT_COMMITTER_EMAIL="ada@example.org")
CHARSETS = ("utf-8 us-ascii iso-8859-1 iso-8859-2 iso-8859-5 iso-8859-7 iso-8859-9 iso-8859-15 windows-1250 "
	    "windows-1251 windows-1252 windows-1253 koi8-r koi8-u shift_jis euc-jp iso-2022-jp euc-kr big5 gb2312 "
	    "gbk gb18030 utf-7 utf-16 utf-16be cp437 macroman tis-620 x-unknown").split()
# Words of these charsets; others get "Größe".
WORDS = {"iso-8859-5": "Привет", "windows-1251": "Привет", "koi8-r": "Привет", "koi8-u": "Привіт",
	 "iso-8859-7": "Γειά", "windows-1253": "Γειά", "shift_jis": "日本語", "euc-jp": "日本語",
	 "iso-2022-jp": "日本語", "euc-kr": "한국어", "big5": "中文", "gb2312": "中文", "gbk": "中文",
	 "gb18030": "中文", "us-ascii": "plain", "tis-620": "ไทย"}


def git(*args, cwd, data=None, check=True):
	r = subprocess.run(("git",) + args, cwd=cwd, env=GIT, input=data, capture_output=True)
	if check and r.returncode:
		sys.exit(f"git {args}: {r.stderr.decode(errors='replace')}")
	return r


def write(path, data, mode=0o644):
	os.makedirs(os.path.dirname(path), exist_ok=True)
	if os.path.islink(path):
		os.unlink(path)
	with open(path, "wb") as f:
		f.write(data)
	os.chmod(path, mode)


def snapshot(top):
	"""Every file's kind, mode and bytes."""
	found = {}
	for folder, dirs, names in os.walk(top):
		if ".git" in dirs:
			dirs.remove(".git")
		for name in names + [d for d in dirs if os.path.islink(os.path.join(folder, d))]:
			path = os.path.join(folder, name)
			st = os.lstat(path)
			if stat.S_ISLNK(st.st_mode):
				found[os.path.relpath(path, top)] = ("link", os.readlink(path))
			else:
				with open(path, "rb") as f:
					found[os.path.relpath(path, top)] = (bool(st.st_mode & 0o100), f.read())
	return found


# ---- the tree and the changes ----

def make_tree(top):
	lines = [f"int f{i}(void)\n{{\n\treturn {i};\n}}\n\n" for i in range(12)]
	write(f"{top}/src/a.c", "".join(lines).encode())
	write(f"{top}/src/b.c", ("".join(reversed(lines)) + "/* end */").encode())  # no newline at its end
	write(f"{top}/doc/readme.txt", b"".join(b"line %d\n" % i for i in range(30)))
	write(f"{top}/doc/latin.txt", "Größe\nMaß\nÄpfel\n".encode("latin-1") * 4)
	write(f"{top}/doc/utf8.txt", "Größe\n日本語\n".encode() * 4)
	write(f"{top}/doc/crlf.txt", b"one\r\ntwo\r\nthree\r\n" * 4)
	write(f"{top}/doc/query.sql", b"-- a remark\nselect 1;\n-- another\n++ odd\n" * 3)
	write(f"{top}/doc/a file.txt", b"blank in its name\n" * 3)
	write(f"{top}/doc/f\xc3\xb6\xc3\xb6.txt".encode().decode("utf-8", "surrogateescape"), b"x\n")
	write(f"{top}/data.bin", bytes(range(256)) * 3)
	write(f"{top}/run.sh", b"#!/bin/sh\necho run\n", 0o755)
	write(f"{top}/empty", b"")
	os.symlink("src/a.c", f"{top}/link")


def edit(data, rnd):
	lines = data.split(b"\n")
	for _ in range(rnd.randint(1, 3)):
		at = rnd.randrange(len(lines))
		how = rnd.choice(("add", "change", "drop", "like a diff"))
		end = b"\r" if lines[at].endswith(b"\r") else b""
		if how == "drop" and len(lines) > 4:
			del lines[at]
		elif how == "add":
			lines.insert(at, b"added %d" % rnd.randrange(1000) + end)
		elif how == "change":
			lines[at] = b"changed %d" % rnd.randrange(1000) + end
		else:
			lines[at:at] = rnd.choice(([b"-- x", b"++ y"], [b"--- a/src/a.c", b"+++ b/src/a.c", b"@@ -1 +1 @@"],
				[b"diff --git a/x b/x"], [b"-- ", b"2.39.2"], [b"From x@y Thu Jan  1 00:00:00 1970"],
				[b"---"], [b">From me"], [b" "], [b"\t trailing \t"]))
	return b"\n".join(lines)


def change(top, rnd):
	"""One random change of the work tree; returns a name for its kind."""
	texts = ["src/a.c", "src/b.c", "doc/readme.txt", "doc/latin.txt", "doc/utf8.txt", "doc/query.sql", "doc/a file.txt"]
	kind = rnd.choice(["edit"] * 4 + ["crlf", "binary", "new", "delete", "rename", "copy", "mode", "empty", "link",
		"newbinary", "retype", "newcrlf"])
	path = f"{top}/{rnd.choice(texts)}"
	if kind in ("edit", "crlf"):
		path = f"{top}/doc/crlf.txt" if kind == "crlf" else path
		with open(path, "rb") as f:
			data = f.read()
		write(path, edit(data, rnd))
	elif kind == "binary":
		write(f"{top}/data.bin", bytes(rnd.randrange(256) for _ in range(100)) + bytes(range(256)) * 3)
	elif kind == "newbinary":
		write(f"{top}/new.bin", bytes(rnd.randrange(256) for _ in range(300)))
	elif kind == "new":
		write(f"{top}/new/dir/file {rnd.randrange(9)}.c", edit(b"int x;\n", rnd), rnd.choice((0o644, 0o755)))
	elif kind == "newcrlf":
		write(f"{top}/new/crlf.txt", b"a\r\nb\r\n")
	elif kind == "delete":
		os.unlink(path)
	elif kind == "rename":
		os.makedirs(f"{top}/moved", exist_ok=True)
		os.rename(path, f"{top}/moved/{rnd.randrange(9)} {os.path.basename(path)}")
	elif kind == "copy":
		shutil.copy(path, path + ".copy")
		with open(path, "ab") as f:
			f.write(b"appended\n")
	elif kind == "mode":
		os.chmod(path, 0o755)
		os.chmod(f"{top}/run.sh", 0o644)
	elif kind == "empty":
		write(f"{top}/new/empty{rnd.randrange(9)}", b"")
		os.unlink(f"{top}/empty")
	elif kind == "link":
		os.unlink(f"{top}/link")
		os.symlink("doc/readme.txt", f"{top}/link")
	elif kind == "retype":
		os.unlink(f"{top}/link")
		write(f"{top}/link", b"a file now\n")
	return kind


def make_pool(top, rnd, count):
	"""(kind, diff) pairs; each diff is against the base."""
	pool = []
	while len(pool) < count:
		kind = "+".join(change(top, rnd) for _ in range(rnd.choice((1, 1, 2))) if os.path.exists(f"{top}/run.sh")) \
			if rnd.random() < 0.7 else change(top, rnd)
		options = rnd.choice(([], [], [], ["-M"], ["-M"], ["-C", "--find-copies-harder"], ["--no-renames"], ["-U1"], ["-U8"],
			["--full-index"], ["--irreversible-delete"], ["--patience"], ["--function-context"], ["-M"],
			rnd.choice((["--no-prefix"], ["--no-binary"], ["-U0"]))))
		git("add", "-A", cwd=top)
		binary = [] if options == ["--no-binary"] else ["--binary"]
		options = [] if options == ["--no-binary"] else options
		diff = git("diff", "--cached", *binary, *options, cwd=top).stdout
		git("reset", "-q", "--hard", "base", cwd=top)
		git("clean", "-qfdx", cwd=top)
		if diff:
			pool.append((kind + "".join(options), diff))
	return pool


# ---- messages ----

def quoted(rnd, pool):
	return rnd.choice(pool)[1].decode("utf-8", "replace").replace("\0", "")


CONTEXT_DIFF = "*** src/a.c\told\n--- src/a.c\tnew\n***************\n*** 1,3 ****\n  int f0(void)\n  {\n! \treturn 0;\n" \
	"--- 1,3 ----\n  int f0(void)\n  {\n! \treturn 7;\n"


def paragraph(rnd, pool):
	kind = rnd.randrange(36)
	if kind < 8:
		return "A sentence about it,\nand another.\n"
	if kind < 27:
		indent = rnd.choice(("    ", "\t", " ", "> ", "| "))
		return "".join(indent + l + "\n" for l in quoted(rnd, pool).split("\n"))
	return (
		lambda: "```diff\n" + "".join(" " + l + "\n" for l in quoted(rnd, pool).split("\n")) + "```\n",
		lambda: "```diff\n" + quoted(rnd, pool) + "```\n",
		lambda: CONTEXT_DIFF,
		lambda: "".join("  " + l + "\n" for l in CONTEXT_DIFF.split("\n")),
		lambda: "Trace:\n\n  --- a/old.txt\n  +++ b/new.txt\n  @@ -1 +1 @@\n  -was\n  +is\n",
		lambda: "Index: src/a.c\n===================\n",
		lambda: ">From here on,\nFrom there on\n",
		lambda: "diff --git a/src/a.c b/src/a.c\nis what git says.\n",
		lambda: "Subject: no\nFrom: nobody <nobody@example.org>\n",
	)[kind - 27]()


def message(rnd, pool, word):
	text = "".join(paragraph(rnd, pool) + "\n" for _ in range(rnd.choice((0, 1, 1, 2, 3))))
	return text + f"{word}\n\nSigned-off-by: Ada <ada@example.org>\n"


def ending(rnd, pool):
	"""What stands below the diff."""
	return rnd.choice((
		lambda: "-- \n2.39.2\n", lambda: "-- \n2.39.2\n\n", lambda: "",
		lambda: "_______________\nlist mailing list\nlist@example.org\n",
		lambda: "-- \n  --- a/src/a.c\n  +++ b/src/a.c\n  @@ -1,3 +1,3 @@\n",
		lambda: "-- \n--- a/src/a.c\n+++ b/src/a.c\n@@ -1,3 +1,3 @@\n-not\n+this\n" if rnd.random() < 0.3 else "-- \n2\n",
		lambda: "-- \n--- me\n+++ you\n",
		lambda: "-- \n" + "".join("> " + l + "\n" for l in quoted(rnd, pool).split("\n")),
		lambda: "\nbase-commit: 0123456789abcdef0123456789abcdef01234567\n-- \n2.1\n",
	))()


def notes(rnd, pool):
	"""Between "---" and the diff."""
	return rnd.choice((lambda: " f | 1 +\n 1 file changed\n\n",) * 8 + (
		lambda: "\n", lambda: "v2: changed it\n\n f | 1 +\n\n",
		lambda: "Notes:\n" + "".join("    " + l + "\n" for l in quoted(rnd, pool).split("\n")) + "\n",
		lambda: CONTEXT_DIFF + "\n", lambda: "diff --git a/x b/x\nprose\n\n",
	))()


# ---- mails ----

def flow(body):
	return b"\n".join(b" " + l if l[:1] in b" >" or l[:5] == b"From " else l for l in body.split(b"\n"))


def encode_header(rnd, name, text, charset):
	raw = encode(text, charset)
	how = rnd.choice(("q", "b", "raw"))
	if charset in ("us-ascii", "x-unknown", "utf-16", "utf-16be", "utf-7"):
		return f"{name}: ".encode() + text.encode()
	if how == "raw":
		return f"{name}: ".encode() + raw.replace(b"\n", b" ")
	word = base64.b64encode(raw).decode() if how == "b" else "".join(f"={c:02X}" for c in raw)
	return f"{name}: =?{charset}?{how}?{word}?=".encode()


def encode(text, charset):
	try:
		return text.encode(charset)
	except (LookupError, UnicodeEncodeError):
		return text.encode("ascii", "replace")


def make_mail(rnd, pool, subject, diff, number):
	charset = rnd.choice(CHARSETS) if rnd.random() < 0.5 else "utf-8"
	word = WORDS.get(charset, "Größe")
	text = message(rnd, pool, word)
	tail = ending(rnd, pool)
	separator = "---\n" + notes(rnd, pool) if rnd.random() < 0.9 else ""
	if charset in ("utf-16", "utf-16be") or rnd.random() < 0.03:
		body = encode(text + separator, charset) + diff + encode(tail, charset)
	else:
		body = encode(text + separator, charset) + diff + tail.encode()
	transfer = rnd.choice(("8bit", "8bit", "base64", "quoted-printable", "none"))
	kind = f"text/plain; charset={charset}"
	if rnd.random() < 0.08:
		kind += "; format=flowed" + rnd.choice(("", "; delsp=yes"))
		body = flow(body) if rnd.random() < 0.7 else body
	if rnd.random() < 0.06:
		kind = None
	crlf = rnd.random() < 0.1
	if crlf:
		body = body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
	if transfer == "base64":
		body = base64.encodebytes(body)
	elif transfer == "quoted-printable":
		body = quopri.encodestring(body)
	head = [b"From x@y Thu Jan  1 00:00:00 1970", encode_header(rnd, "From", f"Ada {word} <ada@example.org>", "us-ascii"),
		b"Date: Tue, 3 Jun 2025 10:00:%02d +0200" % (number % 60),
		encode_header(rnd, "Subject", f"{subject} {word if rnd.random() < 0.5 else 'x'}", charset),
		b"Message-ID: <m%d@example.org>" % number]
	if kind:
		head += [b"MIME-Version: 1.0"]
	content = [f"Content-Type: {kind}".encode()] if kind else []
	content += [f"Content-Transfer-Encoding: {transfer}".encode()] if transfer != "none" else []
	if kind and rnd.random() < 0.07:
		bound = b"=_part"
		inner = b"--" + bound + b"\n" + b"\n".join(content) + b"\n\n" + body + b"\n"
		extra = rnd.choice((b"Content-Type: application/pgp-signature\n\nsigned\n", b"Content-Type: text/html\n\n<b>x</b>\n",
			b"Content-Type: text/plain\n\nA footer.\n"))
		body = inner + b"--" + bound + b"\n" + extra + b"--" + bound + b"--\n"
		content = [b'Content-Type: multipart/mixed; boundary="' + bound + b'"']
	raw = b"\n".join(head + content) + b"\n\n" + body
	if crlf and rnd.random() < 0.5:
		raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
	return raw + (b"" if rnd.random() < 0.1 else b"\n")


def subjects(rnd, count):
	if count == 1:
		return [rnd.choice(("[PATCH]", "[PATCH 1/1]", "[PATCH v2]", "[RFC PATCH]", "RESEND [PATCH]", "[PATCH RESEND 1/1]", "KVM:",
			"[1/1]", "[PATCH 1 of 1]"))]
	form = rnd.choice(("[PATCH {}/{}]", "[PATCH v3 {}/{}]", "[{}/{}]", "[PATCH]", "[PATCH {} of {}]", "RESEND [PATCH {}/{}]", "KVM:"))
	return [form.format(i + 1, count) for i in range(count)]


def reply(rnd, pool, number):
	text = "On Tue, Ada wrote:\n" + "".join("> " + l + "\n" for l in quoted(rnd, pool).split("\n")) + "\nLooks good.\n"
	if rnd.random() < 0.3:
		text += "How about\n\n" + quoted(rnd, pool)
	return (f"From x@y Thu Jan  1 00:00:00 1970\nFrom: Bob <bob@example.org>\nSubject: Re: [PATCH] x\n"
		f"Message-ID: <r{number}@example.org>\nIn-Reply-To: <m{number}@example.org>\n\n").encode() + text.encode() + b"\n"


class Case:
	def __init__(self, rnd, pool, number):
		count = rnd.choice((1, 1, 1, 1, 2))
		chosen = [rnd.choice(pool) for _ in range(count)]
		self.kind = " ".join(c[0] for c in chosen)
		self.mails = [make_mail(rnd, pool, s, c[1], number * 10 + i)
			for i, (s, c) in enumerate(zip(subjects(rnd, count), chosen))]
		self.way = rnd.choice(["mbox"] * 6 + ["thread"] * 2 + ["gzip"] + ["patches", "folder"])
		self.reference = b"".join(m if m.endswith(b"\n") else m + b"\n" for m in self.mails)
		self.given = self.reference
		if self.way == "thread":
			self.given = self.reference + reply(rnd, pool, number * 10)
		elif self.way == "gzip":
			self.given = gzip.compress(self.reference)

	def files(self, top):
		"""Writes what nestlab is given; returns the kind of job and the path."""
		if self.way in ("patches", "folder"):
			os.makedirs(top)
			names = [f"{i + 1:04}-x.patch" for i in range(len(self.mails))]
			for name, mail in zip(names, self.mails):
				write(f"{top}/{name}", mail)
			if self.way == "folder":
				write(f"{top}/series", "".join(n + "\n" for n in names).encode())
			return self.way, top
		write(f"{top}.mbox", self.given)
		return "mbox", f"{top}.mbox"


# ---- both ----

def run_am(repo, top, case):
	"""The tree that git am makes, or None."""
	git("reset", "-q", "--hard", "base", cwd=repo)
	git("clean", "-qfdx", cwd=repo)
	options = []
	paths = [f"{top}.am"]
	write(paths[0], case.reference)
	if case.way in ("patches", "folder"):
		# files one by one; a folder's CRs stay, unless the file has them on its first line
		paths = []
		for i, mail in enumerate(case.mails):
			paths.append(f"{top}.am{i}")
			write(paths[-1], mail)
		if case.way == "folder" and not any(m.split(b"\n")[0].endswith(b"\r") for m in case.mails):
			options = ["--keep-cr"]
	r = git("am", "-q", "--no-gpg-sign", *options, *paths, cwd=repo, check=False)
	if r.returncode:
		shutil.rmtree(f"{repo}/.git/rebase-apply", ignore_errors=True)
		if r.returncode < 0 and os.path.exists(f"{repo}/.git/index.lock"):
			os.unlink(f"{repo}/.git/index.lock")
			return None, f"git am was ended by signal {-r.returncode}"
		return None, r.stderr.decode(errors="replace") + r.stdout.decode(errors="replace")
	return snapshot(repo), ""


REASONS = (
	("does not apply", r"does not match|does not apply:"), ("no diff", r"has no diff|no patch in it"),
	("charset", r"cannot read it"), ("NUL", r"NUL byte"), ("missing", r"are missing"), ("several mails", r"holds \d+ mails"),
	("ambiguous", r"two different mails|more than one series|cannot be told apart"),
)


def reason(text):
	for name, pattern in REASONS:
		if re.search(pattern, text):
			return name
	return "OTHER: " + text


def compare(case, am, am_says, answer, mine):
	if answer == "ok":
		if am is None:
			return "DIFFERENT: git am refuses: " + am_says.strip().replace("\n", "; ")
		return "equal" if am == mine else "DIFFERENT: another tree"
	if answer.startswith("IMPORTED"):
		return "DIFFERENT: imported, then not applied: " + answer
	return f"refused: {reason(answer)}, by git am {'too' if am is None else 'NOT'}"


def main():
	tool, count = sys.argv[1], int(sys.argv[2])
	seed = int(sys.argv[3]) if len(sys.argv) > 3 else 10
	rnd = random.Random(seed)
	tmp = tempfile.mkdtemp(prefix="nestlab-mails.")
	try:
		status = run_all(tool, count, rnd, tmp)
	finally:
		if os.environ.get("KEEP"):
			print("# kept", tmp)
		else:
			shutil.rmtree(tmp)
	sys.exit(status)


def run_all(tool, count, rnd, tmp):
	base, repo, variants = f"{tmp}/base", f"{tmp}/repo", f"{tmp}/variants"
	make_tree(base)
	shutil.copytree(base, repo, symlinks=True)
	git("init", "-q", "-b", "main", cwd=repo)
	git("add", "-A", cwd=repo)
	git("commit", "-qm", "base", cwd=repo)
	git("tag", "base", cwd=repo)
	write(f"{variants}/x.config", b"CONFIG_X=y\n")
	write(f"{variants}/onto.json", ('{"source": {"kind": "git", "location": "%s", "ref": "base"}, "config": ["x.config"]}'
		% repo).encode())
	pool = make_pool(repo, rnd, 60)
	job = subprocess.Popen([tool, variants, f"{tmp}/cache"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
		stderr=open(f"{tmp}/stderr", "wb"), text=True, errors="replace")
	outcomes, examples = collections.Counter(), {}
	for i in range(count):
		case = Case(rnd, pool, i)
		top, tree = f"{tmp}/case{i}", f"{tmp}/tree{i}"
		kind, path = case.files(top)
		am, says = run_am(repo, top, case)
		shutil.copytree(base, tree, symlinks=True)
		job.stdin.write(f"{kind} v{i} {path} {tree}\n")
		job.stdin.flush()
		answer = job.stdout.readline().rstrip("\n")
		outcome = compare(case, am, says, answer, snapshot(tree))
		left = os.path.exists(f"{variants}/v{i}.json") or os.path.exists(f"{variants}/patches/v{i}")
		if answer != "ok" and left:
			outcome = "LEFT BEHIND"
		key = outcome.split(": ")[0] if outcome.startswith("DIFF") else outcome
		outcomes[key] += 1
		examples.setdefault(key, []).append(f"case {i} ({case.way}, {case.kind}): {outcome}: {answer[:300]}")
		shutil.rmtree(tree)
	job.stdin.close()
	job.wait()
	for key, n in sorted(outcomes.items()):
		print(f"{n:5} {key}")
	bad = [k for k in examples if not k.startswith(("equal", "refused")) or "OTHER" in k]
	for key in bad + ([k for k in examples if k.endswith("NOT")] if os.environ.get("SHOW") else []):
		for example in examples[key][:20]:
			print("#  ", example)
	return 1 if bad else 0


main()
