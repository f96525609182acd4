// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/places.h"

#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"

/* The value of an environment variable; NULL if it is unset or empty. */
static const char *from_environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

static bool is_checkout(const char *dir)
{
	__cleanup_free char *mark = xasprintf("%s/kernels/kernels.h", dir);

	return fs_exists(mark);
}

/* The checkout that holds build/bin, build/tests or build/asan/tests; NULL: none, we are installed. */
static char *find_checkout(const char *programs)
{
	char *dir = xstrdup(programs);

	for (int levels = 0; levels < 4; levels++) {
		char *slash;

		if (is_checkout(dir))
			return dir;
		slash = strrchr(dir, '/');
		if (!slash || slash == dir)
			break;
		*slash = '\0';
	}
	free(dir);
	return NULL;
}

static char *find_root(const char *programs)
{
	const char *root = from_environment("NESTLAB_ROOT");
	__cleanup_free char *share = NULL;
	char *found;

	if (root)
		return xstrdup(root);
	found = find_checkout(programs);
	if (found)
		return found;
	share = xasprintf("%s/../share/nestlab", programs);
	found = realpath(share, NULL);
	return found ? found : xstrdup(share);
}

static char *find_cache(void)
{
	const char *dir = from_environment("NESTLAB_CACHE");
	const char *xdg = from_environment("XDG_CACHE_HOME");
	const char *home = from_environment("HOME");

	if (dir)
		return xstrdup(dir);
	if (xdg)
		return xasprintf("%s/nestlab", xdg);
	return xasprintf("%s/.cache/nestlab", home ? home : "/tmp");
}

/* The paths of consoles are stored: they must mean the same from any folder. */
static char *make_absolute(const char *path)
{
	__cleanup_free char *cwd = NULL;

	if (path[0] == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	return xasprintf("%s/%s", cwd ? cwd : ".", path);
}

static char *find_database(const char *root, const char *option)
{
	const char *data = from_environment("XDG_DATA_HOME");
	const char *home = from_environment("HOME");

	if (option)
		return make_absolute(option);
	if (is_checkout(root))
		return xasprintf("%s/results/nestlab.db", root);
	if (data)
		return xasprintf("%s/nestlab/nestlab.db", data);
	return xasprintf("%s/.local/share/nestlab/nestlab.db", home ? home : "/var/lib");
}

static void find_symbols(struct places *p, const char *programs)
{
	__cleanup_free char *dir = xasprintf("%s/../agent", programs);

	if (!fs_exists(dir)) {
		free(dir);
		dir = xasprintf("%s/symbols", p->root);
	}
	p->agent_symbols = xasprintf("%s/agent.elf", dir);
	p->l1_symbols = xasprintf("%s/l1.elf", dir);
}

/* The user's own folder, NULL if he has no home. A relative path in $XDG_CONFIG_HOME does not count
 * (XDG base directory specification). */
static char *find_config(void)
{
	const char *xdg = from_environment("XDG_CONFIG_HOME");
	const char *home = from_environment("HOME");

	if (xdg && xdg[0] == '/')
		return xasprintf("%s/nestlab", xdg);
	if (home)
		return xasprintf("%s/.config/nestlab", home);
	return NULL;
}

static struct folders find_folders(const char *config, const char *name, const char *root,
				   const char *below)
{
	struct folders f = {.shipped = xasprintf("%s/%s", root, below)};

	if (config)
		f.own = xasprintf("%s/%s", config, name);
	return f;
}

static void free_folders(struct folders *f)
{
	free(f->own);
	free(f->shipped);
}

/* A root that the user named counts as his checkout. */
static char *find_imports(const struct places *p)
{
	bool is_ours = is_checkout(p->root) || from_environment("NESTLAB_ROOT");

	is_ours = is_ours && !access(p->variants.shipped, W_OK);

	if (p->variants.own && !is_ours)
		return xstrdup(p->variants.own);
	return xstrdup(p->variants.shipped);
}

void places_find(struct places *p, const char *db_option)
{
	__cleanup_free char *programs = fs_program_dir();
	__cleanup_free char *config = find_config();
	__cleanup_free char *copy = NULL;

	p->root = find_root(programs);
	p->variants = find_folders(config, "kernels", p->root, "kernels");
	p->scenarios = find_folders(config, "scenarios", p->root, "scenarios");
	p->hosts = find_folders(config, "hosts", p->root, "hosts");
	p->policies = find_folders(config, "policies", p->root, "results/policies");
	p->imports = find_imports(p);
	p->cache = find_cache();
	p->programs = xstrdup(programs);
	p->agent = xasprintf("%s/nestlab-agent", programs);
	find_symbols(p, programs);
	p->db = find_database(p->root, db_option);
	copy = xstrdup(p->db);
	p->runs = xasprintf("%s/runs", dirname(copy));
	p->explanations = xasprintf("%s/explanations", copy); /* dirname() has cut it */
}

void places_free(struct places *p)
{
	free(p->root);
	free_folders(&p->variants);
	free_folders(&p->scenarios);
	free_folders(&p->hosts);
	free_folders(&p->policies);
	free(p->imports);
	free(p->cache);
	free(p->programs);
	free(p->agent);
	free(p->agent_symbols);
	free(p->l1_symbols);
	free(p->db);
	free(p->runs);
	free(p->explanations);
	*p = (struct places){0};
}
