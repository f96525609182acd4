// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/bmc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/clock.h"
#include "common/fs.h"
#include "orchestrator/hosts/redfish/http.h"
#include "orchestrator/hosts/redfish/message.h"

#define PAUSE_STEP_MS	100
#define PAUSE_MAX_MS	30000
#define RETRY_AFTER_MAX 60 /* seconds that a BMC may ask us to wait */

static const struct {
	const char *name;
	int code;
} troubles[] = {
	[BMC_UNREACHABLE] = {"bmc-unreachable", -EHOSTUNREACH},
	[BMC_CERTIFICATE] = {"bmc-certificate", -EPROTO},
	[BMC_AUTH] = {"bmc-auth", -EACCES},
	[BMC_REFUSED] = {"bmc-refused", -EREMOTEIO},
	[BMC_MEDIA] = {"media", -EREMOTEIO},
	[BMC_OVERRIDE] = {"boot-override", -EREMOTEIO},
	[BMC_POWER] = {"power", -EREMOTEIO},
	[BMC_UNFIT] = {"unfit", -EOPNOTSUPP},
};

int bmc_fail(struct error *err, enum bmc_trouble class, const char *fmt, ...)
{
	char text[ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return error_set(err, troubles[class].code, "%s: %s", troubles[class].name, text);
}

int bmc_blame(struct error *err, int ret, enum bmc_trouble class)
{
	for (size_t i = 0; i < ARRAY_SIZE(troubles) && err; i++)
		if (!strncmp(err->text, troubles[i].name, strlen(troubles[i].name)))
			return ret;
	if (ret == -ECANCELED)
		return ret;
	return error_prefix(err, ret, "%s", troubles[class].name);
}

/* ---- opening ---- */

char *bmc_pin_path(const char *host_file)
{
	size_t len = strlen(host_file);

	if (fs_has_suffix(host_file, ".json"))
		len -= strlen(".json");
	return xasprintf("%.*s.pin", (int)len, host_file);
}

static int read_pin(struct bmc *b, const char *host_file, struct error *err)
{
	__cleanup_free char *path = bmc_pin_path(host_file);
	struct strbuf text = STRBUF_INIT;
	int ret = 0;

	if (!fs_exists(path))
		return bmc_fail(
			err, BMC_CERTIFICATE,
			"the host file has no \"tls\": put a pin or a CA's file there, or say "
			"once that you trust what the BMC shows: nestlab host trust NAME");
	ret = fs_read_file(path, 4096, &text, err);
	if (!ret)
		text.buf[strcspn(text.buf, "\n")] = '\0';
	if (!ret && !http_is_pin(text.buf))
		ret = bmc_fail(err, BMC_CERTIFICATE,
			       "%s: not sha256: and 64 hex digits; remove it and trust anew", path);
	if (!ret)
		b->pin = xstrdup(text.buf);
	strbuf_release(&text);
	return ret;
}

int bmc_open(struct bmc *b, const struct redfish_config *cfg, const char *host_file,
	     struct error *err)
{
	int ret;

	*b = (struct bmc){.cfg = cfg, .tries = cfg->tries};
	atomic_store(&b->heeds_cancel, true);
	b->pin = xstrdup(cfg->pin);
	b->basic = cfg->auth == REDFISH_AUTH_BASIC;
	if (!cfg->pin && !cfg->ca && !strncmp(cfg->bmc, "https", 5) && host_file) {
		ret = read_pin(b, host_file, err);
		if (ret)
			return ret;
	}
	return credentials_read(cfg->credentials, &b->credentials, err);
}

static void forget_token(struct bmc *b)
{
	if (b->token)
		explicit_bzero(b->token, strlen(b->token));
	free(b->token);
	free(b->session);
	b->token = b->session = NULL;
}

void bmc_close(struct bmc *b)
{
	forget_token(b);
	credentials_release(&b->credentials);
	free(b->pin);
	b->pin = NULL;
}

/* ---- one request ---- */

static bool gives_up(void *arg)
{
	struct bmc *b = arg;

	if (atomic_load(&b->given_up) || cancel_insisted())
		return true;
	return atomic_load(&b->heeds_cancel) && cancel_requested();
}

int bmc_pause(struct bmc *b, int64_t ms, struct error *err)
{
	double until = clock_seconds() + ms / 1e3;

	while (clock_seconds() < until) {
		double left = (until - clock_seconds()) * 1e3;

		if (gives_up(b))
			return cancel_error(err);
		poll(NULL, 0, left < PAUSE_STEP_MS ? (int)left + 1 : PAUSE_STEP_MS);
	}
	return 0;
}

static void note_request(const struct bmc *b, const struct http_request *req,
			 const struct http_reply *r, int ret, double seconds,
			 const struct error *err)
{
	/* The image's URL is in it: not for others while the boot goes on. */
	int fd = b->log_path ? open(b->log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600)
			     : -1;
	FILE *f = fd >= 0 ? fdopen(fd, "a") : NULL;

	if (!f)
		return;
	fprintf(f, "%.3f %s %s", clock_seconds(), req->method, req->path);
	/* What opens a session is a secret. */
	if (req->body && !strstr(req->body, "\"Password\""))
		fprintf(f, " %s", req->body);
	if (ret)
		fprintf(f, " -> %s", err->text);
	else
		fprintf(f, " -> %ld", r->status);
	fprintf(f, " (%.0f ms)\n", seconds * 1e3);
	fclose(f);
}

static struct http_setting setting_of(struct bmc *b)
{
	return (struct http_setting){
		.base = b->cfg->bmc,
		.pin = b->pin,
		.ca = b->cfg->ca,
		.connect_limit_ms = b->cfg->connect_limit_ms,
		.request_limit_ms = b->cfg->request_limit_ms,
		.gives_up = gives_up,
		.arg = b,
	};
}

static int keep_pace(struct bmc *b, struct error *err)
{
	double left = b->last_request + b->cfg->pace_ms / 1e3 - clock_seconds();

	if (left <= 0)
		return 0;
	return bmc_pause(b, (int64_t)(left * 1e3) + 1, err);
}

/*
 * Paths come from the BMC's links, from a host file and from a journal. One that does not begin with a slash would go
 * on with the address ("https://192.0.2.3" and "@elsewhere/"), and with it the password to somebody else.
 */
static int check_path(const struct http_request *req, struct error *err)
{
	const char *path = req->path ? req->path : "(none)";
	bool good = *path == '/';

	for (const char *p = path; *p; p++)
		good = good && *p > ' ' && *p < 127;
	if (good)
		return 0;
	return bmc_fail(err, BMC_REFUSED,
			"%s \"%.200s\": not sent: a link of the BMC's has to be a path on itself",
			req->method, path);
}

/* Once, with whatever authentication there is. */
static int send_once(struct bmc *b, const struct http_request *asked, struct http_reply *r,
		     struct error *err)
{
	const struct http_setting s = setting_of(b);
	struct http_request req = *asked;
	struct error why = {0};
	double t;
	int ret = check_path(&req, err);

	*r = (struct http_reply){.body = STRBUF_INIT};
	if (!ret)
		ret = keep_pace(b, err);
	if (ret)
		return ret;
	t = clock_seconds();
	ret = http_send(&s, &req, r, &why);
	b->last_request = clock_seconds();
	note_request(b, &req, r, ret, b->last_request - t, &why);
	if (ret == -EPROTO)
		return bmc_fail(err, BMC_CERTIFICATE,
				"%s; if the BMC has a new certificate, trust it anew: nestlab host "
				"trust NAME",
				why.text);
	if (ret == -EREMOTEIO || ret == -ECONNREFUSED) {
		bmc_fail(err, BMC_UNREACHABLE, "%s %s: %s", req.method, req.path, why.text);
		return ret;
	}
	if (ret)
		return error_set(err, ret, "%s", why.text);
	return 0;
}

/* ---- who we are ---- */

/* Links.Sessions of the root: it is asked without authentication. NULL: there is none. */
static int find_sessions(struct bmc *b, char **path, struct error *err)
{
	const struct http_request req = {.method = "GET", .path = "/redfish/v1/"};
	struct json_object *root = NULL;
	struct http_reply r;
	int ret = send_once(b, &req, &r, err);

	*path = NULL;
	if (ret)
		return ret;
	if (r.status == 200)
		root = message_parse(&r.body);
	if (!root)
		ret = bmc_fail(err, BMC_UNREACHABLE,
			       "GET /redfish/v1/: status %ld and no JSON object", r.status);
	if (!root)
		ret = -EREMOTEIO;
	*path = xstrdup(message_text(root, "Links", "Sessions", "@odata.id", NULL));
	json_object_put(root);
	http_reply_release(&r);
	return ret;
}

/* A path on the same BMC: some give whole URLs. */
static char *path_of(const char *location)
{
	const char *p = location ? strstr(location, "://") : NULL;

	if (!location)
		return NULL;
	if (!p)
		return xstrdup(location);
	p = strchr(p + 3, '/');
	return xstrdup(p ? p : "/");
}

static int take_session(struct bmc *b, struct http_reply *r, struct error *err)
{
	struct json_object *json = message_parse(&r->body);

	b->token = r->token;
	r->token = NULL;
	b->session = path_of(r->location);
	if (!b->session)
		b->session = xstrdup(message_text(json, "@odata.id", NULL));
	json_object_put(json);
	if (b->on_session && b->session)
		return b->on_session(b->arg, b->session, err);
	return 0;
}

/* No table of sessions, or a full one: basic authentication, and never the end of another's session. */
static bool means_basic(const struct http_reply *r)
{
	return r->status == 404 || r->status == 405 || r->status == 501 || r->status == 503 ||
	       (r->status / 100 == 2 && !r->token) ||
	       (r->body.len &&
		(strstr(r->body.buf, "SessionLimitExceeded") || strstr(r->body.buf, "RAC0218")));
}

static int judge_login(struct bmc *b, struct http_reply *r, struct error *err)
{
	struct strbuf said = STRBUF_INIT;
	int ret;

	if (r->status / 100 == 2 && r->token)
		return take_session(b, r, err);
	if (means_basic(r) && b->cfg->auth != REDFISH_AUTH_SESSION) {
		b->basic = true;
		return 0;
	}
	message_describe(r->status, &r->body, &said);
	if (r->status >= 500) {
		bmc_fail(err, BMC_UNREACHABLE, "log-in: %s", said.buf);
		ret = -EREMOTEIO;
	} else {
		ret = bmc_fail(err, BMC_AUTH, "%s does not take the user and password of %s: %s",
			       b->cfg->bmc, b->cfg->credentials, said.buf);
	}
	strbuf_release(&said);
	return ret;
}

static int post_login(struct bmc *b, const char *sessions, struct error *err)
{
	struct json_object *body = json_object_new_object();
	struct http_request req = {.method = "POST", .path = sessions};
	struct http_reply r;
	int ret;

	json_object_object_add(body, "UserName", json_object_new_string(b->credentials.user));
	json_object_object_add(body, "Password", json_object_new_string(b->credentials.password));
	req.body = json_object_to_json_string_ext(body, JSON_C_TO_STRING_PLAIN);
	ret = send_once(b, &req, &r, err);
	if (!ret)
		ret = judge_login(b, &r, err);
	explicit_bzero((char *)(uintptr_t)req.body, strlen(req.body));
	json_object_put(body);
	http_reply_release(&r);
	return ret;
}

static int log_in(struct bmc *b, struct error *err)
{
	__cleanup_free char *sessions = NULL;
	int ret;

	if (b->basic || b->token)
		return 0;
	ret = find_sessions(b, &sessions, err);
	if (ret)
		return ret;
	if (sessions)
		return post_login(b, sessions, err);
	b->basic = true;
	return 0;
}

/* As whom we are logged in; a session that has died is opened anew, once. */
static int send_as_us(struct bmc *b, struct http_request *req, struct http_reply *r,
		      struct error *err)
{
	for (int attempt = 0;; attempt++) {
		int ret = log_in(b, err);

		*r = (struct http_reply){.body = STRBUF_INIT};
		if (ret)
			return ret;
		req->token = b->token;
		req->user = b->basic ? b->credentials.user : NULL;
		req->password = b->credentials.password;
		ret = send_once(b, req, r, err);
		if (ret || r->status != 401)
			return ret;
		if (!b->token || attempt)
			break;
		http_reply_release(r);
		forget_token(b);
	}
	return bmc_fail(err, BMC_AUTH, "%s does not take the user and password of %s (%s %s: 401)",
			b->cfg->bmc, b->cfg->credentials, req->method, req->path);
}

int bmc_log_out(struct bmc *b, struct error *err)
{
	struct http_request req = {.method = "DELETE", .path = b->session, .token = b->token};
	struct http_reply r;
	int ret = 0;

	/* By itself it never logs in: a session that is gone already needs no end. */
	for (int i = 0; b->session && i < b->tries; i++) {
		ret = send_once(b, &req, &r, err);
		if (!ret && r.status >= 500)
			ret = bmc_fail(err, BMC_REFUSED, "DELETE %s: status %ld", b->session,
				       r.status);
		http_reply_release(&r);
		if (!ret || ret == -ECANCELED || bmc_pause(b, b->cfg->retry_ms, NULL))
			break;
	}
	if (!ret)
		forget_token(b);
	return ret;
}

/* ---- what is tried again ---- */

/* Was it surely not done, or is it no harm to do it twice? */
static bool is_repeatable(const struct http_request *req, const struct http_reply *r, int ret)
{
	bool get = !strcmp(req->method, "GET");

	if (ret)
		return ret == -ECONNREFUSED || (get && ret == -EREMOTEIO);
	if (r->status == 503 || r->status == 429)
		return true;
	return get && r->status >= 500;
}

static int64_t pause_before(const struct bmc *b, const struct http_reply *r, int attempt)
{
	int64_t ms = b->cfg->retry_ms << (attempt < 10 ? attempt : 10);

	if (r->retry_after_s > 0 && r->retry_after_s <= RETRY_AFTER_MAX)
		return r->retry_after_s * 1000;
	return ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS;
}

/* A GET has to bring an object: half of one is a broken connection, and no answer. */
static int parse_reply(struct bmc *b, const struct http_request *req, struct http_reply *r,
		       struct json_object **json, struct error *err)
{
	(void)b;
	*json = NULL;
	if (r->status / 100 != 2)
		return 0;
	*json = message_parse(&r->body);
	if (*json || strcmp(req->method, "GET"))
		return 0;
	bmc_fail(err, BMC_UNREACHABLE, "%s %s: the answer is no JSON object", req->method,
		 req->path);
	return -EREMOTEIO;
}

static int send_again(struct bmc *b, struct http_request *req, struct http_reply *r,
		      struct json_object **json, struct error *err)
{
	for (int attempt = 0;; attempt++) {
		int64_t ms;
		int ret = send_as_us(b, req, r, err);

		*json = NULL;
		if (!ret)
			ret = parse_reply(b, req, r, json, err);
		if (!is_repeatable(req, r, ret) || attempt + 1 >= b->tries)
			return ret;
		ms = pause_before(b, r, attempt);
		http_reply_release(r);
		ret = bmc_pause(b, ms, err);
		if (ret)
			return ret;
	}
}

static int code_of(long status)
{
	static const struct {
		long status;
		int code;
	} codes[] = {{403, -EACCES},	 {404, -ENOENT}, {405, -EOPNOTSUPP},
		     {501, -EOPNOTSUPP}, {412, -ESTALE}, {428, -ESTALE}};

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (codes[i].status == status)
			return codes[i].code;
	return -EREMOTEIO;
}

static int judge_status(const struct http_request *req, const struct http_reply *r,
			struct error *err)
{
	struct strbuf said = STRBUF_INIT;
	int ret = code_of(r->status);

	if (r->status / 100 == 2)
		return 0;
	message_describe(r->status, &r->body, &said);
	bmc_fail(err, BMC_REFUSED, "%s %s: %s", req->method, req->path, said.buf);
	if (err)
		err->code = ret;
	strbuf_release(&said);
	return ret;
}

int bmc_converse(struct bmc *b, const struct bmc_request *asked, struct bmc_reply *out,
		 struct error *err)
{
	struct http_request req = {
		.method = asked->method, .path = asked->path, .if_match = asked->if_match};
	struct http_reply r = {.body = STRBUF_INIT};
	int ret;

	*out = (struct bmc_reply){0};
	if (asked->body)
		req.body = json_object_to_json_string_ext(
			asked->body, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	ret = send_again(b, &req, &r, &out->json, err);
	if (!ret) {
		out->status = r.status;
		ret = judge_status(&req, &r, err);
	}
	if (!ret) {
		out->etag = xstrdup(r.etag);
		out->allow = xstrdup(r.allow);
		out->location = path_of(r.location);
		out->patchable = !r.allow || strstr(r.allow, "PATCH");
	}
	http_reply_release(&r);
	return ret;
}

void bmc_reply_release(struct bmc_reply *r)
{
	json_object_put(r->json);
	free(r->etag);
	free(r->allow);
	free(r->location);
	*r = (struct bmc_reply){0};
}

int bmc_get(struct bmc *b, const char *path, struct bmc_reply *r, struct error *err)
{
	const struct bmc_request req = {.method = "GET", .path = path};

	return bmc_converse(b, &req, r, err);
}

struct json_object *bmc_get_json(struct bmc *b, const char *path, struct error *err)
{
	struct bmc_reply r;
	struct json_object *json = NULL;

	if (!bmc_get(b, path, &r, err))
		json = json_object_get(r.json);
	bmc_reply_release(&r);
	return json;
}
