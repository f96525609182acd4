/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.h - what is done to a machine to boot an image, each step judged by reading back what it changed:
 * media.c, override.c, power.c.
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_STEPS_H
#define ORCHESTRATOR_HOSTS_REDFISH_STEPS_H

#include "orchestrator/hosts/redfish/machine.h"

enum step_power { STEP_OFF, STEP_ON, STEP_UNKNOWN };

/* What it says it is; UNKNOWN: in between, or it does not say. */
int power_read(struct bmc *b, const struct machine *m, enum step_power *state, struct error *err);
/* Switches it off at once, or on, and waits until it says so. */
int power_set(struct bmc *b, const struct machine *m, enum step_power want, struct error *err);

/* Puts the image at @url into a drive: the first that takes it. What was in there is taken out. *drive is
 * its path (the caller frees); @note is called with it before anything is changed. */
int media_insert(struct bmc *b, const struct machine *m, const char *url,
		 int (*note)(void *arg, const char *drive, struct error *err), void *arg,
		 char **drive, struct error *err);
/* Takes it out of the drive at @path: whatever is in (@only NULL), or only an image at that URL. */
int media_eject(struct bmc *b, const char *path, const char *only, struct error *err);

/* What the machine is to boot next, once. */
enum override_source { OVERRIDE_CD, OVERRIDE_HTTP };

/* The override as it is now, for override_restore(); the caller puts it. */
int override_read(struct bmc *b, const struct machine *m, struct json_object **now,
		  struct error *err);
/* @url: what UEFI HTTP boot fetches. */
int override_set(struct bmc *b, const struct machine *m, enum override_source source,
		 const char *url, struct error *err);
/* Back to @before, or none at all (NULL). */
int override_restore(struct bmc *b, const struct machine *m, struct json_object *before,
		     struct error *err);
/* Does the machine say that it can? NULL: its word for it, else why not. */
const char *override_lacks(const struct machine *m, enum override_source source);

#endif
