// SPDX-License-Identifier: GPL-2.0-only
#include "common/git.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"

/* The variables that `git rev-parse --local-env-vars` lists, except those that hold
 * configuration. */
static const char *const environment[] = {
	"LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
	/* removed */
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
	"GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_NAMESPACE",
	"GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE", "GIT_NO_REPLACE_OBJECTS",
	"GIT_IMPLICIT_WORK_TREE", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS",
	"GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS"};

static char *objects, *alternates; /* of git_keep_objects(): the folder, and as a variable */

/* Quoted as in C, since a colon would end the path (git 2.11 and later). */
char *git_alternates(const char *dir)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_addstr(&text, "GIT_ALTERNATE_OBJECT_DIRECTORIES=\"");
	for (; *dir; dir++) {
		if (*dir == '"' || *dir == '\\')
			strbuf_addch(&text, '\\');
		strbuf_addch(&text, *dir);
	}
	strbuf_addch(&text, '"');
	return strbuf_detach(&text);
}

int git_keep_objects(const char *dir, struct error *err)
{
	int ret = fs_mkdir_p(dir, err);

	if (ret)
		return ret;
	free(objects);
	free(alternates);
	objects = xstrdup(dir);
	alternates = git_alternates(dir);
	return 0;
}

const char *git_objects(void)
{
	return objects;
}

static size_t count_strings(const char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

/* "git", "-C", DIR, the arguments, NULL. The caller frees the array. */
static const char **make_argv(const struct git_command *cmd)
{
	size_t nargs = count_strings(cmd->args), n = 0;
	const char **argv = xcalloc(nargs + 4, sizeof(*argv));

	argv[n++] = "git";
	if (cmd->dir) {
		argv[n++] = "-C";
		argv[n++] = cmd->dir;
	}
	for (size_t i = 0; i < nargs; i++)
		argv[n++] = cmd->args[i];
	return argv;
}

/* The caller's words come last and so win over ours. */
static const char **make_environment(const struct git_command *cmd)
{
	size_t nours = ARRAY_SIZE(environment), ntheirs = count_strings(cmd->env);
	const char **env = xcalloc(nours + ntheirs + 2, sizeof(*env));

	memcpy(env, environment, sizeof(environment));
	if (alternates)
		env[nours++] = alternates;
	for (size_t i = 0; i < ntheirs; i++)
		env[nours + i] = cmd->env[i];
	return env;
}

/* The limit of the machine that made git fail; 0: none, the repository or the arguments are at
 * fault. */
static int find_limit(int status, const char *complaint)
{
	int limit = subprocess_find_limit(complaint);

	if (!limit && status == 128 + SIGXFSZ)
		return -EFBIG;
	/* git itself exits with 128 (fatal) and 129 (usage); 128 + N beyond: ended by signal N. SIGABRT and
	 * SIGSEGV are faults of git's, which its input led to. */
	if (!limit && status > 129 && status != 128 + SIGABRT && status != 128 + SIGSEGV)
		limit = -ENOMEM;
	return limit;
}

static const char *place_of(const struct git_command *cmd)
{
	if (!cmd->dir)
		return "the current folder";
	return cmd->dir;
}

/* "checkout", which may stand behind options: -c KEY=VALUE, --literal-pathspecs. */
static const char *subcommand_of(const struct git_command *cmd)
{
	for (size_t i = 0; cmd->args[i]; i++) {
		if (!strcmp(cmd->args[i], "-c") && cmd->args[i + 1])
			i++;
		else if (cmd->args[i][0] != '-')
			return cmd->args[i];
	}
	return "";
}

/* The line of git's complaints that made it give up: "fatal: not a git repository ...", after which advice may come
 * (where the folder's file system is mounted there); the last one where none says so. Cuts @text after it. */
static const char *deciding_line(struct strbuf *text)
{
	char *line = text->buf, *decides = NULL;

	if (!text->len)
		return "git printed no reason";
	for (char *next; *line; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n;
		next += *next == '\n';
		if (n && (!decides || strncmp(decides, "fatal: ", 7)))
			decides = line;
	}
	if (!decides)
		return "git printed no reason";
	decides[strcspn(decides, "\n")] = '\0';
	return decides;
}

/* A program that a signal ended says nothing itself. */
static int report_limit(const struct git_command *cmd, int limit, int status,
			struct strbuf *complaints, struct error *err)
{
	if (complaints->len || status <= 128)
		return error_set(err, limit, "git %s in %s: %s", subcommand_of(cmd), place_of(cmd),
				 deciding_line(complaints));
	return error_set(err, limit, "git %s in %s was ended by signal %d (%s)", subcommand_of(cmd),
			 place_of(cmd), status - 128, strsignal(status - 128));
}

/* git does not read a repository of another user's, whose configuration could name programs to run. Its last
 * line is the remedy. */
static int check_ownership(const struct git_command *cmd, const struct strbuf *complaints,
			   struct error *err)
{
	const char *remedy;

	if (!strstr(complaints->buf, "detected dubious ownership"))
		return 0;
	remedy = strstr(complaints->buf, "git config --global --add safe.directory");
	if (!remedy)
		remedy = "git config --global --add safe.directory FOLDER";
	return error_set(
		err, -EACCES,
		"%s: belongs to another user, so git does not read it; if you trust it: %.*s",
		place_of(cmd), (int)strcspn(remedy, "\n"), remedy);
}

/* Runs git and stores its exit status. The error is negative only if git could not be run or the machine
 * was at its limits. */
static int run_command(const struct git_command *cmd, int *status, struct strbuf *out,
		       struct strbuf *complaints, struct error *err)
{
	__cleanup_free const char **argv = make_argv(cmd);
	__cleanup_free const char **env = make_environment(cmd);
	struct subprocess sp = {.argv = argv,
				.env = env,
				.stdin_path = cmd->stdin_path,
				.out = out,
				.errors = complaints};
	int limit, ret = subprocess_run(&sp, status, err);

	if (ret || !*status)
		return ret;
	limit = find_limit(*status, complaints->buf);
	if (!limit)
		return check_ownership(cmd, complaints, err);
	return report_limit(cmd, limit, *status, complaints, err);
}

static int report_failure(const struct git_command *cmd, int status, struct strbuf *complaints,
			  struct error *err)
{
	return error_set(err, -EREMOTEIO, "git %s in %s failed with status %d: %s",
			 subcommand_of(cmd), place_of(cmd), status, deciding_line(complaints));
}

int git_run(const struct git_command *cmd, int *status, struct strbuf *out, struct error *err)
{
	struct strbuf dropped = STRBUF_INIT, complaints = STRBUF_INIT;
	int code, ret;

	if (!out)
		out = &dropped;
	ret = run_command(cmd, &code, out, &complaints, err);
	if (cmd->complaints)
		strbuf_add(cmd->complaints, complaints.buf, complaints.len);
	if (ret)
		goto out;
	if (status)
		*status = code;
	else if (code)
		ret = report_failure(cmd, code, &complaints, err);
out:
	strbuf_release(&dropped);
	strbuf_release(&complaints);
	return ret;
}

int git_line(const struct git_command *cmd, char **line, struct error *err)
{
	struct strbuf out = STRBUF_INIT;
	int ret = git_run(cmd, NULL, &out, err);

	*line = NULL;
	if (!ret)
		*line = strndup(out.buf, strcspn(out.buf, "\n"));
	strbuf_release(&out);
	return ret;
}

/* rev-parse --verify --quiet exits with 1 where there is no such commit, with 128 where there is no
 * repository. */
static int find_commit(struct git_command *cmd, const char *place, const char *name, char **commit,
		       struct error *err)
{
	__cleanup_free char *peeled = xasprintf("%s^{commit}", name);
	const char *const args[] = {"rev-parse",	"--verify", "--quiet",
				    "--end-of-options", peeled,	    NULL};
	struct strbuf out = STRBUF_INIT, complaints = STRBUF_INIT;
	int status, ret;

	cmd->args = args;
	*commit = NULL;
	ret = run_command(cmd, &status, &out, &complaints, err);
	if (ret)
		goto out;
	if (status == 1)
		ret = error_set(err, -EINVAL, "%s: has no commit called %s", place, name);
	else if (status)
		ret = report_failure(cmd, status, &complaints, err);
	else
		*commit = strndup(out.buf, strcspn(out.buf, "\n"));
out:
	strbuf_release(&out);
	strbuf_release(&complaints);
	return ret;
}

int git_find_commit(const char *dir, const char *name, char **commit, struct error *err)
{
	struct git_command cmd = {.dir = dir};

	return find_commit(&cmd, dir, name, commit, err);
}

int git_find_commit_in(const char *git_dir, const char *name, char **commit, struct error *err)
{
	__cleanup_free char *repository = xasprintf("GIT_DIR=%s", git_dir);
	const char *const env[] = {repository, NULL};
	struct git_command cmd = {.env = env};

	return find_commit(&cmd, git_dir, name, commit, err);
}
