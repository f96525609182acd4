/* SPDX-License-Identifier: GPL-2.0-only */
/* delivery.h - what an agent tells the daemon of a boot that it was given. */
#ifndef ORCHESTRATOR_DAEMON_AGENT_DELIVERY_H
#define ORCHESTRATOR_DAEMON_AGENT_DELIVERY_H

#include "orchestrator/daemon/http/client.h"
#include "orchestrator/daemon/agent/spool.h"

/* It lives. -EEXIST: the lease is lost, it is to stop; other errors: nobody was told. */
int delivery_heartbeat(struct client *c, const struct spooled *s, struct error *err);

/* Sends what the log has after *sent, and moves that on. */
int delivery_log(struct client *c, const struct spooled *s, int64_t *sent, struct error *err);

/*
 * It has ended: sends its result, or why there is none. Once: 0: the daemon has answered for it, or does not want it
 * any more; -EAGAIN: try again later; other errors: it will never be taken.
 */
int delivery_result(struct client *c, const struct spooled *s, struct error *err);

/* Nothing came of it and nobody is to blame: another may have it. */
int delivery_give_back(struct client *c, const struct spooled *s, struct error *err);

/* Brings the page that a sign-off wrote; 0 if there is none. */
int delivery_page(struct client *c, const struct spooled *s, struct error *err);

#endif
