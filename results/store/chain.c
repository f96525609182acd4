// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/chain.h"

#include <stdio.h>
#include <string.h>

#include "common/strbuf.h"

void chain_compute_head(const char *before, int64_t number, const char *kind, int64_t row,
			const char *sha256, char head[SHA256_HEX])
{
	struct strbuf bytes = STRBUF_INIT;

	strbuf_addf(&bytes, "%s\n%lld\n%s\n%lld\n%s\n", before, (long long)number, kind,
		    (long long)row, sha256);
	sha256_bytes(bytes.buf, bytes.len, head);
	strbuf_release(&bytes);
}

/* ---- the end of the chain ---- */

static int read_end(struct results_db *db, struct results_head *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, "SELECT number, head FROM seal ORDER BY number DESC LIMIT 1",
				   &stmt, err);

	if (ret)
		return ret;
	ret = database_step(db, stmt, err);
	if (ret == 1) {
		out->seals = sqlite3_column_int64(stmt, 0);
		snprintf(out->head, sizeof(out->head), "%s", database_text(stmt, 1));
	}
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	return 0;
}

static int read_origin(struct results_db *db, struct results_head *out, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, "SELECT name, started, adopted FROM origin", &stmt, err);

	if (ret)
		return ret;
	ret = database_step(db, stmt, err);
	if (ret == 1) {
		snprintf(out->origin, sizeof(out->origin), "%s", database_text(stmt, 0));
		snprintf(out->started, sizeof(out->started), "%s", database_text(stmt, 1));
		out->adopted = sqlite3_column_int64(stmt, 2);
	}
	sqlite3_finalize(stmt);
	if (ret < 0)
		return ret;
	return 0;
}

int results_head(struct results_db *db, struct results_head *out, struct error *err)
{
	int ret;

	*out = (struct results_head){0};
	if (db->version < CHAIN_VERSION)
		return 0;
	ret = read_origin(db, out, err);
	if (ret)
		return ret;
	return read_end(db, out, err);
}

/* ---- appending ---- */

static int insert_link(struct results_db *db, int64_t number, const char *kind, int64_t row,
		       const char *sha256, const char *head, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db,
				   "INSERT INTO seal (number, kind, row, sha256, head) "
				   "VALUES (?1, ?2, ?3, ?4, ?5)",
				   &stmt, err);

	if (ret)
		return ret;
	sqlite3_bind_int64(stmt, 1, number);
	database_bind_text(stmt, 2, kind);
	sqlite3_bind_int64(stmt, 3, row);
	database_bind_text(stmt, 4, sha256);
	database_bind_text(stmt, 5, head);
	ret = database_step(db, stmt, err);
	sqlite3_finalize(stmt);
	return ret;
}

static int append_link(struct results_db *db, enum seal_kind kind, int64_t row, const char *sha256,
		       struct error *err)
{
	struct results_head end = {0};
	char head[SHA256_HEX];
	int ret = read_end(db, &end, err);

	if (ret)
		return ret;
	chain_compute_head(end.head, end.seals + 1, seal_kind_name(kind), row, sha256, head);
	return insert_link(db, end.seals + 1, seal_kind_name(kind), row, sha256, head, err);
}

int chain_append(struct results_db *db, enum seal_kind kind, int64_t row, struct error *err)
{
	char sha256[SHA256_HEX];
	int ret = seal_compute(db, kind, row, sha256, err);

	if (ret)
		return ret;
	return append_link(db, kind, row, sha256, err);
}

/* ---- the beginning ---- */

static const struct {
	enum seal_kind kind;
	const char
		*rows; /* their keys, and the seals of version 2 ('' for none) where they had any */
} adopted[] = {
	{SEAL_ORIGIN, "SELECT id FROM origin"},
	{SEAL_RUN, "SELECT id, coalesce(sha256, '') FROM run LEFT JOIN seal_before ON "
		   "seal_before.run = run.id ORDER BY id"},
	{SEAL_BISECT, "SELECT id FROM bisect ORDER BY id"},
	{SEAL_BISECT_STEP, "SELECT number FROM bisect_step ORDER BY number"},
	{SEAL_BISECT_END, "SELECT id FROM bisect WHERE state <> 'running' ORDER BY id"},
};

/* A run keeps the seal that it was stored with: computing it now would bless what was changed since. */
static int adopt_row(struct results_db *db, enum seal_kind kind, sqlite3_stmt *row,
		     struct error *err)
{
	int64_t key = sqlite3_column_int64(row, 0);

	if (sqlite3_column_count(row) > 1)
		return append_link(db, kind, key, database_text(row, 1), err);
	return chain_append(db, kind, key, err);
}

static int adopt_rows(struct results_db *db, enum seal_kind kind, const char *sql,
		      struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(db, sql, &stmt, err);

	if (ret)
		return ret;
	while ((ret = database_step(db, stmt, err)) == 1) {
		ret = adopt_row(db, kind, stmt, err);
		if (ret)
			break;
	}
	sqlite3_finalize(stmt);
	return ret;
}

int chain_begin(struct results_db *db, struct error *err)
{
	for (size_t i = 0; i < sizeof(adopted) / sizeof(*adopted); i++) {
		int ret = adopt_rows(db, adopted[i].kind, adopted[i].rows, err);

		if (ret)
			return ret;
	}
	return database_exec(db, "DROP TABLE seal_before", err);
}
