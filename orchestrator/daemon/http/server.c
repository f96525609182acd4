// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/http/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/clock.h"
#include "common/fs.h"
#include "orchestrator/daemon/http/carried.h"
#include "orchestrator/daemon/storage/change.h"
#include "orchestrator/daemon/storage/event.h"
#include "orchestrator/daemon/http/metrics.h"

#define MEMORY_PER_CONNECTION 8192
#define IDLE_SECONDS	      75
#define REQUEST_SECONDS	      300 /* for a whole body */
#define READ_SECONDS	      30  /* for a page */
#define LIFE_SIGN_MS	      15000
#define PRIORITIES	      "SECURE128:-VERS-ALL:+VERS-TLS1.3"

/* ---- requests: made and put away ---- */

static const char *get_query(const struct exchange *x, const char *name)
{
	const struct carried *c = (const struct carried *)x;

	return MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *get_header(const struct exchange *x, const char *name)
{
	const struct carried *c = (const struct carried *)x;

	return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

static struct carried *carried_new(const struct listener *l, struct MHD_Connection *connection,
				   const char *path)
{
	struct carried *c = xcalloc(1, sizeof(*c));

	c->server = l->server;
	c->listener = l;
	c->connection = connection;
	c->path = xstrdup(path);
	c->began = clock_seconds();
	c->x = (struct exchange){.service = &l->server->setting.service,
				 .path = xstrdup(path),
				 .body = STRBUF_INIT,
				 .get_query = get_query,
				 .get_header = get_header};
	c->unsent = (struct strbuf)STRBUF_INIT;
	return c;
}

/* Bodies are in memory until they are written. What counts is what has come, not what was announced: a connection
 * that sends a byte now and then takes nobody's place. */
static bool has_room(struct server *s, size_t more)
{
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->buffered + more <= SERVER_BUFFER_MAX;
	pthread_mutex_unlock(&s->lock);
	return room;
}

static void note_buffered(struct server *s, ssize_t more)
{
	pthread_mutex_lock(&s->lock);
	s->buffered += more;
	pthread_mutex_unlock(&s->lock);
}

static void carried_free(struct carried *c)
{
	note_buffered(c->server, -(ssize_t)c->x.body.len);
	json_object_put(c->x.json);
	strbuf_release(&c->x.body);
	strbuf_release(&c->unsent);
	free(c->x.text);
	free(c->x.path);
	form_free(&c->x.form);
	free(c->path);
	free(c);
}

static void end_request(void *cls, struct MHD_Connection *connection, void **arg,
			enum MHD_RequestTerminationCode code)
{
	(void)cls;
	(void)connection;
	(void)code;
	if (*arg)
		carried_free(*arg);
	*arg = NULL;
}

/* ---- may it come in? ---- */

/* Before its body is read. */
static void check_body(struct carried *c)
{
	const char *length = exchange_header(&c->x, "Content-Length");
	size_t announced = length ? (size_t)atoll(length) : 0;

	if (announced > c->route->body_max)
		answer_refuse(c, -EFBIG, "the body has %s bytes; at most %zu are taken here",
			      length, c->route->body_max);
	else if ((c->route->flags & ROUTE_UPLOADS) && service_is_full(c->x.service))
		answer_refuse(c, -ENOSPC, "too little disk is free here; send it again later");
	else if (!has_room(c->server, announced))
		answer_refuse(c, -EBUSY, "too much is being read already; send it again");
}

static void check_scope(struct carried *c)
{
	int ret;

	if (!c->route->scopes)
		return;
	ret = peer_identify(c, &c->err);
	if (ret) {
		c->ret = ret;
		c->over = true;
	} else if (!(c->x.who.scope & c->route->scopes)) {
		answer_refuse(c, -EPERM, "%s may not do that: %s %s", c->x.who.owner,
			      c->route->method, c->route->path);
	}
}

static void receive_head(struct carried *c, const char *method)
{
	bool known;

	c->route = route_find(method, c->path, c->x.params, &known);
	guard_host(c);
	if (c->over)
		return;
	if (c->route)
		check_scope(c);
	else if (known)
		answer_refuse(c, -ENOTSUP, "%s is not done here", method);
	else
		answer_refuse(c, -ENOENT, "there is nothing here");
	if (!c->over)
		check_body(c);
}

/* ---- the handlers ---- */

static int act_request(struct daemon_db *db, struct writer_work *work, struct error *err)
{
	struct carried *c = (struct carried *)((char *)work - offsetof(struct carried, work));

	c->seen = change_count();
	return c->route->handle(&c->x, db, err);
}

static void park(struct carried *c)
{
	struct server *s = c->server;

	if (!c->deadline)
		c->deadline = database_now() + c->x.wait_ms;
	c->next = s->parked;
	s->parked = c;
}

/* In the writer's thread, after the commit. */
static void done_request(struct writer_work *work, int ret, const struct error *err)
{
	struct carried *c = (struct carried *)((char *)work - offsetof(struct carried, work));
	struct server *s = c->server;

	pthread_mutex_lock(&s->lock);
	if (ret == EXCHANGE_PARK && !s->stopping &&
	    (!c->deadline || c->deadline > database_now())) {
		park(c);
		pthread_mutex_unlock(&s->lock);
		return;
	}
	pthread_mutex_unlock(&s->lock);
	c->ret = ret;
	if (ret < 0)
		c->err = *err;
	c->over = true;
	MHD_resume_connection(c->connection);
}

/* Once the server is stopping nothing goes there any more: the writer ends before the connections do. */
static int submit_work(struct server *s, struct writer_work *work)
{
	int ret = -ECANCELED;

	pthread_mutex_lock(&s->lock);
	if (!s->stopping)
		ret = writer_submit(s->setting.writer, work);
	pthread_mutex_unlock(&s->lock);
	return ret;
}

static void give_to_writer(struct carried *c)
{
	int ret;

	c->work = (struct writer_work){.act = act_request, .done = done_request};
	ret = submit_work(c->server, &c->work);
	if (!ret)
		return;
	if (ret == -ECANCELED)
		answer_refuse(c, ret, "the daemon is ending; ask again later");
	else
		answer_refuse(c, ret, "too much waits to be written; try again later");
	MHD_resume_connection(c->connection);
}

static int act_read(struct daemon_db *db, struct readers_work *work, struct error *err)
{
	struct carried *c = (struct carried *)((char *)work - offsetof(struct carried, read));

	return c->route->handle(&c->x, db, err);
}

static void done_read(struct readers_work *work, int ret, const struct error *err)
{
	struct carried *c = (struct carried *)((char *)work - offsetof(struct carried, read));

	c->ret = ret;
	if (ret < 0)
		c->err = *err;
	c->over = true;
	if (c->x.log_grew)
		stream_wake_log(c->server);
	MHD_resume_connection(c->connection);
}

static void give_to_readers(struct carried *c)
{
	int ret;

	c->read = (struct readers_work){
		.is_page = c->route->flags & ROUTE_PAGE, .act = act_read, .done = done_read};
	ret = readers_submit(c->server->readers, &c->read);
	if (!ret)
		return;
	answer_refuse(c, ret, "too much is being read already; try again later");
	MHD_resume_connection(c->connection);
}

/* What anybody may ask is short, and is answered however much is being read. */
static void handle_now(struct carried *c)
{
	pthread_mutex_lock(&c->server->quick_lock);
	c->ret = c->route->handle(&c->x, c->server->quick, &c->err);
	pthread_mutex_unlock(&c->server->quick_lock);
	c->over = true;
}

static void check_whole_body(struct carried *c)
{
	if (c->too_large)
		answer_refuse(c, -EFBIG, "the body has more than %zu bytes", c->route->body_max);
	else if (c->too_much)
		answer_refuse(c, -EBUSY, "too much is being read already; send it again");
	else if (c->route->flags & ROUTE_FORM)
		guard_form(c);
}

static enum MHD_Result begin_request(struct carried *c)
{
	c->begun = true;
	check_whole_body(c);
	if (c->over) {
		return answer_send(c);
	} else if (c->route->flags & ROUTE_STREAMS) {
		return stream_begin(c);
	} else if (c->route->flags & ROUTE_WRITES) {
		MHD_suspend_connection(c->connection);
		give_to_writer(c);
		return MHD_YES;
	} else if (c->route->scopes) {
		MHD_suspend_connection(c->connection);
		give_to_readers(c);
		return MHD_YES;
	}
	handle_now(c);
	return answer_send(c);
}

static void receive_body(struct carried *c, const char *data, size_t len)
{
	if (c->x.body.len + len > c->route->body_max) {
		c->too_large = true;
	} else if (!has_room(c->server, len)) {
		c->too_much = true;
	} else {
		note_buffered(c->server, len);
		strbuf_add(&c->x.body, data, len);
	}
}

/* Called with the head of a request, then with pieces of its body, then with no piece; and again after it was
 * suspended. */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *len, void **arg)
{
	struct carried *c = *arg;

	(void)version;
	if (!c) {
		*arg = c = carried_new(cls, connection, url);
		receive_head(c, method);
		return c->over && !*len ? answer_send(c) : MHD_YES;
	}
	if (*len) {
		if (clock_seconds() - c->began > REQUEST_SECONDS)
			return MHD_NO; /* it would go on like that for ever */
		if (!c->over)
			receive_body(c, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (c->over)
		return answer_send(c);
	if (c->begun)
		return MHD_YES;
	return begin_request(c);
}

/* ---- those that wait ---- */

/* Has the other side hung up? While a connection is suspended nobody else looks. */
static bool is_gone(const struct carried *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pollfd p = {.events = POLLRDHUP};

	if (!info)
		return true;
	p.fd = info->connect_fd;
	return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Takes one out of the list that is due: it has waited long enough, or may find something now. NULL: none.
 * *over: it is to be answered, and not to look again. */
static struct carried *take_parked(struct server *s, bool *over)
{
	struct carried *taken = NULL;

	pthread_mutex_lock(&s->lock);
	for (struct carried **at = &s->parked; *at; at = &(*at)->next) {
		struct carried *c = *at;

		*over = s->stopping || c->deadline <= database_now();
		if (!*over && c->seen == change_count())
			continue;
		taken = c;
		*at = c->next;
		break;
	}
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static void look_again(struct server *s)
{
	struct carried *c;
	bool over;

	while ((c = take_parked(s, &over))) {
		if (!over && !is_gone(c)) {
			give_to_writer(c);
			continue;
		}
		c->over = true;
		MHD_resume_connection(c->connection);
	}
}

static bool has_new_events(struct server *s)
{
	int64_t count = event_count();
	bool is_new;

	pthread_mutex_lock(&s->lock);
	is_new = count != s->events;
	s->events = count;
	pthread_mutex_unlock(&s->lock);
	return is_new;
}

void server_on_commit(void *server)
{
	struct server *s = server;

	if (has_new_events(s))
		stream_wake(s);
	look_again(s);
}

static bool is_sign_due(struct server *s)
{
	bool due;

	pthread_mutex_lock(&s->lock);
	due = s->next_sign <= database_now();
	if (due)
		s->next_sign = database_now() + LIFE_SIGN_MS;
	pthread_mutex_unlock(&s->lock);
	return due;
}

int64_t server_tick(struct server *s)
{
	int64_t due = INT64_MAX;

	look_again(s);
	if (is_sign_due(s))
		stream_wake(s);
	pthread_mutex_lock(&s->lock);
	for (struct carried *c = s->parked; c; c = c->next)
		if (c->deadline < due)
			due = c->deadline;
	if (s->streams && due > s->next_sign)
		due = s->next_sign;
	pthread_mutex_unlock(&s->lock);
	return due;
}

/* ---- listeners ---- */

int server_new(const struct server_setting *setting, struct server **out, struct error *err)
{
	struct server *s = xcalloc(1, sizeof(*s));
	int ret;

	s->setting = *setting;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->quick_lock, NULL);
	ret = daemon_db_open_read(setting->service.queue, &s->quick, err);
	if (!ret)
		ret = readers_start(setting->service.queue, READ_SECONDS, &s->readers, err);
	*out = s;
	return ret;
}

static int read_pem(const char *path, struct strbuf *out, struct error *err)
{
	if (!path)
		return error_set(err, -EINVAL, "TLS needs --certificate and --key");
	return fs_read_file(path, 1 << 20, out, err);
}

static int start_listener(struct listener *l, int fd, const struct MHD_OptionItem *more,
			  unsigned int flags, struct error *err)
{
	flags |= MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO;
	l->mhd = MHD_start_daemon(flags, 0, NULL, NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
				  MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL,
				  MHD_OPTION_CONNECTION_LIMIT, l->server->setting.connections_max,
				  MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
				  MHD_OPTION_ARRAY, more, MHD_OPTION_END);
	if (l->mhd)
		return 0;
	return error_set(err, -EIO, "the HTTP server cannot be started%s",
			 flags & MHD_USE_TLS ? ": see whether certificate and key fit" : "");
}

static int start_tls(struct listener *l, int fd, struct error *err)
{
	const struct server_setting *set = &l->server->setting;
	struct strbuf certificate = STRBUF_INIT, key = STRBUF_INIT;
	int ret = read_pem(set->certificate, &certificate, err);

	if (!ret)
		ret = read_pem(set->key, &key, err);
	if (!ret) {
		const struct MHD_OptionItem tls[] = {
			{MHD_OPTION_HTTPS_MEM_CERT, 0, certificate.buf},
			{MHD_OPTION_HTTPS_MEM_KEY, 0, key.buf},
			{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)PRIORITIES},
			{MHD_OPTION_END, 0, NULL}};

		ret = start_listener(l, fd, tls, MHD_USE_TLS, err);
	}
	if (key.len)
		explicit_bzero(key.buf, key.len);
	strbuf_release(&certificate);
	strbuf_release(&key);
	return ret;
}

int server_listen(struct server *s, enum listen_kind kind, int fd, struct error *err)
{
	static const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
	struct listener *l;

	if (s->nlisteners == SERVER_LISTENERS)
		return error_set(err, -E2BIG, "more than %d sockets", SERVER_LISTENERS);
	l = &s->listeners[s->nlisteners++];
	*l = (struct listener){.kind = kind, .server = s};
	if (kind == LISTEN_TLS)
		return start_tls(l, fd, err);
	return start_listener(l, fd, none, 0, err);
}

void server_stop(struct server *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->nlisteners; i++)
		if (s->listeners[i].mhd)
			MHD_quiesce_daemon(s->listeners[i].mhd);
	look_again(s);
	stream_wake(s);
	readers_stop(s->readers);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	stream_wake(s);
	for (size_t i = 0; i < s->nlisteners; i++)
		if (s->listeners[i].mhd)
			MHD_stop_daemon(s->listeners[i].mhd);
	readers_free(s->readers);
	daemon_db_close(s->quick);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->quick_lock);
	free(s);
}
