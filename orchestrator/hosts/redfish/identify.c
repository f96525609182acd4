// SPDX-License-Identifier: GPL-2.0-only
/* What makes the numbers of a server comparable, as far as its BMC tells. */
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/json.h"
#include "orchestrator/hosts/redfish/machine.h"
#include "orchestrator/hosts/redfish/message.h"

/*
 * Firmware settings that change what is measured, as parts of their names: each make has its own (Dell:
 * ProcVirtualization, ProcTurboMode; HPE: WorkloadProfile; Lenovo: Processors_IntelVirtualizationTechnology;
 * Supermicro: IntelVirtualizationTechnology_3C6F; AMI: ProcessorVmxEnable). They are read, never written.
 */
static const char *const settings[] = {
	"Virtualization", "Vmx",	   "HyperThreading", "LogicalProc",
	"Turbo",	  "CState",	   "CStates",	     "NumaNodes",
	"Numa",		  "SubNuma",	   "Prefetch",	     "WorkloadProfile",
	"SysProfile",	  "OperatingMode", "EnergyPerf",     "PowerProfile",
};

static bool matters(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (strcasestr(name, settings[i]))
			return true;
	return false;
}

static void add_settings(struct bmc *b, struct json_object *system, struct json_object *identity)
{
	const char *path = message_text(system, "Bios", "@odata.id", NULL);
	struct error err = {0};
	struct json_object *bios = path ? bmc_get_json(b, path, &err) : NULL;
	struct json_object *all = message_at(bios, "Attributes", NULL);
	struct json_object *ours = json_object_new_object();

	if (json_object_is_type(all, json_type_object)) {
		json_object_object_foreach(all, name, value)
		{
			if (matters(name))
				json_object_object_add(ours, name, json_object_get(value));
		}
	}
	if (json_object_object_length(ours))
		json_object_object_add(identity, "firmware_settings", json_object_get(ours));
	json_object_put(ours);
	json_object_put(bios);
}

static void add_text(struct json_object *identity, const char *key, const char *text)
{
	if (text && *text)
		json_add_string(identity, key, text);
}

static void add_value(struct json_object *identity, const char *key, struct json_object *value)
{
	if (value)
		json_object_object_add(identity, key, json_object_get(value));
}

static void add_manager(struct bmc *b, struct json_object *system, struct json_object *identity)
{
	struct json_object *list = message_at(system, "Links", "ManagedBy", NULL), *manager;
	struct error err = {0};
	const char *path = NULL;

	if (json_object_is_type(list, json_type_array) && json_object_array_length(list))
		path = message_text(json_object_array_get_idx(list, 0), "@odata.id", NULL);
	manager = path ? bmc_get_json(b, path, &err) : NULL;
	add_text(identity, "bmc_model", message_text(manager, "Model", NULL));
	add_text(identity, "bmc_firmware", message_text(manager, "FirmwareVersion", NULL));
	json_object_put(manager);
}

void machine_identify(struct bmc *b, const struct machine *m, struct json_object *identity)
{
	struct error err = {0};
	struct json_object *system = bmc_get_json(b, m->system, &err);

	add_text(identity, "maker", message_text(system, "Manufacturer", NULL));
	add_text(identity, "model", message_text(system, "Model", NULL));
	add_text(identity, "firmware", message_text(system, "BiosVersion", NULL));
	add_text(identity, "cpu", message_text(system, "ProcessorSummary", "Model", NULL));
	add_value(identity, "sockets", message_at(system, "ProcessorSummary", "Count", NULL));
	add_value(identity, "memory_gib",
		  message_at(system, "MemorySummary", "TotalSystemMemoryGiB", NULL));
	add_manager(b, system, identity);
	add_settings(b, system, identity);
	json_object_put(system);
}
