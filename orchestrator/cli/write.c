// SPDX-License-Identifier: GPL-2.0-only
/* Where an answer goes that -o can send to a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/cli/command.h"

static int write_stream(FILE *f, const char *name, const struct strbuf *out, struct error *err)
{
	if (fwrite(out->buf, 1, out->len, f) != out->len || fflush(f))
		return error_set(err, -errno, "%s: cannot write: %s", name, strerror(errno));
	return 0;
}

/* For a device, a pipe, /dev/stdout or a link that leads nowhere yet: a new file would stand in its place. */
static int write_in_place(const char *path, const struct strbuf *out, struct error *err)
{
	FILE *f = fopen(path, "w");
	int ret;

	if (!f)
		return error_set(err, -errno, "%s: cannot open for writing: %s", path,
				 strerror(errno));
	ret = write_stream(f, path, out, err);
	if (fclose(f) && !ret)
		ret = error_set(err, -errno, "%s: cannot write: %s", path, strerror(errno));
	return ret;
}

int command_write_output(const char *path, const struct strbuf *out, struct error *err)
{
	__cleanup_free char *file = NULL;

	if (!path)
		return write_stream(stdout, "stdout", out, err);
	if (fs_find_replaceable(path, &file, NULL))
		return write_in_place(path, out, err);
	return fs_write_file(file, out->buf, out->len, err);
}
