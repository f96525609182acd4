// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/sha256.h"

char *journal_machine(const char *host, const char *port, const char *usual)
{
	char *machine = xstrdup(host);

	if (strcmp(port, usual)) {
		free(machine);
		machine = xasprintf("%s:%s", host, port);
	}
	for (char *p = machine; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return machine;
}

/* The holder's process id is in the lock file: for the message to whoever is refused. */
static void note_holder(int fd)
{
	__cleanup_free char *text = xasprintf("%d\n", getpid());

	if (ftruncate(fd, 0) || pwrite(fd, text, strlen(text), 0) < 0)
		return;
}

static int refuse_second(const struct host_config *cfg, const char *lock, struct error *err)
{
	struct strbuf pid = STRBUF_INIT;
	int ret;

	fs_read_file(lock, 64, &pid, NULL);
	ret = error_set(err, -EBUSY, "busy: host %s is used by another nestlab", cfg->name);
	if (pid.len > 1) /* it may not have written it yet */
		error_append(err, ret, " (process %.*s)", (int)strcspn(pid.buf, "\n"), pid.buf);
	strbuf_release(&pid);
	return ret;
}

static int take_lock(struct journal *j, const struct host_config *cfg, const char *key,
		     struct error *err)
{
	__cleanup_free char *lock = xasprintf("%s/%.16s.lock", cfg->state_dir, key);
	int ret = fs_mkdir_p(cfg->state_dir, err);

	if (ret)
		return ret;
	if (chmod(cfg->state_dir, 0700)) /* a boot's URL is in its journal */
		return error_set(err, -errno, "%s: cannot be made private: %s", cfg->state_dir,
				 strerror(errno));
	ret = fs_lock(lock, false, &j->lock_fd, err);
	if (ret == -EWOULDBLOCK)
		return refuse_second(cfg, lock, err);
	if (!ret)
		note_holder(j->lock_fd);
	return ret;
}

static int read_state(struct journal *j, struct error *err)
{
	struct json_node root;
	int ret;

	if (!fs_exists(j->path)) {
		j->state = json_object_new_object();
		return 0;
	}
	ret = json_load(j->path, &j->state, &root, err);
	if (!ret)
		ret = json_as_object(&root, err);
	if (!ret)
		return 0;
	return error_append(err, ret,
			    " (what a crashed run left on the host; look at the host and "
			    "remove the file)");
}

int journal_open(const struct host_config *cfg, const char *machine, struct journal **out,
		 struct error *err)
{
	struct journal *j = xcalloc(1, sizeof(*j));
	char key[SHA256_HEX];
	int ret;

	sha256_bytes(machine, strlen(machine), key);
	j->lock_fd = -1;
	j->path = xasprintf("%s/%.16s.state", cfg->state_dir, key);
	ret = take_lock(j, cfg, key, err);
	if (!ret)
		ret = read_state(j, err);
	if (ret) {
		json_object_put(j->state);
		j->state = NULL;
		journal_close(j);
		return ret;
	}
	*out = j;
	return 0;
}

int journal_note(struct journal *j, const char *key, struct json_object *value, struct error *err)
{
	const char *text;

	if (value)
		json_object_object_add(j->state, key, value);
	else
		json_object_object_del(j->state, key);
	text = json_object_to_json_string_ext(j->state, JSON_C_TO_STRING_PRETTY |
								JSON_C_TO_STRING_NOSLASHESCAPE);
	return fs_write_file(j->path, text, strlen(text), err);
}

const char *journal_string(const struct journal *j, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(j->state, key, &value))
		return NULL;
	return json_object_get_string(value);
}

bool journal_is_empty(const struct journal *j)
{
	return !json_object_object_length(j->state);
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	if (j->state && journal_is_empty(j))
		unlink(j->path);
	if (j->once && j->state && journal_is_empty(j)) {
		__cleanup_free char *lock =
			xasprintf("%.*s.lock", (int)(strlen(j->path) - strlen(".state")), j->path);

		unlink(lock);
	}
	json_object_put(j->state);
	if (j->lock_fd >= 0)
		close(j->lock_fd);
	free(j->path);
	free(j);
}
