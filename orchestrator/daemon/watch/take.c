// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/watch/take.h"

#include <string.h>

#include "common/alloc.h"
#include "common/log.h"
#include "orchestrator/daemon/watch/keep.h"

struct taking {
	const struct archive *a;
	const struct archive_mail *mail;
	struct letter letter;
	bool passed; /* it is of another list */
};

static int move_place(struct daemon_db *db, const struct taking *t, struct error *err)
{
	int ret;

	if (!t->mail->place)
		return 0;
	ret = database_change(db, err,
			      "INSERT INTO list_place (schedule, place, began, commit_id) VALUES "
			      "(?1, ?2, ?3, ?4) ON CONFLICT (schedule, place) DO UPDATE SET "
			      "commit_id = excluded.commit_id",
			      "ttit", t->a->s->name, t->mail->place, t->a->since, t->mail->commit);
	if (ret < 0)
		return ret;
	return 0;
}

static int act_take(struct daemon_db *db, void *arg, struct error *err)
{
	const struct taking *t = arg;
	int ret = 0;

	if (t->letter.id && !t->passed)
		ret = keep_mail(db, t->a->s->name, &t->letter, t->mail->raw, t->mail->len, err);
	if (!ret)
		ret = move_place(db, t, err);
	return ret;
}

/* The line that an mbox has above a mail, and an archive may have kept. */
static void skip_mbox_line(struct archive_mail *mail)
{
	const char *end = memchr(mail->raw, '\n', mail->len);

	if (strncmp(mail->raw, "From ", 5) || !end)
		return;
	mail->len -= end + 1 - mail->raw;
	mail->raw = end + 1;
}

int archive_take(const struct archive *a, const struct archive_mail *mail, struct error *err)
{
	struct archive_mail plain = *mail;
	struct taking t = {.a = a, .mail = &plain};
	int ret;

	if (plain.raw) {
		skip_mbox_line(&plain);
		letter_read(plain.raw, plain.len, plain.name, &t.letter);
		t.passed = a->s->watch.list && !t.letter.refused &&
			   !letter_is_to(plain.raw, a->s->watch.list);
	} else if (plain.refused) {
		t.letter = (struct letter){.id = xstrdup(plain.name),
					   .subject = xstrdup(""),
					   .refused = xstrdup(plain.refused)};
	}
	if (t.letter.refused)
		log_warning("schedule %s: mail %s is refused: %s", a->s->name, t.letter.id,
			    t.letter.refused);
	ret = writer_do(a->night->setting->writer, act_take, &t, err);
	letter_free(&t.letter);
	return ret;
}
