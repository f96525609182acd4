// SPDX-License-Identifier: GPL-2.0-only
/* What needs no boot: can it run, what is it, what did a crash leave, whom do we trust? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/redfish/claim.h"
#include "orchestrator/hosts/redfish/http.h"
#include "orchestrator/hosts/redfish/redfish.h"
#include "orchestrator/hosts/redfish/steps.h"
#include "orchestrator/hosts/redfish/undo.h"

/* What people have to do about each class of error. A file that is named by its path is one of ours. */
static const struct {
	int code;
	bool file;
	const char *remedy;
} remedies[] = {
	{-EPROTO, false, "nestlab host trust NAME, after a look at what changed"},
	{-EACCES, false, "check user, password and role (docs/first-server.md)"},
	{-EOPNOTSUPP, false, "see docs/first-server.md"},
	{-ENOENT, true, "make the file, or name another one"},
	{-ENOENT, false, "name another \"system\" in the host file, or none: it is found"},
	{-EINVAL, true, "the host file has to name another one"},
	{-EINVAL, false, "look at the host file and the files that it names"},
	{0, false, "look at the BMC's network and its web page"},
};

static const char *remedy_for(const struct error *err)
{
	bool file = err->text[0] == '/';
	size_t i = 0;

	while (remedies[i].code && (remedies[i].code != err->code || remedies[i].file > file))
		i++;
	return remedies[i].remedy;
}

/* Trouble of this machine's or of the user's is no lack of the host's. */
static bool is_hosts_lack(int ret)
{
	return ret != -ECANCELED && ret != -ENOMEM && ret != -EMFILE && ret != -ENOSPC;
}

static void tell_can(const struct machine *m, struct host_found *found)
{
	const char *cd = override_lacks(m, OVERRIDE_CD), *http = override_lacks(m, OVERRIDE_HTTP);

	host_found_can(found, "system", m->system);
	for (size_t i = 0; i < m->ndrives; i++)
		host_found_can(found, "drive", m->drives[i].path);
	if (m->rejected.len)
		host_found_can(found, "no use", m->rejected.buf);
	if (!cd)
		cd = m->ndrives ? "yes" : "no drive takes an image";
	host_found_can(found, "virtual media", cd);
	host_found_can(found, "UEFI HTTP boot", http ? http : "yes");
}

static void tell_claim(struct bmc *b, const struct machine *m, struct host_found *found)
{
	struct strbuf who = STRBUF_INIT;

	if (!claim_tell(b, m, &who, &(struct error){0}) && who.len)
		host_found_can(found, "claimed by", who.buf);
	strbuf_release(&who);
}

static int look_at_machine(struct bmc *b, const struct redfish_config *c, struct host_found *found,
			   struct error *err)
{
	struct machine m;
	int ret = machine_find(b, &m, err);

	if (!ret) {
		tell_can(&m, found);
		tell_claim(b, &m, found);
		machine_identify(b, &m, found->identity);
		if ((!m.ndrives || c->path == REDFISH_HTTP || override_lacks(&m, OVERRIDE_CD)) &&
		    override_lacks(&m, OVERRIDE_HTTP))
			host_found_lacks(found, "a way in for an image",
					 "no drive takes one and it does not boot by UEFI HTTP: "
					 "firmware settings, a licence, or another driver");
	}
	machine_release(&m);
	return ret;
}

/* Its session is noted, so that one that is killed leaves none that rescue does not end. Where another nestlab has
 * the machine nothing can be noted. */
static int look_in_session(struct bmc *b, const struct host_config *cfg, struct host_found *found,
			   struct error *err)
{
	const struct redfish_config *c = cfg->own;
	struct journal *j = NULL;
	struct error left = {0};
	int ret;

	ret = journal_open(cfg, c->machine, &j, &left);
	if (!ret) {
		b->on_session = undo_note_session;
		b->arg = j;
	} else if (!is_hosts_lack(ret)) {
		return error_set(err, ret, "%s", left.text);
	} else if (ret != -EBUSY) {
		host_found_lacks(found, left.text, "no run can note what it does to the machine");
	}
	ret = look_at_machine(b, c, found, err);
	atomic_store(&b->heeds_cancel, false);
	if (j)
		undo_session(b, j, &left);
	else
		bmc_log_out(b, &left);
	journal_close(j);
	return ret;
}

static void check_console(const struct redfish_config *c, struct host_found *found)
{
	if (!subprocess_have(c->console.command[0]))
		host_found_lacks(found, c->console.command[0],
				 "the console's command is not in PATH: install it");
}

int redfish_probe(const struct host_config *cfg, const struct places *places,
		  struct host_found *found, struct error *err)
{
	const struct redfish_config *c = cfg->own;
	struct error own = {0};
	struct bmc b;
	int ret = bmc_open(&b, c, cfg->path, &own);

	(void)places;
	b.tries = 2; /* people wait for it */
	if (!ret)
		ret = look_in_session(&b, cfg, found, &own);
	bmc_close(&b);
	check_console(c, found);
	if (!ret)
		return 0;
	if (!is_hosts_lack(ret))
		return error_set(err, ret, "%s", own.text);
	host_found_lacks(found, own.text, remedy_for(&own));
	return 0;
}

/* ---- after a crash ---- */

static int undo_with_bmc(const struct host_config *cfg, struct journal *j, struct strbuf *did,
			 struct error *err)
{
	struct machine m = {.rejected = STRBUF_INIT};
	struct error own = {0};
	struct bmc b;
	int ret = bmc_open(&b, cfg->own, cfg->path, err), code = 0;

	b.on_session = undo_note_session;
	b.arg = j;
	if (!ret)
		ret = machine_find(&b, &m, err);
	if (!ret)
		ret = undo_all(&b, &m, j, did, err);
	if (b.session)
		code = undo_session(&b, j, &own);
	machine_release(&m);
	bmc_close(&b);
	if (code && !ret)
		return error_set(err, code, "%s", own.text);
	return ret;
}

int redfish_rescue(const struct host_config *cfg, struct strbuf *did, struct error *err)
{
	const struct redfish_config *c = cfg->own;
	struct journal *j;
	int ret = journal_open(cfg, c->machine, &j, err);

	if (ret)
		return ret;
	if (!journal_is_empty(j))
		ret = undo_with_bmc(cfg, j, did, err);
	journal_close(j);
	return ret;
}

/* ---- whom we trust ---- */

int redfish_trust(const struct host_config *cfg, struct strbuf *told, struct error *err)
{
	const struct redfish_config *c = cfg->own;
	const struct http_setting s = {.base = c->bmc,
				       .connect_limit_ms = c->connect_limit_ms,
				       .request_limit_ms = c->request_limit_ms};
	__cleanup_free char *path = cfg->path ? bmc_pin_path(cfg->path) : NULL;
	__cleanup_free char *subject = NULL;
	__cleanup_free char *line = NULL;
	char pin[HTTP_PIN_TEXT];
	int ret;

	if (strncmp(c->bmc, "https:", 6))
		return error_set(err, -EINVAL, "%s: shows no certificate: it is not https", c->bmc);
	if (c->pin || c->ca)
		return error_set(err, -EINVAL,
				 "%s: \"tls\" of the host file says whom to trust already",
				 cfg->path);
	ret = http_ask_certificate(&s, pin, &subject, err);
	if (ret)
		return ret;
	line = xasprintf("%s\n", pin);
	ret = fs_write_file(path, line, strlen(line), err);
	if (ret)
		return ret;
	strbuf_addf(
		told,
		"%s shows the certificate %s\nits key is %s\nfrom now on host %s is this one and "
		"no other (%s): compare it with what the BMC's own page shows\n",
		c->bmc, subject, pin, cfg->name, path);
	return 0;
}
