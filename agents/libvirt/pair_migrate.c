// SPDX-License-Identifier: GPL-2.0-only
/* pair_migrate.c - the domain goes from one daemon to the other. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/virterror.h>

#include "agents/libvirt/pair.h"

#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))
#define EVENT_S	    10 /* QEMU has told libvirt; that has to tell us */
#define FAULT_MB    1  /* a second: it is on its way for long enough to be killed there */
#define NO_SUCH_CPU "qemu64,+ia64,enforce" /* a bit of CPUID that no machine with VMX has */

/* ---- what is heard, in the thread of libvirt's events ---- */

static void on_monitor_event(virConnectPtr conn, virDomainPtr domain, const char *event,
			     long long seconds, unsigned int micros, const char *details, void *arg)
{
	uint64_t us = (uint64_t)seconds * 1000000 + micros;
	struct pair_side *s = arg;

	(void)conn;
	(void)domain;
	(void)details;
	pthread_mutex_lock(&s->pair->lock);
	if (!strcmp(event, "STOP"))
		s->stop_us = us;
	else
		s->resume_us = us;
	pthread_cond_broadcast(&s->pair->told);
	pthread_mutex_unlock(&s->pair->lock);
}

/* libvirt says so when a QEMU waits for the domain, before anything of it is sent. */
static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *arg)
{
	struct pair_side *s = arg;

	(void)conn;
	(void)domain;
	pthread_mutex_lock(&s->pair->lock);
	if (event == VIR_DOMAIN_EVENT_STARTED && detail == VIR_DOMAIN_EVENT_STARTED_MIGRATED)
		s->is_taking = true;
	pthread_mutex_unlock(&s->pair->lock);
	return 0;
}

/* A pass over the domain's memory begins, so it is on its way from @arg. */
static void on_pass(virConnectPtr conn, virDomainPtr domain, int pass, void *arg)
{
	struct pair *p = ((struct pair_side *)arg)->pair;
	struct pair_side *to = &p->side[!p->at];

	(void)conn;
	(void)domain;
	(void)pass;
	pthread_mutex_lock(&p->lock);
	if (p->fault == PAIR_FAULT_KILL_QEMU)
		pair_kill_qemu(to);
	if (p->fault == PAIR_FAULT_KILL_LIBVIRT && to->daemon > 0)
		kill(to->daemon, SIGKILL);
	p->fault = PAIR_FAULT_NONE;
	pthread_mutex_unlock(&p->lock);
}

int pair_listen(struct pair_side *s)
{
	static const char *const events[] = {"STOP", "RESUME"};

	for (size_t i = 0; i < COUNT(events); i++)
		if (virConnectDomainQemuMonitorEventRegister(s->conn, NULL, events[i],
							     on_monitor_event, s, NULL, 0) < 0)
			return -1;
	if (virConnectDomainEventRegisterAny(s->conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
					     VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), s, NULL) < 0)
		return -1;
	if (virConnectDomainEventRegisterAny(s->conn, NULL, VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
					     VIR_DOMAIN_EVENT_CALLBACK(on_pass), s, NULL) < 0)
		return -1;
	return 0;
}

/* Until both QEMUs have told when. *us: from the stop there to its running here. */
static bool find_downtime(struct pair_side *from, struct pair_side *to, uint64_t *us)
{
	struct timespec deadline;
	bool is_told;
	int ret = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += EVENT_S;
	pthread_mutex_lock(&from->pair->lock);
	while (!(is_told = from->stop_us && to->resume_us > from->stop_us) && !ret)
		ret = pthread_cond_timedwait(&from->pair->told, &from->pair->lock, &deadline);
	*us = to->resume_us - from->stop_us;
	pthread_mutex_unlock(&from->pair->lock);
	return is_told;
}

/* ---- the order ---- */

static const struct {
	const char *word;
	unsigned int flags;
	enum pair_fault fault;
} words_of_order[] = {
	{"tunnelled", VIR_MIGRATE_TUNNELLED, PAIR_FAULT_NONE},
	{"refuse", 0, PAIR_FAULT_REFUSE},
	{"kill-qemu", 0, PAIR_FAULT_KILL_QEMU},
	{"kill-libvirt", 0, PAIR_FAULT_KILL_LIBVIRT},
};

struct way {
	struct pair_side *from, *to;
	unsigned int flags;
	enum pair_fault fault;
	virTypedParameterPtr params;
	int n, room;
};

static bool read_words(struct way *w, const char *words)
{
	char text[64], *at = text, *word;

	snprintf(text, sizeof(text), "%s", words);
	while ((word = strsep(&at, " "))) {
		size_t i = 0;

		while (i < COUNT(words_of_order) && strcmp(word, words_of_order[i].word))
			i++;
		if (i == COUNT(words_of_order) && *word)
			return false;
		if (i == COUNT(words_of_order))
			continue;
		w->flags |= words_of_order[i].flags;
		if (words_of_order[i].fault)
			w->fault = words_of_order[i].fault;
	}
	return true;
}

static int add_text(struct way *w, const char *name, const char *value)
{
	return virTypedParamsAddString(&w->params, &w->n, &w->room, name, value);
}

/* The domain as it is, with a CPU that QEMU cannot make there: its last -cpu counts. */
static int add_refused(struct way *w, virDomainPtr domain)
{
	static const char end[] = "</qemu:commandline>";
	char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_MIGRATABLE), *text = NULL;
	const char *at = xml ? strstr(xml, end) : NULL;
	int ret = -1;

	if (at &&
	    asprintf(&text, "%.*s<qemu:arg value='-cpu'/><qemu:arg value='" NO_SUCH_CPU "'/>%s",
		     (int)(at - xml), xml, at) > 0)
		ret = add_text(w, VIR_MIGRATE_PARAM_DEST_XML, text);
	free(xml);
	free(text);
	return ret;
}

static int add_params(struct way *w, virDomainPtr domain)
{
	char uri[PAIR_PATH + 32];
	int ret = 0;

	snprintf(uri, sizeof(uri), "unix://%s/way", w->to->root);
	if (!(w->flags & VIR_MIGRATE_TUNNELLED))
		ret = add_text(w, VIR_MIGRATE_PARAM_URI, uri);
	if (!ret && w->fault == PAIR_FAULT_REFUSE)
		ret = add_refused(w, domain);
	else if (!ret && w->fault)
		ret = virTypedParamsAddULLong(&w->params, &w->n, &w->room,
					      VIR_MIGRATE_PARAM_BANDWIDTH, FAULT_MB);
	return ret;
}

static int go(struct way *w, virDomainPtr domain)
{
	char uri[PAIR_PATH + 64];
	int ret = add_params(w, domain);

	snprintf(uri, sizeof(uri), "qemu+unix:///system?socket=%s/sock", w->to->root);
	if (!ret)
		ret = virDomainMigrateToURI3(domain, uri, w->params, (unsigned int)w->n,
					     w->flags | VIR_MIGRATE_LIVE | VIR_MIGRATE_PEER2PEER);
	virTypedParamsFree(w->params, w->n);
	return ret;
}

/* ---- the answer ---- */

/* Is it where it was, and runs? */
static bool is_there(virDomainPtr domain)
{
	int state, reason;

	return !virDomainGetState(domain, &state, &reason, 0) && state == VIR_DOMAIN_RUNNING;
}

static void say_stayed(struct lab *lab, struct way *w)
{
	virErrorPtr e = virSaveLastError();
	const char *where = "way";
	char words[1024];

	if (!is_there(lab->domain)) {
		lab_say_why(e);
		virFreeError(e);
		return;
	}
	if (pair_has_ended(w->to))
		where = "libvirt";
	else if (!w->to->is_taking)
		where = "refused";
	snprintf(words, sizeof(words), "stayed %s %s", where,
		 e && e->message ? e->message : "libvirt gives no reason");
	virFreeError(e);
	lab_say("ok", words);
}

static unsigned long long find_statistic(virTypedParameterPtr params, int n, const char *name)
{
	unsigned long long value = 0;

	virTypedParamsGetULLong(params, n, name, &value);
	return value;
}

static void say_moved(struct lab *lab, struct way *w)
{
	virTypedParameterPtr params = NULL;
	int n = 0, type;
	uint64_t us;
	char words[160];

	if (!find_downtime(w->from, w->to, &us)) {
		lab_say("error", "QEMU did not tell when it stopped or resumed the domain");
		return;
	}
	if (virDomainGetJobStats(lab->domain, &type, &params, &n, VIR_DOMAIN_JOB_STATS_COMPLETED)) {
		lab_say_error();
		return;
	}
	snprintf(words, sizeof(words), "moved %d %llu %llu %llu", (int)lab_find_qemu(lab),
		 (unsigned long long)us, find_statistic(params, n, VIR_DOMAIN_JOB_DATA_PROCESSED),
		 find_statistic(params, n, VIR_DOMAIN_JOB_MEMORY_ITERATION));
	virTypedParamsFree(params, n);
	lab_say("ok", words);
}

/* Where it is now is listened to before it is looked for: if it has ended by then, it is not found. */
static void settle(struct lab *lab, struct way *w)
{
	virDomainPtr there;

	lab->conn = w->to->conn;
	there = virDomainLookupByName(lab->conn, virDomainGetName(lab->domain));
	virDomainFree(lab->domain);
	lab->domain = there;
	lab->folder = w->to->root;
	lab->pair->at = !lab->pair->at;
	if (there)
		say_moved(lab, w);
	else
		lab_say_error();
}

void pair_migrate(struct lab *lab, const char *words)
{
	struct pair *p = lab->pair;
	struct way w = {.from = &p->side[p->at], .to = &p->side[!p->at]};
	int ret;

	if (!read_words(&w, words)) {
		lab_say("error", "no such words of migrate");
		return;
	}
	capabilities_share(lab->root, w.to->root);
	pthread_mutex_lock(&p->lock);
	p->fault = w.fault;
	w.to->is_taking = false;
	w.from->stop_us = w.to->resume_us = 0;
	pthread_mutex_unlock(&p->lock);
	ret = go(&w, lab->domain);
	if (ret)
		say_stayed(lab, &w);
	else
		settle(lab, &w);
}
