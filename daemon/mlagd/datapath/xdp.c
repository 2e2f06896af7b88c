// SPDX-License-Identifier: BSD-2-Clause
/*
 * XDP programs of devices (see xdp.h).  Called by datapath.c.
 */
#include "datapath/xdp.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/device.h"
#include "datapath/diagnostics.h"
#include "datapath/programs.h"

/* The device's program in the driver, and whether there is one anywhere else. */
static int xdp_look(uint32_t ifindex, uint32_t *ret_id, bool *ret_others)
{
	struct device_xdp found;
	int error = device_xdp(ifindex, &found);

	if (error) {
		return error;
	}
	*ret_id = found.driver_id;
	*ret_others = found.generic_id || found.hardware_id;
	return 0;
}

static int xdp_replace(uint32_t ifindex, uint32_t old_id, int program_fd)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts);
	int error;

	if (!old_id) {
		return bpf_xdp_attach((int)ifindex, program_fd,
				      XDP_FLAGS_DRV_MODE | XDP_FLAGS_UPDATE_IF_NOEXIST, &opts);
	}
	opts.old_prog_fd = bpf_prog_get_fd_by_id(old_id);
	if (opts.old_prog_fd == -EPERM && programs_is_known(old_id)) {
		/* Whose it is was just looked at, but to name it to the kernel takes CAP_SYS_ADMIN. */
		opts.old_prog_fd = 0;
		return bpf_xdp_attach((int)ifindex, program_fd, XDP_FLAGS_DRV_MODE, &opts);
	}
	if (opts.old_prog_fd < 0) {
		return opts.old_prog_fd;
	}
	error = bpf_xdp_attach((int)ifindex, program_fd, XDP_FLAGS_DRV_MODE | XDP_FLAGS_REPLACE,
			       &opts);
	close(opts.old_prog_fd);
	return error;
}

int xdp_attach(uint32_t ifindex, int program_fd, char ret_reason[XDP_REASON_SIZE])
{
	uint32_t old_id = 0;
	bool others;
	int error = xdp_look(ifindex, &old_id, &others);

	ret_reason[0] = '\0';
	if (!error && (others || (old_id && !programs_is_ours(old_id)))) {
		(void)snprintf(ret_reason, XDP_REASON_SIZE, "somebody else's XDP program is there");
		return -EBUSY;
	}
	if (!error) {
		diagnostics_hold();
		error = xdp_replace(ifindex, old_id, program_fd);
		diagnostics_take_reason(ret_reason, XDP_REASON_SIZE);
		diagnostics_release(false);
	}
	if (error && !ret_reason[0]) {
		(void)snprintf(ret_reason, XDP_REASON_SIZE, "%s",
			       error == -EOPNOTSUPP ? "the driver has no native XDP"
						    : strerror(-error));
	}
	return error;
}

int xdp_query(uint32_t ifindex, uint32_t *ret_program_id)
{
	uint32_t id = 0;
	bool others;
	int error = xdp_look(ifindex, &id, &others);

	if (error) {
		return error;
	}
	*ret_program_id = id && programs_is_ours(id) ? id : 0;
	return 0;
}

int xdp_remove(uint32_t ifindex)
{
	uint32_t id = 0;
	int error = xdp_query(ifindex, &id);

	if (error || !id) {
		return error == -ENODEV ? 0 : error;
	}
	diagnostics_hold();
	error = xdp_replace(ifindex, id, -1);
	diagnostics_release(error && error != -ENODEV);
	return error == -ENODEV ? 0 : error;
}
