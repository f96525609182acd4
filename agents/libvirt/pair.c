// SPDX-License-Identifier: GPL-2.0-only
/* pair.c - the two daemons. */
#include "agents/libvirt/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a)  (sizeof(a) / sizeof((a)[0]))
#define SOCKET_FD 3 /* SD_LISTEN_FDS_START of sd_listen_fds(3) */
#define END_MS	  2000

/* Where libvirtd looks for what is its, and what that is called in its root, as an embedded driver's parts are. */
static const struct {
	const char *path, *part;
} folders[] = {
	{"/etc/libvirt", "etc"},	 {"/run/libvirt", "run"},     {"/var/lib/libvirt", "lib"},
	{"/var/cache/libvirt", "cache"}, {"/var/log/libvirt", "log"},
};

static int make_folder(const char *path)
{
	char part[PAIR_PATH];

	for (const char *at = path; at; at = strchr(at + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(at - path), path);
		if (part[0] && mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	return 0;
}

/* ---- in the child ---- */

static int mount_folders(const char *root)
{
	char own[PAIR_PATH + 16];

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -errno;
	for (size_t i = 0; i < COUNT(folders); i++) {
		int ret = make_folder(folders[i].path);

		snprintf(own, sizeof(own), "%s/%s", root, folders[i].part);
		if (!ret)
			ret = make_folder(own);
		if (!ret && mount(own, folders[i].path, NULL, MS_BIND, NULL))
			ret = -errno;
		if (ret)
			return ret;
	}
	return 0;
}

/* It is handed its socket as systemd would do it: who connects need not wait for it to be up. */
static void become_daemon(const struct pair_side *s, int socket) __attribute__((noreturn));

static void become_daemon(const struct pair_side *s, int socket)
{
	char pid_file[PAIR_PATH + 16], messages[PAIR_PATH + 16], drivers[PAIR_PATH + 48], pid[32];
	char *const argv[] = {(char[]){PAIR_DAEMON}, (char[]){"-p"}, pid_file, NULL};
	char *const env[] = {
		(char[]){"HOME=/"},	  (char[]){"PATH=/usr/bin:/usr/sbin"},	      drivers, pid,
		(char[]){"LISTEN_FDS=1"}, (char[]){"LISTEN_FDNAMES=libvirtd.socket"}, NULL};
	int ret, log;

	snprintf(pid_file, sizeof(pid_file), "%s/pid", s->root);
	snprintf(messages, sizeof(messages), "%s/messages", s->root);
	snprintf(drivers, sizeof(drivers), "LIBVIRT_DRIVER_DIR=%s/drivers", s->root);
	snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = open(messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	dup2(log, 1);
	dup2(log, 2);
	dup2(socket, SOCKET_FD);
	fcntl(SOCKET_FD, F_SETFD, 0); /* it may have been that one already */
	for (int fd = SOCKET_FD + 1; fd < 128; fd++)
		close(fd);
	ret = mount_folders(s->root);
	if (!ret)
		execve(PAIR_DAEMON, argv, env);
	dprintf(2, "%s: %s\n", PAIR_DAEMON, strerror(ret ? -ret : errno));
	_exit(127);
}

/* ---- starting it ---- */

/* Any two will do. */
static int write_settings(const struct pair_side *s)
{
	char text[256], etc[PAIR_PATH + 16];

	snprintf(etc, sizeof(etc), "%s/etc", s->root);
	snprintf(text, sizeof(text),
		 "host_uuid = \"6e657374-6c61-4220-8000-00000000000%s\"\n"
		 "auth_unix_rw = \"none\"\n"
		 "max_client_requests = 32\n", /* it takes several for a tunnel */
		 s->name);
	return lab_write_file(etc, "libvirtd.conf", text);
}

/* It would load drivers of networks, storage, ..., if they are installed, and we need none of them. */
static int link_driver(const struct pair_side *s)
{
	char dir[PAIR_PATH + 16], link[PAIR_PATH + 64];
	int ret;

	snprintf(dir, sizeof(dir), "%s/drivers", s->root);
	ret = make_folder(dir);
	if (ret)
		return ret;
	snprintf(link, sizeof(link), "%s/libvirt_driver_qemu.so", dir);
	if (symlink(CAPABILITIES_DRIVER, link) && errno != EEXIST)
		return -errno;
	return 0;
}

/* A listening socket, or a negative errno. */
static int make_socket(const struct pair_side *s)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	if (snprintf(name.sun_path, sizeof(name.sun_path), "%s/sock", s->root) >=
	    (int)sizeof(name.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	unlink(name.sun_path);
	if (!bind(fd, (struct sockaddr *)&name, sizeof(name)) && !listen(fd, 8))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int make_parts(const struct pair_side *s)
{
	int ret = make_folder(s->root);

	if (!ret)
		ret = lab_make_root(s->root);
	if (!ret)
		ret = write_settings(s);
	if (!ret)
		ret = link_driver(s);
	return ret;
}

static int start_daemon(struct pair_side *s)
{
	int fd, ret = make_parts(s);

	if (ret)
		return ret;
	fd = make_socket(s);
	if (fd < 0)
		return fd;
	s->daemon = fork();
	if (!s->daemon)
		become_daemon(s, fd);
	ret = s->daemon < 0 ? -errno : 0;
	if (ret)
		s->daemon = 0;
	close(fd); /* so a daemon that does not come up refuses its clients */
	return ret;
}

static int connect_side(struct lab *lab, struct pair_side *s)
{
	char uri[PAIR_PATH + 64];

	snprintf(uri, sizeof(uri), "qemu+unix:///system?socket=%s/sock", s->root);
	s->conn = virConnectOpen(uri);
	if (!s->conn || lab_hear(lab, s->conn))
		return -1;
	return pair_listen(s);
}

int pair_open(struct lab *lab, const char *root, const char *capabilities)
{
	static struct pair pair = {.lock = PTHREAD_MUTEX_INITIALIZER,
				   .told = PTHREAD_COND_INITIALIZER};
	static const char *const names[] = {"a", "b"};
	int ret = 0;

	lab->pair = &pair;
	for (int i = 0; i < 2 && !ret; i++) {
		struct pair_side *s = &pair.side[i];

		s->pair = &pair;
		s->name = names[i];
		if (snprintf(s->root, sizeof(s->root), "%s/%s", root, s->name) >=
		    (int)sizeof(s->root))
			return -ENAMETOOLONG;
		ret = start_daemon(s);
	}
	if (ret)
		return ret;
	lab->root = lab->folder = pair.side[0].root;
	if (capabilities)
		capabilities_give(&lab->capabilities, lab->root, capabilities, PAIR_DAEMON);
	ret = lab_run_events();
	for (int i = 0; i < 2 && !ret; i++)
		ret = connect_side(lab, &pair.side[i]);
	lab->conn = pair.side[0].conn;
	return ret;
}

/* ---- ending it ---- */

bool pair_has_ended(struct pair_side *s)
{
	struct pollfd p = {.events = POLLIN};

	if (!s->daemon)
		return true;
	p.fd = (int)syscall(SYS_pidfd_open, s->daemon, 0);
	if (p.fd >= 0) { /* else no descriptors are left: without waiting, then */
		poll(&p, 1, END_MS);
		close(p.fd);
	}
	if (!waitpid(s->daemon, NULL, WNOHANG))
		return false;
	s->daemon = 0;
	return true;
}

/* libvirt has QEMU lock the file that it writes its process id to. One that nobody locks is of a QEMU that has ended. */
void pair_kill_qemu(const struct pair_side *s)
{
	struct flock lock = {.l_type = F_WRLCK};
	char path[PAIR_PATH + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/run/qemu/l1.pid", s->root);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !fcntl(fd, F_GETLK, &lock) && lock.l_type != F_UNLCK && lock.l_pid > 0)
		kill(lock.l_pid, SIGKILL);
	if (fd >= 0)
		close(fd);
}

void pair_close(struct lab *lab)
{
	for (int i = 0; i < 2; i++) {
		struct pair_side *s = &lab->pair->side[i];

		if (s->conn)
			virConnectClose(s->conn);
		if (!s->daemon)
			continue;
		kill(s->daemon, SIGKILL);
		waitpid(s->daemon, NULL, 0);
	}
	for (int i = 0; i < 2; i++)
		pair_kill_qemu(&lab->pair->side[i]);
}
