/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * carried.h - a request on its way through the server: what server.c, guard.c, answer.c, peer.c and stream.c share.
 * Private to them.
 */
#ifndef ORCHESTRATOR_DAEMON_HTTP_CARRIED_H
#define ORCHESTRATOR_DAEMON_HTTP_CARRIED_H

#include <pthread.h>

#include <microhttpd.h>

#include "orchestrator/daemon/api/route.h"
#include "orchestrator/daemon/http/readers.h"
#include "orchestrator/daemon/http/server.h"
#include "orchestrator/daemon/storage/writer.h"

#define SERVER_LISTENERS 4

struct listener {
	enum listen_kind kind;
	struct server *server;
	struct MHD_Daemon *mhd;
};

struct carried {
	struct exchange x;
	struct writer_work work;  /* while it is with the writer */
	struct readers_work read; /* or with the readers */
	struct server *server;
	const struct listener *listener;
	struct MHD_Connection *connection;
	const struct route *route;
	char *path; /* its pieces are x.params */
	double began;
	bool too_large;	  /* its body */
	bool too_much;	  /* all bodies together */
	bool begun, over; /* the handler was called; has answered */
	int64_t deadline; /* parked: database_now()'s clock; 0: not parked yet */
	int64_t seen; /* change_count() when it last looked for work; event_count() when for events */
	struct error err; /* with ret */
	int ret;
	/* events */
	int64_t last_event;
	int64_t log_offset; /* what was sent of the job's log; negative: it is not wanted */
	int64_t log_seen;   /* the server's log_changes when it last looked */
	struct strbuf unsent;
	bool is_stream;
	bool sleeps;	      /* suspended, in the server's list of streams */
	struct carried *next; /* parked, or a stream that sleeps */
};

struct server {
	struct server_setting setting;
	struct readers *readers;
	struct daemon_db *quick; /* who asks, events, what anybody may ask: a row or a few */
	pthread_mutex_t quick_lock;
	struct listener listeners[SERVER_LISTENERS];
	size_t nlisteners;

	pthread_mutex_t lock; /* of all below */
	size_t buffered;      /* bytes of bodies in memory */
	int64_t events;	      /* event_count() at the last commit */
	int64_t log_changes;  /* counts what was appended to logs */
	int64_t next_sign;    /* of life, for listeners */
	struct carried *parked, *streams;
	bool stopping;
};

/* ---- peer.c ---- */

/* Who asks. -EACCES: it does not say, or nobody knows it. */
int peer_identify(struct carried *c, struct error *err);

/* ---- guard.c ---- */

/* Another site's name that leads to this machine is refused: its pages would read ours (-EPERM). */
void guard_host(struct carried *c);
/* Is the body a form, and sent by a page of ours? Reads it into c->x.form; else refuses. */
void guard_form(struct carried *c);

/* ---- answer.c ---- */

/* Queues the answer that c->x holds, or the problem document of c->ret. */
enum MHD_Result answer_send(struct carried *c);
/* Sets c->ret and its text: to be sent by answer_send(). */
void answer_refuse(struct carried *c, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- stream.c ---- */

/* Begins to send events, after Last-Event-ID. */
enum MHD_Result stream_begin(struct carried *c);
/* Events were added, or it is time for a sign of life: those that sleep go on. */
void stream_wake(struct server *s);
/* A log has grown. */
void stream_wake_log(struct server *s);

#endif
