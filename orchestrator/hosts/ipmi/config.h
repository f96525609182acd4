/* SPDX-License-Identifier: GPL-2.0-only */
/* config.h - what a host file of the ipmi driver says; docs/hosts.md has the keys. */
#ifndef ORCHESTRATOR_HOSTS_IPMI_CONFIG_H
#define ORCHESTRATOR_HOSTS_IPMI_CONFIG_H

#include "orchestrator/hosts/console.h"
#include "orchestrator/hosts/driver.h"

enum ipmi_boot { IPMI_BOOT_PXE, IPMI_BOOT_CDROM };
enum ipmi_records { IPMI_RECORDS_CONSOLE, IPMI_RECORDS_HTTP };
enum ipmi_firmware { IPMI_UEFI, IPMI_BIOS };

struct ipmi_config {
	char *bmc;     /* as in the file: "192.0.2.3", "192.0.2.3:623" */
	char *machine; /* the same for journal_open() */
	char *address, *port;
	char *credentials; /* credentials.h */
	int64_t boot;	   /* enum ipmi_boot */
	int64_t records;   /* enum ipmi_records: the way that they take */
	int64_t firmware;  /* enum ipmi_firmware */
	char *image_file;  /* NULL, or where the image is put for whoever serves it */
	char *image_url;   /* NULL, or how the host reaches our server (serve.h) */
	char *listen;	   /* serve.h */
	char *boot_script; /* NULL, or where iPXE's script is put for the TFTP or web server */
	char *cmdline;	   /* NULL, or more words for the kernel */
	struct host_console console;
	int64_t cipher; /* IPMI's cipher suite: 17 or 3 */
	int64_t off_limit_s, on_limit_s, request_limit_s, tries, poll_ms, silence_s;
};

extern const char *const ipmi_keys[];
int ipmi_configure(const struct json_node *file, void **own, struct error *err);
void ipmi_free_config(void *own);
char *ipmi_cmdline(const struct host_config *cfg, enum host_purpose purpose);
int ipmi_netboot(const struct host_config *cfg, struct strbuf *out, struct error *err);
int ipmi_probe(const struct host_config *cfg, const struct places *places, struct host_found *found,
	       struct error *err);

#endif
