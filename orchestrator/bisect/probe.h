/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * probe.h - what a bisect measures, as a scenario file: one scenario, one set of parameters, one
 * metric or failure (struct request_probe).
 */
#ifndef ORCHESTRATOR_BISECT_PROBE_H
#define ORCHESTRATOR_BISECT_PROBE_H

#include "common/error.h"
#include "orchestrator/request/request.h"

/* Is it one measurement, and does it yield the metric, if one is asked for? -EINVAL names the option that is wrong ("--param
 * l2_vcpus=0: ...") and says what can be asked for instead. */
int bisect_probe_check(const struct request_probe *p, struct error *err);

/* Checks it and writes the scenario file that holds the one measurement. */
int bisect_probe_write(const struct request_probe *p, const char *path, struct error *err);

#endif
