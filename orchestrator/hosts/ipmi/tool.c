// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/ipmi/tool.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cancel.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/credentials.h"

#define PASSWORD_MAX 20 /* of IPMI 2.0 */
#define RETRY_MS     3000

static int keep_password(struct ipmi_tool *t, const char *password, struct error *err)
{
	if (strlen(password) > PASSWORD_MAX)
		return error_set(err, -EINVAL,
				 "%s: the password is longer than the %d bytes that IPMI takes",
				 t->cfg->credentials, PASSWORD_MAX);
	t->secret = memfd_create("ipmi-password", MFD_CLOEXEC);
	if (t->secret < 0 || fs_write_all(t->secret, password, strlen(password)))
		return error_set(err, -errno, "cannot keep the BMC's password: %s",
				 strerror(errno));
	t->password_path = xasprintf("/dev/fd/%d", t->secret);
	return 0;
}

int ipmi_tool_open(struct ipmi_tool *t, const struct ipmi_config *cfg, struct error *err)
{
	struct credentials c;
	int ret;

	*t = (struct ipmi_tool){.cfg = cfg, .secret = -1};
	ret = credentials_read(cfg->credentials, &c, err);
	if (ret)
		return ret;
	t->user = xstrdup(c.user);
	t->cipher = xasprintf("%lld", (long long)cfg->cipher);
	ret = keep_password(t, c.password, err);
	credentials_release(&c);
	if (ret)
		ipmi_tool_close(t);
	return ret;
}

void ipmi_tool_close(struct ipmi_tool *t)
{
	if (t->secret >= 0)
		close(t->secret);
	t->secret = -1;
	free(t->user);
	free(t->cipher);
	free(t->password_path);
	t->user = t->cipher = t->password_path = NULL;
}

void ipmi_tool_argv(const struct ipmi_tool *t, const char *const *words, const char **argv)
{
	const char *const head[] = {"ipmitool",	  "-I", "lanplus", "-H", t->cfg->address,  "-p",
				    t->cfg->port, "-U", t->user,   "-f", t->password_path, "-C",
				    t->cipher};
	size_t n = ARRAY_SIZE(head);

	memcpy(argv, head, sizeof(head));
	while (*words && n < IPMI_TOOL_ARGV - 1)
		argv[n++] = *words++;
	argv[n] = NULL;
}

/* The last of its lines, without "Error: ". */
static const char *find_last_line(struct strbuf *said)
{
	char *last;

	while (said->len && strchr("\r\n", said->buf[said->len - 1]))
		said->buf[--said->len] = '\0';
	last = strrchr(said->buf, '\n');
	if (last)
		return last + 1;
	return said->len ? said->buf : "it said nothing";
}

/* A second try with a wrong password may lock the account. */
static int judge_failure(const struct strbuf *errors)
{
	static const char *const refusals[] = {"RAKP 2 ", "unauthorized name", "invalid role",
					       "insufficient privilege"};

	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (strcasestr(errors->buf, refusals[i]))
			return -EACCES;
	return -EIO;
}

static int run_once(const struct ipmi_tool *t, enum ipmi_purpose purpose, const char *const *words,
		    struct strbuf *out, struct error *err)
{
	const char *argv[IPMI_TOOL_ARGV];
	struct strbuf errors = STRBUF_INIT;
	/* Dates of the event log as one format and one zone. */
	static const char *const env[] = {"LC_ALL=C", "TZ=UTC", NULL};
	const struct subprocess sp = {
		.argv = argv,
		.env = env,
		.out = out,
		.errors = &errors,
		.timeout_ms = (int)t->cfg->request_limit_s * 1000,
		.secret_fd = t->secret,
		.undoes = purpose == IPMI_UNDOES,
	};
	int status = 0, ret;

	ipmi_tool_argv(t, words, argv);
	strbuf_reset(out);
	ret = subprocess_run(&sp, &status, err);
	if (!ret && status)
		ret = error_set(err, judge_failure(&errors), "BMC %s: ipmitool %s %s: %s",
				t->cfg->bmc, words[0], words[1] ? words[1] : "",
				find_last_line(&errors));
	strbuf_release(&errors);
	return ret;
}

/* BMCs that are busy, or have just been woken, do not answer. A cancel ends the waiting. */
static bool wait_to_retry(enum ipmi_purpose purpose)
{
	struct pollfd p = {.fd = cancel_fd(), .events = POLLIN};

	if (purpose == IPMI_UNDOES)
		p.fd = cancel_insisted_fd();
	return poll(&p, 1, RETRY_MS) <= 0;
}

int ipmi_tool_run(const struct ipmi_tool *t, enum ipmi_purpose purpose, const char *const *words,
		  struct strbuf *out, struct error *err)
{
	int ret = -EIO;

	for (int64_t try = 0; try < t->cfg->tries; try++) {
		ret = run_once(t, purpose, words, out, err);
		if (ret != -EIO && ret != -ETIMEDOUT)
			return ret;
		if (try + 1 < t->cfg->tries && !wait_to_retry(purpose))
			return cancel_error(err);
	}
	return ret;
}
