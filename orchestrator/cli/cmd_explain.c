// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/log.h"
#include "orchestrator/cli/command.h"
#include "orchestrator/engine/run.h"
#include "orchestrator/explain/explain.h"
#include "results/explain/keep.h"

#define FROM_MAX (64 << 20) /* bytes */

static bool as_json, all_rows;
static const char *format, *output, *from;
static const struct option_spec options[] = {
	OPTION_FLAG("json", &as_json, "the same as --format json", .excludes = "format"),
	OPTION_FLAG("all", &all_rows, "every row, not only those that matter"),
	OPTION_STRING("format", "FORMAT", &format, "text, json, html or folded"),
	OPTION_STRING("o", "FILE", &output, "write to FILE instead of stdout"),
	OPTION_STRING("from", "FILE", &from,
		      "show an explanation that --json wrote; boots nothing"),
	COMMAND_DB,
	OPTION_END};

static const struct explain_format *find_format(void)
{
	const char *name = format ? format : "text";

	if (as_json)
		name = "json";
	if (all_rows && strcmp(name, "text"))
		command_usage_error("--all: %s has every row in any case", name);
	for (const struct explain_format *f = explain_formats; f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	command_usage_error("--format: unknown format %s: text, json, html or folded", name);
}

static int write_answer(const struct explanation *e, const struct explain_format *f,
			struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	int ret = 0;

	if (!strcmp(f->name, "text"))
		explain_text(e, all_rows ? EXPLAIN_ALL : 0, &out);
	else
		f->render(e, &out);
	if (!output && !strcmp(f->name, "text"))
		command_print_text(out.buf);
	else
		ret = command_write_output(output, &out, err);
	strbuf_release(&out);
	return ret;
}

/* Said before the boots, and not a minute later. */
static int check_output(struct error *err)
{
	__cleanup_free char *copy = NULL;
	const char *dir;
	struct stat st;

	if (!output)
		return 0;
	if (!stat(output, &st) && S_ISDIR(st.st_mode))
		return error_set(err, -EISDIR, "-o %s: this is a folder", output);
	copy = xstrdup(output);
	dir = dirname(copy);
	if (!access(dir, W_OK | X_OK))
		return 0;
	return error_set(err, -errno, "-o %s: cannot write into the folder %s: %s", output, dir,
			 strerror(errno));
}

/* What took minutes is shown whatever becomes of the copy that is kept. */
static int write_and_keep(const struct explanation *e, const struct explain_format *f,
			  struct error *err)
{
	struct error keeping = {0};
	int kept = explain_keep(command_places()->explanations, e, &keeping);
	int ret = write_answer(e, f, err);

	if (kept && ret) {
		log_error("%s", keeping.text);
	} else if (kept) {
		*err = keeping;
		ret = kept;
	}
	return ret;
}

static int carry_out_explain(struct request *r, const char *line)
{
	const struct explain_format *f = find_format();
	char session[RUN_SESSION_MAX];
	struct explanation e = {0};
	struct error err = {0};
	int ret;

	(void)line;
	request_absolute(r);
	run_new_session(session);
	ret = check_output(&err);
	if (!ret)
		ret = explain_execute(&r->explain, session, command_places()->runs, &e, &err);
	if (!ret)
		ret = write_and_keep(&e, f, &err);
	explanation_free(&e);
	if (ret == -ENOTSUP || ret == -ENODATA) {
		log_error("%s", err.text);
		return EXIT_CANNOT_TELL;
	}
	if (ret)
		return command_fatal(&err);
	return 0;
}

static bool is_from_file(void)
{
	return from;
}

static int show_file(int n, char **operands)
{
	const struct explain_format *f = find_format();
	struct strbuf text = STRBUF_INIT;
	struct explanation e = {0};
	struct error err = {0};
	int ret;

	if (n)
		command_usage_error("%s: --from needs no kernel", operands[0]);
	ret = fs_read_file(from, FROM_MAX, &text, &err);
	if (!ret)
		ret = explain_from_json(text.buf, text.len, from, &e, &err);
	if (!ret)
		ret = write_answer(&e, f, &err);
	strbuf_release(&text);
	explanation_free(&e);
	return ret ? command_fatal(&err) : 0;
}

const struct command cmd_explain = {
	.name = "explain",
	.help = "where the instructions of an operation go, and which of them a change moved",
	.usage = "[options] KERNEL [KERNEL] --scenario KIND --metric METRIC\n"
		 "--from FILE [--format FORMAT] [-o FILE]",
	.about =
		"Boots each kernel on the emulated host and follows a random sample of the "
		"measurement's operations, instruction by instruction. Tells the instructions of one "
		"operation (one switch, one exit, ...) by level, source file and function, who called "
		"them, and the instructions that hardware feels; for two kernels (the base first) the "
		"differences with their intervals.\n"
		"\n"
		"  nestlab explain baseline nested-context --scenario multiplex --metric switch \\\n"
		"      --param memory=unmanaged --format html -o explain.html",
	.exit_status = "0 explained, 125 cannot tell (SKIP: this host cannot be traced), 128 fatal",
	.options = options,
	.run = show_file,
	.without_request = is_from_file,
	.carry_out = carry_out_explain,
	.kind = REQUEST_EXPLAIN,
};
