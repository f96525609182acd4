# SPDX-License-Identifier: GPL-2.0-only
LIB_SRCS += $(wildcard common/*.c)
