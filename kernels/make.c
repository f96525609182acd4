// SPDX-License-Identifier: GPL-2.0-only
/* Running the kernel's make: the same environment everywhere, progress, and what went wrong. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/progress.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

#define FIRST_ERRORS 6

/*
 * Who builds where and when would get into the bytes; a surrounding make or git would get into the
 * build. KBUILD_BUILD_VERSION is the "#1" of uname -v, which each make would count up otherwise.
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

const char kernel_make_flags[] =
	"ARCH=x86_64 user=host=nestlab timestamp=1970-01-01 version=1 LOCALVERSION=";

/* What make said so far. */
struct watcher {
	struct kernel_make *m;
	struct strbuf errors; /* the first compile errors */
	size_t nerrors;
	char *complaint; /* make's own first "***" line */
	bool disk_full;
	char *killed; /* what says that a program of the build was killed or got no memory */
};

/* "  CC      arch/x86/kvm/x86.o": what make does, not what it reports. */
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

/* A fault of this machine's. A compiler's SIGSEGV is none: sources can bring that about. */
static bool is_machines_fault(const char *line)
{
	static const char *const signs[] = {"Killed signal terminated program",
					    "Terminated signal terminated program",
					    "] Killed",
					    "] Terminated",
					    "virtual memory exhausted",
					    "cc1: out of memory",
					    "Cannot allocate memory"};

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++)
		if (strstr(line, signs[i]))
			return true;
	return false;
}

static void watch(const char *line, void *arg)
{
	struct watcher *w = arg;
	struct kernel_make *m = w->m;

	if (is_step(line)) {
		m->steps++;
		if (m->progress)
			progress_update(m->progress, m->steps,
					m->steps <= m->expected ? m->expected : 0, line + 2);
		return;
	}
	if (strstr(line, "No space left on device"))
		w->disk_full = true;
	if (!w->killed && is_machines_fault(line))
		w->killed = xstrdup(line);
	if (is_error(line) && w->nerrors++ < FIRST_ERRORS)
		strbuf_addf(&w->errors, "\n  %s", line);
	if (!w->complaint && strstr(line, "***"))
		w->complaint = xstrdup(line);
}

static int judge(const struct watcher *w, int status, struct error *err)
{
	if (!status)
		return 0;
	if (w->disk_full)
		return error_set(err, -ENOSPC,
				 "%s: disk full while building; free some space or set "
				 "NESTLAB_CACHE to a folder with about 3 GB",
				 w->m->tree);
	if (w->killed || status > 128)
		return error_set(err, -ENOMEM,
				 "the build was killed, which is this machine's fault and not the "
				 "kernel's (out of memory?): %s",
				 w->killed ? w->killed : "make ended by a signal");
	if (w->nerrors)
		return error_set(err, -EIO, "does not compile:%s", w->errors.buf);
	return error_set(err, -EIO, "make failed with status %d%s%s", status,
			 w->complaint ? ":\n  " : "", w->complaint ? w->complaint : "");
}

static const char **arguments(const struct kernel_make *m, const char *jobs, const char *cc)
{
	const char **argv = xcalloc(4, sizeof(*argv));
	size_t n = 0;

	argv[n++] = "make";
	argv[n++] = jobs;
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
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	__cleanup_free char *jobs = xasprintf("-j%ld", m->jobs ? m->jobs : cores);
	__cleanup_free char *cc = xasprintf("CC=%s", m->compiler);
	__cleanup_free const char **argv = arguments(m, jobs, cc);
	struct watcher w = {.m = m, .errors = STRBUF_INIT};
	struct subprocess sp = {.argv = argv,
				.env = environment,
				.cwd = m->tree,
				.log_path = m->log,
				.on_line = watch,
				.arg = &w};
	int status, ret;

	m->steps = 0;
	ret = subprocess_run(&sp, &status, err);
	if (!ret)
		ret = judge(&w, status, err);
	strbuf_release(&w.errors);
	free(w.complaint);
	free(w.killed);
	return ret;
}

int kernel_tool_version(const char *program, char **line, struct error *err)
{
	const char *argv[] = {program, "--version", NULL};
	struct strbuf out = STRBUF_INIT;
	struct subprocess sp = {.argv = argv, .out = &out};
	int ret;

	if (!subprocess_have(program))
		return error_set(err, -ENOENT, "%s: no such program in PATH", program);
	ret = subprocess_run(&sp, NULL, err);
	out.buf[strcspn(out.buf, "\n")] = '\0';
	if (!ret)
		*line = xstrdup(out.buf);
	strbuf_release(&out);
	return ret;
}
