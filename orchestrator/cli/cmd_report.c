// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "common/options.h"
#include "orchestrator/cli/command.h"
#include "results/report/report.h"
#include "results/report/signoff.h"

static const char usage[] = "nestlab report A B [--format F] [-o FILE]\n"
			    "       nestlab report signoff --policy FILE --base A --new B -o DIR";
static const char about[] =
	"Renders the comparison of B with A, with the boots, hashes and commands behind it.\n"
	"Formats: text, html, markdown, csv, json, ktap, junit, kcidb, email.\n\n"
	"signoff judges B by a policy (results/policies/, docs/reports.md) and writes\n"
	"DIR/signoff.html and DIR/signoff.txt.\n\n"
	"Exit status: report: 0 no regression, 1 a regression, 125 cannot tell; signoff: 0 PASS,\n"
	"1 FAIL, 125 BLOCKED; both: 128 fatal.";

struct arguments {
	const char *format, *output, *db, *session, *policy, *base, *new;
	struct report_options report;
};

static int fatal(const struct error *err)
{
	log_error("%s", err->text);
	return EXIT_FATAL;
}

static int write_stream(FILE *f, const char *name, const struct strbuf *out, struct error *err)
{
	if (fwrite(out->buf, 1, out->len, f) != out->len || fflush(f))
		return error_set(err, -errno, "%s: %s", name, strerror(errno));
	return 0;
}

/* A device, pipe or link is written to; renaming a new file over it would take its place. */
static int write_in_place(const char *path, const struct strbuf *out, struct error *err)
{
	FILE *f = fopen(path, "w");
	int ret;

	if (!f)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	ret = write_stream(f, path, out, err);
	if (fclose(f) && !ret)
		ret = error_set(err, -errno, "%s: %s", path, strerror(errno));
	return ret;
}

/* To the file, or stdout. */
static int write_out(const char *path, const struct strbuf *out, struct error *err)
{
	struct stat st;

	if (!path)
		return write_stream(stdout, "stdout", out, err);
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return write_in_place(path, out, err);
	return fs_write_file(path, out->buf, out->len, err);
}

/* ---- nestlab report A B ---- */

static int render(struct results_db *db, const struct arguments *a,
		  const struct report_format *format, struct error *err)
{
	struct results_filter filter = {.session = a->session};
	struct strbuf out = STRBUF_INIT;
	struct report r;
	int ret = report_load(db, a->base, a->new, &filter, &r, err);

	if (ret == -ENODATA) {
		log_error("%s", err->text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return fatal(err);
	format->render(&r, &a->report, &out);
	ret = write_out(a->output, &out, err);
	ret = ret ? fatal(err) : command_exit_status(&r.comparison);
	strbuf_release(&out);
	report_free(&r);
	return ret;
}

/* ---- nestlab report signoff ---- */

#define FINDINGS_TOLD 20 /* the pages have all */

static int write_page(const struct arguments *a, const struct signoff *s, const struct policy *p,
		      const struct report *r, bool html, struct error *err)
{
	__cleanup_free char *path = xasprintf("%s/signoff.%s", a->output, html ? "html" : "txt");
	struct strbuf out = STRBUF_INIT;
	int ret;

	signoff_render(s, p, r, &a->report, html, &out);
	ret = fs_write_file(path, out.buf, out.len, err);
	strbuf_release(&out);
	return ret;
}

static void print_signoff(const struct arguments *a, const struct signoff *s)
{
	size_t told = 0, more = 0;

	printf("%s: %s against %s\n", signoff_verdict_name(s->verdict), a->new, a->base);
	for (size_t i = 0; i < s->nfindings; i++) {
		if (s->findings[i].state == SIGNOFF_OK)
			continue;
		if (told++ < FINDINGS_TOLD)
			printf("  %s: %s\n", s->findings[i].what, s->findings[i].why);
		else
			more++;
	}
	if (more)
		printf("  and %zu more\n", more);
	printf("%s/signoff.html\n%s/signoff.txt\n", a->output, a->output);
}

static int judge(struct results_db *db, const struct arguments *a, const struct policy *p,
		 struct report *r, const char *nothing, struct error *err)
{
	static const int statuses[] = {
		[SIGNOFF_PASS] = 0, [SIGNOFF_FAIL] = EXIT_NO, [SIGNOFF_BLOCKED] = EXIT_CANNOT_TELL};
	struct signoff s;
	int ret = signoff_judge(db, p, r, NULL, nothing, &s, err);

	if (ret)
		return fatal(err);
	ret = fs_mkdir_p(a->output, err);
	ret = ret ? ret : write_page(a, &s, p, r, true, err);
	ret = ret ? ret : write_page(a, &s, p, r, false, err);
	if (!ret)
		print_signoff(a, &s);
	ret = ret ? fatal(err) : statuses[s.verdict];
	signoff_free(&s);
	return ret;
}

/* No runs of one of them is no error here: it is what a blocked sign-off says. */
static int sign_off(struct results_db *db, const struct arguments *a, struct error *err)
{
	struct results_filter filter = {.session = a->session};
	__cleanup_free char *path = NULL;
	__cleanup_free char *nothing = NULL;
	__cleanup_free char *root = fs_data_root();
	struct policy p;
	struct report r;
	int ret;

	path = fs_is_plain_name(a->policy) && !fs_exists(a->policy)
		       ? xasprintf("%s/results/policies/%s.json", root, a->policy)
		       : xstrdup(a->policy);
	if (policy_load(path, &p, err))
		return fatal(err);
	ret = report_load(db, a->base, a->new, &filter, &r, err);
	if (ret == -ENODATA || ret == -ENOENT) {
		nothing = xstrdup(err->text);
		report_load_nothing(a->base, a->new, &r);
		ret = 0;
	}
	if (ret) {
		policy_free(&p);
		return fatal(err);
	}
	ret = judge(db, a, &p, &r, nothing, err);
	report_free(&r);
	policy_free(&p);
	return ret;
}

/* ---- arguments ---- */

static bool check_arguments(int n, char **argv, struct arguments *a)
{
	if (n && !strcmp(argv[0], "signoff")) {
		if (n != 1 || !a->policy || !a->base || !a->new || !a->output)
			options_usage_error(usage, "signoff wants --policy, --base, --new and -o");
		return true;
	}
	if (n != 2)
		options_usage_error(usage, "give two kernels, base first");
	if (a->policy || a->base || a->new)
		options_usage_error(usage, "--policy, --base and --new go with signoff");
	if (!report_find_format(a->format))
		options_usage_error(usage, "%s: no such format", a->format);
	a->base = argv[0];
	a->new = argv[1];
	return false;
}

int cmd_report(int argc, char **argv)
{
	struct arguments a = {.format = "text"};
	const struct option_spec opts[] = {
		OPTION_STRING("format", "F", &a.format, "how (default: text)"),
		OPTION_STRING("o", "PATH", &a.output, "file (signoff: folder) to write"),
		OPTION_STRING("db", "FILE", &a.db, "database (default: results/nestlab.db)"),
		OPTION_STRING("session", "ID", &a.session, "only boots of this `nestlab run`"),
		OPTION_STRING("policy", "FILE", &a.policy, "signoff: what is asked for"),
		OPTION_STRING("base", "A", &a.base, "signoff: the kernel to compare with"),
		OPTION_STRING("new", "B", &a.new, "signoff: the kernel to sign"),
		OPTION_STRING("reporter", "WHO", &a.report.reporter, "email: \"Name <address>\""),
		OPTION_STRING("url", "URL", &a.report.url, "email: where the report can be read"),
		OPTION_END};
	int n = options_parse(argc, argv, opts, usage, about), ret;
	bool signoff = check_arguments(n, argv, &a);
	__cleanup_free char *path = command_db_path(a.db);
	struct error err = {0};
	struct results_db *db;

	a.report.db = path;
	if (results_open(path, false, &db, &err))
		return fatal(&err);
	ret = signoff ? sign_off(db, &a, &err) : render(db, &a, report_find_format(a.format), &err);
	results_close(db);
	return ret;
}
