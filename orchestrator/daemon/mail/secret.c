// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/mail/secret.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

#define SECRET_MAX 1024

char *secret_read(const char *path, const char *name)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	__cleanup_free char *credential = NULL;
	struct strbuf text = STRBUF_INIT;

	if (!path && folder) {
		credential = xasprintf("%s/%s", folder, name);
		if (fs_exists(credential))
			path = credential;
	}
	if (path && !fs_read_file(path, SECRET_MAX, &text, NULL)) {
		text.buf[strcspn(text.buf, "\r\n")] = '\0';
		if (*text.buf)
			return strbuf_detach(&text);
	}
	strbuf_release(&text);
	return NULL;
}
