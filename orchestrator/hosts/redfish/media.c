// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "orchestrator/hosts/redfish/message.h"
#include "orchestrator/hosts/redfish/steps.h"

#define INSERT_TRIES 5

/*
 * What InsertMedia may want besides Image. Image goes alone first (Supermicro X11, iLO 4 and Dell refuse more
 * than they know); a property that the answer names is added, or dropped if we sent it. Sources are those of
 * docs/hosts.md, "What BMCs want".
 */
static const struct extra {
	const char *name;
	const char *text; /* NULL: true */
	const char *why;
} extras[] = {
	{"Inserted", NULL, "Lenovo XCC by PATCH, some OpenBMC"},
	{"WriteProtected", NULL, "OpenBMC"},
	{"TransferProtocolType", "HTTP", "Nokia (sushy: retry-if-transferprototype-missing)"},
	{"TransferMethod", "Stream", "OpenBMC, NVIDIA GH200"},
	{"UserName", "none", "NVIDIA DGX (ironic 2071945): may not be empty"},
	{"Password", "none", "NVIDIA DGX (ironic 2071945): may not be empty"},
};

/* Something is in: Supermicro keeps Image after an eject, and says NotConnected. */
static bool is_inserted(struct json_object *drive)
{
	struct json_object *inserted = message_at(drive, "Inserted", NULL);
	const char *image = message_text(drive, "Image", NULL);
	const char *via = message_text(drive, "ConnectedVia", NULL);

	if (via && !strcmp(via, "NotConnected"))
		return false;
	if (json_object_is_type(inserted, json_type_boolean))
		return json_object_get_boolean(inserted);
	return image && *image;
}

/* Is it this image? Some BMCs shorten the URL they show; the path is ours alone. */
static bool has_image(struct json_object *drive, const char *url)
{
	const char *image = message_text(drive, "Image", NULL);
	const char *path = strstr(url, "/boot/");

	if (!is_inserted(drive) || !image)
		return false;
	return strstr(image, path ? path : url);
}

/* ---- out ---- */

static int ask_to_eject(struct bmc *b, const char *path, struct json_object *drive,
			struct error *err)
{
	const char *action =
		message_text(drive, "Actions", "#VirtualMedia.EjectMedia", "target", NULL);
	struct json_object *body = json_object_new_object();
	long status;
	int ret;

	if (action) {
		/* an empty object: iLO answers 415 to no body at all */
		ret = bmc_post(b, action, body, &status, err);
	} else {
		json_object_object_add(body, "Image", NULL);
		json_object_object_add(body, "Inserted", json_object_new_boolean(false));
		ret = bmc_patch(b, path, body, &status, err);
	}
	json_object_put(body);
	return ret;
}

/* -EAGAIN: still in. */
static int await_empty(struct bmc *b, const char *path, double until, struct error *err)
{
	do {
		struct json_object *drive = bmc_get_json(b, path, err);
		bool in = !drive || is_inserted(drive);
		int ret = drive ? 0 : err->code;

		json_object_put(drive);
		if (ret == -ECANCELED || ret == -EACCES || ret == -ENOENT)
			return ret;
		if (!in)
			return 0;
		ret = bmc_pause(b, b->cfg->poll_ms, err);
		if (ret)
			return ret;
	} while (clock_seconds() < until);
	return -EAGAIN;
}

/* The first look: -EALREADY, nothing of ours is in. *drive is the caller's. */
static int look_at_drive(struct bmc *b, const char *path, const char *only,
			 struct json_object **drive, struct error *err)
{
	*drive = bmc_get_json(b, path, err);
	if (!*drive)
		return err->code;
	if (only ? has_image(*drive, only) : is_inserted(*drive))
		return 0;
	return -EALREADY;
}

int media_eject(struct bmc *b, const char *path, const char *only, struct error *err)
{
	double until = clock_seconds() + b->cfg->media_limit_s;
	struct error own = {0}, said = {0};
	int ret;

	do {
		struct json_object *drive = NULL;

		ret = look_at_drive(b, path, only, &drive, &own);
		if (!ret)
			ret = ask_to_eject(b, path, drive, &said);
		json_object_put(drive);
		if (ret == -EALREADY)
			return 0;
		if (ret == -ECANCELED || ret == -EACCES || ret == -ENOENT)
			break;
		/* It is judged by the drive, whatever the answer was. */
		ret = await_empty(b, path, clock_seconds() + b->cfg->retry_ms / 1e3, &own);
		if (ret != -EAGAIN)
			break;
	} while (clock_seconds() < until);
	if (!ret)
		return 0;
	if (ret == -EAGAIN)
		return bmc_fail(err, BMC_MEDIA,
				"%s still has its image %lld s after it was to be "
				"ejected%s%s",
				path, (long long)b->cfg->media_limit_s,
				said.text[0] ? "; it said: " : "", said.text);
	return error_set(err, ret, "%s", own.text[0] ? own.text : said.text);
}

/* ---- in ---- */

struct insertion {
	const char *url;
	bool with[ARRAY_SIZE(extras)];
	bool dropped[ARRAY_SIZE(extras)]; /* it did not want it */
};

static struct json_object *make_body(const struct insertion *in)
{
	struct json_object *body = json_object_new_object();

	json_object_object_add(body, "Image", json_object_new_string(in->url));
	for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
		const struct extra *e = &extras[i];

		if (in->with[i])
			json_object_object_add(body, e->name,
					       e->text ? json_object_new_string(e->text)
						       : json_object_new_boolean(true));
	}
	return body;
}

/* Does the refusal name a property of the table? Then the next try has it, or has it no more. */
static bool learn(struct insertion *in, const char *said)
{
	bool learnt = false;

	for (size_t i = 0; i < ARRAY_SIZE(extras); i++) {
		if (!strstr(said, extras[i].name) || in->dropped[i])
			continue;
		in->dropped[i] = in->with[i];
		in->with[i] = !in->with[i];
		learnt = true;
	}
	return learnt;
}

static int ask_to_insert(struct bmc *b, const struct machine_drive *d, const struct insertion *in,
			 long *status, struct error *err)
{
	struct json_object *body = make_body(in);
	int ret;

	if (d->insert)
		ret = bmc_post(b, d->insert, body, status, err);
	else
		ret = bmc_patch(b, d->path, body, status, err);
	json_object_put(body);
	return ret;
}

/* 2xx is no proof: until the drive shows the image, the machine is not switched on. -EAGAIN: it does not. */
static int await_image(struct bmc *b, const char *path, const char *url, double until,
		       struct error *err)
{
	do {
		struct json_object *drive = bmc_get_json(b, path, err);
		bool in = drive && has_image(drive, url);
		int ret = drive ? 0 : err->code;

		json_object_put(drive);
		if (ret == -ECANCELED || ret == -EACCES)
			return ret;
		if (in)
			return 0;
		ret = bmc_pause(b, b->cfg->poll_ms, err);
		if (ret)
			return ret;
	} while (clock_seconds() < until);
	return -EAGAIN;
}

/* One request and what came of it. -EAGAIN: try again; @said has why. */
static int try_insert(struct bmc *b, const struct machine_drive *d, struct insertion *in,
		      struct error *said)
{
	struct error own = {0};
	double patience = b->cfg->media_limit_s;
	long status = 0;
	int ret = ask_to_insert(b, d, in, &status, said), shown;

	if (ret == -ECANCELED || ret == -EACCES)
		return ret;
	if (ret && status >= 400 && status < 500)
		return learn(in, said->text) ? -EAGAIN : ret;
	/* Where no answer came, and where it failed on its own account, it may be in all the same. */
	if (ret)
		patience = b->cfg->retry_ms / 1e3;
	shown = await_image(b, d->path, in->url, clock_seconds() + patience, &own);
	if (shown == -EAGAIN && !ret)
		error_set(said, -EAGAIN, "it said yes, but the drive shows no image");
	return shown;
}

static int insert_into(struct bmc *b, const struct machine_drive *d, const char *url,
		       struct error *err)
{
	struct insertion in = {.url = url};
	int ret = media_eject(b, d->path, NULL, err);

	if (!d->insert)
		in.with[0] = true; /* a PATCH of Image alone inserts nothing */
	for (int i = 0; i < INSERT_TRIES && !ret; i++) {
		ret = try_insert(b, d, &in, err);
		if (ret != -EAGAIN)
			return ret;
		ret = 0;
	}
	return ret ? ret : bmc_blame(err, -EREMOTEIO, BMC_MEDIA);
}

int media_insert(struct bmc *b, const struct machine *m, const char *url,
		 int (*note)(void *arg, const char *drive, struct error *err), void *arg,
		 char **drive, struct error *err)
{
	struct strbuf reasons = STRBUF_INIT;
	int ret = 0;

	for (size_t i = 0; i < m->ndrives; i++) {
		const struct machine_drive *d = &m->drives[i];
		struct error own = {0};

		ret = note(arg, d->path, err);
		if (ret)
			goto out;
		ret = insert_into(b, d, url, &own);
		if (!ret) {
			*drive = xstrdup(d->path);
			goto out;
		}
		strbuf_addf(&reasons, "; %s: %s", d->path, own.text);
		if (ret == -ECANCELED || ret == -EACCES) {
			error_set(err, ret, "%s", own.text);
			goto out;
		}
	}
	ret = bmc_fail(err, BMC_MEDIA, "no drive takes the image%s", reasons.buf);
out:
	strbuf_release(&reasons);
	return ret;
}
