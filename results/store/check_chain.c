// SPDX-License-Identifier: GPL-2.0-only
/* Are the rows what was stored, and all that was stored? (docs/results.md) */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "results/store/chain.h"
#include "results/store/check.h"

static void check_run(struct checker *c, int64_t run, const char *sealed, struct error *err)
{
	char hex[SHA256_HEX];

	if (seal_compute(c->db, SEAL_RUN, run, hex, err))
		check_add_fault(c, "seals: %s", err->text);
	else if (strcmp(hex, sealed) != 0)
		check_add_fault(c, "run %lld: its rows are not what was stored (SHA-256 differs)",
				(long long)run);
}

void check_seals(struct checker *c)
{
	struct error err = {0};
	sqlite3_stmt *s = NULL;
	int ret = database_prepare(c->db,
				   "SELECT id, coalesce(sha256, '') FROM run LEFT JOIN seal ON "
				   "seal.run = run.id ORDER BY id",
				   &s, &err);

	while (!ret && (ret = database_step(c->db, s, &err)) == 1) {
		check_run(c, sqlite3_column_int64(s, 0), database_text(s, 1), &err);
		ret = 0;
	}
	if (ret < 0)
		check_add_fault(c, "seals: %s", err.text);
	sqlite3_finalize(s);
}

/* ---- the links ---- */

struct link {
	int64_t number, row;
	const char *kind, *sha256, *head;
	bool is_newest; /* of its row */
	bool has_row;
};

/* A row that is sealed twice is a bisect that was asked again: only the last seal is of what is there. */
static const char links_query[] =
	"SELECT number, kind, row, sha256, head, NOT EXISTS (SELECT 1 FROM seal AS later WHERE "
	"later.kind = seal.kind AND later.row = seal.row AND later.number > seal.number), "
	"EXISTS (SELECT 1 FROM (" CHAIN_ROWS ") AS there WHERE there.kind = seal.kind AND "
	"there.row = seal.row) FROM seal ORDER BY number";
enum { NUMBER, KIND, ROW, SHA256, HEAD, IS_NEWEST, HAS_ROW };

/* What to call a row: a bisect's state is no row of its own. */
static const char *row_words(const char *kind)
{
	if (!strcmp(kind, "bisect_end"))
		return "the end of bisect";
	return kind;
}

static void check_row(struct checker *c, const struct link *l)
{
	enum seal_kind kind = seal_kind_from_name(l->kind);
	struct error err = {0};
	char hex[SHA256_HEX];

	if (!l->has_row || kind == SEAL_KINDS) {
		check_add_fault(c, "%s %lld was removed: seal %lld is of it", row_words(l->kind),
				(long long)l->row, (long long)l->number);
		return;
	}
	if (kind == SEAL_RUN) {
		check_run(c, l->row, l->sha256, &err);
		return;
	}
	if (seal_compute(c->db, kind, l->row, hex, &err))
		check_add_fault(c, "seals: %s", err.text);
	else if (strcmp(hex, l->sha256) != 0)
		check_add_fault(c, "%s %lld is not what was stored (SHA-256 differs)",
				row_words(l->kind), (long long)l->row);
}

/* Each head rests on the one before; @before becomes this link's. */
static void check_link(struct checker *c, const struct link *l, int64_t expected,
		       char before[SHA256_HEX])
{
	char head[SHA256_HEX];

	if (l->number > expected)
		check_add_fault(c, "seals %lld to %lld were removed", (long long)expected,
				(long long)l->number - 1);
	chain_compute_head(before, l->number, l->kind, l->row, l->sha256, head);
	if (strcmp(head, l->head) != 0)
		check_add_fault(c,
				"seal %lld (of %s %lld) does not follow from the one before: seals "
				"were changed, removed or moved",
				(long long)l->number, l->kind, (long long)l->row);
	snprintf(before, SHA256_HEX, "%s", l->head);
	if (l->is_newest)
		check_row(c, l);
}

static void check_links(struct checker *c)
{
	char before[SHA256_HEX] = "";
	struct error err = {0};
	sqlite3_stmt *s = NULL;
	int64_t expected = 1;
	int ret = database_prepare(c->db, links_query, &s, &err);

	while (!ret && (ret = database_step(c->db, s, &err)) == 1) {
		const struct link l = {
			.number = sqlite3_column_int64(s, NUMBER),
			.kind = database_text(s, KIND),
			.row = sqlite3_column_int64(s, ROW),
			.sha256 = database_text(s, SHA256),
			.head = database_text(s, HEAD),
			.is_newest = sqlite3_column_int(s, IS_NEWEST),
			.has_row = sqlite3_column_int(s, HAS_ROW),
		};

		check_link(c, &l, expected, before);
		expected = l.number + 1;
		ret = 0;
	}
	if (ret < 0)
		check_add_fault(c, "seals: %s", err.text);
	sqlite3_finalize(s);
}

/* What was put in past nestlab. */
static void check_unsealed(struct checker *c)
{
	struct error err = {0};
	sqlite3_stmt *s = NULL;
	int ret = database_prepare(c->db,
				   "SELECT kind, row FROM (" CHAIN_ROWS ") AS there WHERE NOT "
				   "EXISTS (SELECT 1 FROM seal WHERE seal.kind = there.kind AND "
				   "seal.row = there.row)",
				   &s, &err);

	while (!ret && (ret = database_step(c->db, s, &err)) == 1) {
		check_add_fault(c, "%s %lld has no seal: nestlab did not store it",
				row_words(database_text(s, 0)),
				(long long)sqlite3_column_int64(s, 1));
		ret = 0;
	}
	if (ret < 0)
		check_add_fault(c, "seals: %s", err.text);
	sqlite3_finalize(s);
}

void check_chain(struct checker *c)
{
	check_links(c);
	check_unsealed(c);
}

/* ---- what was noted down ---- */

int results_check_head(struct results_db *db, int64_t seals, const char *head, struct error *err)
{
	struct results_head now;
	sqlite3_stmt *stmt;
	bool is_same;
	int ret = results_head(db, &now, err);

	if (ret)
		return ret;
	if (seals < 1 || seals > now.seals)
		return error_set(err, -EBADMSG,
				 "%s: it has %lld seals, not %lld: results were removed from its "
				 "end, or it is another database",
				 db->path, (long long)now.seals, (long long)seals);
	ret = database_prepare(db, "SELECT head FROM seal WHERE number = ?1", &stmt, err);
	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, seals);
	ret = database_step(db, stmt, err);
	is_same = ret == 1 && !strcmp(database_text(stmt, 0), head);
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	if (is_same)
		return 0;
	return error_set(err, -EBADMSG,
			 "%s: seal %lld has another head: its results were rewritten, or it is "
			 "another database",
			 db->path, (long long)seals);
}
