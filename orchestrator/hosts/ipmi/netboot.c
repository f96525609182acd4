// SPDX-License-Identifier: GPL-2.0-only
/* What the site's DHCP and TFTP servers must say, so that the host boots our image when its BMC wants it to. */
#include <errno.h>
#include <string.h>

#include "common/alloc.h"
#include "orchestrator/hosts/ipmi/config.h"

/* Client architectures of RFC 4578 (and its registry), and Debian's iPXE for them. */
static const struct {
	int arch;
	const char *tag, *loader, *what;
} clients[] = {
	{0, "bios", "undionly.kpxe", "BIOS"},
	{7, "uefi", "snponly.efi", "UEFI"},
	{9, "uefi", "snponly.efi", "UEFI, as some firmware says it"},
};

static void add_dnsmasq(const char *dir, const char *script, struct strbuf *out)
{
	strbuf_addf(out, "enable-tftp\ntftp-root=%s\n", dir);
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		strbuf_addf(out, "dhcp-match=set:%s,option:client-arch,%d\n", clients[i].tag,
			    clients[i].arch);
	strbuf_addstr(out, "dhcp-userclass=set:ipxe,iPXE\n");
	for (size_t i = 0; i < 2; i++)
		strbuf_addf(out, "dhcp-boot=tag:nestlab,tag:!ipxe,tag:%s,%s\n", clients[i].tag,
			    clients[i].loader);
	strbuf_addf(out, "dhcp-boot=tag:nestlab,tag:ipxe,%s\n", script);
}

static void add_others(const char *script, struct strbuf *out)
{
	strbuf_addstr(out, "#\n# Another DHCP server has to give the same answers to this host:\n");
	for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
		strbuf_addf(out, "#   option 93 is %d (%s): boot file %s\n", clients[i].arch,
			    clients[i].what, clients[i].loader);
	strbuf_addf(
		out,
		"#   option 77 is iPXE: boot file %s\n"
		"# undionly.kpxe and snponly.efi are in Debian's package ipxe; copy them beside the "
		"script.\n"
		"# Secure Boot must be off: neither they nor the image's boot loader are signed.\n",
		script);
}

int ipmi_netboot(const struct host_config *cfg, struct strbuf *out, struct error *err)
{
	const struct ipmi_config *c = cfg->own;
	const char *script;
	__cleanup_free char *dir = NULL;

	if (!c->boot_script)
		return error_set(
			err, -EINVAL,
			"%s: the host file has no boot_script: the path under which nestlab "
			"writes iPXE's script for the TFTP server, like /srv/tftp/%s.ipxe",
			cfg->name, cfg->name);
	script = strrchr(c->boot_script, '/');
	if (!script || script == c->boot_script)
		return error_set(err, -EINVAL, "%s: boot_script: expected /FOLDER/FILE, not %s",
				 cfg->name, c->boot_script);
	dir = xasprintf("%.*s", (int)(script - c->boot_script), c->boot_script);
	script++;
	strbuf_addf(
		out,
		"# dnsmasq: host %s boots from the network what nestlab serves, when its BMC says so.\n"
		"# To /etc/dnsmasq.d/nestlab-%s.conf, with the address range and the MAC address of\n"
		"# the host put in; where another server hands out addresses, say\n"
		"# dhcp-range=192.0.2.0,proxy instead.\n"
		"dhcp-range=192.0.2.100,192.0.2.200,1h\n"
		"dhcp-host=02:00:00:00:00:01,set:nestlab\n",
		cfg->name, cfg->name);
	add_dnsmasq(dir, script, out);
	strbuf_addf(
		out,
		"# For each boot nestlab writes %s: iPXE's script, which boots the image\n"
		"# from %s under a name that nobody can guess. Without a boot under way there is\n"
		"# no script, and the host goes on to its next boot device.\n",
		c->boot_script, c->image_url);
	add_others(script, out);
	return 0;
}
