/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hosts.h - which hosts there are, and what their files say.
 *
 * A host file has the common keys (driver, description, kernel_config, parallel, wall_limit_s,
 * progress_limit_s, boot_limit_s) and its driver's; docs/hosts.md has them all.
 */
#ifndef ORCHESTRATOR_HOSTS_HOSTS_H
#define ORCHESTRATOR_HOSTS_HOSTS_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver *const host_drivers[]; /* NULL-terminated */

/* @name: a built-in, a plain name (a file of places->hosts) or a path ending in .json. -ENOENT, or
 * -EINVAL with file and path in it. Free with host_config_free(). */
int host_find(const struct places *places, const char *name, struct host_config *cfg,
	      struct error *err);
void host_config_free(struct host_config *cfg);

/* Sorted names of all hosts; free with fs_free_names(). */
int host_list(const struct places *places, char ***names, size_t *count, struct error *err);

/* Asks the driver's probe(). Free with host_found_free(), also after an error. */
int host_probe(const struct host_config *cfg, const struct places *places, struct host_found *found,
	       struct error *err);
void host_found_free(struct host_found *found);

/* What makes a boot's numbers comparable, as canonical JSON: what the probe found, and what the
 * driver takes from the agent's @hello (NULL: none came). The caller frees. */
char *host_identity(const struct host_config *cfg, const struct host_found *found,
		    struct json_object *hello);

#endif
