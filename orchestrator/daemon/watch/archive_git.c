// SPDX-License-Identifier: GPL-2.0-only
/*
 * An archive in git. Version 1: a repository with a file for each mail. Version 2: repositories git/0.git,
 * git/1.git, ...; each commit puts one mail into the file `m` (or, to take one out, into `d`).
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/git.h"
#include "orchestrator/daemon/watch/archive.h"
#include "orchestrator/daemon/watch/letter.h"

#define READ_MAX (32 << 20) /* bytes of a mail that is read at all, to tell its name */
#define OID_MAX	 65
#define LOOK_MAX 2000 /* mails of one look; the next one goes on */

struct epoch {
	const struct archive *a;
	const char *dir, *place; /* "git/0.git", or "." */
	char *head, *from;	 /* commits; from: NULL: the beginning */
	size_t taken;
};

static int ask_git(const struct epoch *e, const char *const *args, int *status, struct strbuf *out,
		   struct error *err)
{
	const struct git_command cmd = {.dir = e->dir, .args = args};

	return git_run(&cmd, status, out, err);
}

/* ---- a mail ---- */

static int take_blob(struct epoch *e, const char *oid, const char *commit, struct error *err)
{
	const char *const size_args[] = {"cat-file", "-s", oid, NULL};
	const char *const args[] = {"cat-file", "blob", oid, NULL};
	__cleanup_free char *size = NULL, *name = xasprintf("%s of %s", oid, e->place);
	struct archive_mail mail = {.name = name, .place = e->place, .commit = commit};
	const struct git_command cmd = {.dir = e->dir, .args = size_args};
	struct strbuf raw = STRBUF_INIT;
	int ret = git_line(&cmd, &size, err);

	if (ret)
		return ret;
	if (atoll(size) > READ_MAX) {
		mail.refused = "it is too large to be read";
	} else {
		ret = ask_git(e, args, NULL, &raw, err);
		mail.raw = raw.buf;
		mail.len = raw.len;
	}
	if (!ret)
		ret = archive_take(e->a, &mail, err);
	strbuf_release(&raw);
	e->taken++;
	return ret;
}

/* ":100644 100644 OLD NEW M\tm": the mail's blob. False: it is none. */
static bool read_change(const char *line, char oid[OID_MAX])
{
	char status;
	const char *path = strchr(line, '\t');

	if (sscanf(line, ":%*s %*s %*s %64[0-9a-f] %c", oid, &status) != 2 || !path)
		return false;
	return (status == 'A' || status == 'M') && strcmp(path, "\td");
}

/* ---- what is new ---- */

static int take_lines(struct epoch *e, char *text, struct error *err)
{
	char commit[OID_MAX] = "", oid[OID_MAX];
	char *line;
	int ret = 0;

	while (!ret && (line = strsep(&text, "\n"))) {
		if (*line == ':' && read_change(line, oid) && e->taken < LOOK_MAX)
			ret = take_blob(e, oid, commit, err);
		else if (isxdigit((unsigned char)*line))
			snprintf(commit, sizeof(commit), "%s", line);
	}
	return ret;
}

static int list_changes(const struct epoch *e, struct strbuf *out, struct error *err)
{
	__cleanup_free char *since = xasprintf("--since=@%lld +0000", (long long)e->a->since);
	__cleanup_free char *range = xstrdup(e->head);
	const char *args[] = {"log",	   "--raw",	  "-r",		  "--root",
			      "--reverse", "--no-abbrev", "--no-renames", "--format=%H",
			      "since",	   "range",	  "--",		  NULL};

	if (e->from) {
		free(range);
		range = xasprintf("%s..%s", e->from, e->head);
	}
	args[8] = since;
	args[9] = range;
	return ask_git(e, args, NULL, out, err);
}

/* Nothing was new but the commits that put no mail there: the next look begins behind them. */
static int note_head(const struct epoch *e, struct error *err)
{
	const struct archive_mail none = {.name = "", .place = e->place, .commit = e->head};

	if (e->taken >= LOOK_MAX)
		return 0;
	return archive_take(e->a, &none, err);
}

/* Where the last look came to, if that commit is still there: an archive may be written anew. */
static int find_from(struct epoch *e, struct error *err)
{
	sqlite3_stmt *s = database_query(
		e->a->night->queue,
		"SELECT commit_id FROM list_place WHERE schedule = ?1 AND place = ?2 AND commit_id "
		"IS NOT NULL",
		"tt", e->a->s->name, e->place);
	int known, ret = database_row(e->a->night->queue, s, err);
	const char *args[] = {"cat-file", "-e", NULL, NULL};

	if (ret != 1)
		return ret;
	e->from = xstrdup(database_column(s, 0));
	sqlite3_reset(s);
	args[2] = e->from;
	ret = ask_git(e, args, &known, NULL, err);
	if (!ret && known) {
		free(e->from);
		e->from = NULL;
	}
	return ret;
}

static int look_through(struct epoch *e, struct error *err)
{
	struct strbuf lines = STRBUF_INIT;
	int ret = find_from(e, err);

	if (!ret && e->from && !strcmp(e->from, e->head))
		return 0;
	if (!ret)
		ret = list_changes(e, &lines, err);
	if (!ret)
		ret = take_lines(e, lines.buf, err);
	if (!ret)
		ret = note_head(e, err);
	strbuf_release(&lines);
	return ret;
}

/* A repository without a mail has no commit. */
static int look_at_epoch(const struct archive *a, const char *dir, const char *place,
			 struct error *err)
{
	static const char *const args[] = {"rev-parse", "-q", "--verify", "HEAD^{commit}", NULL};
	struct epoch e = {.a = a, .dir = dir, .place = place};
	struct strbuf head = STRBUF_INIT;
	int status, ret = ask_git(&e, args, &status, &head, err);

	if (!ret && !status) {
		head.buf[strcspn(head.buf, "\n")] = '\0';
		e.head = head.buf;
		ret = look_through(&e, err);
	}
	strbuf_release(&head);
	free(e.from);
	return ret;
}

static int compare_epochs(const void *a, const void *b)
{
	return atoi(*(char *const *)a) - atoi(*(char *const *)b);
}

static int look_at_epochs(const struct archive *a, const char *folder, struct error *err)
{
	char **names;
	size_t count;
	int ret = fs_list(folder, ".git", &names, &count, err);

	if (ret)
		return ret;
	qsort(names, count, sizeof(*names), compare_epochs);
	for (size_t i = 0; !ret && i < count; i++) {
		__cleanup_free char *dir = xasprintf("%s/%s", folder, names[i]);
		__cleanup_free char *place = xasprintf("git/%s", names[i]);

		ret = look_at_epoch(a, dir, place, err);
	}
	fs_free_names(names, count);
	return ret;
}

int archive_look_git(const struct archive *a, struct error *err)
{
	__cleanup_free char *epochs = xasprintf("%s/git", a->s->watch.inbox);
	__cleanup_free char *objects = xasprintf("%s/objects", a->s->watch.inbox);
	__cleanup_free char *inner = xasprintf("%s/.git", a->s->watch.inbox);

	if (fs_exists(epochs))
		return look_at_epochs(a, epochs, err);
	if (fs_exists(objects) || fs_exists(inner))
		return look_at_epoch(a, a->s->watch.inbox, ".", err);
	return error_set(err, -ENOENT,
			 "no public-inbox: expected a git repository, or a folder with git/0.git");
}
