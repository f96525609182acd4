// SPDX-License-Identifier: GPL-2.0-only
#include <json-c/json.h>

#include "results/explain/explain.h"

static void render_text(const struct explanation *e, struct strbuf *out)
{
	explain_text(e, 0, out);
}

static void render_json(const struct explanation *e, struct strbuf *out)
{
	struct json_object *o = explain_to_json(e);

	strbuf_addf(out, "%s\n",
		    json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

const struct explain_format explain_formats[] = {
	{"text", render_text},	    {"json", render_json}, {"html", explain_html},
	{"folded", explain_folded}, {NULL, NULL},
};
