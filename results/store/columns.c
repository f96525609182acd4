// SPDX-License-Identifier: GPL-2.0-only
#include "results/store/columns.h"

#include <stddef.h>

#include "common/alloc.h"
#include "results/store/database.h"

#define MEMBER(member) .name = #member, .offset = offsetof(struct results_boot, member)
#define OF_KERNEL      .part = BOOT_COLUMN_OF_KERNEL
#define OF_BOOT	       .part = BOOT_COLUMN_OF_BOOT

/* The seal's bytes depend on the order: see seal.c. */
// clang-format off
const struct boot_column boot_columns[] = {
	{MEMBER(kernel_name), OF_KERNEL, .key = "name", .title = "kernel", .is_required = true},
	{MEMBER(kernel_key), OF_KERNEL, .key = "key", .title = "content key", .is_required = true},
	{MEMBER(kernel_release), OF_KERNEL, .key = "release", .title = "release"},
	{MEMBER(kernel_build_id), OF_KERNEL, .key = "build_id", .title = "build-id"},
	{MEMBER(bzimage_sha256), OF_KERNEL, .key = "bzimage_sha256", .title = "bzImage SHA-256"},
	{MEMBER(source_hash), OF_KERNEL, .key = "source_hash", .title = "source hash"},
	{MEMBER(patches_hash), OF_KERNEL, .key = "patches_hash", .title = "patches hash"},
	{MEMBER(config_hash), OF_KERNEL, .key = "config_hash", .title = "config hash"},
	{MEMBER(compiler), OF_KERNEL, .key = "compiler", .title = "compiler"},
	{MEMBER(image_sha256), OF_BOOT, .key = "image_sha256"},
	{MEMBER(agent_sha256), OF_BOOT, .key = "agent_sha256", .title = "agent SHA-256"},
	{MEMBER(plan_sha256), OF_BOOT, .key = "plan_sha256"},
	{MEMBER(cmdline), OF_BOOT, .key = "cmdline", .title = "kernel command line"},
	{MEMBER(scenario_name), OF_BOOT, .key = "scenario", .is_required = true},
	{MEMBER(scenario_hash), OF_BOOT, .key = "scenario_hash"},
	{MEMBER(host_name), OF_BOOT, .key = "host", .title = "host", .is_required = true},
	{MEMBER(host_driver), OF_BOOT, .key = "host_driver", .title = "host driver"},
	{MEMBER(host_identity), OF_BOOT, .key = "host_identity", .title = "host identity", .is_json = true},
	{MEMBER(clock), OF_BOOT, .title = "clock"},
	{MEMBER(session), OF_BOOT, .key = "session", .is_required = true},
	{MEMBER(environment), OF_BOOT, .key = "environment", .title = "made by", .is_json = true},
	{MEMBER(boot), OF_BOOT, .key = "boot", .kind = BOOT_COLUMN_INT},
	{MEMBER(seed), OF_BOOT, .key = "seed", .kind = BOOT_COLUMN_SEED},
	{MEMBER(started), OF_BOOT, .key = "started", .is_required = true},
	{MEMBER(wall_seconds), OF_BOOT, .key = "wall_seconds", .kind = BOOT_COLUMN_REAL},
	{MEMBER(console_path), OF_BOOT, .key = "console"},
	{MEMBER(status), OF_BOOT, .key = "status", .is_required = true},
	{MEMBER(class), OF_BOOT, .key = "class", .kind = BOOT_COLUMN_CLASS},
	{MEMBER(error), OF_BOOT, .key = "error"},
	{MEMBER(l1_kernel_name), OF_BOOT, .key = "l1_kernel", .title = "L1 kernel", .since = 4},
	{MEMBER(l1_kernel_key), OF_BOOT, .key = "l1_kernel_key", .title = "L1 kernel's content key", .since = 4},
	{MEMBER(l1_kernel_release), OF_BOOT, .key = "l1_kernel_release", .title = "L1 kernel's release", .since = 4},
};
// clang-format on
const size_t boot_columns_count = ARRAY_SIZE(boot_columns);

static void *member_of(struct results_boot *boot, size_t i)
{
	return (char *)boot + boot_columns[i].offset;
}

static const void *const_member_of(const struct results_boot *boot, size_t i)
{
	return (const char *)boot + boot_columns[i].offset;
}

const char *boot_column_text(const struct results_boot *boot, size_t i)
{
	if (boot_columns[i].kind != BOOT_COLUMN_TEXT)
		return NULL;
	return *(const char *const *)const_member_of(boot, i);
}

void boot_column_set_text(struct results_boot *boot, size_t i, const char *text)
{
	*(const char **)member_of(boot, i) = text;
}

void boot_columns_set_unknown(struct results_boot *boot)
{
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].kind == BOOT_COLUMN_TEXT)
			boot_column_set_text(boot, i, "");
}

void boot_columns_add_names(struct strbuf *sql)
{
	for (size_t i = 0; i < boot_columns_count; i++) {
		if (i)
			strbuf_addstr(sql, ", ");
		strbuf_addstr(sql, boot_columns[i].name);
	}
}

static void bind_class(sqlite3_stmt *stmt, int at, enum results_class class)
{
	if (class == RESULTS_OK)
		sqlite3_bind_null(stmt, at);
	else
		database_bind_text(stmt, at, results_class_name(class));
}

void boot_columns_bind(sqlite3_stmt *stmt, int first, const struct results_boot *boot)
{
	for (size_t i = 0; i < boot_columns_count; i++) {
		const void *member = const_member_of(boot, i);
		int at = first + (int)i;

		switch (boot_columns[i].kind) {
		case BOOT_COLUMN_TEXT:
			database_bind_text(stmt, at, boot_column_text(boot, i));
			break;
		case BOOT_COLUMN_INT:
			sqlite3_bind_int(stmt, at, *(const int *)member);
			break;
		case BOOT_COLUMN_SEED:
			sqlite3_bind_int64(stmt, at, (int64_t) * (const uint64_t *)member);
			break;
		case BOOT_COLUMN_REAL:
			sqlite3_bind_double(stmt, at, *(const double *)member);
			break;
		case BOOT_COLUMN_CLASS:
			bind_class(stmt, at, *(const enum results_class *)member);
			break;
		}
	}
}

void boot_columns_read(sqlite3_stmt *row, int first, struct results_boot *boot)
{
	for (size_t i = 0; i < boot_columns_count; i++) {
		void *member = member_of(boot, i);
		int at = first + (int)i;

		switch (boot_columns[i].kind) {
		case BOOT_COLUMN_TEXT:
			boot_column_set_text(boot, i, database_text(row, at));
			break;
		case BOOT_COLUMN_INT:
			*(int *)member = sqlite3_column_int(row, at);
			break;
		case BOOT_COLUMN_SEED:
			*(uint64_t *)member = (uint64_t)sqlite3_column_int64(row, at);
			break;
		case BOOT_COLUMN_REAL:
			*(double *)member = sqlite3_column_double(row, at);
			break;
		case BOOT_COLUMN_CLASS:
			*(enum results_class *)member =
				results_class_from_name(database_text(row, at));
			break;
		}
	}
}
