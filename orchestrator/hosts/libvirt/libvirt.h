/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvirt.h - a host that is a domain of any libvirt: a virtual machine with nested VMX passed through, on this
 * machine or another one. It is made for one boot, from the host file alone, and is gone afterwards.
 *
 * Its one serial port, by libvirt's own streams, is a line (line.h) that carries console and records, or the
 * records have a virtio-serial port of their own. All that needs libvirt's library is done by `nestlab-libvirt` (orchestrator/libvirt/main.c): one process holds the domain
 * and tells of its end, another one is the line. The domain lives as long as the connection of the
 * process that holds it (AUTODESTROY): a nestlab that is killed leaves nothing behind.
 *
 * libvirt.c: a boot. config.c: its part of the host file, the domain's XML, the probe.
 */
#ifndef ORCHESTRATOR_HOSTS_LIBVIRT_H
#define ORCHESTRATOR_HOSTS_LIBVIRT_H

#include "orchestrator/hosts/driver.h"

extern const struct host_driver host_libvirt;

/* What `nestlab-libvirt console` says once the serial port is connected. */
#define LIBVIRT_CONNECTED "nestlab-libvirt: connected"

/* The virtio-serial port that records take, where they do not share the serial one. */
#define LIBVIRT_PORT "org.nestlab.records"

enum libvirt_type { LIBVIRT_KVM, LIBVIRT_QEMU /* software, without VMX */ };
enum libvirt_firmware { LIBVIRT_BIOS, LIBVIRT_UEFI };
enum libvirt_records { LIBVIRT_SERIAL, LIBVIRT_VIRTIO };

struct libvirt_config { /* host_config.own */
	char *uri;	/* "qemu:///system", "qemu+ssh://lab@host/system", ... */
	char *pool; /* where the image is uploaded to; NULL: libvirt runs here and reads our file */
	int64_t type, firmware, records; /* the enums above */
	int64_t cpus, megabytes, unmanaged_megabytes;
};

extern const char *const libvirt_keys[];
int libvirt_configure(const struct json_node *file, void **own, struct error *err);
void libvirt_free_config(void *own);
char *libvirt_cmdline(const struct host_config *cfg, enum host_purpose purpose);
int libvirt_probe(const struct host_config *cfg, const struct places *places,
		  struct host_found *found, struct error *err);

/* As libvirt has it: "kvm", "qemu". */
const char *libvirt_type(const struct libvirt_config *c);
/* The domain @name, as libvirt takes it, with @image in its CD drive; the caller frees. */
char *libvirt_domain_xml(const struct libvirt_config *c, const char *name, const char *image);
/* Adds @text as XML text or attribute. */
void libvirt_add_escaped(struct strbuf *out, const char *text);
/* The program beside nestlab; the caller frees. */
char *libvirt_program(void);

#endif
