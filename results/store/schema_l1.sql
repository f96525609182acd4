-- SPDX-License-Identifier: GPL-2.0-only
--
-- Version 4: the kernel that Linux L1s booted (docs/l1-guests.md); NULL where a boot's plan had none.

ALTER TABLE run ADD COLUMN l1_kernel_name TEXT;
ALTER TABLE run ADD COLUMN l1_kernel_key TEXT;
ALTER TABLE run ADD COLUMN l1_kernel_release TEXT;
