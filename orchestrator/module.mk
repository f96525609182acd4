# main.c and one cmd_NAME.c per command make the CLI; the rest is the engine, in the library.
NESTLAB_SRCS += orchestrator/main.c $(wildcard orchestrator/cmd_*.c)
LIB_SRCS     += $(filter-out orchestrator/main.c $(wildcard orchestrator/cmd_*.c), \
	$(wildcard orchestrator/*.c))
