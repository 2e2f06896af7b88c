// SPDX-License-Identifier: BSD-2-Clause
/*
 * tcx links (see tcx.h).  libbpf 1.1 knows nothing of them, but its call to make a link passes on
 * what it is given; the query of the programs at a port is made by hand.  Called by attach.c.
 */
#include "datapath/tcx.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "datapath/pins.h"
#include "datapath/programs.h"

/* Of linux/bpf.h since 6.6. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1u << 3)

#define TCX_PROGRAMS_MAX 64 /* at one port; the kernel's own limit */
#define TCX_LOOPBACK 1
#define TCX_WAIT_NS 2000000 /* for a link that is going, ... */
#define TCX_TRIES_MAX 10    /* ... so often */
#define TCX_PATH_SIZE (PINS_PATH_SIZE + 32)
#define TCX_SWEEP_SIZE (PINS_PATH_SIZE + 2 * 256 + 2) /* any name in any directory */

/* What BPF_PROG_QUERY reads since 6.6. */
struct tcx_request {
	uint32_t ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t program_ids;
	uint32_t count;
	uint32_t pad;
	uint64_t program_flags;
	uint64_t link_ids;
	uint64_t link_flags;
	uint64_t revision;
};

struct tcx_found {
	uint32_t program_id;
	uint32_t link_id; /* 0: attached, but not by a link */
};

static uint32_t tcx_type(enum attach_point point)
{
	return point == ATTACH_INGRESS ? TCX_INGRESS : TCX_EGRESS;
}

static void tcx_path(const char *pins, uint32_t ifindex, enum attach_point point,
		     char ret[TCX_PATH_SIZE])
{
	(void)snprintf(ret, TCX_PATH_SIZE, "%s/tcx-%u-%s", pins, ifindex,
		       point == ATTACH_INGRESS ? "ingress" : "egress");
}

/* A link by its pin; its number, and the port it is at, 0 for one that is gone. */
static int tcx_open_pin(const char *path, struct bpf_link_info *ret_info)
{
	uint32_t size = sizeof(*ret_info);
	int fd = bpf_obj_get(path);

	if (fd < 0) {
		return fd;
	}
	memset(ret_info, 0, sizeof(*ret_info));
	if (bpf_obj_get_info_by_fd(fd, ret_info, &size) < 0) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

static bool tcx_is_pinned(const char *path, uint32_t link_id)
{
	struct bpf_link_info info;
	int fd = tcx_open_pin(path, &info);

	if (fd < 0) {
		return false;
	}
	close(fd);
	return link_id && info.id == link_id;
}

/* A link by its number, which takes CAP_SYS_ADMIN, or by its pin. */
static int tcx_open_link(const char *pins, uint32_t ifindex, enum attach_point point,
			 uint32_t link_id)
{
	struct bpf_link_info info;
	char path[TCX_PATH_SIZE];
	int fd = bpf_link_get_fd_by_id(link_id);
	int pin_fd;

	if (fd != -EPERM || !pins) {
		return fd;
	}
	tcx_path(pins, ifindex, point, path);
	pin_fd = tcx_open_pin(path, &info);
	if (pin_fd >= 0 && info.id != link_id) {
		close(pin_fd);
		return fd;
	}
	return pin_fd >= 0 ? pin_fd : fd;
}

/*
 * The first program of ours at a port; both zero when there is none.  It is known by its maps, which
 * takes CAP_SYS_ADMIN, or by its link being pinned where only ours are.
 */
static int tcx_find(const char *pins, uint32_t ifindex, enum attach_point point,
		    struct tcx_found *ret)
{
	uint32_t program_ids[TCX_PROGRAMS_MAX] = {0};
	uint32_t link_ids[TCX_PROGRAMS_MAX] = {0};
	struct tcx_request request = {
		.ifindex = ifindex,
		.attach_type = tcx_type(point),
		.program_ids = (uintptr_t)program_ids,
		.count = TCX_PROGRAMS_MAX,
		.link_ids = (uintptr_t)link_ids,
	};

	char path[TCX_PATH_SIZE];

	memset(ret, 0, sizeof(*ret));
	if (pins) {
		tcx_path(pins, ifindex, point, path);
	}
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &request, sizeof(request)) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	for (uint32_t index = 0; index < request.count && index < TCX_PROGRAMS_MAX; index++) {
		if (programs_is_ours(program_ids[index]) ||
		    (pins && tcx_is_pinned(path, link_ids[index]))) {
			ret->program_id = program_ids[index];
			ret->link_id = link_ids[index];
			return 0;
		}
	}
	return 0;
}

bool tcx_is_known(void)
{
	struct tcx_found found;

	return tcx_find(NULL, TCX_LOOPBACK, ATTACH_INGRESS, &found) == 0;
}

static int tcx_pin(int link_fd, const char *path, uint32_t link_id)
{
	if (tcx_is_pinned(path, link_id)) {
		return 0;
	}
	return pins_put(link_fd, path); /* there may be one of a port that had this number */
}

static int tcx_make(const char *path, uint32_t ifindex, enum attach_point point, int program_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);
	int fd = bpf_link_create(program_fd, (int)ifindex, (enum bpf_attach_type)tcx_type(point),
				 &opts);
	int error;

	if (fd < 0) {
		return fd;
	}
	error = pins_put(fd, path);
	close(fd); /* without a pin that ends it */
	return error;
}

/*
 * A link that nobody holds any more is taken away by a worker of the kernel's.  While that is on
 * its way it cannot be had, and its program is still there and refuses to be there twice.
 */
static int tcx_make_soon(const char *path, uint32_t ifindex, enum attach_point point,
			 int program_fd)
{
	static const struct timespec pause = {.tv_nsec = TCX_WAIT_NS};
	int error = tcx_make(path, ifindex, point, program_fd);

	for (uint32_t try = 0; error == -EEXIST && try < TCX_TRIES_MAX; try++) {
		(void)nanosleep(&pause, NULL);
		error = tcx_make(path, ifindex, point, program_fd);
	}
	return error ? error : 1;
}

int tcx_attach(const char *pins, uint32_t ifindex, enum attach_point point, int program_fd)
{
	char path[TCX_PATH_SIZE];
	struct tcx_found found;
	int error = tcx_find(pins, ifindex, point, &found);
	int fd;

	if (error < 0) {
		return error;
	}
	tcx_path(pins, ifindex, point, path);
	fd = found.link_id ? tcx_open_link(pins, ifindex, point, found.link_id) : -ENOENT;
	if (fd < 0) {
		return tcx_make_soon(path, ifindex, point, program_fd);
	}
	error = bpf_link_update(fd, program_fd, NULL);
	if (!error) {
		error = tcx_pin(fd, path, found.link_id);
	}
	close(fd);
	return error;
}

int tcx_seek(const char *pins, uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id)
{
	struct tcx_found found;
	int error = tcx_find(pins, ifindex, point, &found);

	if (error < 0) {
		return error;
	}
	*ret_program_id = found.program_id;
	return 0;
}

int tcx_query(const char *pins, uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id)
{
	char path[TCX_PATH_SIZE];
	struct tcx_found found;
	int error = tcx_find(pins, ifindex, point, &found);

	if (error < 0) {
		return error;
	}
	if (pins) {
		tcx_path(pins, ifindex, point, path);
		if (!tcx_is_pinned(path, found.link_id)) {
			found.program_id = 0;
		}
	}
	*ret_program_id = found.program_id;
	return 0;
}

/* At once: letting go of a pin leaves the rest to a worker of the kernel's. */
static int tcx_detach(const char *pins, uint32_t ifindex, enum attach_point point, uint32_t link_id)
{
	int fd = tcx_open_link(pins, ifindex, point, link_id);
	int error;

	if (fd < 0) {
		return fd == -ENOENT ? 0 : fd; /* it is going already */
	}
	error = bpf_link_detach(fd);
	close(fd);
	return error == -ENOLINK ? 0 : error;
}

int tcx_remove(const char *pins, uint32_t ifindex, enum attach_point point)
{
	char path[TCX_PATH_SIZE];
	struct tcx_found found;
	int error = tcx_find(pins, ifindex, point, &found);

	if (!error && found.link_id) {
		error = tcx_detach(pins, ifindex, point, found.link_id);
	}
	if (pins) {
		tcx_path(pins, ifindex, point, path);
		(void)unlink(path);
	}
	return error == -ENODEV ? 0 : error;
}

/* The pins of one directory whose port is gone, and the directory when it is empty. */
static void tcx_sweep_directory(const char *directory, const char *pins)
{
	char path[TCX_SWEEP_SIZE];
	DIR *entries = opendir(directory);
	const struct dirent *entry;

	if (!entries) {
		return;
	}
	while ((entry = readdir(entries))) {
		struct bpf_link_info info;
		int fd;

		if (strncmp(entry->d_name, "tcx-", 4) != 0) {
			continue;
		}
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		fd = tcx_open_pin(path, &info);
		if (fd < 0) {
			continue;
		}
		close(fd);
		if (info.xdp.ifindex == 0) { /* at the place of info.tcx.ifindex */
			(void)unlink(path);
		}
	}
	closedir(entries);
	if (strcmp(directory, pins) != 0) {
		pins_remove(directory);
	}
}

void tcx_sweep(const char *pins)
{
	char parent[PINS_PATH_SIZE];
	char path[PINS_PATH_SIZE + 256];
	const char *slash = strrchr(pins, '/');
	const struct dirent *entry;
	DIR *entries;

	(void)snprintf(parent, sizeof(parent), "%.*s", (int)(slash - pins), pins);
	entries = opendir(parent);
	if (!entries) {
		return;
	}
	while ((entry = readdir(entries))) {
		if (entry->d_name[0] != '.') {
			(void)snprintf(path, sizeof(path), "%s/%s", parent, entry->d_name);
			tcx_sweep_directory(path, pins);
		}
	}
	closedir(entries);
}
