/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program gets onto a port.  Only datapath.c includes this; another way to attach (tcx) is
 * another implementation of these three functions.
 */
#ifndef MLAG_DATAPATH_ATTACH_H
#define MLAG_DATAPATH_ATTACH_H

#include <stdint.h>

enum attach_point {
	ATTACH_NONE,
	ATTACH_INGRESS,
	ATTACH_EGRESS,
};

/**
 * attach_program() - put a program on a port, in the place of what we had there
 * @ifindex: the port
 * @point: where
 * @program_fd: a loaded program; the attachment keeps it alive
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int attach_program(uint32_t ifindex, enum attach_point point, int program_fd);

/**
 * attach_remove() - take ours away; nothing there, or no such port, is no error
 *
 * Return: 0 or what the kernel answered.
 */
int attach_remove(uint32_t ifindex, enum attach_point point);

/**
 * attach_query() - which program of ours a port has
 * @ifindex: the port
 * @point: where
 * @ret_program_id: the kernel's number of the program, 0 when there is none
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int attach_query(uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id);

/**
 * attach_hook_log() - have the loader library tell its diagnostics
 * @log: gets one line a call, without newline; NULL for silence
 * @user: handed to @log
 */
void attach_hook_log(void (*log)(void *user, const char *text), void *user);

/**
 * attach_unhook_log() - back to silence, if this is still who listens
 * @user: as in attach_hook_log()
 */
void attach_unhook_log(const void *user);

#endif
