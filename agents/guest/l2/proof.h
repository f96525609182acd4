/* SPDX-License-Identifier: GPL-2.0-only */
/* proof.h - what an L2 of a Linux L1 proves beyond l2_prove(): enum l2vm_proof; agents/guest/proof.c asks for it. */
#ifndef AGENTS_GUEST_L2_PROOF_H
#define AGENTS_GUEST_L2_PROOF_H

#include "agents/l1/l2.h"

void l2_proof_STATE(struct l2_page *page);
void l2_proof_SPIN(struct l2_page *page);

#endif
