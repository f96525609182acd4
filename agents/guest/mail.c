// SPDX-License-Identifier: GPL-2.0-only
#include "agents/guest/mail.h"

struct mail *mail_page;
