LIB_SRCS += $(wildcard images/*.c)
