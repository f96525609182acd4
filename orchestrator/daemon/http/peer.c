// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "orchestrator/daemon/http/carried.h"
#include "orchestrator/daemon/http/session.h"
#include "orchestrator/daemon/http/token.h"

#define GROUPS_MAX 256
#define BEARER	   "Bearer "

/* Groups of this machine whose members have other rights than to submit. */
static const struct {
	const char *group;
	enum scope scope;
} group_scopes[] = {
	{"nestlab-admin", SCOPE_ADMIN},
	{"nestlab-operator", SCOPE_OPERATOR},
	{"nestlab-agent", SCOPE_AGENT},
};

static bool is_member(const char *user, gid_t own, const char *group)
{
	gid_t groups[GROUPS_MAX];
	int n = GROUPS_MAX;
	char text[4096];
	struct group entry, *found = NULL;

	if (getgrnam_r(group, &entry, text, sizeof(text), &found) || !found)
		return false;
	if (getgrouplist(user, own, groups, &n) < 0)
		return false;
	for (int i = 0; i < n; i++)
		if (groups[i] == found->gr_gid)
			return true;
	return false;
}

static enum scope scope_of_user(const struct ucred *peer, const char *user)
{
	if (!peer->uid || peer->uid == geteuid())
		return SCOPE_ADMIN;
	for (size_t i = 0; i < ARRAY_SIZE(group_scopes); i++)
		if (is_member(user, peer->gid, group_scopes[i].group))
			return group_scopes[i].scope;
	return SCOPE_SUBMITTER;
}

static int identify_process(struct carried *c, struct error *err)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct identity *who = &c->x.who;
	struct passwd entry, *found = NULL;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	char text[4096];

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return error_set(err, -EACCES, "who asks cannot be told");
	if (getpwuid_r(peer.uid, &entry, text, sizeof(text), &found) || !found)
		snprintf(who->owner, sizeof(who->owner), "uid%u", peer.uid);
	else
		snprintf(who->owner, sizeof(who->owner), "%s", found->pw_name);
	who->scope = scope_of_user(&peer, who->owner);
	who->local = true;
	return 0;
}

static int identify_token(struct carried *c, struct error *err)
{
	const char *said = exchange_header(&c->x, MHD_HTTP_HEADER_AUTHORIZATION);
	int ret;

	if (!said && c->listener->kind == LISTEN_PLAIN) {
		c->x.who = (struct identity){.scope = SCOPE_VIEWER, .owner = "anonymous"};
		return 0;
	}
	if (!said || strncmp(said, BEARER, strlen(BEARER)))
		return error_set(
			err, -EACCES,
			"a token is needed: Authorization: Bearer nlt_... (`nestlab token add` "
			"makes one)");
	pthread_mutex_lock(&c->server->quick_lock);
	ret = token_find(c->server->quick, said + strlen(BEARER), &c->x.who, err);
	pthread_mutex_unlock(&c->server->quick_lock);
	return ret;
}

/* Cookies count where nothing can be changed by them, or a form proves that a page of ours was asked. */
static bool may_use_cookie(const struct carried *c)
{
	return !strcmp(c->route->method, "GET") || (c->route->flags & ROUTE_FORM);
}

/* 1: a browser that is logged in; 0: not. */
static int identify_session(struct carried *c)
{
	const char *cookie =
		MHD_lookup_connection_value(c->connection, MHD_COOKIE_KIND, SESSION_COOKIE);
	struct error err;
	int ret;

	if (!cookie || strlen(cookie) >= SESSION_MAX || !may_use_cookie(c))
		return 0;
	pthread_mutex_lock(&c->server->quick_lock);
	ret = session_find(c->server->quick, cookie, &c->x.who, &err);
	pthread_mutex_unlock(&c->server->quick_lock);
	if (ret)
		return 0;
	snprintf(c->x.session, sizeof(c->x.session), "%s", cookie);
	return 1;
}

int peer_identify(struct carried *c, struct error *err)
{
	if (!exchange_header(&c->x, MHD_HTTP_HEADER_AUTHORIZATION) && identify_session(c))
		return 0;
	if (c->listener->kind == LISTEN_UNIX)
		return identify_process(c, err);
	return identify_token(c, err);
}
