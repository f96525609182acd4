LIB_SRCS += $(wildcard results/*.c)
