/* SPDX-License-Identifier: GPL-2.0-only */
/* config.h - what a host file of the redfish driver says; docs/hosts.md has the keys. */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_CONFIG_H
#define ORCHESTRATOR_HOSTS_REDFISH_CONFIG_H

#include "orchestrator/hosts/console.h"
#include "orchestrator/hosts/driver.h"

/* How the image comes to the host. AUTO: virtual media if a drive takes it, else UEFI HTTP boot. */
enum redfish_path { REDFISH_AUTO, REDFISH_MEDIA, REDFISH_HTTP };
enum redfish_records { REDFISH_RECORDS_CONSOLE, REDFISH_RECORDS_HTTP };
enum redfish_auth { REDFISH_AUTH_AUTO, REDFISH_AUTH_SESSION, REDFISH_AUTH_BASIC };

struct redfish_config {
	char *bmc;		     /* "https://192.0.2.3", nothing behind it */
	char *machine;		     /* the same for journal_open() */
	char *credentials;	     /* credentials.h */
	char *pin;		     /* NULL, or "sha256:HEX" of the certificate's public key */
	char *ca;		     /* NULL, or a file of certificates */
	bool tls_none;		     /* plain HTTP is allowed */
	char *image_url, *listen;    /* serve.h */
	char *system;		     /* NULL: found; else the resource's path */
	char *drive;		     /* NULL: found; else the virtual media's path or Id */
	int64_t path;		     /* enum redfish_path */
	int64_t auth;		     /* enum redfish_auth */
	int64_t records;	     /* enum redfish_records */
	char *cmdline;		     /* NULL, or more words for the kernel */
	struct host_console console; /* with a command */
	/* Limits. Seconds where a machine is waited for, milliseconds where a BMC is. */
	int64_t off_limit_s, on_limit_s, media_limit_s, task_limit_s;
	int64_t connect_limit_ms, request_limit_ms, retry_ms, poll_ms, pace_ms;
	int64_t watch_ms; /* between questions whether it is still on */
	int64_t tries;
};

extern const char *const redfish_keys[];
int redfish_configure(const struct json_node *file, void **own, struct error *err);
void redfish_free_config(void *own);
char *redfish_cmdline(const struct host_config *cfg, enum host_purpose purpose);

#endif
