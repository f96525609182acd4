// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/claim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/log.h"
#include "orchestrator/hosts/redfish/message.h"

#define WORD	 "nestlab "
#define COMPUTER 13 /* characters of its name: with WORD and the seconds 32 */

#define SECONDS_MIN 1000000000LL /* 2001 */
#define SECONDS_MAX 9999999999LL /* 2286 */

/* A tag that is a claim. */
struct claim {
	char computer[COMPUTER + 1];
	int64_t until;
};

/* To the letter as we write it: "nestlab rack 42" is a site's own tag, and not to be written over. */
static bool parse_claim(const char *tag, struct claim *c)
{
	__cleanup_free char *written = NULL;
	long long until;

	if (sscanf(tag, WORD "%13[!-~] %11lld", c->computer, &until) != 2)
		return false;
	if (until < SECONDS_MIN || until > SECONDS_MAX)
		return false;
	c->until = until;
	written = xasprintf(WORD "%s %lld", c->computer, until);
	return !strcmp(tag, written);
}

static char *write_claim(int64_t seconds)
{
	char name[COMPUTER + 1] = "";

	gethostname(name, sizeof(name) - 1); /* one that is cut is as good */
	name[strcspn(name, " \t")] = '\0';
	return xasprintf(WORD "%s %lld", *name ? name : "unnamed", (long long)time(NULL) + seconds);
}

/* Asset tags that nobody has set. */
static bool is_blank(const char *tag)
{
	static const char *const blanks[] = {"",
					     "NA",
					     "N/A",
					     "None",
					     "Not Specified",
					     "Default string",
					     "To Be Filled By O.E.M."};

	tag += strspn(tag, " ");
	for (size_t i = 0; i < ARRAY_SIZE(blanks); i++)
		if (!strcasecmp(tag, blanks[i]))
			return true;
	return false;
}

/* The tag, or NULL: the system shows none. The caller frees. */
static int read_tag(struct bmc *b, const struct machine *m, char **tag, struct error *err)
{
	struct json_object *system = bmc_get_json(b, m->system, err), *value;

	*tag = NULL;
	if (!system)
		return err->code;
	if (json_object_object_get_ex(system, "AssetTag", &value))
		*tag = xstrdup(value ? json_object_get_string(value) : "");
	json_object_put(system);
	return 0;
}

static int write_tag(struct bmc *b, const struct machine *m, const char *tag, struct error *err)
{
	struct json_object *body = json_object_new_object();
	long status;
	int ret;

	json_object_object_add(body, "AssetTag", json_object_new_string(tag));
	ret = bmc_patch(b, m->system, body, &status, err);
	json_object_put(body);
	return ret;
}

static void add_time(struct strbuf *out, int64_t at)
{
	char text[32];
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm))
		strbuf_addstr(out, text);
}

static int refuse_claimed(const struct machine *m, const struct claim *c, struct error *err)
{
	struct strbuf until = STRBUF_INIT;

	add_time(&until, c->until);
	error_set(err, -EBUSY,
		  "busy: the BMC says that nestlab on %s uses it, until %s at the latest (AssetTag "
		  "of %s; should that nestlab be gone: empty it, or host rescue there)",
		  c->computer, until.buf, m->system);
	strbuf_release(&until);
	return -EBUSY;
}

/* May we write there? 0, 1: no, and never mind; -EBUSY. */
static int judge_tag(const struct machine *m, const char *tag, struct error *err)
{
	struct claim c;

	if (!tag)
		return 1;
	if (!parse_claim(tag, &c))
		return is_blank(tag) ? 0 : 1;
	if (c.until > (int64_t)time(NULL))
		return refuse_claimed(m, &c, err);
	log_info("the BMC has a claim of nestlab on %s that has run out: a crash left it",
		 c.computer);
	return 0;
}

/* A BMC that keeps the start alone: that would be taken for a site's own tag ever after. */
static bool is_cut(const char *now, const char *claim)
{
	return *now && !strncmp(now, claim, strlen(now));
}

/* Whose is it after we wrote? BMCs that do not keep it are used without. */
static int read_back(struct bmc *b, const struct machine *m, char **claim, struct error *err)
{
	__cleanup_free char *now = NULL;
	struct error own = {0};
	struct claim c;
	int ret = read_tag(b, m, &now, err);

	if (ret)
		return ret;
	if (now && !strcmp(now, *claim))
		return 0;
	if (now && is_cut(now, *claim))
		write_tag(b, m, "", &own);
	free(*claim);
	*claim = NULL;
	if (now && parse_claim(now, &c))
		return refuse_claimed(m, &c, err);
	return 0;
}

int claim_take(struct bmc *b, const struct machine *m, int64_t seconds,
	       int (*note)(void *arg, const char *claim, struct error *err), void *arg,
	       char **claim, struct error *err)
{
	__cleanup_free char *before = NULL;
	struct error own = {0};
	int ret = read_tag(b, m, &before, err);

	*claim = NULL;
	if (!ret)
		ret = judge_tag(m, before, err);
	if (ret)
		return ret > 0 ? 0 : ret;
	*claim = write_claim(seconds);
	ret = note(arg, *claim, err);
	if (ret)
		return ret;
	ret = write_tag(b, m, *claim, &own);
	if (ret == -ECANCELED)
		return error_set(err, ret, "%s", own.text);
	return read_back(b, m, claim, err);
}

int claim_give_back(struct bmc *b, const struct machine *m, const char *claim, struct error *err)
{
	__cleanup_free char *now = NULL;
	__cleanup_free char *after = NULL;
	struct error own = {0};
	int ret = read_tag(b, m, &now, err);

	if (ret || !now || strcmp(now, claim))
		return ret;
	write_tag(b, m, "", &own);
	ret = read_tag(b, m, &after, err);
	if (!ret && after && !strcmp(after, claim))
		return bmc_fail(err, BMC_REFUSED, "%s keeps our claim \"%s\" as its AssetTag: %s",
				m->system, claim, own.text);
	return ret;
}

bool claim_is_anothers(struct bmc *b, const struct machine *m, const char *ours)
{
	__cleanup_free char *now = NULL;
	struct error err = {0};
	struct claim c;

	return !read_tag(b, m, &now, &err) && now && strcmp(now, ours) && parse_claim(now, &c) &&
	       c.until > (int64_t)time(NULL);
}

int claim_tell(struct bmc *b, const struct machine *m, struct strbuf *out, struct error *err)
{
	__cleanup_free char *tag = NULL;
	struct claim c;
	int ret = read_tag(b, m, &tag, err);

	if (ret || !tag || !parse_claim(tag, &c))
		return ret;
	strbuf_addf(out, "nestlab on %s, ", c.computer);
	strbuf_addstr(out, c.until > (int64_t)time(NULL) ? "until " : "stale: ran out ");
	add_time(out, c.until);
	return 0;
}
