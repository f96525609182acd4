// SPDX-License-Identifier: GPL-2.0-only
#include "common/alloc.h"
#include "common/fs.h"
#include "common/terminal.h"
#include "images/windows.h"
#include "orchestrator/cli/command.h"

static const char *output = "nestlab-windows.iso", *edition = "Windows Server 2022 SERVERSTANDARD";
static const struct option_spec prepare_options[] = {
	OPTION_STRING("o", "FILE", &output, "where to write it (default: nestlab-windows.iso)"),
	OPTION_STRING("edition", "NAME", &edition,
		      "what the Windows medium calls the edition to install (default: Windows "
		      "Server 2022 SERVERSTANDARD)"),
	OPTION_END};

static int prepare_windows(int n, char **operands)
{
	__cleanup_free char *programs = fs_program_dir();
	__cleanup_free char *agent = xasprintf("%s/nestlab-agent.exe", programs);
	struct error err = {0};

	if (n)
		command_usage_error("%s: image prepare-windows takes no operand", operands[0]);
	if (windows_write_medium(edition, agent, output, &err))
		return command_fatal(&err);
	terminal_printf(
		"%s: start a machine with UEFI, VMX, two serial ports and an empty disk from "
		"your Windows medium, with this as second one: all else happens by itself\n",
		output);
	return 0;
}

static const struct command actions[] = {
	{
		.name = "prepare-windows",
		.help = "make the second medium of a Windows setup: Hyper-V and the agent",
		.usage = "[-o FILE] [--edition NAME]",
		.about =
			"Writes an ISO image that Windows' setup takes its answers from: the first disk is "
			"wiped, Hyper-V and the hypervisor platform are enabled, hypervisorlaunchtype is "
			"auto, and nestlab's agent becomes a service on COM2. The Windows and its licence "
			"are yours. The image has the administrator's password, drawn anew, and only its "
			"owner may read it. See docs/l1-guests.md.",
		.options = prepare_options,
		.run = prepare_windows,
	},
	{0},
};

const struct command cmd_image = {
	.name = "image",
	.help = "prepare images of L1s",
	.usage = "ACTION [options]",
	.about = "L1s that nestlab does not build itself. See docs/l1-guests.md.",
	.actions = actions,
};
