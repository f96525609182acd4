// SPDX-License-Identifier: GPL-2.0-only
/*
 * Logs: what the commands of a job print. Each attempt has a file, to which its agent appends at an offset: the
 * same chunk again changes nothing. Complete lines go into the job's log as well, in the order in which they
 * come, with the boot's number in front where there are several.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "orchestrator/daemon/api/api.h"

#define READ_MAX (1 << 20)

/* ---- read ---- */

static int read_part(const char *path, int64_t offset, struct strbuf *out, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *chunk;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return 0; /* nothing was printed yet */
	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	chunk = xcalloc(READ_MAX, 1);
	n = pread(fd, chunk, READ_MAX, offset);
	if (n > 0)
		strbuf_add(out, chunk, n);
	free(chunk);
	close(fd);
	if (n < 0)
		return error_set(err, -EIO, "%s: cannot be read", path);
	return 0;
}

API_HANDLER(api_log_read)
{
	__cleanup_free char *path = NULL;
	struct strbuf text = STRBUF_INIT;
	int64_t offset, known;
	int ret = exchange_query_int(x, "offset", 0, 0, INT64_MAX, &offset, err);

	if (!ret)
		ret = database_number(db, 0, &known, err, "SELECT 1 FROM job WHERE uid = ?1", "t",
				      x->params[0]);
	if (ret)
		return ret;
	if (!known)
		return error_set(err, -ENOENT, "%s: no such job", x->params[0]);
	path = xasprintf("%s/logs/%s/log", x->service->state, x->params[0]);
	ret = read_part(path, offset, &text, err);
	if (ret)
		return ret;
	return exchange_answer_text(x, "text/plain; charset=utf-8", &text);
}

/* ---- append ---- */

struct log_target {
	char *folder;
	int64_t ordinal, boots;
};

static int find_target(struct exchange *x, struct daemon_db *db, int64_t epoch,
		       struct log_target *t, struct error *err)
{
	sqlite3_stmt *s = database_query(
		db,
		"SELECT j.uid, b.ordinal, (SELECT count(*) FROM boot WHERE job = j.id), a.host FROM boot b "
		"JOIN job j ON j.id = b.job JOIN attempt a ON a.boot = b.id AND a.epoch = ?2 WHERE b.uid = ?1",
		"ti", x->params[0], epoch);
	bool own;
	int ret = database_row(db, s, err);

	if (ret < 0)
		return ret;
	if (!ret)
		return error_set(err, -ENOENT, "%s: no such boot or attempt", x->params[0]);
	t->folder = xasprintf("%s/logs/%s", x->service->state, database_column(s, 0));
	t->ordinal = sqlite3_column_int64(s, 1);
	t->boots = sqlite3_column_int64(s, 2);
	own = !x->who.host[0] || !strcmp(x->who.host, database_column(s, 3));
	sqlite3_reset(s);
	if (own)
		return 0;
	return error_set(err, -EPERM, "this token is host %s's", x->who.host);
}

/* Each line with the boot's number. */
static void add_lines(struct strbuf *out, const struct log_target *t, const char *text, size_t len)
{
	while (len) {
		const char *end = memchr(text, '\n', len);
		size_t n = end ? (size_t)(end - text) + 1 : len;

		if (t->boots > 1)
			strbuf_addf(out, "[%lld] ", (long long)t->ordinal);
		strbuf_add(out, text, n);
		if (!end)
			strbuf_addch(out, '\n');
		text += n;
		len -= n;
	}
}

static int append_file(const char *path, const void *data, size_t len, struct error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	int ret = 0;

	if (fd < 0)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	if (fs_write_all(fd, data, len))
		ret = error_set(err, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return ret;
}

/* What of the body is new at @offset of a file of @size bytes; -EEXIST: it would leave a gap. */
static int find_new(const struct exchange *x, int64_t offset, int64_t size, const char **text,
		    size_t *len, struct error *err)
{
	int64_t known = size - offset;

	if (known < 0)
		return error_set(err, -EEXIST, "the log has %lld bytes, not %lld", (long long)size,
				 (long long)offset);
	if (known > (int64_t)x->body.len)
		known = x->body.len;
	*text = x->body.buf + known;
	*len = x->body.len - known;
	return 0;
}

static int append(struct exchange *x, const struct log_target *t, int64_t epoch, int64_t offset,
		  struct error *err)
{
	__cleanup_free char *own =
		xasprintf("%s/%lld.%lld.log", t->folder, (long long)t->ordinal, (long long)epoch);
	__cleanup_free char *all = xasprintf("%s/log", t->folder);
	struct strbuf lines = STRBUF_INIT;
	struct stat st = {0};
	const char *text = NULL;
	size_t len = 0;
	int ret = fs_mkdir_p(t->folder, err);

	if (ret)
		return ret;
	if (stat(own, &st))
		st.st_size = 0;
	ret = find_new(x, offset, st.st_size, &text, &len, err);
	if (ret || !len)
		return ret;
	ret = append_file(own, text, len, err);
	if (ret)
		return ret;
	add_lines(&lines, t, text, len);
	ret = append_file(all, lines.buf, lines.len, err);
	strbuf_release(&lines);
	return ret;
}

/* One at a time: what a file has decides what of a chunk is new. */
static pthread_mutex_t appending = PTHREAD_MUTEX_INITIALIZER;

API_HANDLER(api_log_append)
{
	struct log_target t = {0};
	int64_t epoch, offset;
	int ret = exchange_query_int(x, "epoch", 0, 1, INT64_MAX, &epoch, err);

	if (!ret)
		ret = exchange_query_int(x, "offset", 0, 0, INT64_MAX, &offset, err);
	if (!ret)
		ret = find_target(x, db, epoch, &t, err);
	pthread_mutex_lock(&appending);
	if (!ret)
		ret = append(x, &t, epoch, offset, err);
	pthread_mutex_unlock(&appending);
	free(t.folder);
	if (ret)
		return ret;
	x->log_grew = true;
	return exchange_answer(x, 204, NULL);
}

/* ---- a page that a job made ---- */

/* Beside the job's log; what was there of an earlier attempt is replaced as a whole. */
API_HANDLER(api_page_keep)
{
	__cleanup_free char *path = NULL;
	struct log_target t = {0};
	int64_t epoch;
	int ret = exchange_query_int(x, "epoch", 0, 1, INT64_MAX, &epoch, err);

	if (!ret)
		ret = find_target(x, db, epoch, &t, err);
	if (!ret)
		ret = fs_mkdir_p(t.folder, err);
	if (!ret) {
		path = xasprintf("%s/page.html", t.folder);
		ret = fs_write_file(path, x->body.buf, x->body.len, err);
	}
	free(t.folder);
	if (ret)
		return ret;
	return exchange_answer(x, 204, NULL);
}
