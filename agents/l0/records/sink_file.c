// SPDX-License-Identifier: GPL-2.0-only
/* sink_file.c - apart from sink.c, which Windows' agent has, too, and files.c is not Windows'. */
#include <errno.h>
#include <inttypes.h>

#include "agents/l0/files.h"
#include "agents/l0/records/line.h"
#include "agents/l0/records/sink.h"

int sink_file(struct sink *s, const char *name, const char *path)
{
	static unsigned char bytes[SINK_FILE_MAX + 2]; /* one too many, and the NUL */
	ssize_t len = file_read(path, (char *)bytes, sizeof(bytes));
	static struct line l;

	if (len < 0)
		return (int)len;
	if (len > SINK_FILE_MAX)
		return -EFBIG;
	line_start(&l, "file");
	line_addf(&l, ",\"id\":%" PRIu32, s->id);
	line_add_member(&l, "name", name);
	line_addf(&l, ",\"data\":\"");
	for (ssize_t i = 0; i < len; i++)
		line_addf(&l, "%02x", bytes[i]);
	line_addf(&l, "\"");
	sink_line(s, &l);
	return 0;
}
