// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/cli/command.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/options.h"

char *command_db_path(const char *option)
{
	__cleanup_free char *root = fs_data_root();
	__cleanup_free char *checkout = xasprintf("%s/results/store/store.h", root);
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (option && option[0] == '/')
		return xstrdup(option);
	if (option) { /* its runs' paths are stored, and must mean the same from any folder */
		__cleanup_free char *cwd = getcwd(NULL, 0);

		return xasprintf("%s/%s", cwd ? cwd : ".", option);
	}
	if (fs_exists(checkout))
		return xasprintf("%s/results/nestlab.db", root);
	if (data && *data)
		return xasprintf("%s/nestlab/nestlab.db", data);
	return xasprintf("%s/.local/share/nestlab/nestlab.db", home ? home : "/var/lib");
}

int command_exit_status(const struct results_comparison *c)
{
	if (c->verdict == VERDICT_REGRESSED)
		return EXIT_NO;
	return c->verdict == VERDICT_INCONCLUSIVE ? EXIT_CANNOT_TELL : 0;
}

bool command_colour(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no && *no);
}
