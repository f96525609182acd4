// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/redfish/message.h"
#include "orchestrator/hosts/redfish/steps.h"

#define SET_TRIES 5

/* Names of the source, best first. The standard's are Cd and UefiHttp (DSP0268, ComputerSystem.Boot). */
static const struct name {
	const char *maker; /* NULL: any */
	const char *target;
	enum override_source source;
	const char *why;
} names[] = {
	{"Supermicro", "UsbCd", OVERRIDE_CD,
	 "its Cd is the SATA drive (sushy: change-bootdev-smc)"},
	{NULL, "Cd", OVERRIDE_CD, "the standard's"},
	{NULL, "UsbCd", OVERRIDE_CD, "Supermicro boards without Cd"},
	{NULL, "CD/DVD", OVERRIDE_CD, "X10SDV (captured)"},
	{NULL, "UefiUsbCd", OVERRIDE_CD, "X10SDV with UEFI (captured)"},
	{NULL, "UefiHttp", OVERRIDE_HTTP, "the standard's"},
};

static bool fits(const struct machine *m, const struct name *n, enum override_source source)
{
	if (n->source != source || (n->maker && strcmp(n->maker, m->maker)))
		return false;
	return machine_has_word(&m->targets, n->target);
}

/* Where nothing is said of the names, the standard's is tried. */
static const char *choose_target(const struct machine *m, enum override_source source)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (fits(m, &names[i], source))
			return names[i].target;
		if (!m->targets.n && !names[i].maker && names[i].source == source)
			return names[i].target;
	}
	return NULL;
}

const char *override_lacks(const struct machine *m, enum override_source source)
{
	if (choose_target(m, source))
		return NULL;
	return source == OVERRIDE_CD ? "it cannot be told to boot from a CD"
				     : "it cannot be told to boot by UEFI HTTP";
}

/* ---- reading ---- */

static int read_boot(struct bmc *b, const struct machine *m, struct json_object **boot,
		     struct error *err)
{
	struct json_object *json = bmc_get_json(b, m->boot, err);

	*boot = NULL;
	if (!json)
		return err->code;
	*boot = json_object_get(message_at(json, "Boot", NULL));
	json_object_put(json);
	return 0;
}

static bool is_text(struct json_object *boot, const char *key, const char *want)
{
	const char *text = message_text(boot, key, NULL);

	return text && !strcmp(text, want);
}

static bool is_off(struct json_object *boot)
{
	return is_text(boot, "BootSourceOverrideEnabled", "Disabled") ||
	       is_text(boot, "BootSourceOverrideTarget", "None");
}

int override_read(struct bmc *b, const struct machine *m, struct json_object **now,
		  struct error *err)
{
	static const char *const keys[] = {"BootSourceOverrideEnabled", "BootSourceOverrideTarget",
					   "BootSourceOverrideMode"};
	struct json_object *boot;
	int ret = read_boot(b, m, &boot, err);

	*now = NULL;
	if (ret)
		return ret;
	if (boot && !is_off(boot)) {
		*now = json_object_new_object();
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (message_text(boot, keys[i], NULL))
				json_object_object_add(
					*now, keys[i],
					json_object_new_string(message_text(boot, keys[i], NULL)));
	}
	json_object_put(boot);
	return 0;
}

/* ---- writing ---- */

/* The forms of a change, tried in turn: each is refused by somebody (docs/hosts.md, "What BMCs want"). */
static int write_boot(struct bmc *b, const struct machine *m, struct json_object *boot,
		      struct error *err)
{
	struct json_object *body = json_object_new_object();
	long status;
	int ret;

	json_object_object_add(body, "Boot", json_object_get(boot));
	ret = bmc_patch(b, m->boot, body, &status, err);
	json_object_put(body);
	return ret;
}

static struct json_object *new_boot(const char *enabled, const char *target, const char *mode)
{
	struct json_object *boot = json_object_new_object();

	json_object_object_add(boot, "BootSourceOverrideEnabled", json_object_new_string(enabled));
	if (target)
		json_object_object_add(boot, "BootSourceOverrideTarget",
				       json_object_new_string(target));
	if (mode)
		json_object_object_add(boot, "BootSourceOverrideMode",
				       json_object_new_string(mode));
	return boot;
}

/* Once, or Continuous where it knows nothing else (sushy-tools): it is cleared at the end. */
static bool is_set(struct json_object *boot, const char *target)
{
	return is_text(boot, "BootSourceOverrideTarget", target) &&
	       !is_text(boot, "BootSourceOverrideEnabled", "Disabled");
}

/* Writes the form, and reads what it has become, whatever the answer: some say 400 and do it (Dell 13G).
 * -EAGAIN: it has not; @said has why. */
static int try_form(struct bmc *b, const struct machine *m, struct json_object *form,
		    const char *target, struct error *said)
{
	struct error own = {0};
	struct json_object *boot = NULL;
	int wrote = write_boot(b, m, form, said), ret;
	bool good;

	if (wrote == -ECANCELED || wrote == -EACCES)
		return wrote;
	ret = read_boot(b, m, &boot, &own);
	if (ret) {
		error_set(said, ret, "%s", own.text);
		return ret == -ECANCELED ? ret : -EAGAIN;
	}
	good = target ? is_set(boot, target) : is_off(boot);
	json_object_put(boot);
	if (good)
		return 0;
	if (!wrote)
		error_set(said, -EAGAIN, "it said yes, and shows another one");
	return -EAGAIN;
}

/* Each form in turn, the row of them as often as there are tries. */
static int try_forms(struct bmc *b, const struct machine *m, struct json_object *const *forms,
		     size_t n, const char *target, struct error *said)
{
	int ret = -EAGAIN;

	for (int i = 0; i < SET_TRIES && ret == -EAGAIN; i++) {
		for (size_t f = 0; f < n && ret == -EAGAIN; f++)
			ret = try_form(b, m, forms[f], target, said);
		if (ret == -EAGAIN && bmc_pause(b, b->cfg->retry_ms, said))
			return -ECANCELED;
	}
	return ret;
}

static void put_all(struct json_object *const *forms, size_t n)
{
	for (size_t i = 0; i < n; i++)
		json_object_put(forms[i]);
}

/* The mode must be said (Supermicro falls back to BIOS), and must not (HPE): with it where it is shown. */
int override_set(struct bmc *b, const struct machine *m, enum override_source source,
		 const char *url, struct error *err)
{
	const char *target = choose_target(m, source);
	struct json_object *forms[2];
	struct error said = {0};
	size_t n = 0;
	int ret;

	if (!target)
		return bmc_fail(err, BMC_UNFIT, "%s: %s", m->system, override_lacks(m, source));
	if (m->has_mode)
		forms[n++] = new_boot("Once", target, "UEFI");
	forms[n++] = new_boot("Once", target, NULL);
	for (size_t i = 0; i < n && source == OVERRIDE_HTTP; i++)
		json_object_object_add(forms[i], "HttpBootUri", json_object_new_string(url));
	ret = try_forms(b, m, forms, n, target, &said);
	put_all(forms, n);
	if (ret == -EAGAIN)
		return bmc_fail(err, BMC_OVERRIDE, "%s does not take %s as what it boots next: %s",
				m->boot, target, said.text);
	return ret ? error_set(err, ret, "%s", said.text) : 0;
}

int override_restore(struct bmc *b, const struct machine *m, struct json_object *before,
		     struct error *err)
{
	const char *target = message_text(before, "BootSourceOverrideTarget", NULL);
	struct json_object *forms[3], *now = NULL;
	struct error said = {0};
	size_t n = 0;
	int ret = override_read(b, m, &now, err);
	bool done = json_object_equal(now, before);

	json_object_put(now);
	if (ret || done) /* what was to happen once has happened */
		return ret;
	if (before) {
		forms[n++] = json_object_get(before);
	} else {
		/* iLO wants a target besides, others refuse one; some want the mode */
		forms[n++] = new_boot("Disabled", NULL, NULL);
		forms[n++] = new_boot("Disabled", "None", NULL);
		forms[n++] = new_boot("Disabled", "None", "UEFI");
	}
	ret = try_forms(b, m, forms, n, target, &said);
	put_all(forms, n);
	if (ret == -EAGAIN)
		return bmc_fail(err, BMC_OVERRIDE, "%s keeps its boot override: %s", m->boot,
				said.text);
	return ret ? error_set(err, ret, "%s", said.text) : 0;
}
