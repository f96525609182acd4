// SPDX-License-Identifier: GPL-2.0-only
#include "agents/wire/ticket.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC	    "nestlab-ticket 1\n"
#define PLACEHOLDER "nestlab-ticket 0\n"
#define END	    "end\n"

static const char *const channel_names[] = {
	[TICKET_PLAIN] = "plain",
	[TICKET_LINE] = "line",
	[TICKET_PORT] = "port",
	[TICKET_HTTP] = "http",
};
#define CHANNELS (sizeof(channel_names) / sizeof(channel_names[0]))

static void write_hex(const uint8_t *bytes, size_t len, char *hex)
{
	for (size_t i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

int ticket_format(const struct ticket *t, char text[TICKET_BYTES])
{
	char key[2 * HMAC_KEY_BYTES + 1];
	int n;

	if (strchr(t->device, '\n'))
		return -EINVAL;
	write_hex(t->key, sizeof(t->key), key);
	n = snprintf(text, TICKET_BYTES,
		     MAGIC "nonce=%s\nkey=%s\nchannel=%s\ndevice=%s\nspeed=%" PRIu32
			   "\nanswers=%d\n" END,
		     t->nonce, key, channel_names[t->channel], t->device, t->speed, t->answers);
	if (n >= TICKET_BYTES)
		return -EINVAL;
	memset(text + n, '\n', TICKET_BYTES - (size_t)n);
	return 0;
}

static bool read_hex(const char *text, uint8_t *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++) {
		const char *digit = strchr(hex, text[i]);

		if (!digit)
			return false;
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - hex));
	}
	return true;
}

static bool set_nonce(struct ticket *t, const char *value)
{
	uint8_t bytes[TICKET_NONCE_DIGITS / 2];

	if (!read_hex(value, bytes, sizeof(bytes)))
		return false;
	memcpy(t->nonce, value, sizeof(t->nonce));
	return true;
}

static bool set_key(struct ticket *t, const char *value)
{
	return read_hex(value, t->key, sizeof(t->key));
}

static bool set_channel(struct ticket *t, const char *value)
{
	for (size_t i = 0; i < CHANNELS; i++) {
		if (strcmp(channel_names[i], value))
			continue;
		t->channel = (enum ticket_channel)i;
		return true;
	}
	return false;
}

static bool set_device(struct ticket *t, const char *value)
{
	return (size_t)snprintf(t->device, sizeof(t->device), "%s", value) < sizeof(t->device);
}

static bool set_speed(struct ticket *t, const char *value)
{
	char *end;

	t->speed = (uint32_t)strtoul(value, &end, 10);
	return *value && !*end;
}

static bool set_answers(struct ticket *t, const char *value)
{
	t->answers = *value == '1';
	return !strcmp(value, "0") || !strcmp(value, "1");
}

/* In this order, all of them. */
static const struct {
	const char *key;
	bool (*set)(struct ticket *t, const char *value);
} fields[] = {
	{"nonce=", set_nonce},	 {"key=", set_key},	{"channel=", set_channel},
	{"device=", set_device}, {"speed=", set_speed}, {"answers=", set_answers},
};

/* Takes the line at @p out of the text; NULL: it does not start with @key. */
static char *take_value(char **p, const char *key)
{
	char *line = *p, *end = strchr(line, '\n');

	if (!end || strncmp(line, key, strlen(key)))
		return NULL;
	*end = '\0';
	*p = end + 1;
	return line + strlen(key);
}

int ticket_parse(const char *text, size_t len, struct ticket *t)
{
	char copy[TICKET_BYTES + 1] = "", *p = copy;

	if (len > TICKET_BYTES)
		return -EINVAL;
	memcpy(copy, text, len);
	memset(t, 0, sizeof(*t));
	if (!strncmp(copy, PLACEHOLDER, strlen(PLACEHOLDER)))
		return -ENOENT;
	if (strncmp(copy, MAGIC, strlen(MAGIC)))
		return -EINVAL;
	p += strlen(MAGIC);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = take_value(&p, fields[i].key);

		if (!value || !fields[i].set(t, value))
			return -EINVAL;
	}
	return strncmp(p, END, strlen(END)) ? -EINVAL : 0;
}
