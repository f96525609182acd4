// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/bisect/hunt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/bisect/signature.h"

static int compile_message(const char *message, regex_t *regex, struct error *err)
{
	char why[256];
	int code = regcomp(regex, message, REG_EXTENDED | REG_NOSUB);

	if (!code)
		return 0;
	regerror(code, regex, why, sizeof(why));
	if (code == REG_ESPACE)
		return error_set(err, -ENOMEM, "%s: %s", message, why);
	return error_set(err, -EINVAL, "--message %s: not a regular expression: %s", message, why);
}

int bisect_hunt_open(const struct request_fails *request, struct bisect_hunt **out,
		     struct error *err)
{
	struct bisect_hunt *h = xcalloc(1, sizeof(*h));
	int ret = 0;

	h->request = request;
	if (request->message)
		ret = compile_message(request->message, &h->regex, err);
	if (ret) {
		free(h);
		return ret;
	}
	*out = h;
	return 0;
}

int bisect_hunt_check(const struct request_fails *request, struct error *err)
{
	struct bisect_hunt *h;
	int ret = bisect_hunt_open(request, &h, err);

	if (!ret)
		bisect_hunt_free(h);
	return ret;
}

void bisect_hunt_free(struct bisect_hunt *h)
{
	if (!h)
		return;
	if (h->request->message)
		regfree(&h->regex);
	free(h->signature);
	free(h);
}

static bool is_of_integrity(const struct bisect_hunt *h)
{
	return h->request->class == FAILS_INTEGRITY;
}

bool bisect_hunt_needs_signature(const struct bisect_hunt *h)
{
	return !h->request->test && !h->request->message && !is_of_integrity(h);
}

char *bisect_hunt_text(const struct bisect_hunt *h)
{
	if (h->request->test)
		return xasprintf("selftest %s fails", h->request->test);
	if (h->request->message)
		return xasprintf("a boot fails with a message like %s", h->request->message);
	if (is_of_integrity(h))
		return xstrdup("the integrity check fails");
	if (h->signature)
		return xasprintf("a boot fails with: %s", h->signature);
	return xstrdup("a boot fails");
}

/* ---- one boot ---- */

static enum bisect_manner judge_test(const struct results_ending *e)
{
	if (!strcmp(e->test, "pass"))
		return MANNER_PASSED;
	if (!strcmp(e->test, "fail"))
		return MANNER_THIS_WAY;
	return MANNER_OTHERWISE;
}

/* The ways in which a boot failed that can be the one looked for, a line each. */
static void list_ways(const struct bisect_hunt *h, const struct results_ending *e,
		      struct strbuf *ways)
{
	enum results_class wanted = RESULTS_OK;

	if (h->request->class == FAILS_GUEST)
		wanted = RESULTS_GUEST;
	signature_list(e->class, e->error, wanted, ways);
}

static bool is_this_way(const struct bisect_hunt *h, const struct results_ending *e)
{
	struct strbuf ways = STRBUF_INIT;
	bool is;

	if (h->request->message)
		return !regexec(&h->regex, e->error, 0, NULL, 0);
	if (is_of_integrity(h))
		return e->class == RESULTS_INTEGRITY;
	list_ways(h, e, &ways);
	is = ways.len && (!h->signature || signature_is_listed(ways.buf, h->signature));
	strbuf_release(&ways);
	return is;
}

static enum bisect_manner judge_ending(const struct bisect_hunt *h, const struct results_ending *e)
{
	if (e->class == RESULTS_INFRASTRUCTURE || e->class == RESULTS_CANCELLED)
		return MANNER_HOST;
	if (h->request->test)
		return judge_test(e);
	if (e->class != RESULTS_OK)
		return is_this_way(h, e) ? MANNER_THIS_WAY : MANNER_OTHERWISE;
	if (!strcmp(e->test, "skip"))
		return MANNER_OTHERWISE;
	return MANNER_PASSED;
}

/* ---- the boots of a kernel ---- */

static void set_error(struct bisect_counts *c, const struct bisect_hunt *h,
		      const struct results_ending *e)
{
	free(c->error);
	if (*e->error)
		c->error = xstrdup(e->error);
	else if (h->request->test && !*e->test)
		c->error = xasprintf("selftest %s did not run", h->request->test);
	else
		c->error = xstrdup("the measurement was skipped");
}

static void add_ending(struct bisect_counts *c, const struct bisect_hunt *h,
		       const struct results_ending *e)
{
	int *const counts[] = {
		[MANNER_PASSED] = &c->passed,
		[MANNER_THIS_WAY] = &c->this_way,
		[MANNER_OTHERWISE] = &c->otherwise,
		[MANNER_HOST] = &c->of_host,
	};
	enum bisect_manner manner = judge_ending(h, e);

	++*counts[manner];
	if (e->boot > c->last)
		c->last = e->boot;
	if (manner == MANNER_OTHERWISE || manner == MANNER_HOST)
		set_error(c, h, e);
}

int bisect_hunt_count(const struct bisect_hunt *h, struct results_db *db, const char *session,
		      const char *key, struct bisect_counts *out, struct error *err)
{
	struct results_ending *endings;
	size_t n;
	int ret = results_boot_endings(db, session, key, h->request->test, &endings, &n, err);

	*out = (struct bisect_counts){0};
	if (ret)
		return ret;
	for (size_t i = 0; i < n; i++)
		add_ending(out, h, &endings[i]);
	results_endings_free(endings, n);
	if (!out->error)
		out->error = xstrdup("");
	return 0;
}

/* ---- the signature ---- */

struct way {
	char *text;
	int bad, good; /* boots of the ends that failed so */
};

struct ways {
	struct way *items;
	size_t n;
};

static struct way *find_way(struct ways *w, const char *text, size_t len)
{
	for (size_t i = 0; i < w->n; i++)
		if (strlen(w->items[i].text) == len && !strncmp(w->items[i].text, text, len))
			return &w->items[i];
	return NULL;
}

/* One boot's ways, each counted once: what it lists twice was complained of twice. */
static void add_ways_of_bad(struct ways *w, const char *list)
{
	for (const char *p = list; *p; p += strcspn(p, "\n") + 1) {
		size_t len = strcspn(p, "\n");

		if (find_way(w, p, len))
			continue;
		w->items = xrealloc(w->items, w->n + 1, sizeof(*w->items));
		w->items[w->n++] = (struct way){.text = strndup(p, len)};
	}
	for (size_t i = 0; i < w->n; i++)
		w->items[i].bad += signature_is_listed(list, w->items[i].text);
}

static void add_ways_of_good(struct ways *w, const char *list)
{
	for (size_t i = 0; i < w->n; i++)
		w->items[i].good += signature_is_listed(list, w->items[i].text);
}

/* Counts the ways of the first @boots boots that say something, of one end. */
static int add_ways(const struct bisect_hunt *h, struct results_db *db, const char *session,
		    const char *key, int boots, struct ways *w,
		    void (*add)(struct ways *w, const char *list), struct error *err)
{
	struct results_ending *endings;
	size_t n;
	int ret = results_boot_endings(db, session, key, NULL, &endings, &n, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < n && boots; i++) {
		enum bisect_manner manner = judge_ending(h, &endings[i]);
		struct strbuf list = STRBUF_INIT;

		if (manner == MANNER_THIS_WAY)
			list_ways(h, &endings[i], &list);
		if (list.len)
			add(w, list.buf);
		boots -= manner == MANNER_THIS_WAY || manner == MANNER_PASSED;
		strbuf_release(&list);
	}
	results_endings_free(endings, n);
	return 0;
}

/* Of equal ones the first, which tells most. */
static const struct way *find_most_telling(const struct ways *w)
{
	const struct way *best = NULL;

	for (size_t i = 0; i < w->n; i++)
		if (!best || w->items[i].bad - w->items[i].good > best->bad - best->good)
			best = &w->items[i];
	return best;
}

int bisect_hunt_choose(struct bisect_hunt *h, struct results_db *db, const char *session,
		       const char *good_key, const char *bad_key, int boots, struct error *err)
{
	const struct way *best;
	struct ways w = {0};
	int ret;

	free(h->signature);
	h->signature = NULL;
	ret = add_ways(h, db, session, bad_key, boots, &w, add_ways_of_bad, err);
	if (ret)
		goto out;
	ret = add_ways(h, db, session, good_key, boots, &w, add_ways_of_good, err);
	if (ret)
		goto out;
	best = find_most_telling(&w);
	if (best)
		h->signature = xstrdup(best->text);
out:
	for (size_t i = 0; i < w.n; i++)
		free(w.items[i].text);
	free(w.items);
	return ret;
}
