// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/fs.h"

#define DEVICE "ttyS0"
#define SPEED  115200

/* What agent and kernel can both set. */
static const int64_t speeds[] = {9600, 19200, 38400, 57600, 115200, 230400, 460800, 921600};

static int check_line(const struct json_node *node, const struct host_console *c, struct error *err)
{
	if (!fs_is_plain_name(c->device))
		return json_error(node, err, "expected a port like ttyS1, not \"%s\"", c->device);
	for (size_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i] == c->speed)
			return 0;
	return json_error(node, err, "%lld is no speed of a serial port (115200, 57600, ...)",
			  (long long)c->speed);
}

/* "ttyS1,115200", "ttyS1" */
static int read_short(const struct json_node *node, struct host_console *c, struct error *err)
{
	const char *text, *comma;
	char *end = NULL;
	int ret = json_as_string(node, &text, err);

	if (ret)
		return ret;
	comma = strchrnul(text, ',');
	free(c->device);
	c->device = xasprintf("%.*s", (int)(comma - text), text);
	if (*comma) {
		c->speed = strtoll(comma + 1, &end, 10);
		if (*end)
			return json_error(node, err, "expected PORT,SPEED like ttyS1,115200");
	}
	return check_line(node, c, err);
}

static int read_command(const struct json_node *console, struct host_console *c, struct error *err)
{
	struct json_node list, item;
	const char *word;
	int ret = json_member(console, "command", false, &list, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_array(&list, err);
	if (ret)
		return ret;
	if (!json_length(&list))
		return json_error(&list, err, "expected a program and its arguments");
	c->command = xcalloc(json_length(&list) + 1, sizeof(*c->command));
	for (size_t i = 0; i < json_length(&list); i++) {
		json_element(&list, i, &item);
		ret = json_as_string(&item, &word, err);
		if (ret)
			return ret;
		c->command[i] = xstrdup(word);
	}
	return 0;
}

static int read_device(const struct json_node *console, struct host_console *c, struct error *err)
{
	struct json_node node;
	const char *text;
	int ret = json_member(console, "device", false, &node, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_string(&node, &text, err);
	if (ret)
		return ret;
	free(c->device);
	c->device = xstrdup(text);
	return 0;
}

static int read_flag(const struct json_node *console, const char *key, bool *flag,
		     struct error *err)
{
	struct json_node node;
	int ret = json_member(console, key, false, &node, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	return json_as_bool(&node, flag, err);
}

static int read_long(const struct json_node *console, struct host_console *c, struct error *err)
{
	static const char *const known[] = {"device", "speed", "command", "answers", "steal", NULL};
	const struct host_number speed = {"speed", offsetof(struct host_console, speed), SPEED, 1,
					  4000000};
	int ret = json_as_object(console, err);

	if (!ret)
		ret = json_check_keys(console, known, err);
	if (!ret)
		ret = read_device(console, c, err);
	if (!ret)
		ret = host_read_numbers(console, &speed, 1, c, err);
	if (!ret)
		ret = read_command(console, c, err);
	if (!ret)
		ret = read_flag(console, "answers", &c->answers, err);
	if (!ret)
		ret = read_flag(console, "steal", &c->steal, err);
	if (ret)
		return ret;
	return check_line(console, c, err);
}

int host_console_read(const struct json_node *file, struct host_console *c, struct error *err)
{
	struct json_node console;
	int ret;

	*c = (struct host_console){.device = xstrdup(DEVICE), .speed = SPEED, .answers = true};
	ret = json_member(file, "console", false, &console, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (json_object_is_type(console.value, json_type_string))
		return read_short(&console, c, err);
	return read_long(&console, c, err);
}

void host_console_release(struct host_console *c)
{
	for (char **word = c->command; word && *word; word++)
		free(*word);
	free(c->command);
	free(c->device);
	*c = (struct host_console){0};
}

void host_console_ticket(const struct host_console *c, struct ticket *t)
{
	t->channel = TICKET_LINE;
	t->speed = (uint32_t)c->speed;
	t->answers = c->answers;
	snprintf(t->device, sizeof(t->device), "/dev/%s", c->device);
}
