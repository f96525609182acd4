// SPDX-License-Identifier: GPL-2.0-only
/* Is the schema what nestlab makes? It is held against one made in memory. */
#include <stdlib.h>
#include <string.h>

#include "results/store/check.h"

/* The SQL of the table or trigger of that name: 1 if there is one. */
static int find_object(struct results_db *db, const char *type, const char *name,
		       sqlite3_stmt **stmt, struct error *err)
{
	int ret = database_prepare(
		db, "SELECT sql FROM sqlite_master WHERE type = ?1 AND name = ?2", stmt, err);

	if (ret)
		return ret;
	database_bind_text(*stmt, 1, type);
	database_bind_text(*stmt, 2, name);
	return database_step(db, *stmt, err);
}

/* Of tables the name alone counts, for a later nestlab may have added columns. */
static void check_object(struct checker *c, sqlite3_stmt *made)
{
	const char *type = database_text(made, 0), *name = database_text(made, 1);
	bool is_trigger = !strcmp(type, "trigger");
	const char *consequence = "";
	sqlite3_stmt *stmt = NULL;
	struct error err = {0};
	int ret = find_object(c->db, type, name, &stmt, &err);

	if (is_trigger)
		consequence = ": results can be changed";
	if (ret < 0)
		check_add_fault(c, "schema: %s", err.text);
	else if (!ret)
		check_add_fault(c, "schema: %s %s is missing%s", type, name, consequence);
	else if (is_trigger && strcmp(database_text(stmt, 0), database_text(made, 2)) != 0)
		check_add_fault(c, "schema: trigger %s is not what nestlab makes%s", name,
				consequence);
	sqlite3_finalize(stmt);
}

/* Triggers that nestlab did not make: they may drop what is stored. */
static int check_others(struct checker *c, struct results_db *made, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_prepare(c->db, "SELECT name FROM sqlite_master WHERE type = 'trigger'",
				   &stmt, err);

	if (ret)
		return ret;
	while ((ret = database_step(c->db, stmt, err)) == 1) {
		const char *name = database_text(stmt, 0);
		sqlite3_stmt *found = NULL;

		ret = find_object(made, "trigger", name, &found, err);
		sqlite3_finalize(found);
		if (ret < 0)
			break;
		if (!ret)
			check_add_fault(c, "schema: trigger %s is not nestlab's", name);
	}
	sqlite3_finalize(stmt);
	return ret;
}

static int check_objects(struct checker *c, struct results_db *made, struct error *err)
{
	sqlite3_stmt *stmt;
	int ret = database_make(made, c->db->version, err);

	if (ret)
		return ret;
	ret = database_prepare(
		made,
		"SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'trigger')",
		&stmt, err);
	if (ret)
		return ret;
	while ((ret = database_step(made, stmt, err)) == 1)
		check_object(c, stmt);
	sqlite3_finalize(stmt);
	if (ret)
		return ret;
	return check_others(c, made, err);
}

void check_schema(struct checker *c)
{
	struct results_db made = {.path = c->db->path};
	struct error err = {0};
	int ret = -1;

	if (sqlite3_open(":memory:", &made.sql) == SQLITE_OK)
		ret = check_objects(c, &made, &err);
	if (ret)
		check_add_fault(c, "schema: cannot be checked: %s", err.text);
	sqlite3_close_v2(made.sql);
}
