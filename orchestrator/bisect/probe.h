/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.h - what a bisect measures, as a scenario file: one scenario, one set of parameters, one
 * metric or failure (struct request_probe).
 */
#ifndef ORCHESTRATOR_BISECT_PROBE_H
#define ORCHESTRATOR_BISECT_PROBE_H

#include "common/error.h"
#include "orchestrator/request/request.h"

/*
 * Writes the scenario file that holds the one measurement, and checks that it is one and yields the
 * metric, if one is asked for: -EINVAL says what can be asked for instead.
 */
int bisect_probe_write(const struct request_probe *p, const char *path, struct error *err);

#endif
