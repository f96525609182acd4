// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/daemon/storage/event.h"

#include <stdatomic.h>

static atomic_llong count;

#define PLAIN JSON_C_TO_STRING_PLAIN

int event_add(struct daemon_db *db, const char *type, const char *job, const char *boot,
	      struct json_object *data, struct error *err)
{
	const char *text = "{}";
	char now[DAEMON_TIME_MAX];
	int ret;

	if (data)
		text = json_object_to_json_string_ext(data, PLAIN);
	database_time(now);
	ret = database_change(db, err,
			      "INSERT INTO event (time, type, job, boot, data) "
			      "VALUES (?1, ?2, ?3, ?4, ?5)",
			      "ttttt", now, type, job, boot, text);
	json_object_put(data);
	if (ret < 0)
		return ret;
	atomic_fetch_add(&count, 1);
	return 0;
}

int64_t event_count(void)
{
	return atomic_load(&count);
}
