// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/redfish/message.h"

#define MEMBERS_MAX 64 /* of a collection */

/* ---- words ---- */

bool machine_has_word(const struct machine_words *w, const char *word)
{
	for (size_t i = 0; i < w->n; i++)
		if (!strcmp(w->word[i], word))
			return true;
	return false;
}

static void take_words(struct machine_words *w, struct json_object *list)
{
	if (!json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *word = json_object_get_string(json_object_array_get_idx(list, i));

		if (!word)
			continue;
		w->word = xrealloc(w->word, w->n + 1, sizeof(*w->word));
		w->word[w->n++] = xstrdup(word);
	}
}

static void free_words(struct machine_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->word[i]);
	free(w->word);
	*w = (struct machine_words){0};
}

/* ---- collections ---- */

/* Calls @take with each member of the collection at @path, read. A collection that is not there has none; a
 * member that cannot be read is skipped, unless nothing more can. */
static int each_member(struct bmc *b, const char *path,
		       int (*take)(struct bmc *b, const char *path, struct bmc_reply *r, void *arg,
				   struct error *err),
		       void *arg, struct error *err)
{
	struct json_object *all, *members;
	size_t n = 0;
	int ret = 0;

	all = path ? bmc_get_json(b, path, err) : NULL;
	if (!all)
		return path && err->code != -ENOENT ? err->code : 0;
	members = message_at(all, "Members", NULL);
	if (json_object_is_type(members, json_type_array))
		n = json_object_array_length(members);
	for (size_t i = 0; i < n && i < MEMBERS_MAX && !ret; i++) {
		const char *at =
			message_text(json_object_array_get_idx(members, i), "@odata.id", NULL);
		struct bmc_reply r;

		if (!at)
			continue;
		ret = bmc_get(b, at, &r, err);
		if (!ret)
			ret = take(b, at, &r, arg, err);
		else if (ret == -ENOENT || ret == -EACCES)
			ret = 0;
		bmc_reply_release(&r);
	}
	json_object_put(all);
	return ret;
}

/* ---- the system ---- */

/* Systems that can be switched. */
struct candidates {
	char *first;
	struct strbuf all;
	size_t n;
};

static int take_system(struct bmc *b, const char *path, struct bmc_reply *r, void *arg,
		       struct error *err)
{
	struct candidates *c = arg;

	(void)b;
	(void)err;
	/* A baseboard of GPUs is a system, too, but nothing that one boots. */
	if (!message_text(r->json, "Actions", "#ComputerSystem.Reset", "target", NULL) ||
	    !message_at(r->json, "Boot", NULL))
		return 0;
	strbuf_addf(&c->all, " %s", path);
	if (!c->n++)
		c->first = xstrdup(path);
	return 0;
}

static int choose_system(struct bmc *b, struct json_object *root, char **out, struct error *err)
{
	struct candidates c = {.all = STRBUF_INIT};
	int ret;

	if (b->cfg->system) {
		*out = xstrdup(b->cfg->system);
		return 0;
	}
	ret = each_member(b, message_text(root, "Systems", "@odata.id", NULL), take_system, &c,
			  err);
	if (!ret && !c.n)
		ret = bmc_fail(err, BMC_UNFIT,
			       "%s shows no system that can be switched and told "
			       "what to boot",
			       b->cfg->bmc);
	else if (!ret && c.n > 1)
		ret = bmc_fail(
			err, BMC_UNFIT,
			"%s has several systems; name one in the host file: \"system\": one of%s",
			b->cfg->bmc, c.all.buf);
	strbuf_release(&c.all);
	*out = c.first;
	return ret;
}

/* The values of a parameter, in the resource or in the ActionInfo that it points to. */
static int read_resets(struct bmc *b, struct json_object *system, struct machine *m,
		       struct error *err)
{
	struct json_object *action = message_at(system, "Actions", "#ComputerSystem.Reset", NULL);
	const char *info = message_text(action, "@Redfish.ActionInfo", NULL);
	struct json_object *more, *list;

	m->reset = xstrdup(message_text(action, "target", NULL));
	if (!m->reset)
		return bmc_fail(err, BMC_UNFIT, "%s cannot be switched: it has no Reset action",
				m->system);
	take_words(&m->resets, message_at(action, "ResetType@Redfish.AllowableValues", NULL));
	if (m->resets.n || !info)
		return 0;
	more = bmc_get_json(b, info, err);
	if (!more)
		return err->code == -ENOENT ? 0 : err->code;
	list = message_at(more, "Parameters", NULL);
	for (size_t i = 0;
	     json_object_is_type(list, json_type_array) && i < json_object_array_length(list);
	     i++) {
		struct json_object *p = json_object_array_get_idx(list, i);
		const char *name = message_text(p, "Name", NULL);

		if (name && !strcmp(name, "ResetType"))
			take_words(&m->resets, message_at(p, "AllowableValues", NULL));
	}
	json_object_put(more);
	return 0;
}

/* ---- Boot ---- */

static void take_boot(struct machine *m, const char *path, struct json_object *boot)
{
	free(m->boot);
	m->boot = xstrdup(path);
	free_words(&m->targets);
	take_words(&m->targets,
		   message_at(boot, "BootSourceOverrideTarget@Redfish.AllowableValues", NULL));
	m->has_mode = message_at(boot, "BootSourceOverrideMode", NULL);
}

/* Settings are used if they show the key: Lenovo's and Dell's have a Boot without it, for the order alone. */
static int read_boot(struct bmc *b, struct json_object *system, struct machine *m,
		     struct error *err)
{
	const char *settings =
		message_text(system, "@Redfish.Settings", "SettingsObject", "@odata.id", NULL);
	struct json_object *boot = message_at(system, "Boot", NULL), *json;

	take_boot(m, m->system, boot);
	if (!settings)
		return 0;
	json = bmc_get_json(b, settings, err);
	if (!json)
		return err->code == -ENOENT || err->code == -EACCES ? 0 : err->code;
	boot = message_at(json, "Boot", NULL);
	if (message_at(boot, "BootSourceOverrideTarget", NULL))
		take_boot(m, settings, boot);
	json_object_put(json);
	return 0;
}

/* ---- drives ---- */

static bool is_disc_drive(struct json_object *drive)
{
	struct json_object *types = message_at(drive, "MediaTypes", NULL);

	if (!json_object_is_type(types, json_type_array) || !json_object_array_length(types))
		return true; /* it does not say */
	for (size_t i = 0; i < json_object_array_length(types); i++) {
		const char *type = json_object_get_string(json_object_array_get_idx(types, i));

		if (type && (!strcmp(type, "CD") || !strcmp(type, "DVD")))
			return true;
	}
	return false;
}

static bool is_wanted(const struct bmc *b, const char *path, const char *id)
{
	return !b->cfg->drive || !strcmp(b->cfg->drive, path) || !strcmp(b->cfg->drive, id);
}

static bool is_known(const struct machine *m, const char *path)
{
	for (size_t i = 0; i < m->ndrives; i++)
		if (!strcmp(m->drives[i].path, path))
			return true;
	return false;
}

static const char *why_not(const struct bmc *b, const char *path, const char *id,
			   struct bmc_reply *r)
{
	if (!is_wanted(b, path, id))
		return "not the host file's \"drive\"";
	if (!is_disc_drive(r->json))
		return "takes no CD or DVD";
	if (!message_text(r->json, "Actions", "#VirtualMedia.InsertMedia", "target", NULL) &&
	    !r->patchable)
		return "has no InsertMedia action and cannot be written";
	return NULL;
}

static int take_drive(struct bmc *b, const char *path, struct bmc_reply *r, void *arg,
		      struct error *err)
{
	struct machine *m = arg;
	const char *id = message_text(r->json, "Id", NULL);
	const char *reason = why_not(b, path, id ? id : path, r);
	struct machine_drive *d = &m->drives[m->ndrives];

	(void)err;
	if (is_known(m, path) || m->ndrives == MACHINE_DRIVES)
		return 0;
	if (reason) {
		strbuf_addf(&m->rejected, "%s: %s; ", path, reason);
		return 0;
	}
	*d = (struct machine_drive){
		.path = xstrdup(path),
		.id = xstrdup(id ? id : path),
		.insert = xstrdup(message_text(r->json, "Actions", "#VirtualMedia.InsertMedia",
					       "target", NULL)),
		.eject = xstrdup(message_text(r->json, "Actions", "#VirtualMedia.EjectMedia",
					      "target", NULL)),
		.patchable = r->patchable,
	};
	m->ndrives++;
	return 0;
}

/* The virtual media of a resource of that kind, by its link. */
static int take_drives_of(struct bmc *b, const char *path, struct json_object *resource,
			  struct machine *m, struct error *err)
{
	(void)path;
	return each_member(b, message_text(resource, "VirtualMedia", "@odata.id", NULL), take_drive,
			   m, err);
}

static int take_manager(struct bmc *b, const char *path, struct bmc_reply *r, void *arg,
			struct error *err)
{
	return take_drives_of(b, path, r->json, arg, err);
}

static int take_managers_of(struct bmc *b, struct json_object *system, struct machine *m,
			    struct error *err)
{
	struct json_object *list = message_at(system, "Links", "ManagedBy", NULL);
	int ret = 0;

	for (size_t i = 0; json_object_is_type(list, json_type_array) &&
			   i < json_object_array_length(list) && !ret;
	     i++) {
		const char *path =
			message_text(json_object_array_get_idx(list, i), "@odata.id", NULL);
		struct json_object *manager = path ? bmc_get_json(b, path, err) : NULL;

		if (manager)
			ret = take_drives_of(b, path, manager, m, err);
		else if (path && err->code != -ENOENT)
			ret = err->code;
		json_object_put(manager);
	}
	return ret;
}

/* First those with an action. */
static void sort_drives(struct machine *m)
{
	for (size_t i = 0, at = 0; i < m->ndrives; i++)
		if (m->drives[i].insert) {
			struct machine_drive d = m->drives[i];

			memmove(&m->drives[at + 1], &m->drives[at], (i - at) * sizeof(d));
			m->drives[at++] = d;
		}
}

/* The system's own, then its managers'; all managers' where the system names none. */
static int find_drives(struct bmc *b, struct json_object *root, struct json_object *system,
		       struct machine *m, struct error *err)
{
	int ret = take_drives_of(b, m->system, system, m, err);

	if (!ret)
		ret = take_managers_of(b, system, m, err);
	if (!ret && !m->ndrives)
		ret = each_member(b, message_text(root, "Managers", "@odata.id", NULL),
				  take_manager, m, err);
	sort_drives(m);
	return ret;
}

/* ---- all of it ---- */

static int read_machine(struct bmc *b, struct json_object *root, struct machine *m,
			struct error *err)
{
	struct json_object *system;
	int ret = choose_system(b, root, &m->system, err);

	if (ret)
		return ret;
	system = bmc_get_json(b, m->system, err);
	if (!system)
		return err->code;
	m->maker = xstrdup(message_text(system, "Manufacturer", NULL));
	m->model = xstrdup(message_text(system, "Model", NULL));
	ret = read_resets(b, system, m, err);
	if (!ret)
		ret = read_boot(b, system, m, err);
	if (!ret && b->cfg->path != REDFISH_HTTP)
		ret = find_drives(b, root, system, m, err);
	json_object_put(system);
	return ret;
}

int machine_find(struct bmc *b, struct machine *m, struct error *err)
{
	struct error own = {0};
	struct json_object *root;
	int ret;

	*m = (struct machine){.rejected = STRBUF_INIT};
	root = bmc_get_json(b, "/redfish/v1/", &own);
	ret = root ? read_machine(b, root, m, &own) : own.code;
	json_object_put(root);
	if (ret)
		error_set(err, ret, "%s", own.text);
	if (!m->maker)
		m->maker = xstrdup("");
	if (!m->model)
		m->model = xstrdup("");
	return ret;
}

void machine_release(struct machine *m)
{
	for (size_t i = 0; i < m->ndrives; i++) {
		free(m->drives[i].path);
		free(m->drives[i].id);
		free(m->drives[i].insert);
		free(m->drives[i].eject);
	}
	free_words(&m->resets);
	free_words(&m->targets);
	strbuf_release(&m->rejected);
	free(m->system);
	free(m->reset);
	free(m->boot);
	free(m->maker);
	free(m->model);
	*m = (struct machine){.rejected = STRBUF_INIT};
}
