// SPDX-License-Identifier: GPL-2.0-only
/* Tokens: who has which. */
#include "common/json.h"
#include "orchestrator/daemon/api/api.h"
#include "orchestrator/daemon/http/token.h"

API_HANDLER(api_tokens_list)
{
	struct json_object *tokens, *answer;
	sqlite3_stmt *s =
		database_query(db,
			       "SELECT sha256, owner, scope, host, created, expires FROM token "
			       "ORDER BY created, sha256",
			       "");
	int ret = exchange_rows(db, s, &tokens, err);

	if (ret)
		return ret;
	answer = json_object_new_object();
	json_object_object_add(answer, "tokens", tokens);
	return exchange_answer(x, 200, answer);
}

API_HANDLER(api_tokens_add)
{
	char token[TOKEN_MAX];
	struct token_order order;
	struct json_object *body, *answer;
	int ret = exchange_parse(x, &body, err);

	if (ret)
		return ret;
	order = (struct token_order){
		.owner = json_object_get_string(json_object_object_get(body, "owner")),
		.scope = json_object_get_string(json_object_object_get(body, "scope")),
		.host = json_object_get_string(json_object_object_get(body, "host")),
		.days = json_object_get_int(json_object_object_get(body, "days")),
	};
	ret = token_add(db, &order, token, err);
	json_object_put(body);
	if (ret)
		return ret;
	answer = json_object_new_object();
	json_add_string(answer, "token", token);
	return exchange_answer(x, 201, answer);
}

API_HANDLER(api_token_remove)
{
	int ret = token_remove(db, x->params[0], err);

	if (ret)
		return ret;
	return exchange_answer(x, 204, NULL);
}
