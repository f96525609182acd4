// SPDX-License-Identifier: GPL-2.0-only
#include "orchestrator/hosts/driver.h"

#include <errno.h>
#include <string.h>

#include "images/images.h"

#include "common/alloc.h"

static int64_t *number_at(void *out, const struct host_number *row)
{
	return (int64_t *)(void *)((char *)out + row->offset);
}

int host_read_numbers(const struct json_node *file, const struct host_number *rows, size_t n,
		      void *out, struct error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct host_number *row = &rows[i];
		struct json_node node;
		int ret;

		*number_at(out, row) = row->preset;
		ret = json_member(file, row->key, false, &node, err);
		if (ret == -ENOENT)
			continue;
		if (ret)
			return ret;
		ret = json_as_int(&node, row->min, row->max, number_at(out, row), err);
		if (ret)
			return ret;
	}
	return 0;
}

static int read_text(const struct json_node *file, const struct host_text *row, void *out,
		     struct error *err)
{
	struct json_node node;
	const char *text = row->preset;
	int ret = json_member(file, row->key, row->required, &node, err);

	if (!ret)
		ret = json_as_string(&node, &text, err);
	else if (ret == -ENOENT && !row->required)
		ret = 0;
	if (ret)
		return ret;
	*(char **)(void *)((char *)out + row->offset) = xstrdup(text);
	return 0;
}

int host_read_texts(const struct json_node *file, const struct host_text *rows, size_t n, void *out,
		    struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = read_text(file, &rows[i], out, err);
	return ret;
}

static int read_word(const struct json_node *file, const struct host_word *row, void *out,
		     struct error *err)
{
	struct strbuf known = STRBUF_INIT;
	struct json_node node;
	const char *text;
	int ret = json_member(file, row->key, false, &node, err);

	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = json_as_string(&node, &text, err);
	if (ret)
		return ret;
	for (int i = 0; row->words[i]; i++)
		if (!strcmp(row->words[i], text)) {
			*(int64_t *)(void *)((char *)out + row->offset) = i;
			return 0;
		}
	for (int i = 0; row->words[i]; i++) {
		if (i)
			strbuf_addstr(&known, row->words[i + 1] ? ", " : " or ");
		strbuf_addf(&known, "\"%s\"", row->words[i]);
	}
	ret = json_error(&node, err, "expected %s", known.buf);
	strbuf_release(&known);
	return ret;
}

int host_read_words(const struct json_node *file, const struct host_word *rows, size_t n, void *out,
		    struct error *err)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = read_word(file, &rows[i], out, err);
	return ret;
}

/* A word that begins so: "chip=" is none. */
static bool says_ip(const char *words)
{
	for (const char *at = words; (at = strstr(at, "ip=")); at++)
		if (at == words || at[-1] == ' ')
			return true;
	return false;
}

void host_add_cmdline(struct strbuf *line, const char *more, bool network)
{
	if (network && !(more && says_ip(more)))
		strbuf_addstr(line, " ip=dhcp");
	if (more)
		strbuf_addf(line, " %s", more);
}

_Static_assert(IMAGE_TICKET_BYTES == TICKET_BYTES, "an image has room for one ticket");

int host_copy_image(struct host_session *s, const char *to, struct error *err)
{
	char text[TICKET_BYTES];
	int ret = ticket_format(&s->ticket, text);

	if (ret)
		return error_set(err, ret,
				 "%s: cannot be where records go: too long, or not one line",
				 s->ticket.device);
	ret = image_copy_with_ticket(s->image, to, text, err);
	explicit_bzero(text, sizeof(text));
	if (ret)
		return ret;
	s->ticketed = true;
	return 0;
}

void host_found_lacks(struct host_found *found, const char *what, const char *remedy)
{
	found->ready = false;
	strbuf_addf(&found->missing, "%s: %s\n", what, remedy);
}

void host_found_can(struct host_found *found, const char *what, const char *text)
{
	strbuf_addf(&found->can, "%s: %s\n", what, text);
}

void host_identify_machine(const struct host_config *cfg, struct json_object *identity,
			   struct json_object *hello)
{
	static const char *const members[] = {"cpu", "cpus", "measuring_cpus", "not_quiet"};
	struct json_object *machine, *value;

	(void)cfg;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (json_object_object_get_ex(hello, members[i], &value))
			json_object_object_add(identity, members[i], json_object_get(value));
	if (!json_object_object_get_ex(hello, "machine", &machine) ||
	    !json_object_is_type(machine, json_type_object))
		return;
	json_object_object_foreach(machine, name, member)
	{
		json_object_object_add(identity, name, json_object_get(member));
	}
}
