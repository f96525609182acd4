// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/ipmi/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/credentials.h"
#include "orchestrator/hosts/journal.h"
#include "orchestrator/hosts/listen.h"

#define IPMI_PORT "623"

#define AT(member) offsetof(struct ipmi_config, member)

const char *const ipmi_keys[] = {
	"bmc",	   "credentials",     "cipher",	     "boot",	   "firmware",
	"records", "image_file",      "image_url",   "listen",	   "boot_script",
	"cmdline", "console",	      "off_limit_s", "on_limit_s", "tries",
	"poll_ms", "request_limit_s", "silence_s",   NULL};

/* Where each limit comes from: docs/hosts.md. */
static const struct host_number numbers[] = {
	{"cipher", AT(cipher), 17, 1, 17}, /* 0 would be no authentication */
	{"off_limit_s", AT(off_limit_s), 60, 1, 3600},
	{"on_limit_s", AT(on_limit_s), 120, 1, 3600},
	{"request_limit_s", AT(request_limit_s), 30, 1, 600},
	{"tries", AT(tries), 3, 1, 100},
	{"poll_ms", AT(poll_ms), 2000, 1, 60000},
	{"silence_s", AT(silence_s), 60, 1, 3600},
};

static const struct host_text texts[] = {
	{"bmc", AT(bmc), true, NULL},
	{"credentials", AT(credentials), true, NULL},
	{"image_file", AT(image_file), false, NULL},
	{"image_url", AT(image_url), false, NULL},
	{"listen", AT(listen), false, NULL},
	{"boot_script", AT(boot_script), false, NULL},
	{"cmdline", AT(cmdline), false, NULL},
};

static const struct host_word words[] = {
	{"boot", AT(boot), {[IPMI_BOOT_PXE] = "pxe", [IPMI_BOOT_CDROM] = "cdrom"}},
	{"records",
	 AT(records),
	 {[IPMI_RECORDS_CONSOLE] = "console", [IPMI_RECORDS_HTTP] = "http"}},
	{"firmware", AT(firmware), {[IPMI_UEFI] = "uefi", [IPMI_BIOS] = "bios"}},
};

/* "192.0.2.3", "bmc7.lab:623", "[2001:db8::3]:623": an option could not be told from a name with a dash. */
static int split_address(const struct json_node *file, struct ipmi_config *c, struct error *err)
{
	const char *host = c->bmc, *end, *port = IPMI_PORT;

	if (*host == '[')
		end = strchrnul(++host, ']');
	else
		end = strchrnul(host, ':');
	if (end == host || *host == '-' || strpbrk(c->bmc, " /@"))
		return json_error(file, err, "bmc: expected ADDRESS or ADDRESS:PORT");
	c->address = xasprintf("%.*s", (int)(end - host), host);
	end += *end == ']';
	if (*end == ':')
		port = end + 1;
	if (!*port || port[strspn(port, "0123456789")])
		return json_error(file, err, "bmc: expected ADDRESS or ADDRESS:PORT");
	c->port = xstrdup(port);
	c->machine = journal_machine(c->address, c->port, IPMI_PORT);
	return 0;
}

static int check_parts(const struct json_node *file, const struct ipmi_config *c, struct error *err)
{
	struct error why = {0};

	if (credentials_check(c->credentials, &why))
		return json_error(file, err, "credentials: %s", why.text);
	if (c->image_url && listen_check_url(c->image_url, &why))
		return json_error(file, err, "image_url: %s", why.text);
	if (!c->image_file && !c->image_url)
		return json_error(file, err,
				  "says neither image_url (we serve the image) nor image_file "
				  "(something else does)");
	if (c->records == IPMI_RECORDS_HTTP && !c->image_url)
		return json_error(
			file, err,
			"records: \"http\" needs image_url, which is how the host reaches us");
	if (c->boot_script && !c->image_url)
		return json_error(file, err,
				  "boot_script: the script names the image by image_url");
	if (c->boot == IPMI_BOOT_CDROM && !c->image_file)
		return json_error(file, err,
				  "boot: IPMI cannot put an image into the drive; image_file says "
				  "where the drive takes it from");
	return 0;
}

static int read_all(const struct json_node *file, struct ipmi_config *c, struct error *err)
{
	int ret = host_read_numbers(file, numbers, ARRAY_SIZE(numbers), c, err);

	if (!ret)
		ret = host_read_texts(file, texts, ARRAY_SIZE(texts), c, err);
	if (!ret)
		ret = host_read_words(file, words, ARRAY_SIZE(words), c, err);
	if (!ret)
		ret = host_console_read(file, &c->console, err);
	if (!ret)
		ret = split_address(file, c, err);
	if (ret)
		return ret;
	return check_parts(file, c, err);
}

int ipmi_configure(const struct json_node *file, void **own, struct error *err)
{
	struct ipmi_config *c = xcalloc(1, sizeof(*c));

	*own = c;
	return read_all(file, c, err);
}

void ipmi_free_config(void *own)
{
	struct ipmi_config *c = own;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		free(*(char **)(void *)((char *)c + texts[i].offset));
	host_console_release(&c->console);
	free(c->machine);
	free(c->address);
	free(c->port);
	free(c);
}

/* Notices are told, so that a kernel that has started can be told from one that has not (boot_limit_s). */
char *ipmi_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	const struct ipmi_config *c = cfg->own;
	struct strbuf line = STRBUF_INIT;

	(void)purpose;
	strbuf_addf(
		&line,
		"console=%s,%lld loglevel=6 sysctl.kernel.printk=5 panic_print=32 " HOST_FIXED_LAYOUT
		" tsc=reliable",
		c->console.device, (long long)c->console.speed);
	host_add_cmdline(&line, c->cmdline, c->records == IPMI_RECORDS_HTTP);
	return strbuf_detach(&line);
}
