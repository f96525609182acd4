// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/nights/triage.h"

#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/storage/event.h"

#define TEXT_MAX 4000 /* bytes of owner and note */

static const char *text_of(struct json_object *said, const char *key)
{
	return json_object_get_string(json_object_object_get(said, key));
}

static int check_word(struct json_object *said, struct error *err)
{
	static const char *const known[] = {"acknowledged", "wontfix", "duplicate"};
	const char *triage = text_of(said, "triage");

	for (size_t i = 0; triage && i < ARRAY_SIZE(known); i++)
		if (!strcmp(triage, known[i]))
			return 0;
	if (!triage)
		return 0;
	return error_set(err, -EINVAL,
			 "body: $.triage: expected acknowledged, wontfix, duplicate or null");
}

static int check_lengths(struct json_object *said, struct error *err)
{
	static const char *const keys[] = {"owner", "note"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = text_of(said, keys[i]);

		if (text && strlen(text) > TEXT_MAX)
			return error_set(err, -EINVAL, "body: $.%s: longer than %d bytes", keys[i],
					 TEXT_MAX);
	}
	return 0;
}

static int check_change(struct daemon_db *db, int64_t change, struct error *err)
{
	int64_t known;
	int ret = database_number(db, 0, &known, err, "SELECT 1 FROM change WHERE id = ?1", "i",
				  change);

	if (!ret && !known)
		return error_set(err, -ENOENT, "%lld: no such change", (long long)change);
	return ret;
}

/* The other change has to be there, and be none that leads back here. */
static int check_duplicate(struct daemon_db *db, int64_t change, struct json_object *said,
			   struct error *err)
{
	struct json_object *value = json_object_object_get(said, "duplicate_of");
	int64_t circle, other = json_object_get_int64(value);
	struct error none;
	int ret;

	if (!value)
		return 0;
	if (other <= 0 || other == change || check_change(db, other, &none))
		return error_set(err, -EINVAL,
				 "body: $.duplicate_of: expected the number of another change");
	ret = database_number(
		db, 0, &circle, err,
		"WITH RECURSIVE of (id) AS (SELECT ?1 UNION SELECT duplicate_of FROM change JOIN of "
		"USING (id) WHERE duplicate_of IS NOT NULL) SELECT 1 FROM of WHERE id = ?2",
		"ii", other, change);
	if (!ret && circle)
		return error_set(err, -EINVAL,
				 "body: $.duplicate_of: change %lld is a duplicate of this one",
				 (long long)other);
	return ret;
}

static int set_members(struct daemon_db *db, int64_t change, struct json_object *said,
		       struct error *err)
{
	static const struct {
		const char *key, *sql;
	} members[] = {
		{"triage", "UPDATE change SET triage = ?2, version = version + 1 WHERE id = ?1"},
		{"duplicate_of",
		 "UPDATE change SET duplicate_of = ?2, version = version + 1 WHERE id = ?1"},
		{"owner", "UPDATE change SET owner = ?2, version = version + 1 WHERE id = ?1"},
		{"note", "UPDATE change SET note = ?2, version = version + 1 WHERE id = ?1"},
	};
	int ret = 0;

	for (size_t i = 0; ret >= 0 && i < ARRAY_SIZE(members); i++) {
		struct json_object *value;

		if (json_object_object_get_ex(said, members[i].key, &value))
			ret = database_change(db, err, members[i].sql, "it", change,
					      json_object_get_string(value));
	}
	if (ret < 0)
		return ret;
	return 0;
}

static int tell_triage(struct daemon_db *db, int64_t change, struct json_object *said,
		       const char *by, struct error *err)
{
	struct json_object *data = NULL;

	json_object_deep_copy(said, &data, NULL);
	json_add_string(data, "by", by);
	json_object_object_add(data, "change", json_object_new_int64(change));
	return event_add(db, "change.triage", NULL, NULL, data, err);
}

int triage_set(struct daemon_db *db, int64_t change, struct json_object *said, const char *by,
	       struct error *err)
{
	int ret = check_word(said, err);

	if (!ret)
		ret = check_lengths(said, err);
	if (!ret)
		ret = check_change(db, change, err);
	if (!ret)
		ret = check_duplicate(db, change, said, err);
	if (!ret)
		ret = set_members(db, change, said, err);
	if (ret)
		return ret;
	return tell_triage(db, change, said, by, err);
}
