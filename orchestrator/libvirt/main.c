// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestlab-libvirt - what the driver `libvirt` (orchestrator/hosts/libvirt/libvirt.h) needs of libvirt, as processes: its
 * library blocks, and takes longer to load than most commands of nestlab's take in all.
 *
 *	nestlab-libvirt probe URI TYPE		a JSON object of what is there, on stdout
 *	nestlab-libvirt hold URI XML		a transient domain from the file XML, paused: "created"; "on" on
 *						stdin lets it run: "running"; then "off WHY". At the
 *						end of stdin the domain is destroyed, if it is still there,
 *						and so it is when this process dies: libvirt sees to that
 *						(VIR_DOMAIN_START_AUTODESTROY)
 *	nestlab-libvirt console URI NAME	its first serial port on stdin and stdout, after a line
 *						LIBVIRT_CONNECTED
 *	nestlab-libvirt upload URI POOL NAME FILE	a volume of that name with FILE's bytes: its path on stdout
 *	nestlab-libvirt remove URI POOL NAME	the volume again
 *
 * What libvirt complains of is on stderr, and the exit status is 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <json-c/json.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "orchestrator/hosts/libvirt/libvirt.h"

#define KEEPALIVE_S 5

static int fail(const char *what)
{
	const virError *e = virGetLastError();

	fprintf(stderr, "%s: %s\n", what, e && e->message ? e->message : "no reason given");
	return 1;
}

/* libvirt prints each error itself unless it is told not to. */
static void say_nothing(void *arg, virErrorPtr e)
{
	(void)arg;
	(void)e;
}

static virConnectPtr connect_to(const char *uri)
{
	virConnectPtr conn;

	virSetErrorFunc(NULL, say_nothing);
	if (virEventRegisterDefaultImpl())
		return NULL;
	conn = virConnectOpen(uri);
	if (!conn)
		fail(uri);
	else
		virConnectSetKeepAlive(conn, KEEPALIVE_S, KEEPALIVE_S); /* not all drivers can */
	return conn;
}

/* ---- probe ---- */

static void add_version(struct json_object *o, const char *key, unsigned long v)
{
	__cleanup_free char *text =
		xasprintf("%lu.%lu.%lu", v / 1000000, v / 1000 % 1000, v % 1000);

	json_object_object_add(o, key, json_object_new_string(text));
}

static int probe(virConnectPtr conn, char **args)
{
	struct json_object *o = json_object_new_object();
	unsigned long library = 0, hypervisor = 0;
	const char *type = virConnectGetType(conn);
	char *domain = virConnectGetDomainCapabilities(conn, NULL, "x86_64", "q35", args[1], 0);
	int ret = 0;

	if (!domain)
		ret = fail(args[1]);
	virConnectGetLibVersion(conn, &library);
	virConnectGetVersion(conn, &hypervisor);
	add_version(o, "libvirt", library);
	json_object_object_add(o, "hypervisor", json_object_new_string(type ? type : ""));
	add_version(o, "hypervisor_version", hypervisor);
	if (!ret)
		puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	free(domain);
	return ret;
}

/* ---- hold ---- */

struct held {
	virDomainPtr domain;
	bool over; /* it is off, or is to be */
};

static void tell(const char *text)
{
	puts(text);
	fflush(stdout);
}

static const char *stop_word(int detail)
{
	static const char *const words[] = {
		[VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = "shutdown",
		[VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = "destroyed",
		[VIR_DOMAIN_EVENT_STOPPED_CRASHED] = "crashed",
		[VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = "migrated",
		[VIR_DOMAIN_EVENT_STOPPED_SAVED] = "saved",
		[VIR_DOMAIN_EVENT_STOPPED_FAILED] = "failed",
	};

	if (detail < 0 || (size_t)detail >= ARRAY_SIZE(words) || !words[detail])
		return "unknown";
	return words[detail];
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *arg)
{
	struct held *h = arg;

	(void)conn;
	(void)domain;
	if (event == VIR_DOMAIN_EVENT_STOPPED && !h->over) {
		printf("off %s\n", stop_word(detail));
		fflush(stdout);
		h->over = true;
	}
	return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr domain, void *arg)
{
	(void)conn;
	(void)domain;
	(void)arg;
	tell("reset");
}

static void on_close(virConnectPtr conn, int reason, void *arg)
{
	struct held *h = arg;

	(void)conn;
	(void)reason;
	fputs("the connection to libvirt broke\n", stderr);
	h->over = true;
}

static void on_order(int watch, int fd, int events, void *arg)
{
	struct held *h = arg;
	char order[16];
	ssize_t n = read(fd, order, sizeof(order));

	(void)events;
	if (n > 0 && !virDomainResume(h->domain)) {
		tell("running");
		return;
	}
	if (n > 0)
		fail("resume");
	virEventRemoveHandle(watch);
	h->over = true;
}

static int watch_domain(virConnectPtr conn, struct held *h)
{
	virConnectRegisterCloseCallback(conn, on_close, h, NULL);
	if (virConnectDomainEventRegisterAny(conn, h->domain, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					     VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), h,
					     NULL) < 0 ||
	    virConnectDomainEventRegisterAny(conn, h->domain, VIR_DOMAIN_EVENT_ID_REBOOT,
					     VIR_DOMAIN_EVENT_CALLBACK(on_reboot), h, NULL) < 0)
		return fail("events");
	if (virEventAddHandle(0, VIR_EVENT_HANDLE_READABLE, on_order, h, NULL) < 0)
		return fail("stdin");
	return 0;
}

static int hold(virConnectPtr conn, char **args)
{
	struct strbuf xml = STRBUF_INIT;
	struct held h = {0};
	struct error err;
	int ret = 0;

	if (fs_read_file(args[1], 0, &xml, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	h.domain = virDomainCreateXML(conn, xml.buf,
				      VIR_DOMAIN_START_PAUSED | VIR_DOMAIN_START_AUTODESTROY);
	strbuf_release(&xml);
	if (!h.domain)
		return fail("the domain cannot be created");
	ret = watch_domain(conn, &h);
	if (!ret)
		tell("created");
	while (!ret && !h.over)
		if (virEventRunDefaultImpl())
			ret = fail("events");
	virDomainDestroy(h.domain); /* fails if it is off already */
	virDomainFree(h.domain);
	return ret;
}

/* ---- console ---- */

struct terminal {
	virStreamPtr stream;
	bool over;
};

static void on_output(virStreamPtr stream, int events, void *arg)
{
	struct terminal *t = arg;
	char chunk[16384];
	int n;

	(void)events;
	while ((n = virStreamRecv(stream, chunk, sizeof(chunk))) > 0)
		if (fwrite(chunk, 1, (size_t)n, stdout) != (size_t)n)
			t->over = true;
	fflush(stdout);
	if (n == 0 || n == -1)
		t->over = true;
}

static void on_input(int watch, int fd, int events, void *arg)
{
	struct terminal *t = arg;
	char chunk[1024];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)events;
	if (n <= 0) {
		virEventRemoveHandle(watch);
		t->over = true;
	}
	for (ssize_t at = 0; at < n;) {
		int sent = virStreamSend(t->stream, chunk + at, (size_t)(n - at));

		if (sent == -2) /* full: what is asked for again is asked for once more later */
			return;
		if (sent < 0) {
			t->over = true;
			return;
		}
		at += sent;
	}
}

static int open_console(virDomainPtr domain, const char *port, virStreamPtr stream)
{
	(void)port;
	return virDomainOpenConsole(domain, NULL, stream, VIR_DOMAIN_CONSOLE_FORCE);
}

static int open_port(virDomainPtr domain, const char *port, virStreamPtr stream)
{
	return virDomainOpenChannel(domain, port, stream, VIR_DOMAIN_CHANNEL_FORCE);
}

/* The domain @name's line is our stdin and stdout, until one of them ends. */
static int be_line(virConnectPtr conn, const char *name, const char *port,
		   int (*open_line)(virDomainPtr domain, const char *port, virStreamPtr stream))
{
	virDomainPtr domain = virDomainLookupByName(conn, name);
	struct terminal t = {0};
	int ret = 0;

	if (domain)
		t.stream = virStreamNew(conn, VIR_STREAM_NONBLOCK);
	if (!t.stream)
		return fail(name);
	if (open_line(domain, port, t.stream) ||
	    virStreamEventAddCallback(t.stream, VIR_STREAM_EVENT_READABLE, on_output, &t, NULL) ||
	    virEventAddHandle(0, VIR_EVENT_HANDLE_READABLE, on_input, &t, NULL) < 0)
		ret = fail(port);
	else
		tell(LIBVIRT_CONNECTED);
	while (!ret && !t.over)
		if (virEventRunDefaultImpl())
			ret = fail("events");
	virStreamAbort(t.stream);
	virStreamFree(t.stream);
	virDomainFree(domain);
	return ret;
}

static int console(virConnectPtr conn, char **args)
{
	return be_line(conn, args[1], "console", open_console);
}

static int port(virConnectPtr conn, char **args)
{
	return be_line(conn, args[1], args[2], open_port);
}

/* ---- volumes ---- */

static int send_bytes(virStreamPtr stream, char *data, size_t len, void *arg)
{
	const int *fd = arg;

	(void)stream;
	return (int)read(*fd, data, len);
}

static virStorageVolPtr make_volume(virConnectPtr conn, const char *pool_name, const char *name,
				    off_t size)
{
	virStoragePoolPtr pool = virStoragePoolLookupByName(conn, pool_name);
	struct strbuf xml = STRBUF_INIT;
	virStorageVolPtr volume = NULL;

	if (!pool)
		return NULL;
	strbuf_addstr(&xml, "<volume><name>");
	libvirt_add_escaped(&xml, name);
	strbuf_addf(&xml,
		    "</name><capacity unit='bytes'>%lld</capacity>"
		    "<target><format type='raw'/></target></volume>",
		    (long long)size);
	volume = virStorageVolCreateXML(pool, xml.buf, 0);
	strbuf_release(&xml);
	virStoragePoolFree(pool);
	return volume;
}

static int upload(virConnectPtr conn, char **args)
{
	int fd = open(args[3], O_RDONLY | O_CLOEXEC);
	virStorageVolPtr volume;
	virStreamPtr stream;
	struct stat st;
	char *path;
	int ret = 1;

	if (fd < 0 || fstat(fd, &st)) {
		fprintf(stderr, "%s: %s\n", args[3], strerror(errno));
		return 1;
	}
	volume = make_volume(conn, args[1], args[2], st.st_size);
	if (!volume)
		return fail(args[1]);
	stream = virStreamNew(conn, 0);
	path = virStorageVolGetPath(volume);
	if (stream && path &&
	    !virStorageVolUpload(volume, stream, 0, (unsigned long long)st.st_size, 0) &&
	    !virStreamSendAll(stream, send_bytes, &fd) && !virStreamFinish(stream))
		ret = 0;
	if (ret) {
		fail(args[2]);
		virStorageVolDelete(volume, 0);
	} else {
		puts(path);
	}
	virStorageVolFree(volume);
	free(path);
	close(fd);
	return ret;
}

/* One that is not there needs no removing: its upload had not begun. */
static int remove_volume(virConnectPtr conn, char **args)
{
	virStoragePoolPtr pool = virStoragePoolLookupByName(conn, args[1]);
	virStorageVolPtr volume = pool ? virStorageVolLookupByName(pool, args[2]) : NULL;

	if (pool && !volume && virGetLastErrorCode() == VIR_ERR_NO_STORAGE_VOL)
		return 0;
	if (!pool || !volume || virStorageVolDelete(volume, 0))
		return fail(args[2]);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*run)(virConnectPtr conn, char **args);
} actions[] = {
	{"probe", 2, probe},	      {"hold", 2, hold},
	{"console", 2, console},      {"upload", 4, upload},
	{"remove", 3, remove_volume}, {"port", 3, port},
};

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc > 2 && i < ARRAY_SIZE(actions); i++) {
		virConnectPtr conn;
		int ret;

		if (strcmp(argv[1], actions[i].name) || argc - 2 != actions[i].args)
			continue;
		conn = connect_to(argv[2]);
		if (!conn)
			return 1;
		ret = actions[i].run(conn, argv + 2);
		virConnectClose(conn);
		return ret;
	}
	fputs("usage: nestlab-libvirt probe|hold|console|port|upload|remove URI ...\n", stderr);
	return 129;
}
