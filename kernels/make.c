// SPDX-License-Identifier: GPL-2.0-only
/* Running the kernel's make: the same environment everywhere, progress, and what went wrong. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/progress.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

#define FIRST_ERRORS 6

/*
 * Without these the user, the host and the date would get into the kernel's bytes, and a
 * surrounding make or git would change the build. KBUILD_BUILD_VERSION is the "#1" of uname -v,
 * which each make would count up otherwise.
 */
static const char *const environment[] = {
	"LC_ALL=C", "TZ=UTC", "ARCH=x86_64", "KBUILD_BUILD_USER=nestlab",
	"KBUILD_BUILD_HOST=nestlab", "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970",
	"KBUILD_BUILD_VERSION=1", "LOCALVERSION=", "GIT_DIR=/nonexistent", "SOURCE_DATE_EPOCH=0",
	/* removed */
	"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS", "MAKEFILES", "V", "O",
	"W", "C", "M", "CC", "LD", "HOSTCC", "SUBARCH", "CROSS_COMPILE", "KBUILD_OUTPUT",
	"KBUILD_EXTMOD", "KBUILD_EXTRA_WARN", "KCFLAGS", "KCPPFLAGS", "KAFLAGS", "HOSTCFLAGS",
	"CFLAGS", "CPPFLAGS", "LDFLAGS", "LLVM", "LLVM_IAS", "KCONFIG_CONFIG", "KCONFIG_ALLCONFIG",
	"KBUILD_VERBOSE", "CPATH", "C_INCLUDE_PATH", "LIBRARY_PATH", "GCC_COLORS", "TERM",
	/* by the selftests' makefiles (lib.mk) */
	"USERCFLAGS", "USERLDFLAGS", "OUTPUT", "KHDR_INCLUDES", "INSTALL_HDR_PATH", "LDLIBS",
	"TARGET_ARCH", NULL};

/* What make has printed so far. */
struct watcher {
	struct kernel_make *m;
	struct strbuf errors; /* the first compile errors */
	size_t nerrors;
	char *complaint;  /* make's own first "***" line */
	int limit;	  /* the machine's limit that a program met: a negative errno; 0: none */
	char *limit_line; /* the line that says so */
};

/* "  CC      arch/x86/kvm/x86.o": a command that make runs, not a message. */
static bool is_step(const char *line)
{
	return line[0] == ' ' && line[1] == ' ' && isupper((unsigned char)line[2]);
}

static bool is_error(const char *line)
{
	static const char *const signs[] = {"error:", "undefined reference", "multiple definition",
					    "Error: ", "cannot find -l"};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}

/* Signs that this machine is at fault, e.g. its OOM killer. SIGSEGV is not one: bad sources can crash a
 * compiler. */
static int find_limit(const char *line)
{
	static const struct {
		const char *sign;
		int code;
	} signs[] = {
		{"Killed signal terminated program", -ENOMEM},
		{"Terminated signal terminated program", -ENOMEM},
		{"] Killed", -ENOMEM},
		{"] Terminated", -ENOMEM},
		{"bwrap: ", -EAGAIN}, /* the sandbox cannot be made here */
	};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i].sign))
			return signs[i].code;
	return subprocess_find_limit(line);
}

/* "   12 |  pr_err("Out of memory");": source that the compiler quotes, which may say anything. */
static bool is_quoted_source(const char *line)
{
	return line[strspn(line, " 0123456789")] == '|';
}

static void note_limit(struct watcher *w, const char *line)
{
	if (w->limit || is_quoted_source(line))
		return;
	w->limit = find_limit(line);
	if (w->limit)
		w->limit_line = xstrdup(line);
}

/* There are more steps than expected: show no share rather than more than 100 %. */
static void count_step(struct kernel_make *m, const char *step)
{
	uint64_t expected = m->expected;

	m->steps++;
	if (m->steps > expected)
		expected = 0;
	if (m->progress)
		progress_update(m->progress, m->steps, expected, step);
}

static void watch_line(const char *line, void *arg)
{
	struct watcher *w = arg;

	if (is_step(line)) {
		count_step(w->m, line + 2);
		return;
	}
	note_limit(w, line);
	if (is_error(line) && w->nerrors++ < FIRST_ERRORS)
		strbuf_addf(&w->errors, "\n  %s", line);
	if (!w->complaint && strstr(line, "***"))
		w->complaint = xstrdup(line);
}

static int judge_make(const struct watcher *w, int status, struct error *err)
{
	if (!status)
		return 0;
	if (w->limit == -ENOSPC)
		return error_set(
			err, -ENOSPC,
			"%s: disk full while building; free some space or set NESTLAB_CACHE to a folder with about 3 GB",
			w->m->tree);
	if (w->limit)
		return error_set(
			err, w->limit,
			"the build ran into a limit (memory, open files, processes, sizes of files), which says nothing about the kernel: %s",
			w->limit_line);
	if (status > 128)
		return error_set(
			err, -ENOMEM,
			"make was killed by signal %d (perhaps for lack of memory), which says nothing about the kernel",
			status - 128);
	if (w->nerrors)
		return error_set(err, -ENOEXEC, "does not compile:%s", w->errors.buf);
	if (w->complaint)
		return error_set(err, -ENOEXEC, "make failed with status %d:\n  %s", status,
				 w->complaint);
	return error_set(err, -ENOEXEC, "make failed with status %d", status);
}

/* @cc: CC=..., which LLVM=1 sets itself, unless ccache comes in between. */
static const char **make_argv(const struct kernel_make *m, const char *jobs, const char *cc)
{
	const char *name = kernel_compiler_name(m->compiler);
	bool llvm = kernel_compiler_is_llvm(name);
	const char **argv = xcalloc(5, sizeof(*argv));
	size_t n = 0;

	argv[n++] = "make";
	argv[n++] = jobs;
	if (llvm)
		argv[n++] = name;
	if (!llvm || name != m->compiler)
		argv[n++] = cc;
	for (const char *const *t = m->targets; *t; t++) {
		argv = xrealloc(argv, n + 2, sizeof(*argv));
		argv[n++] = *t;
	}
	argv[n] = NULL;
	return argv;
}

int kernel_make_run(struct kernel_make *m, struct error *err)
{
	long njobs = m->jobs ? m->jobs : sysconf(_SC_NPROCESSORS_ONLN);
	__cleanup_free char *jobs = xasprintf("-j%ld", njobs);
	__cleanup_free char *cc = kernel_compiler_variable(m->compiler);
	__cleanup_free const char **plain = make_argv(m, jobs, cc), **wrapped = NULL;
	struct watcher w = {.m = m, .errors = STRBUF_INIT};
	struct subprocess sp = {.argv = plain,
				.env = environment,
				.cwd = m->tree,
				.log_path = m->log,
				.on_line = watch_line,
				.arg = &w};
	bool sandboxed;
	int status = 0, ret;

	m->tidy = false;
	ret = kernel_sandbox_check(&sandboxed, err);
	if (ret)
		return ret;
	if (sandboxed)
		sp.argv = wrapped = kernel_sandbox_wrap(m->tree, plain);
	ret = subprocess_run(&sp, &status, err);
	/* SIGKILL: in the middle of something; 0: was not started or just done. A make that sees its compilers die before it
	 * sees the signal itself removes their files as well, and exits with 2. A sandbox that is ended takes make with it,
	 * whatever that was at. */
	if (ret == -ECANCELED)
		m->tidy = !status || (!sandboxed && status != 128 + SIGKILL);
	if (!ret)
		ret = judge_make(&w, status, err);
	strbuf_release(&w.errors);
	free(w.complaint);
	free(w.limit_line);
	return ret;
}
