// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestlab-l1-libvirt - what the agent on L0 needs of libvirt, in a process of its own: the agent is static, and libvirt's QEMU
 * driver is loaded into whoever asks for it (qemu:///embed; no daemon). Two libvirts that talk to each other are daemons.
 *
 *	nestlab-l1-libvirt [--pair] ROOT [FILE]	ROOT: the driver's folder, which is made; FILE: what libvirt found out
 *					about QEMU in an earlier boot (capabilities.h), if it is there; --pair: two
 *					daemons in the place of the driver (pair.h)
 *
 * On stdin come orders, one a line; each has one answer on stdout, "ok" with what there is to say, or "error" and
 * libvirt's words, "error refused" if it does not take the settings:
 *
 *	create FILE	a domain from the XML in FILE, paused; the answer is the process id of its QEMU
 *	hmp COMMAND	QEMU's monitor
 *	resume
 *	save FILE	the domain is gone then
 *	restore FILE	and runs again: the process id, as of create
 *	migrate WORDS	by --pair: to the other daemon (pair.h)
 *	capabilities FILE	what libvirt found out about QEMU is written there, "new"; or "known": it was given that
 *	quit		ends the domain, if there is one, and the program, as the end of stdin does
 *
 * Between them come lines "event stopped WHY" when the domain stopped otherwise than by an order.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "agents/libvirt/capabilities.h"
#include "agents/libvirt/lab.h"
#include "agents/libvirt/pair.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define XML_MAX	 65536

/* L1s are root's here, as all is on L0; there is no cgroup, no namespace and nobody to keep apart. */
static const char settings[] = "user = \"root\"\n"
			       "group = \"root\"\n"
			       "dynamic_ownership = 0\n"
			       "remember_owner = 0\n"
			       "cgroup_controllers = [ ]\n"
			       "namespaces = [ ]\n"
			       "security_driver = \"none\"\n"
			       "stdio_handler = \"file\"\n"
			       "seccomp_sandbox = 0\n"
			       "set_process_name = 0\n"
			       "max_core = 0\n";

/* ---- answers ---- */

/* Two threads speak. */
void lab_say(const char *word, const char *text)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&one);
	fputs(word, stdout);
	putchar(' ');
	for (; *text; text++)
		putchar(*text == '\n' || *text == '\r' ? ' ' : *text);
	putchar('\n');
	fflush(stdout);
	pthread_mutex_unlock(&one);
}

/* Is it the settings that this libvirt does not take? */
static bool is_refusal(const virError *e)
{
	return e->code == VIR_ERR_XML_ERROR || e->code == VIR_ERR_XML_DETAIL ||
	       e->code == VIR_ERR_CONFIG_UNSUPPORTED || e->code == VIR_ERR_INVALID_ARG ||
	       e->code == VIR_ERR_CONF_SYNTAX;
}

void lab_say_why(const virError *e)
{
	if (!e || !e->message)
		lab_say("error", "libvirt gives no reason");
	else
		lab_say(is_refusal(e) ? "error refused" : "error", e->message);
}

void lab_say_error(void)
{
	lab_say_why(virGetLastError());
}

static void say_nothing(void *arg, virErrorPtr e)
{
	(void)arg;
	(void)e;
}

/* ---- the driver's folder ---- */

int lab_write_file(const char *dir, const char *name, const char *text)
{
	char path[512];
	FILE *f;
	int ret = 0;

	if (mkdir(dir, 0700) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f)
		return -errno;
	if (fputs(text, f) < 0)
		ret = -EIO;
	if (fclose(f))
		ret = -errno;
	return ret;
}

/* The driver looks for the user and the group that Debian's runs QEMU as, whatever its settings say. */
static int make_users(void)
{
	int ret = 0;

	if (access("/etc/passwd", F_OK))
		ret = lab_write_file("/etc", "passwd",
				     "root:x:0:0::/:/bin/sh\nlibvirt-qemu:x:0:0::/:/bin/sh\n");
	if (!ret && access("/etc/group", F_OK))
		ret = lab_write_file("/etc", "group", "root:x:0:\nkvm:x:0:\nlibvirt-qemu:x:0:\n");
	return ret;
}

int lab_make_root(const char *root)
{
	char etc[256];
	int ret = make_users();

	if (ret)
		return ret;
	if (mkdir(root, 0700) && errno != EEXIST)
		return -errno;
	snprintf(etc, sizeof(etc), "%s/etc", root);
	return lab_write_file(etc, "qemu.conf", settings);
}

/* ---- events ---- */

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *arg)
{
	static const char *const words[] = {
		[VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = "shutdown",
		[VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = "destroyed",
		[VIR_DOMAIN_EVENT_STOPPED_CRASHED] = "crashed",
		[VIR_DOMAIN_EVENT_STOPPED_FAILED] = "failed",
	};
	const struct lab *lab = arg;
	const char *word = "for no reason that it gives";

	(void)domain;
	if (event != VIR_DOMAIN_EVENT_STOPPED || detail == VIR_DOMAIN_EVENT_STOPPED_MIGRATED ||
	    lab->expects_stop || conn != lab->conn)
		return 0;
	if (detail >= 0 && (size_t)detail < COUNT(words) && words[detail])
		word = words[detail];
	lab_say("event stopped", word);
	return 0;
}

/* What the driver hears from QEMU comes through this loop. */
static void *run_events(void *arg)
{
	for (;;)
		if (virEventRunDefaultImpl())
			return arg;
}

int lab_run_events(void)
{
	pthread_t thread;

	virSetErrorFunc(NULL, say_nothing);
	if (virEventRegisterDefaultImpl() || pthread_create(&thread, NULL, run_events, NULL))
		return -1;
	return 0;
}

int lab_hear(struct lab *lab, virConnectPtr conn)
{
	if (virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					     VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), lab,
					     NULL) < 0)
		return -1;
	return 0;
}

static int connect_driver(struct lab *lab)
{
	char uri[512];

	if (lab_run_events())
		return -1;
	snprintf(uri, sizeof(uri), "qemu:///embed?root=%s", lab->root);
	lab->conn = virConnectOpen(uri);
	if (!lab->conn)
		return -1;
	return lab_hear(lab, lab->conn);
}

/* ---- orders ---- */

pid_t lab_find_qemu(const struct lab *lab)
{
	char path[512], pid[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/run/qemu/%s.pid", lab->folder,
		 virDomainGetName(lab->domain));
	f = fopen(path, "r");
	if (f && !fgets(pid, sizeof(pid), f))
		pid[0] = '\0';
	if (f)
		fclose(f);
	return (pid_t)atoi(pid);
}

static void take_domain(struct lab *lab)
{
	char pid[16];

	lab->expects_stop = false;
	if (!lab->domain) {
		lab_say_error();
		return;
	}
	snprintf(pid, sizeof(pid), "%d", (int)lab_find_qemu(lab));
	if (strcmp(pid, "0"))
		lab_say("ok", pid);
	else
		lab_say("error", "libvirt wrote no process id of its QEMU");
}

static void order_create(struct lab *lab, const char *file)
{
	static char xml[XML_MAX];
	FILE *f = fopen(file, "r");
	size_t n = 0;

	if (f) {
		n = fread(xml, 1, sizeof(xml) - 1, f);
		fclose(f);
	}
	xml[n] = '\0';
	lab->domain = virDomainCreateXML(lab->conn, xml, VIR_DOMAIN_START_PAUSED);
	take_domain(lab);
}

static void order_hmp(struct lab *lab, const char *command)
{
	char *text = NULL;

	if (virDomainQemuMonitorCommand(lab->domain, command, &text,
					VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP)) {
		lab_say_error();
		return;
	}
	lab_say("ok", text);
	free(text);
}

static void order_resume(struct lab *lab, const char *nothing)
{
	(void)nothing;
	if (virDomainResume(lab->domain))
		lab_say_error();
	else
		lab_say("ok", "");
}

static void order_save(struct lab *lab, const char *file)
{
	lab->expects_stop = true;
	if (virDomainSave(lab->domain, file)) {
		lab->expects_stop = false;
		lab_say_error();
		return;
	}
	virDomainFree(lab->domain);
	lab->domain = NULL;
	lab_say("ok", "");
}

static void order_restore(struct lab *lab, const char *file)
{
	virDomainPtr *domains = NULL;

	if (virDomainRestore(lab->conn, file)) {
		lab_say_error();
		return;
	}
	if (virConnectListAllDomains(lab->conn, &domains, 0) > 0)
		lab->domain = domains[0];
	free(domains);
	take_domain(lab);
}

static void order_capabilities(struct lab *lab, const char *file)
{
	int ret = capabilities_take(&lab->capabilities, lab->root, file);

	if (ret < 0)
		lab_say("error", strerror(-ret));
	else
		lab_say("ok", ret ? "new" : "known");
}

static void order_migrate(struct lab *lab, const char *words)
{
	if (lab->pair)
		pair_migrate(lab, words);
	else
		lab_say("error", "there is no other libvirt (--pair)");
}

static const struct {
	const char *word;
	bool of_domain; /* there must be one */
	void (*obey)(struct lab *lab, const char *argument);
} orders[] = {
	{"create", false, order_create},   {"hmp", true, order_hmp},
	{"resume", true, order_resume},	   {"save", true, order_save},
	{"restore", false, order_restore}, {"capabilities", true, order_capabilities},
	{"migrate", true, order_migrate},
};

static void obey(struct lab *lab, char *line)
{
	char *argument = line + strcspn(line, " ");

	if (*argument)
		*argument++ = '\0';
	for (size_t i = 0; i < COUNT(orders); i++) {
		if (strcmp(orders[i].word, line))
			continue;
		if (orders[i].of_domain == !lab->domain)
			lab_say("error", lab->domain ? "there is a domain" : "there is no domain");
		else
			orders[i].obey(lab, argument);
		return;
	}
	lab_say("error", "no such order");
}

/* The driver in this process. 0; -1: libvirt has said why not; or a negative errno below -1. */
static int open_driver(struct lab *lab, const char *root, const char *capabilities)
{
	int ret = lab_make_root(root);

	if (ret)
		return ret;
	lab->root = lab->folder = root;
	if (capabilities)
		capabilities_give(&lab->capabilities, root, capabilities, NULL);
	return connect_driver(lab);
}

static void say_not_open(int ret)
{
	if (ret == -1)
		lab_say_error();
	else
		lab_say("error", strerror(-ret));
}

static void obey_all(struct lab *lab)
{
	char line[1024];

	lab_say("ok", "");
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strcmp(line, "quit"))
			break;
		obey(lab, line);
	}
}

int main(int argc, char **argv)
{
	static struct lab lab;
	bool is_pair = argc > 1 && !strcmp(argv[1], "--pair");
	int ret;

	argc -= is_pair;
	argv += is_pair;
	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: nestlab-l1-libvirt [--pair] ROOT [FILE]\n");
		return 129;
	}
	ret = is_pair ? pair_open(&lab, argv[1], argv[2]) : open_driver(&lab, argv[1], argv[2]);
	if (ret)
		say_not_open(ret);
	else
		obey_all(&lab);
	lab.expects_stop = true;
	if (lab.domain)
		virDomainDestroy(lab.domain);
	if (lab.pair)
		pair_close(&lab);
	else if (lab.conn)
		virConnectClose(lab.conn);
	return ret ? 1 : 0;
}
