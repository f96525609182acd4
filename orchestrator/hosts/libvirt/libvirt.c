// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/libvirt/libvirt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/fs.h"
#include "common/shell.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/channel.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/process.h"

#define POLL_MS		200 /* how often an end that is due is looked for */
#define OFF_LIMIT_S	30.0
#define RESCUE_LIMIT_MS 60000
#define VOLUME		"nestlab-" /* domains' and volumes' names begin so */
#define LINE_LIMIT_S	5.0	   /* for what is left on the line of a domain that is off */

/* One domain. */
struct machine {
	char *program, *name;
	char *image; /* the image with this boot's key in it: a file of the run directory */
	char *path;  /* the same as libvirt knows it: that file, or a volume */
	char *xml, *log;
	struct process holder, helper; /* the domain's; an upload's, or a removal's */
	struct channel *channel;       /* the serial port's */
	struct channel *records;       /* NULL: they are there, too */
	struct journal *journal;       /* the volume's; NULL: none */
	bool uploaded;
	double off_at, ordered_off; /* when it was; 0: not yet */
	int events;		    /* epoll: holder and channels */
};

/* ---- provision: image, volume, domain ---- */

static char *run_file(const struct host_session *s, const char *name)
{
	__cleanup_free char *dir = realpath(s->run_dir, NULL);

	return xasprintf("%s/%s", dir ? dir : s->run_dir, name);
}

static void write_ticket(struct host_session *s)
{
	const struct libvirt_config *c = s->cfg->own;
	bool own_port = c->records == LIBVIRT_VIRTIO;

	s->ticket.channel = own_port ? TICKET_PORT : TICKET_LINE;
	s->ticket.answers = true;
	s->ticket.speed = 115200;
	snprintf(s->ticket.device, sizeof(s->ticket.device), "%s",
		 own_port ? LIBVIRT_PORT : "/dev/ttyS0");
}

static int start_provision(struct host_session *s, struct error *err)
{
	struct machine *m = xcalloc(1, sizeof(*m));

	s->priv = m;
	m->holder = m->helper = (struct process)PROCESS_INIT;
	m->events = -1;
	m->program = libvirt_program();
	m->name = xasprintf(VOLUME "%.16s", s->ticket.nonce);
	m->image = run_file(s, "libvirt.iso");
	m->xml = run_file(s, "domain.xml");
	m->log = run_file(s, "libvirt.log");
	write_ticket(s);
	return host_copy_image(s, m->image, err);
}

/* Many boots may run on one libvirt, so what is noted, and locked, is one volume. */
static int open_journal(const struct host_config *cfg, const char *volume, struct journal **j,
			struct error *err)
{
	const struct libvirt_config *c = cfg->own;
	__cleanup_free char *key = xasprintf("%s %s %s", c->uri, c->pool, volume);
	int ret = journal_open(cfg, key, j, err);

	if (!ret)
		(*j)->once = true;
	return ret;
}

static int note_volume(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	const struct libvirt_config *c = s->cfg->own;
	const struct {
		const char *key, *value;
	} notes[] = {{"uri", c->uri}, {"pool", c->pool}, {"volume", m->name}};
	int ret = open_journal(s->cfg, m->name, &m->journal, err);

	for (size_t i = 0; i < ARRAY_SIZE(notes) && !ret; i++)
		ret = journal_note(m->journal, notes[i].key, json_object_new_string(notes[i].value),
				   err);
	return ret;
}

static int forget_volume(struct journal *j, struct error *err)
{
	static const char *const keys[] = {"volume", "pool", "uri"};
	int ret = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys) && !ret; i++)
		ret = journal_note(j, keys[i], NULL, err);
	return ret;
}

static int start_upload(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	const struct libvirt_config *c = s->cfg->own;
	const char *const argv[] = {m->program, "upload", c->uri, c->pool, m->name, m->image, NULL};
	const struct process_setting setting = {.argv = argv, .log = m->log};
	int ret = note_volume(s, err);

	if (ret)
		return ret;
	ret = process_start(&m->helper, &setting, err);
	if (ret)
		return ret;
	m->uploaded = true; /* or half of it: it is removed in any case */
	s->wake_fd = m->helper.wake;
	return HOST_GOES_ON;
}

static int start_domain(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	const struct libvirt_config *c = s->cfg->own;
	const char *const argv[] = {m->program, "hold", c->uri, m->xml, NULL};
	const struct process_setting setting = {.argv = argv, .log = m->log, .wants_input = true};
	__cleanup_free char *xml = libvirt_domain_xml(c, m->name, m->path ? m->path : m->image);
	int ret = fs_write_file(m->xml, xml, strlen(xml), err);

	if (ret)
		return ret;
	ret = process_start(&m->holder, &setting, err);
	if (ret)
		return ret;
	s->wake_fd = m->holder.wake;
	return HOST_GOES_ON;
}

/* Has the holder said it? It has ended without: an error. */
static int wait_for_word(struct host_session *s, const char *word, struct error *err)
{
	struct machine *m = s->priv;
	bool over = process_look(&m->holder);
	int ret;

	if (strstr(m->holder.said.buf, word))
		return 0;
	if (!over)
		return HOST_GOES_ON;
	s->wake_fd = -1;
	ret = process_result(&m->holder, err);
	if (ret)
		return ret;
	return error_set(err, -EIO, "the domain went off before it was on");
}

static int end_upload(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	int ret;

	if (!process_look(&m->helper))
		return HOST_GOES_ON;
	s->wake_fd = -1;
	ret = process_result(&m->helper, err);
	if (ret)
		return ret;
	m->path = strndup(m->helper.said.buf, strcspn(m->helper.said.buf, "\n"));
	process_end(&m->helper);
	return start_domain(s, err);
}

static int libvirt_provision(struct host_session *s, struct error *err)
{
	const struct libvirt_config *c = s->cfg->own;
	struct machine *m = s->priv;
	int ret;

	if (m && m->holder.name)
		return wait_for_word(s, "created\n", err);
	if (m)
		return end_upload(s, err);
	ret = start_provision(s, err);
	if (ret)
		return ret;
	if (c->pool)
		return start_upload(s, err);
	return start_domain(s, err);
}

/* ---- the line ---- */

static int watch(struct machine *m, int fd, struct error *err)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(m->events, EPOLL_CTL_ADD, fd, &event))
		return error_set(err, -errno, "cannot watch the domain: %s", strerror(errno));
	return 0;
}

/* One of nestlab-libvirt's actions that are lines. */
static int start_line(struct host_session *s, const char *const *argv, const char *console,
		      struct channel **out, struct error *err)
{
	struct machine *m = s->priv;
	const struct channel_setting setting = {
		.line = {.ticket = &s->ticket,
			 .console_path = console,
			 .records_path = s->records_path},
		.argv = argv,
		.log_path = m->log,
		.ready = LIBVIRT_CONNECTED,
	};
	int ret = channel_start(&setting, out, err);

	if (ret)
		return ret;
	return watch(m, channel_fd(*out), err);
}

static int start_channels(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	const struct libvirt_config *c = s->cfg->own;
	const char *const console[] = {m->program, "console", c->uri, m->name, NULL};
	const char *const port[] = {m->program, "port", c->uri, m->name, LIBVIRT_PORT, NULL};
	int ret;

	m->events = epoll_create1(EPOLL_CLOEXEC);
	if (m->events < 0)
		return error_set(err, -errno, "cannot watch the domain: %s", strerror(errno));
	ret = start_line(s, console, s->console_path, &m->channel, err);
	if (!ret && c->records == LIBVIRT_VIRTIO)
		ret = start_line(s, port, NULL, &m->records, err);
	if (ret)
		return ret;
	ret = watch(m, m->holder.wake, err);
	s->wake_fd = m->events;
	return ret;
}

static int wait_for_line(struct machine *m, struct channel *line, const char *name,
			 struct error *err)
{
	struct strbuf why = STRBUF_INIT;
	enum channel_state state = channel_state(line, &why);
	int ret = 0;

	if (state == CHANNEL_FAILED)
		ret = error_set(err, -EIO, "no %s of the domain: %s (%s)", name, why.buf, m->log);
	else if (state != CHANNEL_OPEN)
		ret = HOST_GOES_ON;
	strbuf_release(&why);
	return ret;
}

static int libvirt_open_channel(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	int ret = m->channel ? 0 : start_channels(s, err);

	if (!ret)
		ret = wait_for_line(m, m->channel, "console", err);
	if (!ret && m->records)
		ret = wait_for_line(m, m->records, "virtio port", err);
	return ret;
}

/* ---- power ---- */

static int switch_on(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;

	if (m->holder.in >= 0 && !strstr(m->holder.said.buf, "running\n") && !s->poll_ms) {
		s->poll_ms = POLL_MS; /* said once */
		if (write(m->holder.in, "on\n", 3) != 3)
			return error_set(err, -EIO, "the domain's holder is gone (%s)", m->log);
	}
	return wait_for_word(s, "running\n", err);
}

/* The end of its stdin makes the holder destroy the domain. If libvirt does not answer it, it is killed:
 * libvirt destroys the domain then, too. */
static int switch_off(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;

	s->wake_fd = -1;
	s->poll_ms = 0;
	if (!m || !m->holder.name)
		return 0;
	if (!m->ordered_off)
		m->ordered_off = clock_seconds();
	process_close_input(&m->holder);
	if (process_look(&m->holder))
		return 0;
	if (clock_seconds() - m->ordered_off > OFF_LIMIT_S) {
		process_end(&m->holder);
		return error_set(err, -ETIMEDOUT,
				 "libvirt does not end domain %s: see to it that it is gone",
				 m->name);
	}
	s->poll_ms = POLL_MS;
	return HOST_GOES_ON;
}

static int libvirt_power(struct host_session *s, enum host_power want, struct error *err)
{
	if (want == HOST_POWER_ON)
		return switch_on(s, err);
	return switch_off(s, err);
}

/* The domain's end and the last of its line come by two ways: the line ends after its last byte. */
static bool libvirt_is_on(struct host_session *s)
{
	struct machine *m = s->priv;
	bool over;

	s->poll_ms = 0;
	channel_serves(m->channel, s);
	if (m->records)
		channel_serves(m->records, s);
	over = process_look(&m->holder);
	if (!over && !strstr(m->holder.said.buf, "off "))
		return true;
	if (!m->off_at)
		m->off_at = clock_seconds();
	s->poll_ms = POLL_MS;
	return (channel_state(m->channel, NULL) == CHANNEL_OPEN ||
		(m->records && channel_state(m->records, NULL) == CHANNEL_OPEN)) &&
	       clock_seconds() - m->off_at < LINE_LIMIT_S;
}

static int libvirt_postmortem(struct host_session *s, struct strbuf *why)
{
	struct machine *m = s->priv;
	const char *off = strstr(m->holder.said.buf, "off ");
	struct error err = {0};

	if (strstr(m->holder.said.buf, "reset\n")) {
		strbuf_addstr(why, "the machine reset");
		return -ECONNRESET;
	}
	if (off && !strncmp(off, "off shutdown", 12)) {
		strbuf_addstr(why, "the machine powered itself off");
		return 0;
	}
	if (off && !strncmp(off, "off crashed", 11)) {
		strbuf_addstr(why, "the machine crashed");
		return -ECONNRESET;
	}
	if (off)
		strbuf_addf(why, "libvirt ended the domain: %.*s", (int)strcspn(off, "\n"), off);
	else if (process_result(&m->holder, &err))
		strbuf_addstr(why, err.text);
	else
		strbuf_addstr(why, "the domain is gone");
	return -EIO;
}

/* ---- release ---- */

static int remove_volume(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	const struct libvirt_config *c = s->cfg->own;
	const char *const argv[] = {m->program, "remove", c->uri, c->pool, m->name, NULL};
	const struct process_setting setting = {.argv = argv, .log = m->log};
	int ret;

	if (!m->helper.name) {
		ret = process_start(&m->helper, &setting, err);
		s->wake_fd = m->helper.wake;
		return ret ? ret : HOST_GOES_ON;
	}
	if (!process_look(&m->helper))
		return HOST_GOES_ON;
	ret = process_result(&m->helper, err);
	if (ret)
		return error_prefix(err, ret, "volume %s of pool %s stays (or: %s host rescue %s)",
				    m->name, c->pool, shell_program(), s->cfg->name);
	return forget_volume(m->journal, err);
}

/* ---- after a crash of ours: the domain is gone by itself, the volume is not ---- */

static int rescue_volume(const struct host_config *cfg, const char *volume, struct strbuf *did,
			 struct error *err)
{
	const struct libvirt_config *c = cfg->own;
	__cleanup_free char *program = libvirt_program();
	const char *const argv[] = {program, "remove", c->uri, c->pool, volume, NULL};
	const struct subprocess sp = {.argv = argv, .timeout_ms = RESCUE_LIMIT_MS};
	struct journal *j;
	int ret = open_journal(cfg, volume, &j, err);

	if (ret == -EBUSY)
		return 0; /* of a boot that goes on */
	if (ret)
		return ret;
	ret = subprocess_run(&sp, NULL, err);
	if (!ret)
		ret = forget_volume(j, err);
	if (!ret)
		strbuf_addf(did, "removed the volume %s of pool %s\n", volume, c->pool);
	journal_close(j);
	return ret;
}

static const char *text_at(const struct json_node *root, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(root->value, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

/* Is that journal of a volume in this host's pool? What is damaged is another driver's to tell. */
static int rescue_by_journal(const struct host_config *cfg, const char *name, struct strbuf *did,
			     struct error *err)
{
	const struct libvirt_config *c = cfg->own;
	__cleanup_free char *path = xasprintf("%s/%s.state", cfg->state_dir, name);
	struct json_object *doc = NULL;
	struct json_node root;
	int ret = 0;

	if (json_load(path, &doc, &root, NULL) || json_as_object(&root, NULL))
		goto out;
	if (!strcmp(text_at(&root, "uri"), c->uri) && !strcmp(text_at(&root, "pool"), c->pool) &&
	    !strncmp(text_at(&root, "volume"), VOLUME, strlen(VOLUME)))
		ret = rescue_volume(cfg, text_at(&root, "volume"), did, err);
out:
	json_object_put(doc);
	return ret;
}

static int libvirt_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	const struct libvirt_config *c = cfg->own;
	char **names = NULL;
	size_t n = 0;
	int ret = 0;

	if (!c->pool || !fs_exists(cfg->state_dir))
		return 0;
	ret = fs_list_stems(cfg->state_dir, ".state", &names, &n, err);
	for (size_t i = 0; i < n && !ret; i++)
		ret = rescue_by_journal(cfg, names[i], did, err);
	fs_free_names(names, n);
	return ret;
}

static void free_machine(struct machine *m)
{
	channel_stop(m->channel);
	channel_stop(m->records);
	process_end(&m->holder);
	process_end(&m->helper);
	if (m->events >= 0)
		close(m->events);
	unlink(m->image); /* the boot's key is in it */
	journal_close(m->journal);
	free(m->program);
	free(m->name);
	free(m->image);
	free(m->path);
	free(m->xml);
	free(m->log);
	free(m);
}

static int libvirt_release(struct host_session *s, struct error *err)
{
	struct machine *m = s->priv;
	int ret = 0;

	if (!m)
		return 0;
	if (m->uploaded && !m->path)
		process_end(&m->helper); /* an upload that goes on, or has failed */
	if (m->uploaded) {
		m->path = m->path ? m->path : xstrdup("");
		ret = remove_volume(s, err);
	}
	if (ret == HOST_GOES_ON)
		return ret;
	s->wake_fd = -1;
	s->poll_ms = 0;
	free_machine(m);
	s->priv = NULL;
	return ret;
}

static const char *const kernel_config[] = {"pc", NULL};

const struct host_driver host_libvirt = {
	.name = "libvirt",
	.help = "a virtual machine with nested VMX, made by libvirt for each boot",
	.clock = HOST_CLOCK_TSC,
	.parallel = 1,
	.boot_limit_s = 300,
	.kernel_config = kernel_config,
	.keys = libvirt_keys,
	.configure = libvirt_configure,
	.free_config = libvirt_free_config,
	.cmdline = libvirt_cmdline,
	.probe = libvirt_probe,
	.rescue = libvirt_rescue,
	.identify = host_identify_machine,
	.provision = libvirt_provision,
	.open_channel = libvirt_open_channel,
	.power = libvirt_power,
	.is_on = libvirt_is_on,
	.postmortem = libvirt_postmortem,
	.release = libvirt_release,
};
