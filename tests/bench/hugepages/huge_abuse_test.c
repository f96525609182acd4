// SPDX-License-Identifier: GPL-2.0-only
#include "hugepages.h"
#include "../x86_64/nested_context_abuse_test.c"
