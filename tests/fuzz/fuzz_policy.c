// SPDX-License-Identifier: GPL-2.0-only
/* A sign-off policy of any bytes: taken, or refused with the file named; and text as markup. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/utf8.h"
#include "results/report/markup.h"
#include "results/report/policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_policy(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[32];
	struct error err = {0};
	struct policy p;

	if (fd < 0)
		fd = memfd_create("policy", 0);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!policy_load(path, &p, &err)) {
		for (size_t i = 0; i < p.nrules; i++)
			policy_matches(&p.rules[i].match, "multiplex", "switch",
				       "{\"l2_vcpus\":8,\"memory\":\"managed\"}");
		policy_free(&p);
	} else if (strncmp(err.text, path, strlen(path))) {
		abort();
	}
}

static void try_markup(const uint8_t *data, size_t size)
{
	__cleanup_free char *text = xcalloc(size + 1, 1);
	struct strbuf out = STRBUF_INIT;

	memcpy(text, data, size);
	markup_add(&out, text);
	if (strpbrk(out.buf, "<>\"'\x1b"))
		abort();
	strbuf_reset(&out);
	markup_line(&out, text);
	if (strpbrk(out.buf, "\r\n\x1b"))
		abort();
	for (const char *s = out.buf; *s; s += utf8_length(s, UTF8_TO_NUL))
		if (!utf8_length(s, UTF8_TO_NUL))
			abort();
	strbuf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_policy(data, size);
	try_markup(data, size);
	return 0;
}
