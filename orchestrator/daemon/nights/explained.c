// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/explained.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/json.h"
#include "results/explain/keep.h"
#include "results/report/markup.h"

#define FILE_MAX (64 << 20)

struct json_object *explained_params(const char *params)
{
	struct json_object *obj = json_tokener_parse(params), *list = json_object_new_array();

	if (obj) {
		json_object_object_foreach(obj, key, value)
		{
			__cleanup_free char *text =
				xasprintf("%s=%s", key, json_object_get_string(value));

			json_object_array_add(list, json_object_new_string(text));
		}
	}
	json_object_put(obj);
	return list;
}

char *explained_request(const struct schedule *s, const char *base, const char *kernel,
			const char *scenario, const char *metric, const char *params)
{
	struct json_object *r = json_object_new_object(), *kernels = json_object_new_array();
	char *text;

	json_add_string(r, "request", "explain");
	json_object_array_add(kernels, json_object_new_string(base));
	json_object_array_add(kernels, json_object_new_string(kernel));
	json_object_object_add(r, "kernels", kernels);
	json_add_string(r, "scenario", scenario);
	json_add_string(r, "metric", metric);
	json_object_object_add(r, "params", explained_params(params));
	if (s->host)
		json_add_string(r, "host", s->host);
	text = json_canonical(r);
	json_object_put(r);
	return text;
}

/* ---- what came of it ---- */

static char *path_of(const char *state, const char *job)
{
	return xasprintf("%s/logs/%s/explanation.json", state, job);
}

static int load(const char *path, struct strbuf *text, struct explanation *e, struct error *err)
{
	int ret = fs_read_file(path, FILE_MAX, text, err);

	if (ret)
		return ret;
	return explain_from_json(text->buf, text->len, path, e, err);
}

int explained_keep(const char *state, const char *results, const char *job, const char *json,
		   struct error *err)
{
	__cleanup_free char *beside =
		xasprintf("%.*s/explanations", (int)(strrchr(results, '/') - results), results);
	__cleanup_free char *folder = xasprintf("%s/logs/%s", state, job);
	__cleanup_free char *path = path_of(state, job);
	struct strbuf text = STRBUF_INIT;
	struct explanation e = {0};
	int ret = load(json, &text, &e, err);

	if (!ret)
		ret = fs_mkdir_p(folder, err);
	if (!ret)
		ret = fs_write_file(path, text.buf, text.len, err);
	if (!ret)
		ret = explain_keep(beside, &e, err);
	explanation_free(&e);
	strbuf_release(&text);
	return ret;
}

static void add_row(const struct explain_row *row, struct strbuf *out)
{
	strbuf_addf(out, "  %+8.0f [%+.0f, %+.0f]  ", row->of[1].mean - row->of[0].mean, row->low,
		    row->high);
	markup_line(out, row->name);
	if (*row->where) {
		strbuf_addstr(out, " (");
		markup_line(out, row->where);
		strbuf_addch(out, ')');
	}
	strbuf_addch(out, '\n');
}

char *explained_lines(const char *state, const char *job)
{
	__cleanup_free char *path = path_of(state, job);
	struct strbuf text = STRBUF_INIT, out = STRBUF_INIT, head = STRBUF_INIT;
	struct explanation e = {0};
	size_t shown = 0;

	if (fs_exists(path) && !load(path, &text, &e, NULL)) {
		const struct explain_table *t = &e.tables[EXPLAIN_BY_FUNCTION];

		explain_headline(&e, &head);
		markup_line(&out, head.buf);
		strbuf_addstr(&out, "; what moved most, in instructions:\n");
		for (size_t i = 0; i < t->nrows && shown < EXPLAINED_ROWS; i++) {
			if (!t->rows[i].moved)
				continue;
			add_row(&t->rows[i], &out);
			shown++;
		}
	}
	explanation_free(&e);
	strbuf_release(&text);
	strbuf_release(&head);
	if (out.len)
		return strbuf_detach(&out);
	return NULL;
}
