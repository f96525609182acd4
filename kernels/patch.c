// SPDX-License-Identifier: GPL-2.0-only
/*
 * A diff is walked as `git apply` does (apply.c, find_header() and parse_fragment()): a file's diff begins
 * with a "diff --git" line or with the lines "---", "+++" and "@@", at the very start of a line; hunks
 * have as many lines as their "@@" says, whatever these lines look like.
 */
#include "kernels/patch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/scratch.h"
#include "common/shell.h"
#include "kernels/mailinfo.h"

struct walk {
	const char *at;					    /* a line's start */
	const char *end;				    /* after the last hunk or header seen */
	int (*each)(const struct patch_path *p, void *arg); /* NULL: only the end is asked for */
	void *arg;
};

static bool begins(const char *line, const char *start)
{
	return !strncmp(line, start, strlen(start));
}

static const char *next_line(const char *line)
{
	line = strchrnul(line, '\n');
	if (*line)
		line++;
	return line;
}

/* ---- names ---- */

/* Lines that name a file. git's own (renames, copies) have no a/ or b/ in front of it. */
static const struct header {
	const char *sign;
	bool old, prefixed;
} headers[] = {
	{"--- ", true, true},	      {"+++ ", false, true},	     {"rename from ", true, false},
	{"rename to ", false, false}, {"copy from ", true, false},   {"copy to ", false, false},
	{"rename old ", true, false}, {"rename new ", false, false},
};

static const struct header *find_header(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (begins(line, headers[i].sign))
			return &headers[i];
	return NULL;
}

/* One character of a name in quotes, at "\" and after; *s moves past it. */
static char unquote_character(const char **s)
{
	static const char letters[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";
	const char *letter;
	int value = 0, digits = 0;

	for ((*s)++; digits < 3 && **s >= '0' && **s <= '7'; digits++)
		value = value * 8 + (*(*s)++ - '0');
	if (digits)
		return (char)value;
	if (!**s || **s == '\n')
		return '\\';
	letter = strchr(letters, **s);
	value = *(*s)++;
	if (letter)
		value = meant[letter - letters];
	return (char)value;
}

/* A name in quotes, as git writes names with unusual characters; *s moves past it. The caller frees. */
static char *unquote_name(const char **s)
{
	struct strbuf name = STRBUF_INIT;

	for ((*s)++; **s && **s != '"' && **s != '\n';) {
		if (**s == '\\')
			strbuf_addch(&name, unquote_character(s));
		else
			strbuf_addch(&name, *(*s)++);
	}
	return strbuf_detach(&name);
}

static char *read_name(const char *s)
{
	if (*s == '"')
		return unquote_name(&s);
	return strndup(s, strcspn(s, "\t\r\n"));
}

static int give_path(const struct walk *w, const char *raw, bool old, bool prefixed)
{
	const char *slash = strchr(raw, '/');
	struct patch_path p = {.raw = raw, .path = raw, .old = old};

	if (!w->each || !*raw || !strcmp(raw, "/dev/null"))
		return 0;
	if (prefixed && slash)
		p.path = slash + 1;
	return w->each(&p, w->arg);
}

static int give_header(const struct walk *w, const struct header *h, const char *line)
{
	__cleanup_free char *raw = read_name(line + strlen(h->sign));

	return give_path(w, raw, h->old, h->prefixed);
}

/* "diff --git a/x b/x", where nothing else names the file (a change of mode, an empty file, a binary
 * one): both names are the same then, but for the prefix. */
static int give_git_line(const struct walk *w, const char *line)
{
	const char *s = line + strlen("diff --git ");
	__cleanup_free char *name = NULL;
	size_t len = strcspn(s, "\r\n");
	int ret;

	if (*s == '"')
		name = unquote_name(&s);
	else if (len % 2 && s[len / 2] == ' ')
		name = strndup(s, len / 2);
	else
		return 0;
	ret = give_path(w, name, true, true);
	if (ret)
		return ret;
	return give_path(w, name, false, true);
}

/* ---- one file ---- */

static bool is_extended_header(const char *line)
{
	static const char *const signs[] = {
		"old mode ", "new mode ",	  "deleted file mode ",	  "new file mode ", "copy ",
		"rename ",   "similarity index ", "dissimilarity index ", "index ",	    "--- ",
		"+++ "};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (begins(line, signs[i]))
			return true;
	return false;
}

/* "@@ -1,2 +3,4 @@": how many lines the hunk has of the old file and of the new one. */
static bool read_counts(const char *line, unsigned long *old, unsigned long *new)
{
	char *s;

	if (!begins(line, "@@ -"))
		return false;
	*old = *new = 1;
	strtoul(line + strlen("@@ -"), &s, 10);
	if (*s == ',')
		*old = strtoul(s + 1, &s, 10);
	if (strncmp(s, " +", 2))
		return false;
	strtoul(s + 2, &s, 10);
	if (*s == ',')
		*new = strtoul(s + 1, &s, 10);
	return !strncmp(s, " @@", 3);
}

static bool starts_traditional(const char *line)
{
	const char *second = next_line(line), *third = next_line(second);
	unsigned long old, new;

	return begins(line, "--- ") && begins(second, "+++ ") && read_counts(third, &old, &new);
}

/* The lines from "diff --git" up to the first hunk. One line alone is no header, but prose. */
static int walk_git_header(struct walk *w)
{
	const char *first = w->at;
	bool named = false;

	for (w->at = next_line(first); is_extended_header(w->at); w->at = next_line(w->at)) {
		const struct header *h = find_header(w->at);
		int ret;

		if (!h)
			continue;
		named = true;
		ret = give_header(w, h, w->at);
		if (ret)
			return ret;
	}
	if (named)
		return 0;
	return give_git_line(w, first);
}

static int walk_traditional_header(struct walk *w)
{
	int ret = give_header(w, &headers[0], w->at);

	w->at = next_line(w->at);
	if (!ret)
		ret = give_header(w, &headers[1], w->at);
	w->at = next_line(w->at);
	return ret;
}

static bool take_hunk_line(const char *line, unsigned long *old, unsigned long *new)
{
	bool both = *line == ' ' || *line == '\n'; /* an empty line is an empty line of context */
	bool in_old = both || *line == '-';
	bool in_new = both || *line == '+';

	if ((!in_old && !in_new && *line != '\\') || (in_old && !*old) || (in_new && !*new))
		return false;
	*old -= in_old;
	*new -= in_new;
	return true;
}

static void walk_hunks(struct walk *w)
{
	unsigned long old, new;

	while (read_counts(w->at, &old, &new)) {
		w->at = next_line(w->at);
		while (*w->at && (old || new) && take_hunk_line(w->at, &old, &new))
			w->at = next_line(w->at);
		if (*w->at == '\\') /* "\ No newline at end of file" */
			w->at = next_line(w->at);
	}
}

/* Forward and, mostly, reverse: "literal N" or "delta N", lines of base 85, an empty one. */
static void walk_binary(struct walk *w)
{
	if (!begins(w->at, "GIT binary patch\n"))
		return;
	w->at = next_line(w->at);
	while (begins(w->at, "literal ") || begins(w->at, "delta ")) {
		while (*w->at && *w->at != '\n')
			w->at = next_line(w->at);
		w->at = next_line(w->at);
	}
}

/* A file's diff, or a line that begins none. */
static int walk_file(struct walk *w)
{
	int ret;

	if (begins(w->at, "diff --git ") && is_extended_header(next_line(w->at))) {
		ret = walk_git_header(w);
	} else if (starts_traditional(w->at)) {
		ret = walk_traditional_header(w);
	} else {
		w->at = next_line(w->at);
		return 0;
	}
	if (ret)
		return ret;
	walk_hunks(w);
	walk_binary(w);
	w->end = w->at;
	return 0;
}

static int walk_diff(struct walk *w)
{
	while (*w->at) {
		int ret = walk_file(w);

		if (ret)
			return ret;
	}
	return 0;
}

int patch_each_path(const char *diff, int (*each)(const struct patch_path *p, void *arg), void *arg)
{
	struct walk w = {.at = diff, .end = diff, .each = each, .arg = arg};

	return walk_diff(&w);
}

size_t patch_length(const char *diff)
{
	struct walk w = {.at = diff, .end = diff};

	walk_diff(&w);
	return (size_t)(w.end - diff);
}

/* ---- the diff of a file ---- */

/* Is the file blank, and does its first line end with CR and LF? Then it was saved so as a whole. */
static int look_at_file(const char *file, bool *blank, bool *crlf, struct error *err)
{
	struct strbuf text = STRBUF_INIT;
	size_t first;
	int ret = fs_read_file(file, MAILINFO_MAX_BYTES, &text, err);

	*blank = strspn(text.buf, " \t\r\n") == text.len;
	first = strcspn(text.buf, "\n");
	*crlf = first && text.buf[first - 1] == '\r';
	strbuf_release(&text);
	return ret;
}

static int read_single(const char *file, const char *dir, struct mailinfo *m, struct error *err)
{
	__cleanup_free char *first = xasprintf("%s/0001", dir);
	bool blank, crlf;
	int count, ret = look_at_file(file, &blank, &crlf, err);

	if (ret || blank)
		return ret;
	ret = mailinfo_split(file, dir, crlf ? NULL : "--keep-cr", &count, err);
	if (ret)
		return ret;
	if (count > 1)
		return error_set(
			err, -EBADMSG,
			"patch %s holds %d mails; import them with %s kernel import --mbox",
			basename(file), count, shell_program());
	ret = mailinfo_read(first, dir, m, err);
	if (ret == -ENOMSG)
		return error_prefix(err, -EBADMSG, "patch %s", basename(file));
	return ret;
}

int patch_read(const char *file, struct strbuf *diff, struct error *err)
{
	struct mailinfo m = {.patch = STRBUF_INIT};
	struct scratch s;
	int ret = scratch_begin(NULL, NULL, &s, err);

	if (ret)
		return ret;
	ret = read_single(file, s.dir, &m, err);
	if (!ret && strlen(m.patch.buf) != m.patch.len)
		ret = error_set(
			err, -EBADMSG,
			"patch %s has a NUL byte in its diff; make a diff of binary files with git diff --binary",
			basename(file));
	if (!ret)
		strbuf_add(diff, m.patch.buf, m.patch.len);
	mailinfo_free(&m);
	scratch_end(&s);
	return ret;
}
