/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching by tcx links (Linux 6.6): no qdisc, and less work a packet than a clsact filter.  A
 * link lives as long as somebody holds it: a pin does.  What is attached is found by asking the
 * kernel for the programs at a port, not by the pin, so a lost pin is made again and what a daemon
 * left whose bpffs nobody sees any more is found too.
 */
#ifndef MLAG_DATAPATH_TCX_H
#define MLAG_DATAPATH_TCX_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/attach.h"

/** tcx_is_known() - whether the kernel has tcx */
bool tcx_is_known(void);

/**
 * tcx_attach() - put a program on a port before all others, or in the place of ours
 * @pins: directory in bpffs
 * @ifindex, @point, @program_fd: as in attach_program()
 *
 * Return: 0, 1 when nothing of ours was there (the kernel has waited for all its readers, which takes
 * 20 to 40 ms), -ENODEV, or what the kernel answered.
 */
int tcx_attach(const char *pins, uint32_t ifindex, enum attach_point point, int program_fd);

/**
 * tcx_seek() - which program of ours a port has by tcx, pinned or not
 * @pins: directory in bpffs, or NULL; without CAP_SYS_ADMIN only what is pinned there is known
 * @ifindex, @point: the port
 * @ret_program_id: 0 when there is none
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int tcx_seek(const char *pins, uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id);

/**
 * tcx_query() - which program of ours a port has by tcx
 * @pins: directory in bpffs; a link that is not pinned there does not count.  NULL: it does
 * @ifindex, @point: the port
 * @ret_program_id: 0 when there is none
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int tcx_query(const char *pins, uint32_t ifindex, enum attach_point point,
	      uint32_t *ret_program_id);

/**
 * tcx_remove() - take ours away, and its pin; nothing there, or no such port, is no error
 * @pins: directory in bpffs, or NULL
 *
 * Return: 0 or what the kernel answered.
 */
int tcx_remove(const char *pins, uint32_t ifindex, enum attach_point point);

/**
 * tcx_sweep() - remove pins of links whose port is gone, in every directory beside this one
 * @pins: directory in bpffs
 */
void tcx_sweep(const char *pins);

#endif
