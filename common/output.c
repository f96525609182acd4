// SPDX-License-Identifier: GPL-2.0-only
#include "common/output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cancel.h"
#include "common/exit.h"

#define COLUMNS_MIN 20

int output_columns(int fd, int otherwise)
{
	const char *given = getenv("COLUMNS");
	struct winsize ws;

	if (given && atoi(given) >= COLUMNS_MIN)
		return atoi(given);
	if (!ioctl(fd, TIOCGWINSZ, &ws) && ws.ws_col >= COLUMNS_MIN)
		return ws.ws_col;
	return otherwise;
}

bool output_is_terminal(int fd)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") && isatty(fd);
}

bool output_has_colour(int fd)
{
	const char *no = getenv("NO_COLOR");

	return output_is_terminal(fd) && !(no && *no);
}

bool output_is_abandoned(int fd)
{
	struct pollfd p = {.fd = fd};

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

void output_check_stderr(void)
{
	if (ferror(stderr) && output_is_abandoned(STDERR_FILENO))
		cancel_request();
}

/* stdio does not tell errno later than at the write that failed. No progress line is up at the end of the
 * program, so log.h, which stands above this file, is not needed. */
static int report_failed_write(int error)
{
	fputs("nestlab: error: the output could not be written", stderr);
	if (error)
		fprintf(stderr, ": %s", strerror(error));
	fputc('\n', stderr);
	return EXIT_FATAL;
}

static void end_by_sigpipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

int output_finish(int status)
{
	int error = 0;

	if (fflush(stdout))
		error = errno;
	if (ferror(stdout) && output_is_abandoned(STDOUT_FILENO))
		end_by_sigpipe();
	if (ferror(stderr) && output_is_abandoned(STDERR_FILENO))
		end_by_sigpipe();
	if (ferror(stdout) && status != EXIT_FATAL) /* else it was said */
		return report_failed_write(error);
	return status;
}
