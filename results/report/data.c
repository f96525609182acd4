// SPDX-License-Identifier: GPL-2.0-only
/* CSV and JSON: for programs. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "results/report/formats.h"
#include "results/report/markup.h"
#include "results/report/text.h"
#include "results/report/words.h"

/* ---- CSV ---- */

#define CSV_HEAD                                                                            \
	"scenario,metric,params,unit,better,clock,base,new,base_boots,new_boots,"           \
	"base_median,new_median,ratio,low,high,p_value,verdict,base_p99,new_p99,p99_ratio," \
	"p99_low,p99_high,p99_p_value,p99_verdict,smallest_effect_percent,more_boots,why\r\n"

static void csv_text(struct strbuf *out, const char *text)
{
	markup_csv(out, text);
	strbuf_addch(out, ',');
}

/* An unknown number is an empty field. */
static void csv_number(struct strbuf *out, double value)
{
	if (isfinite(value))
		strbuf_addf(out, "%.10g", value);
	strbuf_addch(out, ',');
}

static void csv_judgement(struct strbuf *out, const struct results_judgement *j)
{
	csv_number(out, j->ratio);
	csv_number(out, j->low);
	csv_number(out, j->high);
	csv_number(out, j->p_value);
	csv_text(out, results_verdict_name(j->verdict));
}

static void csv_metric(struct strbuf *out, const struct results_comparison *c,
		       const struct results_compared *m)
{
	const char *const texts[] = {m->scenario, m->metric, m->params, m->unit,
				     m->better,	  c->clock,  c->base,	c->new};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		csv_text(out, texts[i]);
	csv_number(out, m->base.boots);
	csv_number(out, m->new.boots);
	csv_number(out, m->base.median);
	csv_number(out, m->new.median);
	csv_judgement(out, &m->median);
	csv_number(out, m->base.p99);
	csv_number(out, m->new.p99);
	csv_judgement(out, &m->p99);
	csv_number(out, m->smallest_effect);
	csv_number(out, m->median.more_boots);
	markup_csv(out, m->median.why);
	strbuf_addstr(out, "\r\n");
}

void report_render_csv(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	(void)o;
	strbuf_addstr(out, CSV_HEAD);
	for (size_t i = 0; i < r->comparison.nmetrics; i++)
		csv_metric(out, &r->comparison, &r->comparison.metrics[i]);
}

/* ---- JSON: what compare --json says, and what stands behind it ---- */

void report_json_text(struct json_object *obj, const char *key, const char *text)
{
	struct strbuf valid = STRBUF_INIT;

	if (!text || !*text)
		return;
	for (const char *line = text; *line;) { /* markup_line() would join the lines */
		size_t n = strcspn(line, "\n\t");
		__cleanup_free char *part = strndup(line, n);

		markup_line(&valid, part);
		line += n;
		if (*line)
			strbuf_addch(&valid, *line++);
	}
	json_object_object_add(obj, key, json_object_new_string(valid.buf));
	strbuf_release(&valid);
}

struct json_object *report_json_parsed(const char *text)
{
	struct json_object *doc = NULL;

	if (!text || !*text || json_parse(text, strlen(text), "stored", &doc, NULL))
		return NULL;
	return doc;
}

static void add_parsed(struct json_object *obj, const char *key, const char *text)
{
	struct json_object *doc = report_json_parsed(text);

	if (doc)
		json_object_object_add(obj, key, doc);
}

static struct json_object *json_kernel(const struct results_boot *run)
{
	struct json_object *k = json_object_new_object();

	report_json_text(k, "name", run->kernel_name);
	report_json_text(k, "key", run->kernel_key);
	report_json_text(k, "release", run->kernel_release);
	report_json_text(k, "build_id", run->kernel_build_id);
	report_json_text(k, "bzimage_sha256", run->bzimage_sha256);
	report_json_text(k, "source_hash", run->source_hash);
	report_json_text(k, "patches_hash", run->patches_hash);
	report_json_text(k, "config_hash", run->config_hash);
	report_json_text(k, "compiler", run->compiler);
	return k;
}

static struct json_object *json_boot(const struct report_boot *b)
{
	const struct results_boot *run = &b->run;
	struct json_object *j = json_object_new_object();

	json_object_object_add(j, "run", json_object_new_int64(b->id));
	report_json_text(j, "kernel", b->side == REPORT_BASE ? "base" : "new");
	report_json_text(j, "session", run->session);
	json_object_object_add(j, "boot", json_object_new_int(run->boot));
	json_object_object_add(j, "seed", json_object_new_uint64(run->seed));
	report_json_text(j, "started", run->started);
	json_object_object_add(j, "wall_seconds", json_object_new_double(run->wall_seconds));
	report_json_text(j, "status", run->status);
	report_json_text(j, "class", results_class_name(run->class));
	report_json_text(j, "error", run->error);
	report_json_text(j, "scenario", run->scenario_name);
	report_json_text(j, "scenario_hash", run->scenario_hash);
	report_json_text(j, "image_sha256", run->image_sha256);
	report_json_text(j, "agent_sha256", run->agent_sha256);
	report_json_text(j, "plan_sha256", run->plan_sha256);
	report_json_text(j, "cmdline", run->cmdline);
	report_json_text(j, "console", run->console_path);
	report_json_text(j, "host", run->host_name);
	report_json_text(j, "host_driver", run->host_driver);
	add_parsed(j, "host_identity", run->host_identity);
	add_parsed(j, "environment", run->environment);
	return j;
}

static struct json_object *json_test(const struct report_test *t)
{
	static const char *const keys[REPORT_SIDES][2] = {{"base", "base_text"},
							  {"new", "new_text"}};
	struct json_object *j = json_object_new_object();

	report_json_text(j, "scenario", t->scenario);
	report_json_text(j, "name", t->name);
	add_parsed(j, "params", t->params);
	for (int side = 0; side < REPORT_SIDES; side++) {
		report_json_text(j, keys[side][0], t->result[side]);
		report_json_text(j, keys[side][1], t->text[side]);
	}
	return j;
}

static void add_behind(struct json_object *doc, const struct report *r,
		       const struct report_options *o)
{
	struct json_object *kernels = json_object_new_object(), *boots = json_object_new_array();
	struct json_object *tests = json_object_new_array();
	struct strbuf commands = STRBUF_INIT;

	json_object_object_add(kernels, "base", json_kernel(report_newest(r, REPORT_BASE)));
	json_object_object_add(kernels, "new", json_kernel(report_newest(r, REPORT_NEW)));
	for (size_t i = 0; i < r->nboots; i++)
		json_object_array_add(boots, json_boot(&r->boots[i]));
	for (size_t i = 0; i < r->ntests; i++)
		json_object_array_add(tests, json_test(&r->tests[i]));
	words_commands(r, o, &commands);
	json_object_object_add(doc, "kernels", kernels);
	json_object_object_add(doc, "boots", boots);
	json_object_object_add(doc, "tests", tests);
	report_json_text(doc, "repeat", commands.buf);
	strbuf_release(&commands);
}

void report_json_add(struct strbuf *out, struct json_object *doc)
{
	strbuf_addstr(out, json_object_to_json_string_ext(
				   doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	strbuf_addch(out, '\n');
}

void report_render_json(const struct report *r, const struct report_options *o, struct strbuf *out)
{
	struct strbuf compared = STRBUF_INIT;
	struct json_object *doc;

	results_render_json(&r->comparison, &compared);
	doc = report_json_parsed(compared.buf);
	if (!doc)
		doc = json_object_new_object();
	add_behind(doc, r, o);
	report_json_add(out, doc);
	json_object_put(doc);
	strbuf_release(&compared);
}
