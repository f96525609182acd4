/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * columns.h - the columns of table run, which are the members of struct results_boot: one row each.
 *
 * INSERT, SELECT, the seal and the reports go by this table. So a new text column takes a schema step
 * (results/store/open.c: steps[]), a member of struct results_boot and a row here; whoever fills the
 * boot (orchestrator/engine) sets the member.
 */
#ifndef RESULTS_STORE_COLUMNS_H
#define RESULTS_STORE_COLUMNS_H

#include <sqlite3.h>

#include "results/store/store.h"

enum boot_column_kind {
	BOOT_COLUMN_TEXT,  /* const char *; NULL where unknown */
	BOOT_COLUMN_INT,   /* int */
	BOOT_COLUMN_SEED,  /* uint64_t; SQLite keeps it as a signed number */
	BOOT_COLUMN_REAL,  /* double */
	BOOT_COLUMN_CLASS, /* enum results_class; RESULTS_OK is NULL */
};

/* What a column tells about. Boots of one kernel have its columns in common. */
enum boot_column_part { BOOT_COLUMN_OF_KERNEL, BOOT_COLUMN_OF_BOOT };

struct boot_column {
	const char *name; /* in SQL */
	enum boot_column_kind kind;
	size_t offset; /* of the member of struct results_boot */
	int since; /* schema version that brought it; 0 counts as 1. Runs stored before have NULL. */
	bool is_required; /* of texts: a boot without it is not stored */

	/* For reports. */
	enum boot_column_part part;
	const char *key;   /* in the JSON object of the kernel or the boot; NULL: not there */
	bool is_json;	   /* the text is a JSON document, and goes in as such */
	const char *title; /* for people, beside both kernels' values; NULL: not shown there */
};

/* In the order of the seal: rows with a higher .since come last. */
extern const struct boot_column boot_columns[];
extern const size_t boot_columns_count;

/* The text in column @i, NULL where it is unknown or the column is no text. Borrowed. */
const char *boot_column_text(const struct results_boot *boot, size_t i);
/* Sets the text of column @i, which is one; @boot borrows it. */
void boot_column_set_text(struct results_boot *boot, size_t i, const char *text);
/* Sets all texts to "": a boot of which nothing is known. */
void boot_columns_set_unknown(struct results_boot *boot);

/* Appends the names, "a, b, c": in the table's order, which is that of the functions below. */
void boot_columns_add_names(struct strbuf *sql);
/* Binds all columns at ?@first and the following. Texts are borrowed until the statement is reset. */
void boot_columns_bind(sqlite3_stmt *stmt, int first, const struct results_boot *boot);
/* Reads all columns from column @first of the row. Texts are borrowed until the next step; NULL is "". */
void boot_columns_read(sqlite3_stmt *row, int first, struct results_boot *boot);

#endif
