// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/explain/profile.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

#define PROFILE_AT_LEAST 5 /* operations of each kernel */
#define PARTS		 4 /* a followed piece is part a, part b or both: sampler.h */

/* One row's sums over the pieces of each kind. */
struct sums {
	double sum[PARTS], squares[PARTS];
};

struct building { /* one side */
	const struct sampler *s;
	int side;
	size_t pieces[PARTS];		/* of units */
	size_t of_all;			/* pieces of each kind that the boots had */
	const struct walk_unit **units; /* those that the tables are made of */
	size_t nunits;
	struct explanation *e;
};

/* ---- pieces and operations ---- */

static void count_pieces(const struct walk_unit *const *units, size_t n, size_t pieces[PARTS])
{
	memset(pieces, 0, PARTS * sizeof(*pieces));
	for (size_t u = 0; u < n; u++)
		pieces[units[u]->parts % PARTS]++;
}

/* An operation is one piece of each kind that was seen, so the rarest kind tells how many there are. */
static size_t count_operations(const size_t pieces[PARTS])
{
	size_t least = 0;

	for (int p = 1; p < PARTS; p++)
		if (pieces[p] && (!least || pieces[p] < least))
			least = pieces[p];
	return least;
}

static size_t count_kinds(const size_t pieces[PARTS])
{
	size_t kinds = 0;

	for (int p = 1; p < PARTS; p++)
		kinds += pieces[p] > 0;
	return kinds;
}

/* ---- means ---- */

static struct explain_mean mean_of(const struct building *b, const struct sums *s)
{
	struct explain_mean all = {0};

	for (int p = 1; p < PARTS; p++) {
		double n = (double)b->pieces[p], mean, variance = 0;

		if (!n)
			continue;
		mean = s->sum[p] / n;
		if (n > 1)
			variance = fmax(0, s->squares[p] - n * mean * mean) / (n - 1);
		if (b->of_all > n)
			variance *= 1 - n / (double)b->of_all;
		all.mean += mean;
		all.error = hypot(all.error, sqrt(variance / n));
	}
	return all;
}

static void add_value(struct sums *s, unsigned int part, double value)
{
	s->sum[part] += value;
	s->squares[part] += value * value;
}

/* ---- rows ---- */

static const char *group_of(const struct walk_node *n, const char *file)
{
	if (n->level == EXPLAIN_L0 && file[0])
		return file;
	return explain_level_names[n->level];
}

struct row_key {
	const char *name, *where;
	enum explain_level level;
};

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(path);
	return strndup(path, (size_t)(slash - path));
}

static size_t find_row(struct explain_table *t, const struct row_key *key)
{
	struct explain_row *r;

	for (size_t i = 0; i < t->nrows; i++) {
		r = &t->rows[i];
		if (r->level == key->level && !strcmp(r->name, key->name) &&
		    !strcmp(r->where, key->where))
			return i;
	}
	t->rows = xrealloc(t->rows, t->nrows + 1, sizeof(*t->rows));
	r = &t->rows[t->nrows];
	*r = (struct explain_row){.name = xstrdup(key->name),
				  .where = xstrdup(key->where),
				  .caller = xstrdup(""),
				  .level = key->level};
	return t->nrows++;
}

/* The row of node @n in the table of @kind. */
static size_t row_of_node(const struct building *b, enum explain_kind kind, uint32_t node)
{
	const struct walk *w = &b->s->walk;
	const struct walk_node *n = &w->nodes[node];
	const struct walk_function *f = &w->functions[n->function];
	const char *group = group_of(n, f->file);
	__cleanup_free char *folder = folder_of(group);
	struct row_key key = {.where = "", .level = n->level};

	if (kind == EXPLAIN_BY_LEVEL)
		key.name = explain_level_names[n->level];
	else if (kind == EXPLAIN_BY_FOLDER)
		key.name = folder;
	else if (kind == EXPLAIN_BY_FILE)
		key.name = group;
	else
		key = (struct row_key){f->name, f->file, n->level};
	return find_row(&b->e->tables[kind], &key);
}

static size_t row_of_event(const struct building *b, enum explain_kind kind, uint32_t event)
{
	const struct row_key key = {b->s->walk.events[event], "", EXPLAIN_L0};

	return find_row(&b->e->tables[kind], &key);
}

/* Exits and entries have a table of their own. */
static bool is_exit(const char *event)
{
	return !strncmp(event, "exit from", 9) || !strncmp(event, "entry to", 8);
}

static bool is_of_kind(const struct building *b, enum explain_kind kind, uint32_t what)
{
	if (kind < EXPLAIN_EVENTS)
		return true;
	return is_exit(b->s->walk.events[what]) == (kind == EXPLAIN_EXITS);
}

static size_t row_of(const struct building *b, enum explain_kind kind, uint32_t what)
{
	if (kind < EXPLAIN_EVENTS)
		return row_of_node(b, kind, what);
	return row_of_event(b, kind, what);
}

/* Makes the rows of a kind; the caller frees the map from nodes (or events) to rows. */
static size_t *make_rows(const struct building *b, enum explain_kind kind)
{
	size_t n = kind < EXPLAIN_EVENTS ? b->s->walk.nnodes : b->s->walk.nevents;
	size_t *map = xcalloc(n + 1, sizeof(*map));
	bool *used = xcalloc(n + 1, sizeof(*used));

	for (size_t u = 0; u < b->nunits; u++) {
		const struct walk_unit *unit = b->units[u];
		const struct walk_count *list = kind < EXPLAIN_EVENTS ? unit->nodes : unit->events;
		size_t count = kind < EXPLAIN_EVENTS ? unit->nnodes : unit->nevents;

		for (size_t i = 0; i < count; i++)
			used[list[i].what] = true;
	}
	for (size_t i = 0; i < n; i++)
		if (used[i] && is_of_kind(b, kind, (uint32_t)i))
			map[i] = 1 + row_of(b, kind, (uint32_t)i);
	free(used);
	return map;
}

static void add_unit(const struct walk_unit *unit, bool events, const size_t *map, double *values)
{
	const struct walk_count *list = events ? unit->events : unit->nodes;
	size_t count = events ? unit->nevents : unit->nnodes;

	for (size_t i = 0; i < count; i++)
		if (map[list[i].what])
			values[map[list[i].what] - 1] += (double)list[i].count;
}

static void fill_table(const struct building *b, enum explain_kind kind)
{
	size_t *map = make_rows(b, kind);
	struct explain_table *t = &b->e->tables[kind];
	struct sums *sums = xcalloc(t->nrows + 1, sizeof(*sums));
	double *values = xcalloc(t->nrows + 1, sizeof(*values));

	for (size_t u = 0; u < b->nunits; u++) {
		memset(values, 0, t->nrows * sizeof(*values));
		add_unit(b->units[u], kind >= EXPLAIN_EVENTS, map, values);
		for (size_t i = 0; i < t->nrows; i++)
			add_value(&sums[i], b->units[u]->parts, values[i]);
	}
	for (size_t i = 0; i < t->nrows; i++)
		t->rows[i].of[b->side] = mean_of(b, &sums[i]);
	free(map);
	free(sums);
	free(values);
}

/* ---- totals ---- */

/* Did an interrupt of L0's fall into it? What one costs is more than its handler: KVM leaves the guest for
 * it, and enters it again. */
static bool is_interrupted(const struct walk *w, const struct walk_unit *unit)
{
	for (size_t i = 0; i < unit->nnodes; i++)
		if (w->nodes[unit->nodes[i].what].level == EXPLAIN_INTERRUPTS)
			return true;
	return false;
}

/* Are at least half of the pieces of each kind left? */
static bool are_enough(const size_t kept[PARTS], const size_t all[PARTS])
{
	for (int p = 1; p < PARTS; p++)
		if (2 * kept[p] < all[p])
			return false;
	return true;
}

/* Operations that have one piece or more that was left out, at least. */
static size_t count_left_out(const size_t kept[PARTS], const size_t all[PARTS])
{
	size_t most = 0;

	for (int p = 1; p < PARTS; p++)
		if (all[p] - kept[p] > most)
			most = all[p] - kept[p];
	return most;
}

static void use_all_units(struct building *b)
{
	const struct sampler *s = b->s;

	for (size_t u = 0; u < s->nunits; u++)
		b->units[u] = &s->units[u];
	b->nunits = s->nunits;
	count_pieces(b->units, b->nunits, b->pieces);
	if (b->nunits)
		b->of_all = s->operations_seen / count_kinds(b->pieces);
}

/* Interrupts come when they come: operations without one are what a kernel's developer can change, and what
 * the median is of. Only where most have one all count. */
static void choose_units(struct building *b)
{
	const struct sampler *s = b->s;
	size_t all[PARTS], seen;

	use_all_units(b);
	memcpy(all, b->pieces, sizeof(all));
	seen = b->of_all;
	b->nunits = 0;
	for (size_t u = 0; u < s->nunits; u++)
		if (!is_interrupted(&s->walk, &s->units[u]))
			b->units[b->nunits++] = &s->units[u];
	count_pieces(b->units, b->nunits, b->pieces);
	if (!are_enough(b->pieces, all)) {
		use_all_units(b);
		return;
	}
	b->of_all = seen * b->nunits / s->nunits;
	b->e->sides[b->side].interrupted = (int)count_left_out(b->pieces, all);
}

static struct explain_mean mean_of_units(const struct building *b)
{
	struct sums sums = {0};

	for (size_t u = 0; u < b->nunits; u++)
		add_value(&sums, b->units[u]->parts, (double)b->units[u]->total);
	return mean_of(b, &sums);
}

static struct explain_mean mean_of_all(const struct building *b)
{
	struct building all = {.s = b->s};
	struct explain_mean mean;

	all.units = xcalloc(b->s->nunits, sizeof(*all.units));
	use_all_units(&all);
	mean = mean_of_units(&all);
	free(all.units);
	return mean;
}

static void fill_totals(const struct building *b)
{
	struct explain_side *side = &b->e->sides[b->side];

	side->total = mean_of_units(b);
	side->all = mean_of_all(b);
	side->followed = (int)count_operations(b->pieces);
	if (side->interrupted)
		side->interrupts = side->all.mean - side->total.mean;
	side->instructions = b->s->followed / 1e6;
}

/* ---- the tree ---- */

static int find_node(struct explanation *e, int parent, const char *name, enum explain_level level)
{
	for (size_t i = 0; i < e->nnodes; i++)
		if (e->nodes[i].parent == parent && e->nodes[i].level == level &&
		    !strcmp(e->nodes[i].name, name))
			return (int)i;
	e->nodes = xrealloc(e->nodes, e->nnodes + 1, sizeof(*e->nodes));
	e->nodes[e->nnodes] =
		(struct explain_node){.name = xstrdup(name), .level = level, .parent = parent};
	return (int)e->nnodes++;
}

/* A node's parent has a lower number except for the root. The first one below the root is the level. */
static int place_node(const struct building *b, uint32_t node, int *places)
{
	const struct walk *w = &b->s->walk;
	const struct walk_node *n = &w->nodes[node];
	enum explain_level level = n->level;
	int parent;

	if (places[node])
		return places[node] - 1;
	if (n->parent) {
		parent = place_node(b, n->parent, places);
	} else {
		if (level == EXPLAIN_INTERRUPTS || level == EXPLAIN_USER)
			level = EXPLAIN_L0;
		parent = find_node(b->e, -1,
				   level == EXPLAIN_L0 ? "L0" : explain_level_names[level], level);
	}
	places[node] = 1 + find_node(b->e, parent, w->functions[n->function].name, n->level);
	return places[node] - 1;
}

static void fill_tree(const struct building *b)
{
	const struct walk *w = &b->s->walk;
	struct sums *sums = xcalloc(w->nnodes, sizeof(*sums));
	int *places = xcalloc(w->nnodes, sizeof(*places));

	for (size_t u = 0; u < b->nunits; u++)
		for (size_t i = 0; i < b->units[u]->nnodes; i++)
			add_value(&sums[b->units[u]->nodes[i].what], b->units[u]->parts,
				  (double)b->units[u]->nodes[i].count);
	for (size_t i = 1; i < w->nnodes; i++) {
		double cost = mean_of(b, &sums[i]).mean;

		if (cost > 0) {
			int place = place_node(b, (uint32_t)i, places); /* may move e->nodes */

			b->e->nodes[place].cost[b->side] += cost;
		}
	}
	free(sums);
	free(places);
}

/* ---- who called ---- */

/* Of the nodes of a function, the parent with the greatest part of its cost; that of the new kernel, or of
 * the base where the new one has no such function. */
static void name_caller(struct explanation *e, struct explain_row *r)
{
	int side = e->nsides - 1;
	const char *best = NULL;
	double most = 0;

	if (r->of[side].mean <= 0)
		side = 0;
	for (size_t i = 0; i < e->nnodes; i++) {
		const struct explain_node *n = &e->nodes[i];
		double cost = 0;

		if (n->level != r->level || n->parent < 0 || strcmp(n->name, r->name))
			continue;
		for (size_t k = i; k < e->nnodes; k++)
			if (!strcmp(e->nodes[k].name, r->name) && e->nodes[k].parent >= 0 &&
			    !strcmp(e->nodes[e->nodes[k].parent].name, e->nodes[n->parent].name))
				cost += e->nodes[k].cost[side];
		if (cost > most) {
			most = cost;
			best = e->nodes[n->parent].name;
		}
	}
	if (!best)
		return;
	free(r->caller);
	r->caller = xstrdup(best);
}

/* ---- all ---- */

static void build_side(struct building *b)
{
	b->units = xcalloc(b->s->nunits, sizeof(*b->units));
	choose_units(b);
	fill_totals(b);
	for (int k = 0; k < EXPLAIN_KINDS; k++)
		fill_table(b, k);
	fill_tree(b);
	free(b->units);
}

/* Of a few operations the spread is not known: an interval of one would be a point. */
static int check_sample(const struct sampler *s, const char *kernel, struct error *err)
{
	size_t pieces[PARTS] = {0}, n;

	for (size_t u = 0; u < s->nunits; u++)
		pieces[s->units[u].parts % PARTS]++;
	n = count_operations(pieces);
	if (!s->operations_seen && !s->learned)
		return error_set(err, -ENODATA,
				 "kernel %s: no operation began while it was followed: this host's "
				 "Bochs has no debugger, or the measurement has no rounds",
				 kernel);
	if (n < PROFILE_AT_LEAST)
		return error_set(err, -ENODATA,
				 "kernel %s: %zu operation%s followed, and %d are needed to say "
				 "anything: ask for more rounds (--rounds N)",
				 kernel, n, n == 1 ? " was" : "s were", PROFILE_AT_LEAST);
	return 0;
}

int profile_explain(struct sampler *const *samplers, struct explanation *e, struct error *err)
{
	const struct explain_side *s = e->sides;
	int ret;

	for (int i = 0; i < e->nsides; i++) {
		struct building b = {.s = samplers[i], .side = i, .e = e};

		ret = check_sample(samplers[i], s[i].kernel, err);
		if (ret)
			return ret;
		build_side(&b);
	}
	for (int k = 0; k < EXPLAIN_KINDS; k++)
		explain_table_judge(&e->tables[k], e);
	for (size_t i = 0; i < e->tables[EXPLAIN_BY_FUNCTION].nrows; i++)
		name_caller(e, &e->tables[EXPLAIN_BY_FUNCTION].rows[i]);
	if (e->nsides == 2)
		explain_interval(s[0].total, (size_t)s[0].followed, s[1].total,
				 (size_t)s[1].followed, 1, &e->low, &e->high);
	return 0;
}
