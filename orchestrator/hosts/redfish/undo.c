// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/redfish/undo.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/redfish/claim.h"
#include "orchestrator/hosts/redfish/steps.h"

/* ---- sessions ---- */

static struct json_object *sessions_of(const struct journal *j)
{
	struct json_object *list;

	if (!json_object_object_get_ex(j->state, "sessions", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

/* The list without @without, if that is not NULL, and with @with. */
static int note_sessions(struct journal *j, const char *with, const char *without,
			 struct error *err)
{
	struct json_object *before = sessions_of(j), *list = json_object_new_array();

	for (size_t i = 0; before && i < json_object_array_length(before); i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(before, i));

		if (s && (!without || strcmp(s, without)))
			json_object_array_add(list, json_object_new_string(s));
	}
	if (with)
		json_object_array_add(list, json_object_new_string(with));
	if (json_object_array_length(list))
		return journal_note(j, "sessions", list, err);
	json_object_put(list);
	return before ? journal_note(j, "sessions", NULL, err) : 0;
}

int undo_note_session(void *arg, const char *session, struct error *err)
{
	return note_sessions(arg, session, NULL, err);
}

/* A session of a killed nestlab's: it may have run out by now. */
static int end_old_session(struct bmc *b, struct journal *j, const char *session,
			   struct strbuf *did, struct error *err)
{
	int ret = bmc_delete(b, session, err);

	if (ret && ret != -ENOENT)
		return ret;
	if (did && !ret)
		strbuf_addf(did, "ended the session %s\n", session);
	return note_sessions(j, NULL, session, err);
}

static int undo_sessions(struct bmc *b, struct journal *j, struct strbuf *did, struct error *err)
{
	struct json_object *list = NULL;
	int ret = 0;

	json_object_deep_copy(sessions_of(j), &list, NULL);
	for (size_t i = 0; list && i < json_object_array_length(list) && !ret; i++) {
		const char *s = json_object_get_string(json_object_array_get_idx(list, i));

		if (s && (!b->session || strcmp(s, b->session)))
			ret = end_old_session(b, j, s, did, err);
	}
	json_object_put(list);
	return ret;
}

int undo_session(struct bmc *b, struct journal *j, struct error *err)
{
	__cleanup_free char *session = xstrdup(b->session);
	int ret = bmc_log_out(b, err);

	if (ret || !session)
		return ret;
	return note_sessions(j, NULL, session, err);
}

/* ---- the machine ---- */

static int undo_power(struct bmc *b, const struct machine *m, struct journal *j, struct strbuf *did,
		      struct error *err)
{
	int ret;

	if (!journal_string(j, "power"))
		return 0;
	ret = power_set(b, m, STEP_OFF, err);
	if (ret)
		return ret;
	if (did)
		strbuf_addstr(did, "the machine is off\n");
	return journal_note(j, "power", NULL, err);
}

static int undo_media(struct bmc *b, const struct machine *m, struct journal *j, struct strbuf *did,
		      struct error *err)
{
	const char *drive = journal_string(j, "drive"), *image = journal_string(j, "image");
	int ret;

	(void)m;
	if (!drive)
		return 0;
	ret = media_eject(b, drive, image, err);
	if (ret)
		return ret;
	if (did)
		strbuf_addf(did, "the drive %s has none of our images\n", drive);
	ret = journal_note(j, "image", NULL, err);
	return ret ? ret : journal_note(j, "drive", NULL, err);
}

static int undo_override(struct bmc *b, const struct machine *m, struct journal *j,
			 struct strbuf *did, struct error *err)
{
	struct json_object *before = NULL;
	int ret;

	if (!json_object_object_get_ex(j->state, "override", &before))
		return 0;
	if (!json_object_is_type(before, json_type_object))
		before = NULL;
	ret = override_restore(b, m, before, err);
	if (ret)
		return ret;
	if (did)
		strbuf_addstr(did, "what it boots next is as it was\n");
	return journal_note(j, "override", NULL, err);
}

static int undo_claim(struct bmc *b, const struct machine *m, struct journal *j, struct strbuf *did,
		      struct error *err)
{
	const char *claim = journal_string(j, "claim");
	int ret;

	if (!claim)
		return 0;
	ret = claim_give_back(b, m, claim, err);
	if (ret)
		return ret;
	if (did)
		strbuf_addstr(did, "the BMC has no claim of ours\n");
	return journal_note(j, "claim", NULL, err);
}

/* Between a crash of ours and now another nestlab may have taken the machine: nothing on it is ours any more. */
static int forget_anothers(struct bmc *b, const struct machine *m, struct journal *j,
			   struct strbuf *did, struct error *err)
{
	static const char *const keys[] = {"power", "image", "drive", "override", "claim"};
	const char *claim = journal_string(j, "claim");
	int ret = 0;

	if (!claim || !claim_is_anothers(b, m, claim))
		return 0;
	if (did)
		strbuf_addstr(did, "another nestlab has claimed the machine: it is left alone\n");
	for (size_t i = 0; i < ARRAY_SIZE(keys) && !ret; i++)
		ret = journal_note(j, keys[i], NULL, err);
	return ret;
}

void undo_tell_left(const struct journal *j, struct strbuf *out)
{
	const char *drive = journal_string(j, "drive");
	struct json_object *list = sessions_of(j);

	if (journal_string(j, "power"))
		strbuf_addstr(out, "; the machine may be on");
	if (drive)
		strbuf_addf(out, "; the drive %s may have our image", drive);
	if (json_object_object_get_ex(j->state, "override", NULL))
		strbuf_addstr(out, "; what it boots next may be ours");
	if (journal_string(j, "claim"))
		strbuf_addf(out, "; its AssetTag may be \"%s\"", journal_string(j, "claim"));
	for (size_t i = 0; list && i < json_object_array_length(list); i++)
		strbuf_addf(out, "; the session %s is open",
			    json_object_get_string(json_object_array_get_idx(list, i)));
}

/* In this order: a machine that is off does not read its drive, and it is ours to the end. */
int undo_all(struct bmc *b, const struct machine *m, struct journal *j, struct strbuf *did,
	     struct error *err)
{
	static int (*const undoers[])(struct bmc * b, const struct machine *m, struct journal *j,
				      struct strbuf *did, struct error *err) = {
		undo_power, undo_media, undo_override, undo_claim};
	struct strbuf left = STRBUF_INIT;
	struct error own = {0};
	int ret = forget_anothers(b, m, j, did, err), code;

	if (ret)
		return ret;
	for (size_t i = 0; i < ARRAY_SIZE(undoers); i++) {
		code = undoers[i](b, m, j, did, &own);
		if (code)
			strbuf_addf(&left, "%s%s", left.len ? "; " : "", own.text);
		if (code && !ret)
			ret = code;
	}
	code = undo_sessions(b, j, did, &own);
	if (code)
		strbuf_addf(&left, "%s%s", left.len ? "; " : "", own.text);
	if (code && !ret)
		ret = code;
	if (ret)
		error_set(err, ret, "%s", left.buf);
	strbuf_release(&left);
	return ret;
}
