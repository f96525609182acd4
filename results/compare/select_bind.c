// SPDX-License-Identifier: GPL-2.0-only
/* Which boots a statement is about: the first six parameters of each that asks for a kernel's boots. */
#include "results/compare/select.h"

void select_bind(sqlite3_stmt *stmt, const struct select_kernel *k, const char *session)
{
	database_bind_text(stmt, 1, k->name);
	database_bind_text(stmt, 2, k->key);
	database_bind_text(stmt, 3, session);
	database_bind_text(stmt, 6, k->l1);
}

void select_bind_environment(sqlite3_stmt *stmt, const struct select_environment *e)
{
	database_bind_text(stmt, 4, e->agent);
	database_bind_text(stmt, 5, e->identity);
}
