LIB_SRCS += $(wildcard kernels/*.c)
