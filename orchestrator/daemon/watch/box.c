// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/box.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "kernels/mailinfo.h"

struct refusal {
	int64_t mail;
	const char *why;
};

static int act_refuse(struct daemon_db *db, void *arg, struct error *err)
{
	const struct refusal *r = arg;
	int ret = database_change(db, err,
				  "UPDATE list_mail SET refused = ?2, body = NULL WHERE id = ?1",
				  "it", r->mail, r->why);

	if (ret < 0)
		return ret;
	return 0;
}

/* "/tmp/.../7: mail ... has a NUL byte": without the path, which says nothing. */
static const char *without_path(const char *text, const char *path)
{
	size_t len = strlen(path);

	if (!strncmp(text, path, len) && !strncmp(text + len, ": ", 2))
		return text + len + 2;
	return text;
}

static int refuse(struct night_context *n, int64_t mail, const char *path, const char *why,
		  struct error *err)
{
	struct refusal refusal = {.mail = mail, .why = why};

	log_warning("a mail is refused: %s", why);
	unlink(path);
	return writer_do(n->setting->writer, act_refuse, &refusal, err);
}

/* The path that one of the mails would change outside of the tree, which the caller frees; else NULL. */
static char *find_outside(const struct mailbox *mails)
{
	char *found = NULL;

	for (size_t i = 0; !found && i < mails->count; i++)
		found = mail_outside_path(&mails->mails[i]);
	return found;
}

/* Takes the mails of @from, which is empty then. */
static void move_mails(struct mailbox *to, struct mailbox *from)
{
	if (from->count) {
		to->mails = xrealloc(to->mails, to->count + from->count, sizeof(*to->mails));
		memcpy(to->mails + to->count, from->mails, from->count * sizeof(*to->mails));
		to->count += from->count;
	}
	free(from->mails);
	*from = (struct mailbox){0};
}

static int read_one(struct night_context *n, struct box *b, int64_t mail, const char *path,
		    struct error *err)
{
	__cleanup_free char *outside = NULL, *why = NULL;
	struct mailbox one = {0};
	int ret = mailbox_read(path, b->scratch.dir, &one, err);

	if (ret == -EINVAL || ret == -EFBIG) {
		why = xstrdup(without_path(err->text, path));
		return refuse(n, mail, path, why, err);
	}
	if (ret)
		return ret;
	outside = find_outside(&one);
	if (!outside) {
		move_mails(&b->mails, &one);
		return 0;
	}
	mailbox_free(&one);
	why = xasprintf("it changes a file outside of the kernel's tree: %s", outside);
	return refuse(n, mail, path, why, err);
}

static int write_one(const struct box *b, sqlite3_stmt *s, char **path, struct error *err)
{
	*path = xasprintf("%s/%08lld", b->maildir, (long long)sqlite3_column_int64(s, 0));
	return fs_write_file(*path, sqlite3_column_blob(s, 1), sqlite3_column_bytes(s, 1), err);
}

static int next_mail(struct night_context *n, int64_t thread, int64_t after, sqlite3_stmt **s,
		     struct error *err)
{
	*s = database_query(n->queue,
			    "SELECT id, body FROM list_mail WHERE thread = ?1 AND id > ?2 AND "
			    "refused IS NULL AND body IS NOT NULL ORDER BY id LIMIT 1",
			    "ii", thread, after);
	return database_row(n->queue, *s, err);
}

static int fill_box(struct night_context *n, int64_t thread, struct box *b, struct error *err)
{
	int64_t mail = 0;
	sqlite3_stmt *s;
	int ret;

	while ((ret = next_mail(n, thread, mail, &s, err)) == 1) {
		__cleanup_free char *path = NULL;

		mail = sqlite3_column_int64(s, 0);
		ret = write_one(b, s, &path, err);
		sqlite3_reset(s);
		if (!ret)
			ret = read_one(n, b, mail, path, err);
		if (ret)
			return ret;
	}
	return ret;
}

int box_open(struct night_context *n, int64_t thread, struct box *out, struct error *err)
{
	__cleanup_free char *cur = NULL;
	int ret;

	*out = (struct box){0};
	ret = scratch_begin(NULL, NULL, &out->scratch, err);
	if (ret)
		return ret;
	cur = xasprintf("%s/thread/cur", out->scratch.dir);
	out->maildir = xstrdup(cur);
	ret = fs_mkdir_p(cur, err);
	if (ret)
		return ret;
	ret = fill_box(n, thread, out, err);
	out->maildir[strlen(cur) - strlen("/cur")] = '\0'; /* a maildir is the folder above */
	return ret;
}

void box_free(struct box *b)
{
	mailbox_free(&b->mails);
	scratch_end(&b->scratch);
	free(b->maildir);
	*b = (struct box){0};
}
