// SPDX-License-Identifier: GPL-2.0-only
#include "results/explain/explain.h"

static void add_path(const struct explanation *e, int node, struct strbuf *out)
{
	if (e->nodes[node].parent >= 0) {
		add_path(e, e->nodes[node].parent, out);
		strbuf_addch(out, ';');
	}
	/* a semicolon of a name's own would be two functions */
	for (const char *c = e->nodes[node].name; *c; c++)
		strbuf_addch(out, *c == ';' ? ':' : *c);
}

void explain_folded(const struct explanation *e, struct strbuf *out)
{
	for (size_t i = 0; i < e->nnodes; i++) {
		const struct explain_node *n = &e->nodes[i];

		if (n->cost[0] < 0.5 && n->cost[1] < 0.5)
			continue;
		add_path(e, (int)i, out);
		strbuf_addf(out, " %.0f", n->cost[0]);
		if (e->nsides == 2)
			strbuf_addf(out, " %.0f", n->cost[1]);
		strbuf_addch(out, '\n');
	}
}
