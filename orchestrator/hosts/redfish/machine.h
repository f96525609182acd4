/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - which of a BMC's resources is the machine, found by links from the root alone: what switches
 * it, where images go in, where it is told what to boot.
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_MACHINE_H
#define ORCHESTRATOR_HOSTS_REDFISH_MACHINE_H

#include "common/strbuf.h"
#include "orchestrator/hosts/redfish/bmc.h"

#define MACHINE_DRIVES 16 /* that are looked at; Lenovo has ten */

struct machine_drive {
	char *path, *id;
	char *insert, *eject; /* actions' targets; NULL: none */
	bool patchable;	      /* may be written instead */
};

/* What it can be told to do, as a list of words of the BMC's own. */
struct machine_words {
	char **word;
	size_t n;
};
bool machine_has_word(const struct machine_words *w, const char *word);

struct machine { /* freed by machine_release() */
	char *system;
	char *reset;		      /* the action's target */
	struct machine_words resets;  /* empty: not said */
	char *boot;		      /* where Boot is written: the system, or its settings */
	struct machine_words targets; /* for BootSourceOverrideTarget; empty: not said */
	bool has_mode;		      /* it shows BootSourceOverrideMode */
	struct machine_drive drives[MACHINE_DRIVES];
	size_t ndrives;
	struct strbuf rejected; /* drives that take no image from us, and why: "VM1: ...; " */
	char *maker, *model;	/* "" if not said */
};

/* -EOPNOTSUPP (BMC_UNFIT) names what is missing and the way out. */
int machine_find(struct bmc *b, struct machine *m, struct error *err);
void machine_release(struct machine *m);

/* What identifies the machine and what its firmware is set to, into @identity; what cannot be read is left
 * out. */
void machine_identify(struct bmc *b, const struct machine *m, struct json_object *identity);

#endif
