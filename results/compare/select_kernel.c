// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which kernels are meant. People say a name ("baseline"), and mean the build that they booted last; or
 * the first digits of a content key, which is the only way to name an older build of that name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "results/compare/select_steps.h"

#define KEY_PREFIX_MIN 6 /* fewer digits could as well be a name that was mistyped */
#define KEY_SHOWN      12

/* Collects "name (key), name (key), ..." of a query with these two columns; returns how many rows. */
static int list_kernels(struct results_db *db, const char *sql, const char *bound,
			struct strbuf *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int count = 0, ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	if (bound)
		database_bind_text(stmt, 1, bound);
	while ((ret = database_step(db, stmt, err)) == 1)
		strbuf_addf(out, "%s%s (%.*s)", count++ ? ", " : "", database_text(stmt, 0),
			    KEY_SHOWN, database_text(stmt, 1));
	sqlite3_finalize(stmt);
	if (ret)
		return ret;
	return count;
}

/* What there is is listed of the session that was asked for, else of the whole database. */
static int no_such_kernel(struct results_db *db, const char *what, const char *session,
			  struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	__cleanup_free char *place = NULL;
	int ret = list_kernels(db,
			       "SELECT kernel_name, kernel_key FROM run "
			       "WHERE ?1 IS NULL OR session = ?1 GROUP BY kernel_name, "
			       "kernel_key ORDER BY max(id) DESC LIMIT 20",
			       session, &known, err);

	if (session)
		place = xasprintf("session %s of %s", session, db->path);
	else
		place = xstrdup(db->path);
	if (ret >= 0)
		ret = error_set(err, -ENOENT,
				"%s: no run of a kernel of that name or key in %s; %s%s", what,
				place, ret ? "it holds: " : "it holds no run at all", known.buf);
	strbuf_release(&known);
	return ret;
}

/* The newest build that has this name: 1 if there is one. */
static int find_name(struct results_db *db, const char *what, const char *session,
		     struct select_kernel *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "SELECT kernel_key FROM run WHERE kernel_name = ?1 "
				   "AND (?2 IS NULL OR session = ?2) ORDER BY " SELECT_WHEN
				   " DESC LIMIT 1",
				   &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, what);
	database_bind_text(stmt, 2, session);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = (struct select_kernel){.label = xstrdup(what),
					      .name = xstrdup(what),
					      .key = xstrdup(database_text(stmt, 0))};
	sqlite3_finalize(stmt);
	return ret;
}

static bool is_key_prefix(const char *what)
{
	size_t len = strlen(what);

	return len >= KEY_PREFIX_MIN && strspn(what, "0123456789abcdef") == len;
}

/* How many builds have a key that begins so; they are listed in @found. */
static int count_keys(struct results_db *db, const char *what, struct strbuf *found,
		      struct error *err)
{
	return list_kernels(db,
			    "SELECT kernel_name, kernel_key FROM run "
			    "WHERE substr(kernel_key, 1, length(?1)) = ?1 GROUP BY kernel_key",
			    what, found, err);
}

static int take_key(struct results_db *db, const char *what, struct select_kernel *out,
		    struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "SELECT kernel_key FROM run "
				   "WHERE substr(kernel_key, 1, length(?1)) = ?1 LIMIT 1",
				   &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, what);
	ret = database_step(db, stmt, err);
	if (ret == 1)
		*out = (struct select_kernel){.label = xstrdup(what),
					      .key = xstrdup(database_text(stmt, 0))};
	sqlite3_finalize(stmt);
	return ret;
}

/* The build whose key begins so, under whatever name: 1 if there is one. */
static int find_key(struct results_db *db, const char *what, struct select_kernel *out,
		    struct error *err)
{
	struct strbuf found = STRBUF_INIT;
	int ret;

	if (!is_key_prefix(what))
		return 0;
	ret = count_keys(db, what, &found, err);
	if (ret > 1)
		ret = error_set(err, -ENOTUNIQ, "%s could be any of: %s", what, found.buf);
	else if (ret == 1)
		ret = take_key(db, what, out, err);
	strbuf_release(&found);
	return ret;
}

/* A name goes first: a kernel may well be called "deadbeef". 1 if there is one. */
static int find_alone(struct results_db *db, const char *what, const char *session,
		      struct select_kernel *out, struct error *err)
{
	int ret = find_name(db, what, session, out, err);

	if (!ret)
		ret = find_key(db, what, out, err);
	return ret;
}

static int no_such_l1(struct results_db *db, const struct select_kernel *k, const char *l1,
		      struct error *err)
{
	const char *found = "there is: ";
	struct strbuf known = STRBUF_INIT;
	int ret =
		list_kernels(db,
			     "SELECT l1_kernel_name, l1_kernel_key FROM run WHERE kernel_key = ?1 "
			     "AND l1_kernel_key IS NOT NULL GROUP BY 1, 2 ORDER BY max(id) DESC "
			     "LIMIT 20",
			     k->key, &known, err);

	if (!ret)
		found = "it had none at all (run --l1-kernel)";
	if (ret >= 0)
		ret = error_set(err, -ENOENT,
				"%s: no run of %s had an L1 kernel of the name or key %s; %s%s",
				k->label, k->name ? k->name : k->key, l1, found, known.buf);
	strbuf_release(&known);
	return ret;
}

/* The newest L1 kernel of that name, or of a key that begins so, which @k's boots had. */
static int find_l1(struct results_db *db, const char *l1, const char *session,
		   struct select_kernel *k, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret =
		database_prepare(db,
				 "SELECT l1_kernel_key FROM run WHERE kernel_key = ?1 AND "
				 "(?2 IS NULL OR session = ?2) AND (l1_kernel_name = ?3 OR (?4 AND "
				 "substr(l1_kernel_key, 1, length(?3)) = ?3)) "
				 "ORDER BY l1_kernel_name = ?3 DESC, " SELECT_WHEN " DESC LIMIT 1",
				 &stmt, err);

	if (ret)
		return ret;
	database_bind_text(stmt, 1, k->key);
	database_bind_text(stmt, 2, session);
	database_bind_text(stmt, 3, l1);
	sqlite3_bind_int(stmt, 4, is_key_prefix(l1));
	ret = database_step(db, stmt, err);
	if (ret == 1)
		k->l1 = xstrdup(database_text(stmt, 0));
	k->names_l1 = true;
	sqlite3_finalize(stmt);
	if (!ret)
		return no_such_l1(db, k, l1, err);
	if (ret < 0)
		return ret;
	return 0;
}

/* "KERNEL+L1"; but first KERNEL, for a name may have a '+' in it. */
static int find_kernel(struct results_db *db, const char *what, const char *session,
		       struct select_kernel *out, struct error *err)
{
	const char *plus = strrchr(what, '+');
	__cleanup_free char *kernel = NULL;
	int ret = find_alone(db, what, session, out, err);

	if (!ret && plus) {
		kernel = xasprintf("%.*s", (int)(plus - what), what);
		ret = find_alone(db, kernel, session, out, err);
	}
	if (!ret)
		return no_such_kernel(db, kernel ? kernel : what, session, err);
	if (ret < 0)
		return ret;
	if (!kernel)
		return 0;
	free(out->label);
	out->label = xstrdup(what);
	return find_l1(db, plus + 1, session, out, err);
}

static int note_builds(struct results_db *db, const struct select_kernel *k, struct strbuf *notes,
		       struct error *err)
{
	struct strbuf builds = STRBUF_INIT;
	int ret;

	if (!k->name)
		return 0;
	ret = list_kernels(db,
			   "SELECT kernel_name, kernel_key FROM run WHERE kernel_name = ?1 "
			   "GROUP BY kernel_key",
			   k->name, &builds, err);
	strbuf_release(&builds);
	if (ret < 0)
		return ret;
	if (ret > 1)
		strbuf_addf(notes, "%s: the newest of %d builds, %.*s\n", k->name, ret, KEY_SHOWN,
			    k->key);
	return 0;
}

/* Two names of one build are compared like two kernels: that shows the noise. One name twice (or a
 * name and its key) can only mean the halves of its boots. */
bool select_is_same_kernel(const struct select_kernel *a, const struct select_kernel *b)
{
	if (strcmp(a->key, b->key) != 0)
		return false;
	if (a->l1 && b->l1 && strcmp(a->l1, b->l1) != 0)
		return false;
	return !a->name || !b->name || !strcmp(a->name, b->name);
}

int select_kernels(struct results_db *db, const char *base, const char *new, const char *session,
		   struct selection *s, struct error *err)
{
	int ret = find_kernel(db, base, session, &s->base, err);

	if (ret)
		return ret;
	ret = find_kernel(db, new, session, &s->new, err);
	if (ret)
		return ret;
	ret = note_builds(db, &s->base, &s->notes, err);
	if (ret)
		return ret;
	s->halves = select_is_same_kernel(&s->base, &s->new);
	if (s->halves)
		return 0;
	ret = note_builds(db, &s->new, &s->notes, err);
	if (ret)
		return ret;
	if (!strcmp(s->base.key, s->new.key) &&
	    (!s->base.l1 || !s->new.l1 || !strcmp(s->base.l1, s->new.l1)))
		strbuf_addf(&s->notes,
			    "%s and %s are the same build, %.*s: whatever differs is noise\n",
			    s->base.label, s->new.label, KEY_SHOWN, s->base.key);
	return 0;
}
