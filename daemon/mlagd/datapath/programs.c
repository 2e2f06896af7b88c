// SPDX-License-Identifier: BSD-2-Clause
/*
 * Asks the kernel what a program is (see programs.h), for those who attach programs and must not
 * touch those of others.
 */
#include "datapath/programs.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#define OUR_MAPS "mlag_" /* what their names begin with */
#define MAPS_MAX 32	 /* of one program of ours, with room to spare */
#define KNOWN_MAX 64	 /* two generations of programs, with room to spare */

/* The kernel gives no number twice before all others were given. */
static uint32_t known[KNOWN_MAX];
static uint32_t known_next;

void programs_know(const uint32_t *ids, uint32_t count)
{
	for (uint32_t index = 0; index < count; index++) {
		if (ids[index] && !programs_is_known(ids[index])) {
			known[known_next++ % KNOWN_MAX] = ids[index];
		}
	}
}

bool programs_is_known(uint32_t id)
{
	uint32_t index = 0;

	while (index < KNOWN_MAX && known[index] != id) {
		index++;
	}
	return id && index < KNOWN_MAX;
}

static bool is_our_map(uint32_t id)
{
	struct bpf_map_info info = {0};
	uint32_t size = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);
	bool ours;

	if (fd < 0) {
		return false;
	}
	ours = bpf_obj_get_info_by_fd(fd, &info, &size) == 0 &&
	       strncmp(info.name, OUR_MAPS, sizeof(OUR_MAPS) - 1) == 0;
	close(fd);
	return ours;
}

bool programs_is_ours(uint32_t id)
{
	uint32_t maps[MAPS_MAX] = {0};
	struct bpf_prog_info info = {.nr_map_ids = MAPS_MAX, .map_ids = (uintptr_t)maps};
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours = false;

	if (fd < 0) {
		return fd == -EPERM && programs_is_known(id);
	}
	if (bpf_obj_get_info_by_fd(fd, &info, &size) == 0) {
		for (uint32_t index = 0; index < MAPS_MAX && maps[index] && !ours; index++) {
			ours = is_our_map(maps[index]);
		}
	}
	close(fd);
	return ours;
}

int programs_id(int program_fd, uint32_t *ret_id)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	int error = bpf_obj_get_info_by_fd(program_fd, &info, &size);

	if (error) {
		return error;
	}
	*ret_id = info.id;
	return 0;
}

bool programs_is_gone(uint32_t id)
{
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0) {
		close(fd);
	}
	return fd == -ENOENT;
}
