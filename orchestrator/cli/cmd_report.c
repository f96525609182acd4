// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/output.h"
#include "common/terminal.h"
#include "orchestrator/cli/command.h"
#include "results/report/report.h"
#include "results/report/several.h"
#include "results/report/signoff.h"

/* Where the answer goes. */
static const char *output;

/* ---- nestlab report A B ---- */

static struct report_options make_options(const struct request_report *r)
{
	struct report_options how = {
		.db = command_places()->db,
		.reporter = r->reporter,
		.url = r->url,
		.explanations = command_places()->explanations,
		.explain = r->explain,
	};

	if (!output)
		how.columns = output_columns(STDOUT_FILENO, 0);
	return how;
}

/* Without boots there is no answer. */
static int report_no_comparison(int ret, const struct error *err)
{
	if (ret != -ENODATA)
		return command_fatal(err);
	log_error("%s", err->text);
	return EXIT_CANNOT_TELL;
}

/* The report of several kernels against one. */
static int render_several(struct results_db *db, const struct request_report *r)
{
	struct results_filter filter = {.session = r->session};
	size_t n;
	__cleanup_free const char **kernels = command_list_kernels(r->base, r->new, &r->others, &n);
	const struct report_options how = make_options(r);
	struct strbuf out = STRBUF_INIT;
	struct results_table table;
	struct several s = {.table = &table};
	struct error err = {0};
	int status, ret = results_compare_table(db, kernels, n, &filter, &table, &err);

	if (ret)
		return report_no_comparison(ret, &err);
	ret = results_head(db, &s.head, &err);
	if (!ret)
		ret = results_confirm_read(db, &err);
	if (!ret) {
		report_formats[r->format - 1].several(&s, &how, &out);
		ret = command_write_output(output, &out, &err);
	}
	status = command_verdict_status(table.verdict);
	if (ret)
		status = command_fatal(&err);
	strbuf_release(&out);
	results_table_free(&table);
	return status;
}

static int render_report(struct results_db *db, const struct request_report *r)
{
	struct results_filter filter = {.session = r->session};
	const struct report_options how = make_options(r);
	struct strbuf out = STRBUF_INIT;
	struct error err = {0};
	struct report report;
	int status, ret = report_load(db, r->base, r->new, &filter, &report, &err);

	if (ret)
		return report_no_comparison(ret, &err);
	ret = results_confirm_read(db, &err);
	if (ret) {
		report_free(&report);
		return command_fatal(&err);
	}
	report_formats[r->format - 1].render(&report, &how, &out);
	status = command_exit_status(&report.comparison);
	if (command_write_output(output, &out, &err))
		status = command_fatal(&err);
	strbuf_release(&out);
	report_free(&report);
	return status;
}

static int write_report(struct request *r, const char *line)
{
	struct error err = {0};
	struct results_db *db;
	int status;

	(void)line;
	if (results_open_read(command_places()->db, &db, &err))
		return command_fatal(&err);
	if (r->report.others.count)
		status = render_several(db, &r->report);
	else
		status = render_report(db, &r->report);
	results_close(db);
	return status;
}

/* ---- nestlab report signoff ---- */

#define FINDINGS_SHOWN 20 /* the pages have all */

static int write_page(const struct signoff *s, const struct policy *p, const struct report *r,
		      const struct report_options *how, bool html, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/signoff.%s", output, html ? "html" : "txt");
	struct strbuf out = STRBUF_INIT;
	int ret;

	signoff_render(s, p, r, how, html, &out);
	ret = fs_write_file(path, out.buf, out.len, err);
	strbuf_release(&out);
	return ret;
}

static int write_pages(const struct signoff *s, const struct policy *p, const struct report *r,
		       const struct request_signoff *q, struct error *err)
{
	struct report_options how = {
		.db = command_places()->db,
		.reporter = q->reporter,
		.url = q->url,
		.explanations = command_places()->explanations,
		.explain = q->explain,
	};
	int ret = fs_mkdir_p(output, err);

	if (ret)
		return ret;
	ret = write_page(s, p, r, &how, true, err);
	if (ret)
		return ret;
	return write_page(s, p, r, &how, false, err);
}

static void print_signoff(const struct request_signoff *q, const struct signoff *s)
{
	size_t shown = 0, more = 0;

	terminal_printf("%s: %s against %s\n", signoff_verdict_name(s->verdict), q->new, q->base);
	for (size_t i = 0; i < s->nfindings; i++) {
		if (s->findings[i].state == SIGNOFF_OK)
			continue;
		if (shown++ < FINDINGS_SHOWN)
			terminal_printf("  %s: %s\n", s->findings[i].what, s->findings[i].why);
		else
			more++;
	}
	if (more)
		terminal_printf("  and %zu more\n", more);
	terminal_printf("%s/signoff.html\n%s/signoff.txt\n", output, output);
}

/* @nothing: why there is nothing to judge, or NULL. */
static int judge_kernel(struct results_db *db, const struct request_signoff *q,
			const struct policy *p, struct report *r, const char *nothing)
{
	static const int statuses[] = {
		[SIGNOFF_PASS] = 0, [SIGNOFF_FAIL] = EXIT_NO, [SIGNOFF_BLOCKED] = EXIT_CANNOT_TELL};
	struct error err = {0};
	struct signoff s;
	int status;

	if (signoff_judge(db, p, r, NULL, nothing, &s, &err))
		return command_fatal(&err);
	if (results_confirm_read(db, &err)) {
		signoff_free(&s);
		return command_fatal(&err);
	}
	status = statuses[s.verdict];
	if (write_pages(&s, p, r, q, &err))
		status = command_fatal(&err);
	else
		print_signoff(q, &s);
	signoff_free(&s);
	return status;
}

/* Without boots of one of the kernels the sign-off is blocked and says why: no error here. */
static int load_and_judge(struct results_db *db, const struct request_signoff *q,
			  const struct policy *p)
{
	struct results_filter filter = {.session = q->session};
	const char *nothing = NULL;
	struct error err = {0}, head_err = {0};
	struct report r;
	int status, ret = report_load(db, q->base, q->new, &filter, &r, &err);

	if (ret == -ENODATA || ret == -ENOENT) {
		nothing = err.text;
		report_load_nothing(q->base, q->new, &r);
		if (results_head(db, &r.head, &head_err))
			return command_fatal(&head_err);
	} else if (ret) {
		return command_fatal(&err);
	}
	status = judge_kernel(db, q, p, &r, nothing);
	report_free(&r);
	return status;
}

/* Says which policies there are. */
static int report_unknown_policy(const char *policy, struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	char **names = NULL;
	size_t count = 0;
	const struct folders *folders = &command_places()->policies;
	__cleanup_free char *where = folders_words(folders);
	int ret = folders_list(folders, ".json", &names, &count, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&known, " %s", names[i]);
	fs_free_names(names, count);
	ret = error_set(err, -ENOENT,
			"--policy %s: no such file, and no policy of that name in %s; there are:%s",
			policy, where, known.len ? known.buf : " none");
	strbuf_release(&known);
	return ret;
}

/* A policy is a name of one of the user's or of results/policies, unless a file of that name is here. */
static int find_policy(const char *policy, char **path, struct error *err)
{
	*path = xstrdup(policy);
	if (fs_exists(policy))
		return 0;
	free(*path);
	*path = folders_find(&command_places()->policies, policy, ".json");
	if (*path)
		return 0;
	return report_unknown_policy(policy, err);
}

static int write_signoff(struct request *r, const char *line)
{
	__cleanup_free char *path = NULL;
	struct error err = {0};
	struct results_db *db;
	struct policy p;
	int status;

	(void)line;
	if (!output)
		command_usage_error("-o is missing: the folder for signoff.html and signoff.txt");
	if (find_policy(r->signoff.policy, &path, &err) || policy_load(path, &p, &err))
		return command_fatal(&err);
	if (results_open_read(command_places()->db, &db, &err)) {
		policy_free(&p);
		return command_fatal(&err);
	}
	status = load_and_judge(db, &r->signoff, &p);
	results_close(db);
	policy_free(&p);
	return status;
}

/* ---- the table ---- */

static const struct option_spec report_options[] = {
	OPTION_STRING("o", "FILE", &output, "the file to write (default: stdout)"), COMMAND_DB,
	OPTION_END};

static const struct option_spec signoff_options[] = {
	OPTION_STRING("o", "FOLDER", &output,
		      "the folder to write signoff.html and signoff.txt to"),
	COMMAND_DB, OPTION_END};

static const struct command actions[] = {
	{
		.name = "signoff",
		.help = "judge a kernel by a policy, and write the pages",
		.usage = "--policy POLICY --base KERNEL --new KERNEL -o FOLDER",
		.about =
			"Judges a kernel by a policy (results/policies/, docs/reports.md) and writes "
			"FOLDER/signoff.html and FOLDER/signoff.txt.",
		.exit_status = "0 PASS, 1 FAIL, 125 BLOCKED, 128 fatal",
		.options = signoff_options,
		.carry_out = write_signoff,
		.kind = REQUEST_SIGNOFF,
	},
	{0},
};

const struct command cmd_report = {
	.name = "report",
	.help = "render a comparison for people or CI, or sign it off",
	.usage = "[options] BASE NEW...",
	.about =
		"Renders the comparison of kernel NEW with kernel BASE, with the boots, hashes and "
		"commands behind it. docs/reports.md shows each format.\n"
		"\n"
		"Several NEW, or commits in order: one report, as text, html, markdown or json.",
	.exit_status = "0 no regression, 1 a regression, 125 cannot tell, 128 fatal",
	.options = report_options,
	.carry_out = write_report,
	.kind = REQUEST_REPORT,
	.actions = actions,
};
