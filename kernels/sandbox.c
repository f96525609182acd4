// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel's makefiles are programs of whoever wrote the patch. With NESTLAB_SANDBOX=bwrap in the environment (a worker's unit has
 * it) they run where they can write nothing but their tree: no network, no other process, no home, no /run (sockets, and systemd's
 * credentials). ccache is read, never written: what one patch put there another would be built with.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/subprocess.h"
#include "kernels/internal.h"

#define VARIABLE "NESTLAB_SANDBOX"
#define PROGRAM	 "bwrap"

static const char *const before[] = {PROGRAM,
				     "--unshare-all",
				     "--die-with-parent",
				     "--cap-drop",
				     "ALL",
				     "--ro-bind",
				     "/",
				     "/",
				     "--dev",
				     "/dev",
				     "--proc",
				     "/proc",
				     "--tmpfs",
				     "/tmp",
				     "--tmpfs",
				     "/var/tmp",
				     "--tmpfs",
				     "/run",
				     "--tmpfs",
				     "/home",
				     "--tmpfs",
				     "/root",
				     "--setenv",
				     "CCACHE_READONLY",
				     "1",
				     "--bind"};

int kernel_sandbox_check(bool *wanted, struct error *err)
{
	const char *value = getenv(VARIABLE);

	*wanted = value && *value;
	if (!*wanted)
		return 0;
	if (strcmp(value, PROGRAM))
		return error_set(err, -EINVAL, VARIABLE ": expected " PROGRAM ", not %s", value);
	if (subprocess_have(PROGRAM))
		return 0;
	return error_set(err, -ENOENT,
			 VARIABLE " is set, but there is no " PROGRAM ": install bubblewrap");
}

const char **kernel_sandbox_wrap(const char *tree, const char *const *argv)
{
	size_t count = 0, n = ARRAY_SIZE(before);
	const char **wrapped;

	while (argv[count])
		count++;
	wrapped = xcalloc(n + count + 4, sizeof(*wrapped));
	memcpy(wrapped, before, sizeof(before));
	wrapped[n++] = tree;
	wrapped[n++] = tree;
	wrapped[n++] = "--";
	memcpy(wrapped + n, argv, count * sizeof(*argv));
	return wrapped;
}
