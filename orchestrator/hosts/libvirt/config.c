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

#define AT(member) offsetof(struct libvirt_config, member)

const char *const libvirt_keys[] = {"uri",     "type", "pool",	    "firmware",
				    "records", "cpus", "megabytes", "unmanaged_megabytes",
				    NULL};

static const struct host_number numbers[] = {
	{"cpus", AT(cpus), 2, 1, 256},
	{"megabytes", AT(megabytes), 2048, KERNEL_MEGABYTES, 1 << 24},
	{"unmanaged_megabytes", AT(unmanaged_megabytes), 0, 0, 1 << 20},
};

static const struct host_text texts[] = {
	{"uri", AT(uri), false, "qemu:///system"},
	{"pool", AT(pool), false, NULL},
};

static const struct host_word words[] = {
	{"type", AT(type), {[LIBVIRT_KVM] = "kvm", [LIBVIRT_QEMU] = "qemu"}},
	{"firmware", AT(firmware), {[LIBVIRT_BIOS] = "bios", [LIBVIRT_UEFI] = "uefi"}},
	{"records", AT(records), {[LIBVIRT_SERIAL] = "serial", [LIBVIRT_VIRTIO] = "virtio"}},
};

const char *libvirt_type(const struct libvirt_config *c)
{
	return words[0].words[c->type];
}

int libvirt_configure(const struct json_node *file, void **own, struct error *err)
{
	struct libvirt_config *c = xcalloc(1, sizeof(*c));
	int ret = host_read_texts(file, texts, ARRAY_SIZE(texts), c, err);

	*own = c;
	if (!ret)
		ret = host_read_words(file, words, ARRAY_SIZE(words), c, err);
	if (!ret)
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
	strbuf_addstr(&line, "console=ttyS0,115200 loglevel=5 panic_print=32 " HOST_FIXED_LAYOUT);
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
	const char *cpu = c->type == LIBVIRT_KVM ? "host-passthrough" : "maximum";
	bool uefi = c->firmware == LIBVIRT_UEFI;
	struct strbuf xml = STRBUF_INIT;

	strbuf_addf(&xml, "<domain type='%s'><name>", libvirt_type(c));
	libvirt_add_escaped(&xml, name);
	strbuf_addf(&xml,
		    "</name><memory unit='MiB'>%lld</memory><vcpu placement='static'>%lld</vcpu>"
		    "<os%s><type arch='x86_64' machine='q35'>hvm</type><boot dev='cdrom'/></os>"
		    "<features><acpi/><apic/></features><cpu mode='%s'/><clock offset='utc'/>"
		    "<on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot>"
		    "<on_crash>destroy</on_crash><devices><disk type='file' device='cdrom'>"
		    "<driver name='qemu' type='raw'/><source file='",
		    (long long)c->megabytes, (long long)c->cpus, uefi ? " firmware='efi'" : "",
		    cpu);
	libvirt_add_escaped(&xml, image);
	strbuf_addstr(&xml, "'/><target dev='sda' bus='sata'/><readonly/></disk>"
			    "<serial type='pty'><target port='0'/></serial>"
			    "<console type='pty'><target type='serial' port='0'/></console>");
	if (c->records == LIBVIRT_VIRTIO)
		strbuf_addstr(&xml, "<channel type='unix'><target type='virtio' name='" LIBVIRT_PORT
				    "'/></channel>");
	strbuf_addstr(&xml, "<memballoon model='none'/></devices></domain>\n");
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
	json_object_object_add(id, "type", json_object_new_string(libvirt_type(c)));
	json_object_object_add(id, "firmware", json_object_new_string(words[1].words[c->firmware]));
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
	const char *const argv[] = {program, "probe", c->uri, libvirt_type(c), NULL};
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
