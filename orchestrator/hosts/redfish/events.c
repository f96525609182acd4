// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/events.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "orchestrator/hosts/redfish/message.h"

#define SERVICES_MAX 16	 /* logs of one owner that are looked at */
#define PAGES_MAX    20	 /* of one log: some give fifty entries at once */
#define ENDS	     64	 /* entries that are fetched one by one, at either end of a list */
#define ASKED_MAX    512 /* and in all: each takes 160 ms and more, and logs have thousands */
#define UNREAD_MAX   3 /* parts that a log may have and not give: each is asked for several times */
#define SLACK_S	     5 /* the time is asked for some requests later than it is needed */

/*
 * Which of the logs is the machine's own. LogEntryType says SEL where a BMC knows it (DSP0268); the others go by
 * their name. Left out: logs of who logged in, of the firmware's updates, of jobs.
 */
static const char *const log_names[] = {
	"Sel",	       /* Dell (with Lclog and FaultList), AMI */
	"IML",	       /* HPE: integrated management log */
	"PlatformLog", /* Lenovo XCC */
	"EventLog",    /* OpenBMC */
	"Log1",	       /* Supermicro, and DMTF's mock-ups */
};

static bool is_event_log(struct json_object *service)
{
	const char *type = message_text(service, "LogEntryType", NULL);
	const char *id = message_text(service, "Id", NULL);

	if (type && !strcmp(type, "SEL"))
		return true;
	for (size_t i = 0; id && i < ARRAY_SIZE(log_names); i++)
		if (!strcasecmp(id, log_names[i]))
			return true;
	return false;
}

static void add_words(struct strbuf *out, struct json_object *entry, const char *key)
{
	const char *word = message_text(entry, key, NULL);

	if (word && *word)
		strbuf_addf(out, "%s%s", out->len ? " " : "", word);
}

static void add_entry(struct json_object *entry, struct sel *sel)
{
	const char *created = message_text(entry, "Created", NULL);
	const char *severity = message_text(entry, "Severity", NULL);
	struct strbuf text = STRBUF_INIT;
	int64_t at = 0;

	add_words(&text, entry, "SensorType");
	add_words(&text, entry, "EntryCode");
	add_words(&text, entry, "Message");
	add_words(&text, entry, "MessageId");
	if (created)
		at = sel_parse_iso(created);
	sel_add(sel, at, severity ? severity : "", text.buf);
	strbuf_release(&text);
}

/* A part that cannot be read stands in the log as that, and the rest is read; of many it is the BMC that fails. */
static int skip_unread(struct sel *sel, const struct error *err)
{
	static const int of_the_part[] = {-EACCES, -EOPNOTSUPP, -EREMOTEIO};
	struct strbuf text = STRBUF_INIT;
	bool skipped = false;

	if (err->code == -ENOENT)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(of_the_part); i++)
		skipped |= err->code == of_the_part[i];
	if (!skipped || sel->unread++ >= UNREAD_MAX)
		return err->code;
	strbuf_addf(&text, "(not read: %s)", err->text);
	sel_add(sel, 0, "", text.buf);
	strbuf_release(&text);
	return 0;
}

/* Some list their entries whole, some by links alone. */
static int take_entry(struct bmc *b, struct json_object *member, bool far, struct sel *sel,
		      struct error *err)
{
	const char *path = message_text(member, "@odata.id", NULL);
	struct json_object *whole;

	if (message_at(member, "Created", NULL) || message_at(member, "Message", NULL)) {
		add_entry(member, sel);
		return 0;
	}
	if (!path || far || sel->asked >= ASKED_MAX)
		return 0;
	sel->asked++;
	whole = bmc_get_json(b, path, err);
	if (!whole)
		return skip_unread(sel, err);
	add_entry(whole, sel);
	json_object_put(whole);
	return 0;
}

/* The newest are at one end or the other, by make. */
static bool is_far_from_ends(size_t i, size_t n)
{
	return i >= ENDS && i + ENDS < n;
}

/* Reads one page; *next is where the rest is, or NULL. */
static int read_page(struct bmc *b, const char *path, struct sel *sel, char **next,
		     struct error *err)
{
	struct json_object *page = bmc_get_json(b, path, err), *members;
	size_t n = 0;
	int ret = 0;

	*next = NULL;
	if (!page)
		return skip_unread(sel, err);
	members = message_at(page, "Members", NULL);
	if (json_object_is_type(members, json_type_array))
		n = json_object_array_length(members);
	for (size_t i = 0; i < n && !ret; i++)
		ret = take_entry(b, json_object_array_get_idx(members, i), is_far_from_ends(i, n),
				 sel, err);
	*next = xstrdup(message_text(page, "Members@odata.nextLink", NULL));
	json_object_put(page);
	return ret;
}

static int read_entries(struct bmc *b, const char *path, struct sel *sel, struct error *err)
{
	char *at = xstrdup(path);
	int ret = 0;

	for (int page = 0; at && page < PAGES_MAX && !ret; page++) {
		char *next;

		ret = read_page(b, at, sel, &next, err);
		free(at);
		at = next;
	}
	free(at);
	return ret;
}

static int read_service(struct bmc *b, const char *path, struct sel *sel, struct error *err)
{
	struct json_object *service = bmc_get_json(b, path, err);
	const char *entries = message_text(service, "Entries", "@odata.id", NULL);
	int ret = 0;

	if (!service)
		return skip_unread(sel, err);
	if (entries && is_event_log(service))
		ret = read_entries(b, entries, sel, err);
	json_object_put(service);
	return ret;
}

/* All logs of a system or a manager. */
static int read_logs(struct bmc *b, struct json_object *owner, struct sel *sel, struct error *err)
{
	const char *path = message_text(owner, "LogServices", "@odata.id", NULL);
	struct json_object *all = path ? bmc_get_json(b, path, err) : NULL, *members;
	int ret = 0;

	if (!all)
		return path && err->code != -ENOENT ? err->code : 0;
	members = message_at(all, "Members", NULL);
	for (size_t i = 0; json_object_is_type(members, json_type_array) && i < SERVICES_MAX &&
			   i < json_object_array_length(members) && !ret;
	     i++) {
		const char *at =
			message_text(json_object_array_get_idx(members, i), "@odata.id", NULL);

		if (at)
			ret = read_service(b, at, sel, err);
	}
	json_object_put(all);
	return ret;
}

static struct json_object *get_manager(struct bmc *b, struct json_object *system, struct error *err)
{
	struct json_object *list = message_at(system, "Links", "ManagedBy", NULL);
	const char *path = NULL;

	if (json_object_is_type(list, json_type_array) && json_object_array_length(list))
		path = message_text(json_object_array_get_idx(list, 0), "@odata.id", NULL);
	return path ? bmc_get_json(b, path, err) : NULL;
}

/* A BMC that does not say what time it is has ours, as far as anybody knows. */
static int64_t time_of(struct json_object *manager)
{
	const char *text = message_text(manager, "DateTime", NULL);
	int64_t now = text ? sel_parse_iso(text) : 0;

	return now ? now : (int64_t)time(NULL);
}

int events_read(struct bmc *b, const struct machine *m, double seconds, struct sel *sel,
		struct error *err)
{
	struct json_object *system = bmc_get_json(b, m->system, err), *manager;
	struct error none = {0};
	int ret;

	if (!system)
		return err->code;
	manager = get_manager(b, system, &none);
	sel->since = time_of(manager) - (int64_t)seconds - SLACK_S;
	ret = read_logs(b, system, sel, err);
	if (!ret && manager)
		ret = read_logs(b, manager, sel, err);
	json_object_put(manager);
	json_object_put(system);
	return ret;
}
