LIB_SRCS += $(wildcard scenarios/*.c)
