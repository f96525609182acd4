// SPDX-License-Identifier: GPL-2.0-only
/* Hosts: what is there, and who may have it. */
#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/pool/host.h"

static const char *const states[] = {"up", "draining", "quarantined", "reserved", "retired"};

API_HANDLER(api_hosts_list)
{
	struct json_object *hosts, *answer;
	sqlite3_stmt *s = database_query(
		db,
		"SELECT name, pool, tags, serves, state, reason, reserved_by, infra_in_row, seen, "
		"last_health, (SELECT count(*) FROM boot WHERE host = h.name AND state IN ('leased', "
		"'running')) AS boots FROM host h ORDER BY name",
		"");
	int ret = exchange_rows(db, s, &hosts, err);

	if (ret)
		return ret;
	answer = json_object_new_object();
	json_object_object_add(answer, "hosts", hosts);
	return exchange_answer(x, 200, answer);
}

static int check_state(const char *state, struct error *err)
{
	for (size_t i = 0; state && i < ARRAY_SIZE(states); i++)
		if (!strcmp(state, states[i]))
			return 0;
	return error_set(err, -EINVAL,
			 "body: $.state: expected up, draining, quarantined, reserved or retired");
}

API_HANDLER(api_host_change)
{
	struct json_object *body;
	const char *state, *whose, *reason;
	int ret = exchange_parse(x, &body, err);

	if (ret)
		return ret;
	state = json_object_get_string(json_object_object_get(body, "state"));
	reason = json_object_get_string(json_object_object_get(body, "reason"));
	whose = json_object_get_string(json_object_object_get(body, "for"));
	ret = check_state(state, err);
	if (!ret && strcmp(state, "reserved"))
		whose = NULL;
	else if (!ret && !whose)
		whose = x->who.owner;
	if (!ret)
		ret = host_set_state(db, x->params[0], state, whose, reason, x->who.owner, err);
	json_object_put(body);
	if (ret)
		return ret;
	return api_hosts_list(x, db, err);
}
