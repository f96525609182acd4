// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/retention.h"

#include <errno.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"
#include "orchestrator/daemon/storage/database.h"

#define DAY 86400

/* A kernel or image that was used in the last two days is in somebody's hands, or the last nights'. */
#define IN_USE_SECONDS (2 * DAY)

struct cleaning {
	const struct retention_setting *set;
	struct daemon_db *db;
	struct retention_sum *sum;
	bool knows_results;
	int64_t now;
	struct error trouble; /* the first that could not be removed */
};

/* ---- one thing ---- */

static void let_go(struct cleaning *c, const char *path, const char *why)
{
	uint64_t bytes = fs_measure_tree(path);
	struct error err = {0};

	c->set->tell(c->set->arg, path, bytes, why);
	if (!c->set->dry_run && fs_remove_tree(path, &err)) {
		if (!c->trouble.code)
			c->trouble = err;
		return;
	}
	c->sum->count++;
	c->sum->bytes += bytes;
}

/* ---- what jobs need ---- */

/* Jobs whose things are kept whatever their age: the nights of a change that is not settled, too. */
#define NEEDED                                                                                    \
	"(j.ended IS NULL OR j.kind = 'signoff' OR EXISTS (SELECT 1 FROM job o WHERE o.ended IS " \
	"NULL AND (o.parent = j.uid OR o.after = j.id)) OR (j.schedule IS NOT NULL AND (SELECT "  \
	"count(*) FROM job n WHERE n.schedule = j.schedule AND n.id > j.id) < 2) OR EXISTS "      \
	"(SELECT 1 FROM night n JOIN change c ON n.id IN (c.good, c.bad) WHERE n.job = j.uid "    \
	"AND c.state IN ('alarm', 'confirming', 'confirmed', 'bisecting', 'culprit')))"

struct age {
	bool needed, failed;
	int64_t since; /* seconds of the epoch */
};

static int64_t changed_at(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return INT64_MAX;
	return st.st_mtime;
}

/* @name: "JOB" or "JOB.BOOT.EPOCH". A thing of no known job has the age of its folder. */
static int find_age(struct cleaning *c, const char *name, const char *path, struct age *out,
		    struct error *err)
{
	size_t job_len = strcspn(name, "."), boot_len = job_len;
	__cleanup_free char *job = xasprintf("%.*s", (int)job_len, name), *boot = NULL;
	sqlite3_stmt *s;
	int ret;

	if (name[job_len])
		boot_len += 1 + strcspn(name + job_len + 1, ".");
	boot = xasprintf("%.*s", (int)boot_len, name);
	s = database_query(
		c->db,
		"SELECT " NEEDED
		", coalesce((SELECT b.state <> 'stored' OR b.class IS NOT NULL FROM boot b "
		"WHERE b.uid = ?2), j.state <> 'done' OR j.class IS NOT NULL), "
		"unixepoch(j.ended) FROM job j WHERE j.uid = ?1",
		"tt", job, boot);
	ret = database_row(c->db, s, err);
	*out = (struct age){.failed = true, .since = changed_at(path)};
	if (ret != 1)
		return ret;
	out->needed = sqlite3_column_int(s, 0);
	out->failed = sqlite3_column_int(s, 1);
	out->since = sqlite3_column_int64(s, 2);
	sqlite3_reset(s);
	return 0;
}

static int clean_one(struct cleaning *c, const char *name, const char *path, struct error *err)
{
	__cleanup_free char *lease = xasprintf("%s/lease.json", path), *why = NULL;
	int64_t days, most = c->set->passed_days;
	struct age age;
	int ret = find_age(c, name, path, &age, err);

	if (ret)
		return ret;
	if (age.failed)
		most = c->set->failed_days;
	days = (c->now - age.since) / DAY;
	if (age.needed || days < most || fs_exists(lease))
		return 0;
	why = xasprintf("%s, %lld days old", age.failed ? "failed" : "passed", (long long)days);
	let_go(c, path, why);
	return 0;
}

/* STATE/@folder/NAME, each by its job. */
static int clean_folder(struct cleaning *c, const char *folder, struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/%s", c->set->state, folder);
	char **names;
	size_t count;
	int ret;

	if (!fs_exists(top))
		return 0;
	ret = fs_list(top, NULL, &names, &count, err);
	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < count; i++) {
		__cleanup_free char *path = xasprintf("%s/%s", top, names[i]);
		struct stat st;

		if (!lstat(path, &st) && S_ISDIR(st.st_mode))
			ret = clean_one(c, names[i], path, err);
	}
	fs_free_names(names, count);
	return ret;
}

/* ---- the cache ---- */

struct cached {
	char *path;
	uint64_t bytes;
	int64_t used;
};

static int compare_used(const void *a, const void *b)
{
	const struct cached *x = a, *y = b;

	return (x->used > y->used) - (x->used < y->used);
}

static int64_t used_at(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return 0;
	if (st.st_atime > st.st_mtime)
		return st.st_atime;
	return st.st_mtime;
}

/* Is the kernel one that a job needs: booted by it, or named in the request of one that is not over? And when did
 * it boot last? */
static int ask_results(struct cleaning *c, const char *key, bool *needed, int64_t *last,
		       struct error *err)
{
	sqlite3_stmt *s = database_query(
		c->db,
		"SELECT coalesce(max(unixepoch(r.started)), 0), coalesce(max(EXISTS (SELECT 1 FROM job "
		"j, json_tree(j.request) t WHERE j.ended IS NULL AND t.type = 'text' AND (t.value = "
		"r.kernel_name OR substr(t.value, -length(r.kernel_name) - 6) = '/' || r.kernel_name || "
		"'.json')) OR r.session IN (SELECT j.uid FROM job j WHERE " NEEDED
		")), 0) FROM results.run r WHERE r.kernel_key = ?1",
		"t", key);
	int ret = database_row(c->db, s, err);

	if (ret != 1)
		return ret;
	*last = sqlite3_column_int64(s, 0);
	*needed = sqlite3_column_int(s, 1);
	sqlite3_reset(s);
	return 0;
}

/* A tree that the next commit of a repository is built from (git-...), or a build that goes on (unfinished): is
 * there a job that builds commits? */
static int ask_queue(struct cleaning *c, bool *needed, struct error *err)
{
	int64_t open;
	int ret = database_number(
		c->db, 0, &open, err,
		"SELECT EXISTS (SELECT 1 FROM job WHERE ended IS NULL AND (schedule IS NOT NULL "
		"OR json_extract(request, '$.request') IN ('bisect', 'test')))",
		"");

	*needed = open;
	return ret;
}

/* What is kept by its last use. Locks and what is being made are elsewhere. */
static const struct cached_kind {
	const char *folder, *suffix;
	const char *read; /* a file in it that whoever uses it reads; NULL: it is a file itself */
} cached_kinds[] = {
	{"kernels", NULL, "bzImage"},
	{"images", ".iso", NULL},
	{"trees", NULL, ".config"},
};

/* Of the tree of a kernel that is built as well: both are called by the kernel's key. */
static bool has_key(const struct cached_kind *kind, const char *name)
{
	return strcmp(kind->folder, "trees") || strlen(name) == SHA256_HEX - 1;
}

/* *needed: it stays. */
static int look_at(struct cleaning *c, const struct cached_kind *kind, const char *name,
		   struct cached *entry, bool *needed, struct error *err)
{
	__cleanup_free char *read = xasprintf("%s/%s", entry->path, kind->read ? kind->read : "");
	int64_t last = 0;
	int ret = 0;

	entry->bytes = fs_measure_tree(entry->path);
	entry->used = used_at(kind->read ? read : entry->path);
	*needed = false;
	if (kind->read && has_key(kind, name))
		ret = ask_results(c, name, needed, &last, err);
	else if (kind->read)
		ret = ask_queue(c, needed, err);
	if (entry->used < last)
		entry->used = last;
	if (c->now - entry->used < IN_USE_SECONDS)
		*needed = true;
	return ret;
}

static void drop_oldest(struct cleaning *c, struct cached *list, size_t count, uint64_t total)
{
	qsort(list, count, sizeof(*list), compare_used);
	for (size_t i = 0; i < count && total > c->set->cache_bytes; i++) {
		__cleanup_free char *why = xasprintf("not used for %lld days",
						     (long long)(c->now - list[i].used) / DAY);

		let_go(c, list[i].path, why);
		total -= list[i].bytes;
	}
}

static int clean_cache(struct cleaning *c, const struct cached_kind *kind, struct error *err)
{
	__cleanup_free char *top = xasprintf("%s/%s", c->set->cache, kind->folder);
	struct cached *list;
	uint64_t total = 0;
	char **names;
	size_t count, n = 0;
	int ret;

	if (!fs_exists(top))
		return 0;
	ret = fs_list(top, kind->suffix, &names, &count, err);
	if (ret)
		return ret;
	list = xcalloc(count + 1, sizeof(*list));
	for (size_t i = 0; !ret && i < count; i++) {
		bool needed;

		list[n].path = xasprintf("%s/%s", top, names[i]);
		ret = look_at(c, kind, names[i], &list[n], &needed, err);
		total += list[n].bytes;
		if (!needed)
			n++;
		else
			free(list[n].path);
	}
	if (!ret)
		drop_oldest(c, list, n, total);
	for (size_t i = 0; i < n; i++)
		free(list[i].path);
	free(list);
	fs_free_names(names, count);
	return ret;
}

/* ---- all ---- */

/* Without the results nobody can say which kernels are needed. */
static int attach_results(struct cleaning *c, struct error *err)
{
	char *sql;
	int ret;

	if (!fs_exists(c->set->results))
		return 0;
	sql = sqlite3_mprintf("ATTACH DATABASE %Q AS results", c->set->results);
	ret = database_execute(c->db, sql, err);
	sqlite3_free(sql);
	c->knows_results = !ret;
	return ret;
}

static int clean_all(struct cleaning *c, struct error *err)
{
	static const char *const folders[] = {"logs", "spool", "runs"};
	int ret = attach_results(c, err);

	for (size_t i = 0; !ret && i < ARRAY_SIZE(folders); i++)
		ret = clean_folder(c, folders[i], err);
	for (size_t i = 0; !ret && c->knows_results && i < ARRAY_SIZE(cached_kinds); i++)
		ret = clean_cache(c, &cached_kinds[i], err);
	return ret;
}

int retention_clean(const struct retention_setting *set, struct retention_sum *sum,
		    struct error *err)
{
	__cleanup_free char *queue = xasprintf("%s/daemon.db", set->state);
	struct cleaning c = {.set = set, .sum = sum, .now = time(NULL)};
	int ret = daemon_db_open_read(queue, &c.db, err);

	*sum = (struct retention_sum){0};
	if (ret)
		return ret;
	ret = clean_all(&c, err);
	daemon_db_close(c.db);
	if (ret || !c.trouble.code)
		return ret;
	*err = c.trouble;
	return err->code;
}
