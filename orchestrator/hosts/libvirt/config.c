// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include "common/alloc.h"
#include "common/fs.h"
#include "common/subprocess.h"
#include "orchestrator/hosts/libvirt/libvirt.h"

#define PROBE_LIMIT_MS	 30000
#define KERNEL_MEGABYTES 512 /* that the kernel itself must keep, at least */

/* QEMU's q35 puts RAM below 4 GiB up to here, or only LOW_MEGABYTES of it if there is more
 * (hw/i386/pc_q35.c); the rest is above 4 GiB. */
#define ALL_LOW_BELOW 2816
#define LOW_MEGABYTES 2048

const char *const libvirt_keys[] = {
	"uri", "type", "pool", "firmware", "cpus", "megabytes", "unmanaged_megabytes", NULL};

static const struct host_number numbers[] = {
	{"cpus", offsetof(struct libvirt_config, cpus), 2, 1, 256},
	{"megabytes", offsetof(struct libvirt_config, megabytes), 2048, KERNEL_MEGABYTES, 1 << 24},
	{"unmanaged_megabytes", offsetof(struct libvirt_config, unmanaged_megabytes), 0, 0,
	 1 << 20},
};

/* A string of the file, or @preset. The caller frees. */
static int read_text(const struct json_node *file, const char *key, const char *preset, char **out,
		     struct error *err)
{
	struct json_node node;
	const char *text = preset;
	int ret = json_member(file, key, false, &node, err);

	if (!ret)
		ret = json_as_string(&node, &text, err);
	else if (ret == -ENOENT)
		ret = 0;
	if (!ret)
		*out = xstrdup(text);
	return ret;
}

/* One of two words. */
static int read_choice(const struct json_node *file, const char *key, const char *first,
		       const char *second, char **out, struct error *err)
{
	int ret = read_text(file, key, first, out, err);

	if (ret || !strcmp(*out, first) || !strcmp(*out, second))
		return ret;
	return json_error(file, err, "%s: expected \"%s\" or \"%s\", found \"%s\"", key, first,
			  second, *out);
}

int libvirt_configure(const struct json_node *file, void **own, struct error *err)
{
	struct libvirt_config *c = xcalloc(1, sizeof(*c));
	__cleanup_free char *firmware = NULL;
	int ret = read_text(file, "uri", "qemu:///system", &c->uri, err);

	*own = c;
	if (ret)
		return ret;
	ret = read_text(file, "pool", NULL, &c->pool, err);
	if (ret)
		return ret;
	ret = read_choice(file, "type", "kvm", "qemu", &c->type, err);
	if (ret)
		return ret;
	ret = read_choice(file, "firmware", "bios", "uefi", &firmware, err);
	if (ret)
		return ret;
	c->uefi = !strcmp(firmware, "uefi");
	ret = host_read_numbers(file, numbers, ARRAY_SIZE(numbers), c, err);
	if (ret)
		return ret;
	if (c->megabytes - c->unmanaged_megabytes < KERNEL_MEGABYTES)
		return json_error(file, err,
				  "unmanaged_megabytes leaves the kernel less than %d of megabytes",
				  KERNEL_MEGABYTES);
	return 0;
}

void libvirt_free_config(void *own)
{
	struct libvirt_config *c = own;

	free(c->uri);
	free(c->type);
	free(c->pool);
	free(c);
}

/* Where the RAM ends in the machine's address space, in MiB. */
static int64_t end_of_memory(const struct libvirt_config *c)
{
	if (c->megabytes < ALL_LOW_BELOW)
		return c->megabytes;
	return 4096 + c->megabytes - LOW_MEGABYTES;
}

char *libvirt_cmdline(const struct host_config *cfg, enum host_purpose purpose)
{
	const struct libvirt_config *c = cfg->own;
	struct strbuf line = STRBUF_INIT;

	(void)purpose;
	strbuf_addstr(&line, "console=ttyS0,115200 loglevel=5 panic_print=32 nokaslr");
	if (c->unmanaged_megabytes)
		strbuf_addf(&line, " mem=%lldM",
			    (long long)(end_of_memory(c) - c->unmanaged_megabytes));
	return strbuf_detach(&line);
}

/* ---- the domain ---- */

void libvirt_add_escaped(struct strbuf *out, const char *text)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\'', "&apos;"}, {'"', "&quot;"}};

	for (; *text; text++) {
		const char *entity = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(entities); i++)
			if (entities[i].c == *text)
				entity = entities[i].entity;
		if (entity)
			strbuf_addstr(out, entity);
		else
			strbuf_addch(out, *text);
	}
}

/*
 * A reset is an end, as on every host: on_reboot. The CPU is the host's own, nested VMX with it; a software
 * one (TCG) is the best that QEMU can do. No network, no disk but the image.
 */
char *libvirt_domain_xml(const struct libvirt_config *c, const char *name, const char *image)
{
	const char *cpu = strcmp(c->type, "kvm") ? "maximum" : "host-passthrough";
	struct strbuf xml = STRBUF_INIT;

	strbuf_addstr(&xml, "<domain type='");
	libvirt_add_escaped(&xml, c->type);
	strbuf_addstr(&xml, "'><name>");
	libvirt_add_escaped(&xml, name);
	strbuf_addf(&xml,
		    "</name><memory unit='MiB'>%lld</memory><vcpu placement='static'>%lld</vcpu>"
		    "<os%s><type arch='x86_64' machine='q35'>hvm</type><boot dev='cdrom'/></os>"
		    "<features><acpi/><apic/></features><cpu mode='%s'/><clock offset='utc'/>"
		    "<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot>"
		    "<on_crash>destroy</on_crash><devices><disk type='file' device='cdrom'>"
		    "<driver name='qemu' type='raw'/><source file='",
		    (long long)c->megabytes, (long long)c->cpus, c->uefi ? " firmware='efi'" : "",
		    cpu);
	libvirt_add_escaped(&xml, image);
	strbuf_addstr(&xml, "'/><target dev='sda' bus='sata'/><readonly/></disk>"
			    "<serial type='pty'><target port='0'/></serial>"
			    "<console type='pty'><target type='serial' port='0'/></console>"
			    "<memballoon model='none'/></devices></domain>\n");
	return strbuf_detach(&xml);
}

/* ---- can it run? ---- */

char *libvirt_program(void)
{
	struct places places;
	char *path, *slash;

	places_find(&places, NULL);
	slash = strrchr(places.agent, '/');
	path = xasprintf("%.*s/nestlab-libvirt", (int)(slash - places.agent), places.agent);
	places_free(&places);
	return path;
}

static void note_found(const struct libvirt_config *c, const struct strbuf *answer,
		       struct json_object *id)
{
	struct json_object *said = json_tokener_parse(answer->buf);

	if (said) {
		json_object_object_foreach(said, key, value)
		{
			json_object_object_add(id, key, json_object_get(value));
		}
	}
	json_object_put(said);
	json_object_object_add(id, "type", json_object_new_string(c->type));
	json_object_object_add(id, "firmware", json_object_new_string(c->uefi ? "uefi" : "bios"));
	json_object_object_add(id, "domain_cpus", json_object_new_int64(c->cpus));
	json_object_object_add(id, "megabytes", json_object_new_int64(c->megabytes));
	json_object_object_add(id, "unmanaged_megabytes",
			       json_object_new_int64(c->unmanaged_megabytes));
}

int libvirt_probe(const struct host_config *cfg, const struct places *places,
		  struct host_found *found, struct error *err)
{
	const struct libvirt_config *c = cfg->own;
	__cleanup_free char *program = libvirt_program();
	const char *const argv[] = {program, "probe", c->uri, c->type, NULL};
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT;
	const struct subprocess sp = {
		.argv = argv, .out = &out, .errors = &errors, .timeout_ms = PROBE_LIMIT_MS};
	int status, ret;

	(void)places;
	if (!fs_exists(program)) {
		host_found_lacks(found, program,
				 "not there (apt-get install libvirt-dev, then make)");
		return 0;
	}
	ret = subprocess_run(&sp, &status, err);
	if (ret == -ETIMEDOUT) {
		host_found_lacks(found, c->uri, "does not answer within 30 s");
		ret = 0;
	} else if (!ret && status) {
		errors.buf[strcspn(errors.buf, "\n")] = '\0';
		host_found_lacks(found, "libvirt", errors.buf);
	} else if (!ret) {
		note_found(c, &out, found->identity);
	}
	strbuf_release(&out);
	strbuf_release(&errors);
	return ret;
}
