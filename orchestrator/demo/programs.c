// SPDX-License-Identifier: GPL-2.0-only
/* The demo's daemon and its agent: started, watched, asked. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "orchestrator/demo/state.h"

#define LOOK_MS	  250
#define START_MS  30000
#define LOG_MAX	  (4 << 20)
#define SLOTS_MAX 2

/* ---- waiting ---- */

/* The log's last line says why, most often. */
static int program_ended(const struct demo *d, const char *program, struct error *err)
{
	__cleanup_free char *log = xasprintf("%s/%s.log", d->folder, program);
	struct strbuf text = STRBUF_INIT;
	const char *last = "";
	struct error why;
	int ret = fs_read_file(log, LOG_MAX, &text, &why);

	for (char *line = strtok(text.buf, "\n"); !ret && text.len && line;
	     line = strtok(NULL, "\n"))
		last = line;
	ret = error_set(err, -EIO, "%s ended: %s\nIts log is %s", program, last, log);
	strbuf_release(&text);
	return ret;
}

/* A while, unless something ends it. */
int demo_wait(struct demo *d, struct error *err)
{
	struct pollfd fds[] = {{.fd = cancel_fd(), .events = POLLIN},
			       {.fd = d->daemon.pidfd, .events = POLLIN},
			       {.fd = d->agent.pidfd, .events = POLLIN}};

	poll(fds, ARRAY_SIZE(fds), LOOK_MS);
	if (cancel_requested())
		return cancel_error(err);
	if (fds[1].revents)
		return program_ended(d, "nestlabd", err);
	if (fds[2].revents)
		return program_ended(d, "agent", err);
	return 0;
}

/* A number of the queue; 0 where there is none. */
int64_t demo_ask_queue(struct demo *d, const char *sql)
{
	struct error err;
	int64_t n = 0;

	database_number(d->queue, 0, &n, &err, sql, "");
	return n;
}

/* ---- the parts ---- */

static int start_program(struct demo *d, const char *name, const char *const *words,
			 struct command_process *out, struct error *err)
{
	__cleanup_free char *programs = fs_program_dir();
	__cleanup_free char *log = xasprintf("%s/%s.log", d->folder, name);
	__cleanup_free char *program =
		xasprintf("%s/%s", programs, strcmp(name, "agent") ? name : "nestlab");
	const char *argv[16] = {program};

	for (int i = 0; words[i]; i++)
		argv[i + 1] = words[i];
	return command_start(argv, d->folder, log, out, err);
}

/* It says so in its log, once. */
#define PORT "127.0.0.1 port "
static int find_port(struct demo *d, struct error *err)
{
	__cleanup_free char *log = xasprintf("%s/nestlabd.log", d->folder);
	struct strbuf text = STRBUF_INIT;
	const char *at = NULL;
	int ret = 0;

	for (int waited = 0; !ret && !at && waited < START_MS; waited += LOOK_MS) {
		ret = demo_wait(d, err);
		strbuf_reset(&text);
		if (!ret)
			ret = fs_read_file(log, 0, &text, err);
		if (!ret && strstr(text.buf, "nestlabd works in"))
			at = strstr(text.buf, PORT);
	}
	if (at)
		d->url = xasprintf("http://127.0.0.1:%d", atoi(at + strlen(PORT)));
	else if (!ret)
		ret = error_set(err, -ETIMEDOUT, "nestlabd does not begin; see %s", log);
	strbuf_release(&text);
	return ret;
}

int demo_start_daemon(struct demo *d, struct error *err)
{
	const char *const words[] = {"--state",	 d->folder,	"--socket",  d->socket,
				     "--plain",	 "127.0.0.1:0", "--workers", "0",
				     "--health", "none",	NULL};
	__cleanup_free char *queue = xasprintf("%s/daemon.db", d->folder);
	__cleanup_free char *socket = xasprintf("unix:%s", d->socket);
	int ret = start_program(d, "nestlabd", words, &d->daemon, err);

	if (!ret)
		ret = find_port(d, err);
	if (!ret)
		ret = daemon_db_open_read(queue, &d->queue, err);
	if (!ret)
		ret = client_open(socket, &d->client, err);
	return ret;
}

/* Beside the daemon and not below it: both end with us, however we end. */
int demo_start_agent(struct demo *d, struct error *err)
{
	__cleanup_free char *socket = xasprintf("unix:%s", d->socket);
	__cleanup_free char *spool = xasprintf("%s/spool", d->folder);
	__cleanup_free char *slots = NULL;
	const char *words[] = {"agent", "--url", socket, "--spool", spool, "--slots", NULL, NULL};
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (cores > SLOTS_MAX)
		cores = SLOTS_MAX;
	words[6] = slots = xasprintf("%ld", cores);
	return start_program(d, "agent", words, &d->agent, err);
}
