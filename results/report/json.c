// SPDX-License-Identifier: GPL-2.0-only
/* JSON for programs: what `compare --json` says, and what stands behind it. */
#include "results/report/commands.h"
#include "results/report/formats.h"
#include "results/report/objects.h"
#include "results/store/columns.h"

static void add_parsed(struct json_object *obj, const char *key, const char *text)
{
	struct json_object *doc = objects_parse(text);

	if (doc)
		json_object_object_add(obj, key, doc);
}

static void add_column(struct json_object *obj, const struct results_boot *run, size_t i)
{
	const struct boot_column *column = &boot_columns[i];
	const void *member = (const char *)run + column->offset;

	switch (column->kind) {
	case BOOT_COLUMN_TEXT:
		if (column->is_json)
			add_parsed(obj, column->key, boot_column_text(run, i));
		else
			objects_add_text(obj, column->key, boot_column_text(run, i));
		break;
	case BOOT_COLUMN_INT:
		json_object_object_add(obj, column->key, json_object_new_int(*(const int *)member));
		break;
	case BOOT_COLUMN_SEED:
		json_object_object_add(obj, column->key,
				       json_object_new_uint64(*(const uint64_t *)member));
		break;
	case BOOT_COLUMN_REAL:
		json_object_object_add(obj, column->key,
				       json_object_new_double(*(const double *)member));
		break;
	case BOOT_COLUMN_CLASS:
		objects_add_text(obj, column->key,
				 results_class_name(*(const enum results_class *)member));
		break;
	}
}

/* Adds what @part of the columns tells. */
static void add_columns(struct json_object *obj, const struct results_boot *run,
			enum boot_column_part part)
{
	for (size_t i = 0; i < boot_columns_count; i++)
		if (boot_columns[i].key && boot_columns[i].part == part)
			add_column(obj, run, i);
}

static struct json_object *make_kernel(const struct results_boot *run)
{
	struct json_object *k = json_object_new_object();

	add_columns(k, run, BOOT_COLUMN_OF_KERNEL);
	return k;
}

static struct json_object *make_boot(const struct report_boot *b)
{
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "run", json_object_new_int64(b->id));
	objects_add_text(j, "kernel", report_side_name(b->side));
	add_columns(j, &b->run, BOOT_COLUMN_OF_BOOT);
	return j;
}

static struct json_object *make_test(const struct report_test *t)
{
	static const char *const keys[REPORT_SIDES][2] = {{"base", "base_text"},
							  {"new", "new_text"}};
	struct json_object *j = json_object_new_object();

	objects_add_text(j, "scenario", t->scenario);
	objects_add_text(j, "name", t->name);
	add_parsed(j, "params", t->params);
	for (int side = 0; side < REPORT_SIDES; side++) {
		objects_add_text(j, keys[side][0], t->result[side]);
		objects_add_text(j, keys[side][1], t->text[side]);
	}
	return j;
}

static void add_behind(struct json_object *doc, const struct report *r,
		       const struct report_options *o)
{
	struct json_object *kernels = json_object_new_object(), *boots = json_object_new_array();
	struct json_object *tests = json_object_new_array();
	struct strbuf commands = STRBUF_INIT;

	json_object_object_add(kernels, "base", make_kernel(report_newest(r, REPORT_BASE)));
	json_object_object_add(kernels, "new", make_kernel(report_newest(r, REPORT_NEW)));
	for (size_t i = 0; i < r->nboots; i++)
		json_object_array_add(boots, make_boot(&r->boots[i]));
	for (size_t i = 0; i < r->ntests; i++)
		json_object_array_add(tests, make_test(&r->tests[i]));
	commands_add(r, o, &commands);
	json_object_object_add(doc, "kernels", kernels);
	json_object_object_add(doc, "boots", boots);
	json_object_object_add(doc, "database", objects_of_head(&r->head));
	json_object_object_add(doc, "tests", tests);
	objects_add_text(doc, "repeat", commands.buf);
	strbuf_release(&commands);
}

void json_render(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct json_object *doc = objects_of_comparison(&r->comparison);

	add_behind(doc, r, o);
	objects_print(doc, out);
	json_object_put(doc);
}
