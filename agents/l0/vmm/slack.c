// SPDX-License-Identifier: GPL-2.0-only
#include "agents/l0/vmm/slack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define ONE_FILE  ".slack" /* all names are its: nothing but a name is made for each */
#define NAME_SIZE 128

/* An object is 16 bytes, the name and its end: struct external_name in fs/dcache.c. */
static const int name_lengths[] = {
	44, /* 64 bytes */
	64, /* 96 */
};

#define SIZES (sizeof(name_lengths) / sizeof(name_lengths[0]))

static void write_name(char name[NAME_SIZE], size_t size, unsigned int set, unsigned int i)
{
	snprintf(name, NAME_SIZE, "%s-%u-%0*u", ONE_FILE, set,
		 name_lengths[size] - (int)sizeof(ONE_FILE "-0-") + 1, i);
}

static void make_name(int directory, size_t size, unsigned int set, unsigned int i)
{
	char name[NAME_SIZE];

	write_name(name, size, set, i);
	linkat(directory, ONE_FILE, directory, name, 0);
}

static void drop_name(int directory, size_t size, unsigned int set, unsigned int i)
{
	char name[NAME_SIZE];

	write_name(name, size, set, i);
	unlinkat(directory, name, 0);
}

static bool is_kept(unsigned int i)
{
	return i % SLACK_KEPT == 0;
}

static void make_size(int directory, size_t size, unsigned int set)
{
	for (unsigned int i = 0; i < SLACK_OBJECTS; i++)
		make_name(directory, size, set, i);
	for (unsigned int i = 0; i < SLACK_OBJECTS; i++) {
		if (is_kept(i))
			drop_name(directory, size, !set, i);
		else
			drop_name(directory, size, set, i);
	}
}

void slack_make(const char *directory)
{
	static unsigned int set;
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int file;

	if (dir < 0)
		return;
	file = openat(dir, ONE_FILE, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (file >= 0)
		close(file);
	set = !set;
	for (size_t size = 0; size < SIZES; size++)
		make_size(dir, size, set);
	close(dir);
}
