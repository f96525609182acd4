// SPDX-License-Identifier: GPL-2.0-only
/* The tables: what each kind of request consists of. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/shell.h"
#include "kernels/kernels.h"
#include "orchestrator/request/fields.h"
#include "results/report/report.h"

#define AT(member)	  offsetof(struct request, member)
#define ONLY(alternative) (1u << (alternative))
#define MAX_BOOTS	  "8"

static const char *format_name(size_t i)
{
	return report_formats[i].name;
}

static const char *space_name(size_t i)
{
	static const char *const names[] = {"git", "series", "config", NULL};

	return names[i];
}

static const char *failure_name(size_t i)
{
	static const char *const names[] = {"guest", "integrity", NULL};

	return names[i];
}

/* ---- what goes together ---- */

static int check_run(const struct request *r, const struct request_field *fields, const char *name,
		     struct error *err)
{
	const struct request_list *kernels = &r->run.kernels;

	for (size_t i = 0; i < r->run.config.count; i++)
		if (strncmp(r->run.config.items[i], "CONFIG_", 7))
			return request_complain(request_find_field(fields, "config"), name, err,
						"expected CONFIG_NAME=VALUE, not %s",
						r->run.config.items[i]);
	if (kernels->count == 2 && !strcmp(kernels->items[0], kernels->items[1]))
		return request_complain(request_find_field(fields, "kernels"), name, err,
					"both are %s; to see how much one kernel's boots differ: "
					"%s compare %s %s",
					kernels->items[0], shell_program(), kernels->items[0],
					kernels->items[0]);
	/* a request as nestlab writes it has the default in any case */
	if (r->run.boots && r->run.max_boots != atoi(MAX_BOOTS))
		return request_complain(request_find_field(fields, "max_boots"), name, err,
					"has a meaning with boots auto only; boots is %d",
					r->run.boots);
	if (r->run.first_boot > 1 && !r->run.boots)
		return request_complain(request_find_field(fields, "first_boot"), name, err,
					"auto decides on its own boots: it begins with 1");
	if (kernels->count == 1 && !r->run.config.count && !r->run.boots)
		return request_complain(request_find_field(fields, "boots"), name, err,
					"auto needs two kernels to decide between");
	return 0;
}

/* What the reader knows a field as: "--fails", or "fails" in JSON; the caller frees. */
static char *field_word(const struct request_field *f, const char *name)
{
	if (name)
		return xstrdup(f->key);
	return request_argument_name(f);
}

static int refuse_with_fails(const struct request_field *f, const struct request_field *fields,
			     const char *name, struct error *err)
{
	__cleanup_free char *fails = field_word(request_find_field(fields, "fails"), name);

	return request_complain(f, name, err, "cannot be used with %s", fails);
}

static int refuse_two_failures(const struct request_field *one, const struct request_field *two,
			       const char *name, struct error *err)
{
	__cleanup_free char *word = field_word(one, name);

	return request_complain(two, name, err, "cannot be used with %s: give one of them", word);
}

/* The keys that say which failure is looked for: one at most. Returns the first two that are given, or
 * NULL. */
static void find_failure_keys(const struct request_fails *fails, const char **one, const char **two)
{
	const struct {
		const char *key;
		bool given;
	} all[] = {
		{"test", fails->test != NULL},
		{"class", fails->class != 0},
		{"message", fails->message != NULL},
	};

	*one = *two = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		if (!all[i].given)
			continue;
		if (!*one)
			*one = all[i].key;
		else if (!*two)
			*two = all[i].key;
	}
}

static int refuse_without_fails(const struct request_field *f, const struct request_field *fields,
				const char *name, struct error *err)
{
	__cleanup_free char *fails = field_word(request_find_field(fields, "fails"), name);

	return request_complain(f, name, err, "tells which failure is looked for: it needs %s",
				fails);
}

static int check_scenario(const struct request_probe *p, const struct request_field *fields,
			  const char *name, struct error *err)
{
	if (!p->scenario && !p->fails.test)
		return request_complain(request_find_field(fields, "scenario"), name, err,
					"has to be given, unless a selftest is named");
	if (p->scenario && p->fails.test && strcmp(p->scenario, "kselftest"))
		return request_complain(request_find_field(fields, "scenario"), name, err,
					"a selftest is run by kselftest, not by %s", p->scenario);
	return 0;
}

static int check_probe(const struct request_probe *p, const struct request_field *fields,
		       const char *name, struct error *err)
{
	const char *one, *two;

	find_failure_keys(&p->fails, &one, &two);
	if (one && !p->fails.wanted)
		return refuse_without_fails(request_find_field(fields, one), fields, name, err);
	if (two)
		return refuse_two_failures(request_find_field(fields, one),
					   request_find_field(fields, two), name, err);
	if (!p->fails.wanted)
		return 0;
	if (p->metric)
		return refuse_with_fails(request_find_field(fields, "metric"), fields, name, err);
	return check_scenario(p, fields, name, err);
}

static int check_others(const char *base, const char *new, const struct request_list *others,
			const struct request_field *fields, const char *name, struct error *err)
{
	for (size_t i = 0; i < others->count; i++) {
		const char *other = others->items[i];
		bool is_twice = !strcmp(other, base) || !strcmp(other, new);

		for (size_t k = 0; k < i; k++)
			is_twice |= !strcmp(other, others->items[k]);
		if (is_twice)
			return request_complain(request_find_field(fields, "others"), name, err,
						"%s is there twice", other);
	}
	return 0;
}

static int check_compare(const struct request *r, const struct request_field *fields,
			 const char *name, struct error *err)
{
	const struct request_compare *c = &r->compare;

	return check_others(c->base, c->new, &c->others, fields, name, err);
}

static int check_report(const struct request *r, const struct request_field *fields,
			const char *name, struct error *err)
{
	const struct request_report *q = &r->report;
	const struct report_format *f = &report_formats[q->format - 1];

	if (q->others.count && !f->several)
		return request_complain(
			request_find_field(fields, "format"), name, err,
			"%s tells of two kernels only; text, html, markdown and json tell of more",
			f->name);
	return check_others(q->base, q->new, &q->others, fields, name, err);
}

static int check_bisect(const struct request *r, const struct request_field *fields,
			const char *name, struct error *err)
{
	if (r->bisect.boots > r->bisect.max_boots)
		return request_complain(request_find_field(fields, "boots"), name, err,
					"%d is more than max_boots, which is %d", r->bisect.boots,
					r->bisect.max_boots);
	if (r->bisect.probe.fails.wanted && r->bisect.threshold > 0)
		return refuse_with_fails(request_find_field(fields, "threshold"), fields, name,
					 err);
	return check_probe(&r->bisect.probe, fields, name, err);
}

static int check_test(const struct request *r, const struct request_field *fields, const char *name,
		      struct error *err)
{
	const struct request_test *t = &r->test;
	const char *key = NULL;

	if (!isnan(t->limit))
		key = "limit";
	else if (t->max_boots != atoi(MAX_BOOTS))
		key = "max_boots";
	if (t->probe.fails.wanted && key)
		return refuse_with_fails(request_find_field(fields, key), fields, name, err);
	return check_probe(&r->test.probe, fields, name, err);
}

/* ---- rows ---- */

// clang-format off
#define HOST(struct_at)                                                                            \
	{.key = "host", .type = REQUEST_TEXT, .at = struct_at, .argname = "HOST",                  \
	 .help = "the host to run on", .otherwise = "emulated", .file = REQUEST_JSON_FILE}
#define SESSION(struct_at)                                                                         \
	{.key = "session", .type = REQUEST_TEXT, .at = struct_at, .argname = "ID",                 \
	 .help = "only boots of this session of `nestlab run`"}
#define EXPLAIN(struct_at)                                                                         \
	{.key = "explain", .type = REQUEST_FLAG, .at = struct_at,                                  \
	 .help = "with what `nestlab explain` found of the metrics that changed"}
#define REPORTER(struct_at)                                                                        \
	{.key = "reporter", .type = REQUEST_TEXT, .at = struct_at, .argname = "WHO",               \
	 .help = "who reports: \"Name <address>\""}
#define URL(struct_at)                                                                             \
	{.key = "url", .type = REQUEST_TEXT, .at = struct_at, .argname = "URL",                    \
	 .help = "where the report can be read"}
#define PROBE(kind)                                                                                \
	{.key = "scenario", .type = REQUEST_TEXT, .at = AT(kind.probe.scenario),                   \
	 .argname = "KIND", .required = REQUEST_ALWAYS, .unless = "fails",                         \
	 .help = "the scenario to run: multiplex, migrate, exits, ..."},                           \
	{.key = "metric", .type = REQUEST_TEXT, .at = AT(kind.probe.metric), .argname = "METRIC",  \
	 .required = REQUEST_ALWAYS, .unless = "fails",                                            \
	 .help = "the metric to judge, e.g. switch"},                                              \
	{.key = "fails", .type = REQUEST_FLAG, .at = AT(kind.probe.fails.wanted),                  \
	 .help = "judge by failed boots instead of a metric"},                                     \
	{.key = "test", .type = REQUEST_TEXT, .at = AT(kind.probe.fails.test), .argname = "NAME",  \
	 .help = "with --fails: this selftest fails (needs no --scenario)"},                       \
	{.key = "class", .type = REQUEST_CHOICE, .at = AT(kind.probe.fails.class),                 \
	 .argname = "CLASS", .choice = failure_name,                                               \
	 .help = "with --fails: only boots that fail like this"},                                  \
	{.key = "message", .type = REQUEST_TEXT, .at = AT(kind.probe.fails.message),               \
	 .argname = "REGEX", .help = "with --fails: what failed says something like this"},        \
	{.key = "params", .type = REQUEST_LIST, .at = AT(kind.probe.params), .argname = "K=V",     \
	 .option = "param", .max = 64, .help = "a parameter of the scenario; can be repeated"},           \
	{.key = "rounds", .type = REQUEST_INTEGER, .at = AT(kind.probe.rounds), .argname = "N",    \
	 .max = 1000000, .help = "rounds in each boot; 0: the scenario's default"}
#define STEP(kind)                                                                                 \
	{.key = "boots", .type = REQUEST_INTEGER, .at = AT(kind.boots), .argname = "N", .min = 1,  \
	 .max = 100, .otherwise = "2", .help = "boots of each kernel at first"},                       \
	{.key = "max_boots", .type = REQUEST_INTEGER, .at = AT(kind.max_boots), .argname = "N",    \
	 .min = 1, .max = 100, .otherwise = MAX_BOOTS, .help = "boots of each kernel at most"},              \
	HOST(AT(kind.host))
#define SEED(struct_at)                                                                            \
	{.key = "seed", .type = REQUEST_INTEGER, .at = struct_at, .argname = "N", .min = 1,        \
	 .max = 1000000000, .otherwise = "1", .help = "seed of boot 1; boot N has this plus N - 1"}
#define BASE_AND_NEW(kind, where, base_name, new_name)                                             \
	{.key = "base", .type = REQUEST_TEXT, .at = AT(kind.base), .argname = base_name,           \
	 .place = where, .required = REQUEST_ALWAYS,                                               \
	 .help = "the kernel to compare with: a name, or the first digits of its key"},            \
	{.key = "new", .type = REQUEST_TEXT, .at = AT(kind.new), .argname = new_name,              \
	 .place = where, .required = REQUEST_ALWAYS, .help = "the kernel to judge"}

#define OTHERS(struct_at)                                                                          \
	{.key = "others", .type = REQUEST_LIST, .at = struct_at, .argname = "NEW",                 \
	 .place = REQUEST_OPERAND, .max = 24,                                                      \
	 .help = "more kernels to judge against the same base, in one table"}

static const struct request_field run_fields[] = {
	{.key = "scenarios", .type = REQUEST_LIST, .at = AT(run.scenarios), .argname = "SCENARIO",
	 .place = REQUEST_OPERAND, .required = REQUEST_ALWAYS, .min = 1, .max = 100,
	 .file = REQUEST_JSON_FILE,
	 .help = "a name of `nestlab scenario list`, or the path of a .json file; with +7, +7-9 or +7- "
		 "behind it these entries of it alone"},
	{.key = "kernels", .type = REQUEST_LIST, .at = AT(run.kernels), .argname = "KERNEL",
	 .option = "kernel", .required = REQUEST_ALWAYS, .min = 1, .max = 25,
	 .file = REQUEST_JSON_FILE,
	 .help = "a kernel to run; give it again to compare (the base first)"},
	{.key = "config", .type = REQUEST_LIST, .at = AT(run.config), .argname = "CONFIG_X=y",
	 .option = "config", .max = 32,
	 .help = "one more kernel: the last one, with this option; can be repeated"},
	{.key = "append", .type = REQUEST_TEXT, .at = AT(run.append), .argname = "PARAMETERS",
	 .help = "more boot parameters for every kernel"},
	{.key = "l1_kernel", .type = REQUEST_TEXT, .at = AT(run.l1_kernel), .argname = "KERNEL",
	 .file = REQUEST_JSON_FILE,
	 .help = "the kernel that Linux L1s boot inside each kernel (default: what the scenario's file "
		 "names, else " KERNEL_L1_DEFAULT ")"},
	{.key = "l1_image", .type = REQUEST_TEXT, .at = AT(run.l1_image), .argname = "FILE",
	 .file = REQUEST_FILE,
	 .help = "the disk, raw or qcow2, that L1s of l1 disk or hyperv boot from (docs/l1-guests.md)"},
	{.key = "boots", .type = REQUEST_INTEGER, .at = AT(run.boots), .argname = "N|auto",
	 .min = 1, .max = 1000, .word = "auto", .otherwise = "2",
	 .help = "boots of each kernel; auto: as many as it takes to decide"},
	{.key = "max_boots", .type = REQUEST_INTEGER, .at = AT(run.max_boots), .argname = "N",
	 .min = 1, .max = 1000, .otherwise = MAX_BOOTS, .needs = "boots", .help = "boots of each kernel at most, with auto"},
	{.key = "first_boot", .type = REQUEST_INTEGER, .at = AT(run.first_boot), .argname = "N",
	 .min = 1, .max = 100000, .otherwise = "1",
	 .help = "number of the first boot, where a session's boots are made by several runs"},
	HOST(AT(run.host)),
	SEED(AT(run.seed)),
	{0},
};

static const struct request_field compare_fields[] = {
	BASE_AND_NEW(compare, REQUEST_OPERAND, "BASE", "NEW"),
	OTHERS(AT(compare.others)),
	{.key = "scenario", .type = REQUEST_TEXT, .at = AT(compare.scenario), .argname = "KIND",
	 .help = "only this scenario: multiplex, migrate, exits, ..."},
	{.key = "metric", .type = REQUEST_TEXT, .at = AT(compare.metric), .argname = "METRIC",
	 .help = "only this metric"},
	SESSION(AT(compare.session)),
	{0},
};

static const struct request_field report_fields[] = {
	BASE_AND_NEW(report, REQUEST_OPERAND, "BASE", "NEW"),
	OTHERS(AT(report.others)),
	{.key = "format", .type = REQUEST_CHOICE, .at = AT(report.format), .argname = "FORMAT",
	 .otherwise = "text", .choice = format_name, .help = "the format of the report"},
	EXPLAIN(AT(report.explain)),
	SESSION(AT(report.session)),
	REPORTER(AT(report.reporter)),
	URL(AT(report.url)),
	{0},
};

static const struct request_field signoff_fields[] = {
	{.key = "policy", .type = REQUEST_TEXT, .at = AT(signoff.policy), .argname = "POLICY",
	 .required = REQUEST_ALWAYS, .file = REQUEST_JSON_FILE,
	 .help = "the policy to judge by: a name in results/policies, or a path"},
	BASE_AND_NEW(signoff, REQUEST_OPTION, "KERNEL", "KERNEL"),
	EXPLAIN(AT(signoff.explain)),
	SESSION(AT(signoff.session)),
	REPORTER(AT(signoff.reporter)),
	URL(AT(signoff.url)),
	{0},
};

static const struct request_field bisect_fields[] = {
	{.key = "kind", .type = REQUEST_CHOICE, .at = AT(bisect.kind), .place = REQUEST_NO_ARGUMENT,
	 .choice = space_name, .required = REQUEST_ALWAYS,
	 .help = "what to search: commits, patches of a series, or config options"},
	{.key = "tree", .type = REQUEST_TEXT, .at = AT(bisect.tree), .argname = "FOLDER",
	 .required = ONLY(BISECT_GIT), .when = ONLY(BISECT_GIT), .chooses = "git",
	 .file = REQUEST_FILE, .help = "search the commits of this kernel tree"},
	{.type = REQUEST_TEXT, .at = AT(bisect.variant), .argname = "KERNEL", .option = "series",
	 .chooses = "series", .file = REQUEST_JSON_FILE, .when = ONLY(BISECT_SERIES),
	 .excludes = "variant",
	 .help = "search the patches of this variant"},
	{.type = REQUEST_FLAG, .at = REQUEST_NOWHERE, .option = "config", .chooses = "config",
	 .when = ONLY(BISECT_CONFIG), .excludes = "good bad",
	 .help = "search the options that two fragments (A is good, B is bad) differ in"},
	{.type = REQUEST_TEXT, .at = AT(bisect.good), .argname = "FRAGMENT-A",
	 .place = REQUEST_OPERAND, .when = ONLY(BISECT_CONFIG), .required = ONLY(BISECT_CONFIG),
	 .file = REQUEST_FILE, .help = "with --config: the good fragment"},
	{.type = REQUEST_TEXT, .at = AT(bisect.bad), .argname = "FRAGMENT-B",
	 .place = REQUEST_OPERAND, .when = ONLY(BISECT_CONFIG), .required = ONLY(BISECT_CONFIG),
	 .file = REQUEST_FILE, .help = "with --config: the bad fragment"},
	{.key = "good", .type = REQUEST_TEXT, .at = AT(bisect.good), .argname = "A",
	 .required = ONLY(BISECT_GIT) | ONLY(BISECT_CONFIG),
	 .help = "the good end: a commit, or how many patches of the series are in"},
	{.key = "bad", .type = REQUEST_TEXT, .at = AT(bisect.bad), .argname = "B",
	 .required = ONLY(BISECT_GIT) | ONLY(BISECT_CONFIG), .help = "the bad end"},
	{.key = "first_parent", .type = REQUEST_FLAG, .at = AT(bisect.first_parent),
	 .when = ONLY(BISECT_GIT), .help = "follow the first parents of merges only"},
	{.key = "paths", .type = REQUEST_LIST, .at = AT(bisect.paths), .argname = "PATH",
	 .place = REQUEST_OPERAND, .when = ONLY(BISECT_GIT), .max = 10000,
	 .help = "with --tree: only commits that touch this path of the tree"},
	{.key = "variant", .type = REQUEST_TEXT, .at = AT(bisect.variant), .argname = "KERNEL",
	 .otherwise = "baseline", .file = REQUEST_JSON_FILE,
	 .help = "the variant whose config and compiler are used"},
	PROBE(bisect),
	{.key = "threshold", .type = REQUEST_REAL, .at = AT(bisect.threshold), .argname = "PERCENT",
	 .max = 1000000, .help = "distance from the good end at which a step is bad; 0: halfway"},
	{.key = "smallest_effect", .type = REQUEST_REAL, .at = AT(bisect.probe.smallest_effect),
	 .max = 1000000, .place = REQUEST_NO_ARGUMENT,
	 .help = "the smallest difference that matters, percent; 0: the metric's own"},
	STEP(bisect),
	{.key = "parallel", .type = REQUEST_INTEGER, .at = AT(bisect.parallel), .argname = "K",
	 .min = 1, .max = 64, .otherwise = "1", .help = "steps to test at the same time"},
	SEED(AT(bisect.seed)),
	{.key = "command", .type = REQUEST_TEXT, .at = AT(bisect.command),
	 .place = REQUEST_NO_ARGUMENT, .help = "the command line that asked, for the record"},
	{0},
};

static const struct request_field test_fields[] = {
	{.key = "tree", .type = REQUEST_TEXT, .at = AT(test.tree), .argname = "FOLDER",
	 .place = REQUEST_OPERAND, .required = REQUEST_ALWAYS, .file = REQUEST_FILE,
	 .help = "the kernel tree whose checked-out files are tested"},
	PROBE(test),
	{.key = "limit", .type = REQUEST_REAL, .at = AT(test.limit), .argname = "X", .max = 1e15,
	 .required = REQUEST_ALWAYS, .unless = "fails", .help = "the limit for the median, in the metric's unit"},
	{.key = "variant", .type = REQUEST_TEXT, .at = AT(test.variant), .argname = "KERNEL",
	 .otherwise = "baseline", .file = REQUEST_JSON_FILE,
	 .help = "the variant whose config and compiler are used"},
	STEP(test),
	{0},
};

static const struct request_field explain_fields[] = {
	{.key = "kernels", .type = REQUEST_LIST, .at = AT(explain.kernels), .argname = "KERNEL",
	 .place = REQUEST_OPERAND, .required = REQUEST_ALWAYS, .min = 1, .max = 2,
	 .file = REQUEST_JSON_FILE,
	 .help = "a kernel to explain; two: what changed (the base first)"},
	{.key = "scenario", .type = REQUEST_TEXT, .at = AT(explain.probe.scenario),
	 .argname = "KIND", .required = REQUEST_ALWAYS,
	 .help = "the scenario to run: multiplex, migrate, exits, churn"},
	{.key = "metric", .type = REQUEST_TEXT, .at = AT(explain.probe.metric), .argname = "METRIC",
	 .required = REQUEST_ALWAYS, .help = "the metric to explain, e.g. switch"},
	{.key = "params", .type = REQUEST_LIST, .at = AT(explain.probe.params), .argname = "K=V",
	 .option = "param", .max = 64, .help = "a parameter of the scenario; can be repeated"},
	{.key = "rounds", .type = REQUEST_INTEGER, .at = AT(explain.probe.rounds), .argname = "N",
	 .max = 1000000, .help = "rounds in each boot; 0: 40"},
	{.key = "max_boots", .type = REQUEST_INTEGER, .at = AT(explain.max_boots), .argname = "N",
	 .min = 1, .max = 100, .otherwise = "3", .help = "boots of each kernel at most"},
	HOST(AT(explain.host)),
	SEED(AT(explain.seed)),
	{0},
};

const struct request_table request_tables[REQUEST_KINDS] = {
	[REQUEST_RUN] = {"run", "run", "Boot scenarios on kernels.", run_fields,
			 .check = check_run},
	[REQUEST_COMPARE] = {"compare", "compare", "Compare kernels from stored boots.", compare_fields,
			     .check = check_compare},
	[REQUEST_REPORT] = {"report", "report", "Write a comparison for others.", report_fields,
			    .check = check_report},
	[REQUEST_SIGNOFF] = {"signoff", "report signoff", "Judge a kernel by a policy.", signoff_fields},
	[REQUEST_BISECT] = {"bisect", "bisect", "Find what changed a metric, or what fails.", bisect_fields,
			    .alternatives = "kind",
			    .no_alternative = "give one of --tree, --series and --config",
			    .check = check_bisect},
	[REQUEST_TEST] = {"test", "test", "Compare a metric of a kernel tree with a limit, or see if it fails.",
			  test_fields, .check = check_test},
	[REQUEST_EXPLAIN] = {"explain", "explain", "Say where the instructions of an operation go.",
			     explain_fields},
};
// clang-format on
