LIB_SRCS += $(wildcard results/*.c)
# the assembler reads it (.incbin): no compiler tells make
$(BUILD)/obj/results/database.o: results/schema.sql
