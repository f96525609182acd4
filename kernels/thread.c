// SPDX-License-Identifier: GPL-2.0-only
/*
 * In steps: which mails are patches (is_candidate), what they are of (groups), versions sent in part are
 * completed (complete_rerolls), one is chosen (choose_group), and only then it is said what is wrong with
 * that one.
 */
#include "kernels/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/log.h"
#include "common/strbuf.h"

/* The mails of one version and count. */
struct group {
	int version, m;	 /* m: of unnumbered mails, how many there are */
	bool unnumbered; /* in the mailbox's order */
	const struct mail *cover;
	const struct mail **slots; /* m of them, NULL where none was found */
	int found;
	/* what makes it unusable; NULL: nothing does */
	const struct mail *empty;    /* a patch without a diff */
	const struct mail *too_high; /* 4/3 */
	const struct mail *half;     /* 1.5/2 */
	const struct mail *twice[2]; /* two patches of one number */
};

struct finder {
	const struct mailbox *box;
	const char *where;
	struct group *groups;
	size_t ngroups;
	bool tagged; /* some mail has tags and a diff */
};

/* ---- which mails ---- */

static bool has_diff(const struct mail *mail)
{
	return mail->diff_len > 0;
}

/* By its subject and content alone: is it a patch or a cover letter? */
static bool looks_like_series(const struct mail *mail)
{
	if (mail->reply)
		return false;
	if (mail->patch)
		return true;
	return mail->m && (has_diff(mail) || !mail->n);
}

static const struct mail *find_mail(const struct mailbox *box, const char *id, size_t len)
{
	for (size_t i = 0; i < box->count; i++) {
		const char *own = box->mails[i].message_id;

		if (strlen(own) == len && !strncmp(own, id, len))
			return &box->mails[i];
	}
	return NULL;
}

static bool same_number(const struct mail *a, const struct mail *b)
{
	return a->version == b->version && a->n == b->n && a->m == b->m && a->half == b->half;
}

/* Is it an answer to @parent although it looks like a patch? */
static bool answers(const struct mail *mail, const struct mail *parent)
{
	if (!looks_like_series(parent) || parent == mail)
		return false;
	if (!strcasecmp(mail->sender, parent->sender))
		return false;
	return !mail->m || same_number(mail, parent);
}

/* format-patch --thread has patches of many authors reply to each other: those are no answers. */
static bool is_answer(const struct mailbox *box, const struct mail *mail)
{
	if (mail->from_git)
		return false;
	for (const char *id = mail->replies_to; *id; id += strcspn(id, " ") + 1) {
		const struct mail *parent = find_mail(box, id, strcspn(id, " "));

		if (parent && answers(mail, parent))
			return true;
	}
	return false;
}

static bool is_candidate(const struct finder *f, const struct mail *mail)
{
	if (!f->tagged)
		return !mail->reply;
	return looks_like_series(mail) && !is_answer(f->box, mail);
}

/* ---- groups ---- */

static struct group *find_group(struct finder *f, int version, int m, bool unnumbered)
{
	struct group *g;

	for (size_t i = 0; i < f->ngroups; i++) {
		g = &f->groups[i];
		if (g->version == version && g->unnumbered == unnumbered &&
		    (unnumbered || g->m == m))
			return g;
	}
	f->groups = xrealloc(f->groups, f->ngroups + 1, sizeof(*g));
	g = &f->groups[f->ngroups++];
	*g = (struct group){.version = version, .m = m, .unnumbered = unnumbered};
	g->slots = xcalloc(m + 1, sizeof(*g->slots));
	return g;
}

/* The same diff, whatever a list put below it. */
static bool same_diff(const struct mail *a, const struct mail *b)
{
	return a->diff_len == b->diff_len && !memcmp(a->diff, b->diff, a->diff_len);
}

/* The same mail through two lists, or sent again, is one mail. */
static bool same_mail(const struct mail *a, const struct mail *b)
{
	if (!same_diff(a, b))
		return false;
	if (a->message_id[0] && !strcmp(a->message_id, b->message_id))
		return true;
	return !strcmp(a->title, b->title);
}

static void add_unnumbered(struct group *g, const struct mail *mail)
{
	if (!has_diff(mail)) {
		g->empty = mail;
		return;
	}
	for (int i = 0; i < g->m; i++)
		if (mail->message_id[0] && !strcmp(mail->message_id, g->slots[i]->message_id) &&
		    same_diff(mail, g->slots[i]))
			return;
	g->slots = xrealloc(g->slots, g->m + 1, sizeof(*g->slots));
	g->slots[g->m++] = mail;
	g->found = g->m;
}

static void fill_slot(struct group *g, const struct mail **slot, const struct mail *mail)
{
	if (!has_diff(mail)) {
		if (!*slot)
			g->empty = mail;
		return;
	}
	if (!*slot) {
		*slot = mail;
		g->found++;
	} else if (!same_mail(*slot, mail)) {
		g->twice[0] = *slot;
		g->twice[1] = mail;
	}
}

static void add_numbered(struct group *g, const struct mail *mail)
{
	if (mail->half)
		g->half = mail;
	else if (mail->n > g->m)
		g->too_high = mail;
	else if (mail->n)
		fill_slot(g, &g->slots[mail->n - 1], mail);
	else if (!g->cover)
		g->cover = mail;
}

static int add_candidate(struct finder *f, const struct mail *mail, struct error *err)
{
	if (mail->m > THREAD_MAX)
		return error_set(err, -EINVAL,
				 "%s: a series of %d patches; at most %d can be imported", f->where,
				 mail->m, THREAD_MAX);
	if (mail->m && f->tagged)
		add_numbered(find_group(f, mail->version, mail->m, false), mail);
	else
		add_unnumbered(find_group(f, mail->version, 0, true), mail);
	return 0;
}

/* How many of its patches are there; a cover letter alone is no series. */
static bool is_complete(const struct group *g)
{
	return g->m > 0 && g->found == g->m;
}

/* ---- versions that were sent in part ---- */

static bool replies_to(const struct mail *mail, const struct mail *parent)
{
	size_t len = strlen(parent->message_id);

	return len && !strncmp(mail->replies_to, parent->message_id, len);
}

/* The number (from 0) of the patch of @old that @mail replaces; -1: it replaces none. */
static int find_replaced(const struct mail *mail, const struct group *old)
{
	for (int i = 0; i < old->m; i++)
		if (replies_to(mail, old->slots[i]) && (!mail->m || mail->n == i + 1))
			return i;
	return -1;
}

/* The slots of @old with the mails of @g in their places; NULL if @g is no re-roll of it. */
static const struct mail **merge_slots(const struct group *g, const struct group *old)
{
	const struct mail **slots = xcalloc(old->m + 1, sizeof(*slots));

	memcpy(slots, old->slots, old->m * sizeof(*slots));
	for (int i = 0; i < g->m; i++) {
		int at;

		if (!g->slots[i])
			continue;
		at = find_replaced(g->slots[i], old);
		if (at < 0) {
			free(slots);
			return NULL;
		}
		slots[at] = g->slots[i];
	}
	return slots;
}

/* The newest complete series of numbered patches before version @version. */
static const struct group *find_older(const struct finder *f, int version)
{
	const struct group *best = NULL;

	for (size_t i = 0; i < f->ngroups; i++) {
		const struct group *g = &f->groups[i];

		if (is_complete(g) && g->version < version && (!best || g->version > best->version))
			best = g;
	}
	return best;
}

/* v2 alone in reply to patch 2 of 2: v2 is patch 1 and that one. */
static void complete_reroll(const struct finder *f, struct group *g)
{
	const struct group *old = find_older(f, g->version);
	const struct mail **slots;

	if (!old || !g->found || g->found >= old->m || (!g->unnumbered && is_complete(g)))
		return;
	slots = merge_slots(g, old);
	if (!slots)
		return;
	log_info("%s: v%d was sent in part (%d of %d patches); the rest is v%d's", f->where,
		 g->version, g->found, old->m, old->version);
	free(g->slots);
	g->slots = slots;
	g->m = g->found = old->m;
	g->unnumbered = false;
	if (!g->cover)
		g->cover = old->cover;
}

static int compare_versions(const void *a, const void *b)
{
	const struct group *x = a, *y = b;

	return x->version - y->version;
}

/* ---- the one ---- */

/* Unnumbered patches beside a numbered series of their version or a newer one are not of it. */
static bool is_stray(const struct finder *f, const struct group *g)
{
	if (!g->unnumbered)
		return false;
	for (size_t i = 0; i < f->ngroups; i++)
		if (!f->groups[i].unnumbered && f->groups[i].version >= g->version)
			return true;
	return false;
}

static void warn_strays(const struct finder *f)
{
	for (size_t i = 0; i < f->ngroups; i++) {
		const struct group *g = &f->groups[i];

		for (int j = 0; is_stray(f, g) && j < g->m; j++)
			log_warning("%s: left out, being no part of the series: \"%s\"", f->where,
				    g->slots[j]->subject);
	}
}

/* The versions that there are: " v1 (2 of 3 patches)". */
static void list_groups(const struct finder *f, struct strbuf *out)
{
	for (size_t i = 0; i < f->ngroups; i++)
		strbuf_addf(out, "%s v%d (%d of %d patches)", i ? "," : "", f->groups[i].version,
			    f->groups[i].found, f->groups[i].m);
}

/* May it be chosen, with @version 0: by default? */
static bool is_eligible(const struct finder *f, const struct group *g, int version)
{
	if (version)
		return g->version == version && !is_stray(f, g);
	return is_complete(g) && !is_stray(f, g);
}

static int refuse_choice(const struct finder *f, const struct group *a, const struct group *b,
			 struct error *err)
{
	return error_set(
		err, -EINVAL,
		"%s: holds more than one series of v%d: with %d patches, and with %d; leave one in it, or give the patches as files in order (--patches)",
		f->where, a->version, a->m, b->m);
}

/* Groups are sorted by version. With a version that is incomplete everywhere: the last of it, to say what
 * is missing. */
static int choose_group(const struct finder *f, int version, const struct group **chosen,
			struct error *err)
{
	const struct group *best = NULL;

	for (size_t i = 0; i < f->ngroups; i++) {
		const struct group *g = &f->groups[i];

		if (!is_eligible(f, g, version))
			continue;
		if (best && best->version == g->version && is_complete(best) && is_complete(g))
			return refuse_choice(f, best, g, err);
		if (!best || is_complete(g) || !is_complete(best))
			best = g;
	}
	*chosen = best;
	if (best || !f->ngroups)
		return 0;
	if (version) {
		struct strbuf list = STRBUF_INIT;

		list_groups(f, &list);
		error_set(err, -EINVAL, "%s: has no v%d; it has%s", f->where, version, list.buf);
		strbuf_release(&list);
		return -EINVAL;
	}
	*chosen = &f->groups[f->ngroups - 1]; /* the newest, incomplete */
	return 0;
}

static void warn_newer(const struct finder *f, const struct group *chosen)
{
	for (size_t i = 0; i < f->ngroups; i++) {
		const struct group *g = &f->groups[i];

		if (g->version > chosen->version && !is_complete(g))
			log_warning("%s: v%d is incomplete (%d of %d patches); v%d is taken",
				    f->where, g->version, g->found, g->m, chosen->version);
	}
}

static int refuse_no_patch(const struct finder *f, struct error *err)
{
	size_t n = f->box->count;

	return error_set(
		err, -EINVAL,
		"%s: no patch in it (looked in %zu mail%s for a diff, and for subjects with [PATCH n/m])",
		f->where, n, n == 1 ? "" : "s");
}

static int refuse_mail(const struct finder *f, const struct mail *mail, const char *why,
		       struct error *err)
{
	return error_set(err, -EINVAL, "%s: \"%s\"%s%s: %s", f->where, mail->subject,
			 *mail->message_id ? " " : "", mail->message_id, why);
}

static int refuse_missing(const struct finder *f, const struct group *g, struct error *err)
{
	struct strbuf missing = STRBUF_INIT;
	int ret;

	for (int i = 0; i < g->m; i++)
		if (!g->slots[i])
			strbuf_addf(&missing, " %d/%d", i + 1, g->m);
	ret = error_set(
		err, -EINVAL,
		"%s: patches are missing:%s of v%d (nothing was imported); save the whole thread and try again",
		f->where, missing.buf, g->version);
	strbuf_release(&missing);
	return ret;
}

static int check_group(const struct finder *f, const struct group *g, struct error *err)
{
	if (g->too_high)
		return error_set(err, -EINVAL, "%s: \"%s\": impossible number: patch %d of %d",
				 f->where, g->too_high->subject, g->too_high->n, g->m);
	if (g->twice[0]) {
		__cleanup_free char *first = mail_name(g->twice[0]);
		__cleanup_free char *second = mail_name(g->twice[1]);

		return error_set(
			err, -EINVAL,
			"%s: two different mails are patch %d/%d: %s and %s; leave only one of them",
			f->where, g->twice[0]->n, g->m, first, second);
	}
	if (g->unnumbered && !g->m && !f->tagged)
		return refuse_no_patch(f, err);
	if (g->empty && (!g->empty->m || g->unnumbered || !g->slots[g->empty->n - 1]))
		return refuse_mail(
			f, g->empty,
			"the mail has no diff that git apply knows (unified, or git's own)", err);
	if (!is_complete(g))
		return refuse_missing(f, g, err);
	if (g->half)
		return refuse_mail(
			f, g->half,
			"stands between two patches; give the patches as files in order (--patches)",
			err);
	return 0;
}

static int check_paths(const char *where, const struct thread *s, struct error *err)
{
	for (int i = 0; i < s->m; i++) {
		__cleanup_free char *outside = mail_outside_path(s->patches[i]);

		if (outside)
			return error_set(
				err, -EINVAL,
				"%s: \"%s\": changes a file outside of the kernel's tree: %s",
				where, s->patches[i]->subject, outside);
	}
	return 0;
}

/* Takes the slots of the group. */
static int make_series(const struct finder *f, const struct group *g, struct thread *s,
		       struct error *err)
{
	int ret = check_group(f, g, err);

	if (ret)
		return ret;
	s->version = g->version;
	s->m = g->m;
	s->cover = g->cover;
	s->patches = xcalloc(g->m, sizeof(*s->patches));
	memcpy(s->patches, g->slots, g->m * sizeof(*s->patches));
	return check_paths(f->where, s, err);
}

static int collect_groups(struct finder *f, struct error *err)
{
	const struct mailbox *box = f->box;

	for (size_t i = 0; i < box->count; i++)
		if (looks_like_series(&box->mails[i]) && has_diff(&box->mails[i]))
			f->tagged = true;
	for (size_t i = 0; i < box->count; i++) {
		int ret;

		if (!is_candidate(f, &box->mails[i]))
			continue;
		ret = add_candidate(f, &box->mails[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

static int find_in_groups(struct finder *f, int version, struct thread *s, struct error *err)
{
	const struct group *chosen = NULL;
	int ret;

	if (!f->ngroups)
		return refuse_no_patch(f, err);
	qsort(f->groups, f->ngroups, sizeof(*f->groups), compare_versions);
	for (size_t i = 0; i < f->ngroups; i++)
		complete_reroll(f, &f->groups[i]);
	ret = choose_group(f, version, &chosen, err);
	if (ret)
		return ret;
	warn_strays(f);
	warn_newer(f, chosen);
	return make_series(f, chosen, s, err);
}

int thread_find(const struct mailbox *box, const char *where, int version, struct thread *s,
		struct error *err)
{
	struct finder f = {.box = box, .where = where};
	int ret;

	memset(s, 0, sizeof(*s));
	ret = collect_groups(&f, err);
	if (!ret)
		ret = find_in_groups(&f, version, s, err);
	for (size_t i = 0; i < f.ngroups; i++)
		free(f.groups[i].slots);
	free(f.groups);
	if (ret)
		thread_free(s);
	return ret;
}

int thread_in_order(const struct mailbox *box, const char *where, struct thread *s,
		    struct error *err)
{
	struct finder f = {.box = box, .where = where};
	const struct mail *empty = NULL;
	int ret;

	*s = (struct thread){.version = 1, .patches = xcalloc(box->count + 1, sizeof(char *))};
	for (size_t i = 0; i < box->count; i++) {
		const struct mail *mail = &box->mails[i];

		if (has_diff(mail)) {
			s->patches[s->m++] = mail;
			s->version = mail->version;
		} else if (mail->m && !mail->n) {
			s->cover = mail;
		} else if (!mail->reply) {
			empty = mail;
		}
	}
	if (!s->m)
		ret = refuse_no_patch(&f, err);
	else if (empty)
		ret = refuse_mail(&f, empty, "the mail has no diff that git apply knows", err);
	else
		ret = check_paths(where, s, err);
	if (ret)
		thread_free(s);
	return ret;
}

void thread_free(struct thread *s)
{
	free(s->patches);
	memset(s, 0, sizeof(*s));
}

char *thread_base_commit(const struct thread *s)
{
	char *found = NULL;

	if (s->cover)
		found = mail_base_commit(s->cover);
	for (int i = 0; !found && i < s->m; i++)
		found = mail_base_commit(s->patches[i]);
	return found;
}
