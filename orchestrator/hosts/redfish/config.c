// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/config.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/credentials.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/listen.h"
#include "orchestrator/hosts/redfish/http.h"

const char *const redfish_keys[] = {"bmc",
				    "credentials",
				    "tls",
				    "auth",
				    "system",
				    "boot",
				    "records",
				    "drive",
				    "image_url",
				    "listen",
				    "console",
				    "cmdline",
				    "off_limit_s",
				    "on_limit_s",
				    "media_limit_s",
				    "task_limit_s",
				    "tries",
				    "retry_ms",
				    "poll_ms",
				    "connect_limit_ms",
				    "request_limit_ms",
				    "pace_ms",
				    "watch_ms",
				    NULL};

#define AT(member) offsetof(struct redfish_config, member)

/* Where each limit comes from: bare-metal practice as docs/hosts.md has it. */
static const struct host_number numbers[] = {
	{"off_limit_s", AT(off_limit_s), 60, 1, 3600},
	{"on_limit_s", AT(on_limit_s), 120, 1, 3600},
	{"media_limit_s", AT(media_limit_s), 15, 1, 3600},
	{"task_limit_s", AT(task_limit_s), 120, 1, 3600},
	{"tries", AT(tries), 6, 1, 100},
	{"retry_ms", AT(retry_ms), 3000, 1, 60000},
	{"poll_ms", AT(poll_ms), 1000, 1, 60000},
	{"connect_limit_ms", AT(connect_limit_ms), 10000, 1, 600000},
	{"request_limit_ms", AT(request_limit_ms), 30000, 1, 600000},
	{"watch_ms", AT(watch_ms), 5000, 10, 600000},
	{"pace_ms", AT(pace_ms), 160, 0, 60000}, /* at most 6 requests a second: some BMCs hang */
};

static const struct host_text texts[] = {
	{"bmc", AT(bmc), true, NULL},
	{"credentials", AT(credentials), true, NULL},
	{"image_url", AT(image_url), true, NULL},
	{"listen", AT(listen), false, NULL},
	{"system", AT(system), false, NULL},
	{"drive", AT(drive), false, NULL},
	{"cmdline", AT(cmdline), false, NULL},
};

static const struct host_word words[] = {
	{"boot", AT(path), {"auto", "media", "http", NULL}},
	{"records", AT(records), {"console", "http", NULL}},
	{"auth", AT(auth), {"auto", "session", "basic", NULL}},
};

/* ---- tls ---- */

static int check_pin(const struct json_node *node, const char *pin, struct error *err)
{
	if (http_is_pin(pin))
		return 0;
	return json_error(node, err,
			  "expected sha256: and 64 lower-case hex digits (nestlab host trust NAME "
			  "shows them)");
}

static int read_tls_object(const struct json_node *tls, struct redfish_config *c, struct error *err)
{
	static const char *const known[] = {"pin", "ca", NULL};
	static const struct host_text trusted[] = {{"pin", AT(pin), false, NULL},
						   {"ca", AT(ca), false, NULL}};
	int ret = json_as_object(tls, err);

	if (!ret)
		ret = json_check_keys(tls, known, err);
	if (!ret)
		ret = host_read_texts(tls, trusted, ARRAY_SIZE(trusted), c, err);
	if (ret)
		return ret;
	if (!c->pin == !c->ca)
		return json_error(tls, err, "expected one of \"pin\" and \"ca\"");
	return c->pin ? check_pin(tls, c->pin, err) : 0;
}

static int read_tls(const struct json_node *file, struct redfish_config *c, struct error *err)
{
	struct json_node tls;
	const char *text;
	int ret = json_member(file, "tls", false, &tls, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (json_object_get_type(tls.value) != json_type_string)
		return read_tls_object(&tls, c, err);
	ret = json_as_string(&tls, &text, err);
	if (ret)
		return ret;
	c->tls_none = !strcmp(text, "none");
	if (c->tls_none)
		return 0;
	return json_error(&tls, err, "expected {\"pin\": ...}, {\"ca\": FILE} or \"none\"");
}

/* A BMC that speaks Redfish alone gives no line: some command has to. */
static int read_console(const struct json_node *file, struct redfish_config *c, struct error *err)
{
	int ret = host_console_read(file, &c->console, err);

	if (ret || c->console.command)
		return ret;
	return json_error(
		file, err,
		"console: expected an object with a \"command\" whose output is the serial line "
		"(ipmitool sol activate, ssh to the BMC, console, ...)");
}

/* ---- what fits together ---- */

static bool is_loopback(const char *host)
{
	return !strcmp(host, "localhost") || !strcmp(host, "[::1]") || !strncmp(host, "127.", 4);
}

static char *name_machine(bool plain, const char *host, const char *port)
{
	const char *usual = plain ? "80" : "443";

	return journal_machine(host, port ? port : usual, usual);
}

/* Nothing but scheme, host and port: what is behind them is found, and a user there would be a secret. */
static int check_bmc(const struct json_node *file, struct redfish_config *c, struct error *err)
{
	__cleanup_free char *wanted = NULL;
	char *scheme = NULL, *host = NULL, *port = NULL;
	size_t len = strlen(c->bmc);
	CURLU *u = curl_url();
	bool ok, plain;

	if (len && c->bmc[len - 1] == '/')
		c->bmc[len - 1] = '\0';
	ok = !curl_url_set(u, CURLUPART_URL, c->bmc, 0) &&
	     !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
	     !curl_url_get(u, CURLUPART_HOST, &host, 0);
	curl_url_get(u, CURLUPART_PORT, &port, 0);
	if (ok && port)
		wanted = xasprintf("%s://%s:%s", scheme, host, port);
	else if (ok)
		wanted = xasprintf("%s://%s", scheme, host);
	ok = ok && !strcmp(wanted, c->bmc);
	plain = ok && !strcmp(scheme, "http") && (c->tls_none || is_loopback(host));
	ok = ok && (plain || !strcmp(scheme, "https"));
	if (ok)
		c->machine = name_machine(plain, host, port);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	if (ok)
		return 0;
	return json_error(
		file, err,
		"bmc: expected https://ADDRESS or https://ADDRESS:PORT (http:// only with "
		"\"tls\": \"none\": passwords go over it as they are)");
}

static int check_parts(const struct json_node *file, struct redfish_config *c, struct error *err)
{
	struct error why = {0};
	int ret = check_bmc(file, c, err);

	if (ret)
		return ret;
	if (credentials_check(c->credentials, &why))
		return json_error(file, err, "credentials: %s", why.text);
	if (listen_check_url(c->image_url, &why))
		return json_error(file, err, "image_url: %s", why.text);
	if (c->system && c->system[0] != '/')
		return json_error(file, err, "system: expected a path like /redfish/v1/Systems/1");
	return 0;
}

static int read_all(const struct json_node *file, struct redfish_config *c, struct error *err)
{
	int ret = host_read_numbers(file, numbers, ARRAY_SIZE(numbers), c, err);

	if (!ret)
		ret = host_read_texts(file, texts, ARRAY_SIZE(texts), c, err);
	if (!ret)
		ret = host_read_words(file, words, ARRAY_SIZE(words), c, err);
	if (ret)
		return ret;
	ret = read_tls(file, c, err);
	if (ret)
		return ret;
	ret = read_console(file, c, err);
	if (ret)
		return ret;
	return check_parts(file, c, err);
}

int redfish_configure(const struct json_node *file, void **own, struct error *err)
{
	struct redfish_config *c = xcalloc(1, sizeof(*c));

	*own = c;
	return read_all(file, c, err);
}

void redfish_free_config(void *own)
{
	struct redfish_config *c = own;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*(char **)(void *)((char *)c + texts[i].offset));
	host_console_release(&c->console);
	free(c->machine);
	free(c->pin);
	free(c->ca);
	free(c);
}

/* What the kernel is told on every server: where its console is, and what keeps its times steady. */
char *redfish_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	const struct redfish_config *c = cfg->own;
	struct strbuf line = STRBUF_INIT;

	(void)purpose;
	strbuf_addf(
		&line,
		"console=%s,%lld loglevel=3 sysctl.kernel.printk=5 panic_print=32 " HOST_FIXED_LAYOUT
		" tsc=reliable",
		c->console.device, (long long)c->console.speed);
	host_add_cmdline(&line, c->cmdline, c->records == REDFISH_RECORDS_HTTP);
	return strbuf_detach(&line);
}
