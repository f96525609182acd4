// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"

#define FILE_PREFIX    "file:"
#define SYSTEMD_PREFIX "systemd:"
#define BYTES_MAX      4096

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

int credentials_check(const char *where, struct error *err)
{
	if (has_prefix(where, FILE_PREFIX) && where[strlen(FILE_PREFIX)] == '/')
		return 0;
	if (has_prefix(where, SYSTEMD_PREFIX) && fs_is_plain_name(where + strlen(SYSTEMD_PREFIX)))
		return 0;
	return error_set(err, -EINVAL, "expected file:/PATH or systemd:NAME");
}

static int find_path(const char *where, char **path, struct error *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	int ret = credentials_check(where, err);

	if (ret)
		return ret;
	if (has_prefix(where, FILE_PREFIX)) {
		*path = xstrdup(where + strlen(FILE_PREFIX));
		return 0;
	}
	if (!dir)
		return error_set(err, -ENOENT,
				 "%s: systemd gave no credentials (LoadCredential= in the unit; on "
				 "the command line use file:PATH)",
				 where);
	*path = xasprintf("%s/%s", dir, where + strlen(SYSTEMD_PREFIX));
	return 0;
}

/* As ssh has it for its keys. */
static int check_owner(const char *path, int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(err, -EINVAL, "%s: not a file", path);
	if (st.st_uid != geteuid() && st.st_uid)
		return error_set(err, -EACCES, "%s: belongs to another user; chown it", path);
	if (st.st_mode & 077)
		return error_set(err, -EACCES,
				 "%s: others may read the password (mode %03o); chmod 600 it", path,
				 (unsigned int)st.st_mode & 0777);
	return 0;
}

/* The value of "KEY=value" among the lines; NULL: none. */
static char *find_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n')
		if (!strncmp(line, key, len) && line[len] == '=')
			return xasprintf("%.*s", (int)strcspn(line + len + 1, "\r\n"),
					 line + len + 1);
	return NULL;
}

static int read_values(const char *path, int fd, struct credentials *c, struct error *err)
{
	char text[BYTES_MAX];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	text[n] = '\0';
	c->user = find_value(text, "user");
	c->password = find_value(text, "password");
	explicit_bzero(text, sizeof(text));
	if (c->user && *c->user && c->password)
		return 0;
	credentials_release(c);
	return error_set(err, -EINVAL, "%s: expected two lines, user=NAME and password=TEXT", path);
}

int credentials_read(const char *where, struct credentials *c, struct error *err)
{
	static const struct rlimit none;
	__cleanup_free char *path = NULL;
	int fd, ret = find_path(where, &path, err);

	*c = (struct credentials){0};
	if (ret)
		return ret;
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none); /* for ipmitool: an exec makes a process dumpable again */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return error_set(err, -errno, "%s: cannot read the BMC's credentials: %s", path,
				 strerror(errno));
	ret = check_owner(path, fd, err);
	if (!ret)
		ret = read_values(path, fd, c, err);
	close(fd);
	return ret;
}

void credentials_release(struct credentials *c)
{
	if (c->password)
		explicit_bzero(c->password, strlen(c->password));
	free(c->user);
	free(c->password);
	*c = (struct credentials){0};
}
