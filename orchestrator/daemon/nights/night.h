/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * night.h - nights: the thread that submits what schedules ask for when it is due, looks at nights that are over
 * (alarm.h), brings changes on (confirm.h) and sends what is to be sent (mail/outbox.h).
 *
 * A thread of its own because it asks git, systemd-analyze and a mail server, and the writer waits for nobody.
 * Lists' archives are looked at by a second one: a server that dribbles keeps no night waiting. Both sleep until a time comes,
 * something is committed, or a schedule's file changes.
 */
#ifndef ORCHESTRATOR_DAEMON_NIGHTS_NIGHT_H
#define ORCHESTRATOR_DAEMON_NIGHTS_NIGHT_H

#include "orchestrator/daemon/nights/nightly.h"

struct nights;

int nights_start(const struct night_setting *setting, struct nights **out, struct error *err);
void nights_wake(struct nights *n); /* something was committed; from any thread */
void nights_stop(struct nights *n); /* NULL: nothing */

#endif
