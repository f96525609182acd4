/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * claim.h - who uses this machine, written on its BMC for a nestlab on another computer to see: the lock file
 * (journal.h) is seen on this one alone.
 *
 * The place is the system's AssetTag, where the BMC shows one and it is empty: a site's own tag is left alone. The
 * claim is "nestlab COMPUTER SECONDS": whose, and until when (since 1970, UTC) a boot may last at the longest; 32
 * characters, of which HPE's has no more. It is taken away at the end. One that has run out is a crash's, and is
 * written over. Two that claim at once read back what they wrote, and the last writer has it.
 *
 * A machine that cannot be claimed is used all the same: this is a courtesy, and most BMCs have no better.
 */
#ifndef ORCHESTRATOR_HOSTS_REDFISH_CLAIM_H
#define ORCHESTRATOR_HOSTS_REDFISH_CLAIM_H

#include "orchestrator/hosts/redfish/machine.h"

/*
 * Claims the machine for at most @seconds from now. *claim: what stands there now (the caller frees), or NULL: it
 * shows no tag, or one of the site's. -EBUSY: another nestlab has it; the text says who and until when.
 * @note is called with the claim before it is written.
 */
int claim_take(struct bmc *b, const struct machine *m, int64_t seconds,
	       int (*note)(void *arg, const char *claim, struct error *err), void *arg,
	       char **claim, struct error *err);
/* Takes @claim away, if it still stands there. */
int claim_give_back(struct bmc *b, const struct machine *m, const char *claim, struct error *err);

/* Has another nestlab claimed it since we wrote @ours? */
bool claim_is_anothers(struct bmc *b, const struct machine *m, const char *ours);

/* For people: who has it; empty: nobody says. */
int claim_tell(struct bmc *b, const struct machine *m, struct strbuf *out, struct error *err);

#endif
