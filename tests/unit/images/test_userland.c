// SPDX-License-Identifier: GPL-2.0-only
/* images/userland.c: QEMU and all that it loads, as they are installed here. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "common/fs.h"
#include "images/capabilities.h"
#include "images/userland.h"

static struct error err;

/* Some program stands for each of nestlab's own. */
static void make_own(const char *name)
{
	__cleanup_free char *path = unit_path(name);

	if (symlink("/usr/bin/env", path))
		assert_int_equal(errno, EEXIST);
}

static void collect(unsigned int sets, struct userland *u)
{
	make_own("nestlab-devmem.so");
	make_own("nestlab-l1-libvirt");
	if (userland_collect(sets, unit_dir, u, &err))
		fail_msg("%s", err.text);
}

static bool has(const struct userland *u, const char *path)
{
	for (size_t i = 0; i < u->nfiles; i++)
		if (!strcmp(u->files[i].path, path))
			return true;
	return false;
}

static const struct image_file *find(const struct userland *u, const char *path)
{
	const struct image_file *found = NULL;

	for (size_t i = 0; i < u->nfiles; i++) {
		if (strcmp(u->files[i].path, path))
			continue;
		assert_null(found); /* each once */
		found = &u->files[i];
	}
	if (!found)
		fail_msg("%s is not in the userland", path);
	return found;
}

TEST(programs_libraries_and_roms_are_there_once)
{
	struct userland u;

	collect(USERLAND_QEMU, &u);
	assert_int_equal(find(&u, "/usr/bin/qemu-system-x86_64")->mode, 0755);
	assert_int_equal(find(&u, "/usr/share/qemu/pvh.bin")->mode, 0644);
	find(&u, "/lib64/ld-linux-x86-64.so.2");
	find(&u, "/lib/x86_64-linux-gnu/libc.so.6");
	assert_non_null(strstr(find(&u, "/usr/lib/nestlab/nestlab-devmem.so")->source, unit_dir));
	assert_int_equal(strncmp(u.version, "QEMU emulator version ", 22), 0);
	assert_null(strchr(u.version, '\n'));
	userland_free(&u);
}

/* 40 MB more: only plans with vmm libvirt have it. */
TEST(libvirt_is_there_if_it_is_asked_for)
{
	static const char *const paths[] = {
		"/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_qemu.so",
		"/usr/lib/libvirt/libvirt_iohelper",
		"/usr/share/libvirt/cpu_map/index.xml",
		"/usr/lib/nestlab/nestlab-l1-libvirt",
		"/lib/x86_64-linux-gnu/libvirt.so.0",
	};
	struct userland with, without;

	collect(USERLAND_LIBVIRT, &with);
	collect(USERLAND_QEMU, &without);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		find(&with, paths[i]);
		assert_false(has(&without, paths[i]));
	}
	find(&with, "/usr/bin/qemu-system-x86_64");
	userland_free(&with);
	userland_free(&without);
}

/* Only where two libvirts talk to each other. */
TEST(the_daemon_of_libvirt_is_there_if_it_is_asked_for)
{
	struct userland with, without;

	collect(USERLAND_LIBVIRT | USERLAND_PEERS, &with);
	collect(USERLAND_LIBVIRT, &without);
	find(&with, "/usr/sbin/libvirtd");
	assert_false(has(&without, "/usr/sbin/libvirtd"));
	userland_free(&with);
	userland_free(&without);
}

/* A third of the image, if it came along. */
TEST(the_tables_of_icu_are_left_out)
{
	struct userland u;
	size_t found = 0;

	make_own("nestlab-icudata.so.72");
	collect(USERLAND_LIBVIRT, &u);
	for (size_t i = 0; i < u.nfiles; i++) {
		if (!strstr(u.files[i].path, "/libicudata.so."))
			continue;
		found++;
		if (fs_has_suffix(u.files[i].path, ".72"))
			assert_non_null(strstr(u.files[i].source, "/nestlab-icudata.so.72"));
	}
	assert_int_equal(found, 1);
	userland_free(&u);
}

/* Nothing but what was collected is there, and QEMU starts. */
TEST(qemu_starts_where_nothing_else_is)
{
	__cleanup_free char *root = unit_path("root");
	const char *const argv[] = {"chroot",	root, "/usr/bin/qemu-system-x86_64", "-M", "none",
				    "-version", NULL};
	const struct subprocess sp = {.argv = argv};
	struct userland u;

	if (getuid())
		skip(); /* chroot(2) is root's */
	collect(USERLAND_QEMU, &u);
	for (size_t i = 0; i < u.nfiles; i++) {
		__cleanup_free char *to = xasprintf("%s%s", root, u.files[i].path);
		const char *const copy[] = {"install", "-D", "-m755", u.files[i].source, to, NULL};

		if (subprocess_run(&(struct subprocess){.argv = copy}, NULL, &err))
			fail_msg("%s", err.text);
	}
	if (subprocess_run(&sp, NULL, &err))
		fail_msg("%s", err.text);
	userland_free(&u);
}

TEST(what_is_missing_is_named)
{
	__cleanup_free char *empty = unit_path("empty");
	struct userland u;

	assert_int_equal(userland_collect(USERLAND_QEMU, empty, &u, &err), -ENOENT);
	assert_non_null(strstr(err.text, "nestlab-devmem.so: not beside nestlab: run make"));
	assert_int_equal(u.nfiles, 0);
}

/* A file of its own for each userland and for each of what is below it. */
static char *find_kept(const struct userland *u, const char *kernel, const char *cmdline,
		       const char *host)
{
	const struct capabilities_below below = {kernel, cmdline, host};
	char *path = NULL;

	assert_int_equal(capabilities_find(unit_dir, u, &below, &path, &err), 0);
	return path;
}

TEST(what_libvirt_found_out_is_kept_for_what_it_is_about)
{
	__cleanup_free char *file = unit_write("program", "a"), *a, *b, *c, *d;
	struct strbuf text = STRBUF_INIT;
	struct userland u = {0};

	userland_add_file(&u, "/usr/bin/program", file, 0755);
	a = find_kept(&u, "kernel 1", "", "here");
	b = find_kept(&u, "kernel 2", "", "here");
	d = find_kept(&u, "kernel 1", "", "there");
	free(unit_write("program", "b"));
	c = find_kept(&u, "kernel 1", "", "here");
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_not_equal(a, d);
	capabilities_add(&u, a);
	assert_int_equal(u.nfiles, 1); /* nothing is known yet */
	assert_int_equal(capabilities_keep(a, "1f8b00fe", &err), 0);
	assert_int_equal(fs_read_file(a, 0, &text, &err), 0);
	assert_memory_equal(text.buf, "\x1f\x8b\x00\xfe", 4);
	capabilities_add(&u, a);
	assert_string_equal(find(&u, "/usr/lib/nestlab/libvirt-capabilities.gz")->source, a);
	strbuf_release(&text);
	userland_free(&u);
}

/* Else whoever changes what the kernel logs has each kernel's next boot ask for it all again. */
TEST(what_libvirt_found_out_depends_on_parameters_of_kvm_alone)
{
	static const struct {
		const char *cmdline;
		bool same;
	} cases[] = {
		{"kvm_intel.pml=0 tsc=reliable", true},
		{"console=ttyS0 kvm_intel.pml=0  loglevel=3 nokaslr norandmaps tsc=reliable "
		 "sysctl.kernel.printk=5 panic_print=32 panic=5 nestlab.clock=emulated mem=768M",
		 true},
		{"kvm_intel.pml=1 tsc=reliable", false},
		{"tsc=reliable", false},
		{"kvm_intel.pml=0 tsc=reliable clearcpuid=pcid", false},
	};
	struct userland u = {0};
	__cleanup_free char *base = find_kept(&u, "k", cases[0].cmdline, "h");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		__cleanup_free char *path = find_kept(&u, "k", cases[i].cmdline, "h");

		assert_int_equal(!strcmp(path, base), cases[i].same);
	}
}

TEST(what_came_damaged_is_not_kept)
{
	static const char *const damaged[] = {"", "1", "1f8", "1f8g", "1F", "1f 8b"};
	__cleanup_free char *path = unit_path("damaged.gz"), *large = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(damaged); i++)
		assert_int_equal(capabilities_keep(path, damaged[i], &err), -EBADMSG);
	large = xcalloc(2 * CAPABILITIES_MAX + 3, 1);
	memset(large, '0', 2 * CAPABILITIES_MAX + 2);
	assert_int_equal(capabilities_keep(path, large, &err), -EBADMSG);
	assert_false(fs_exists(path));
}

UNIT_MAIN("userland", unit_make_dir, unit_drop_dir)
