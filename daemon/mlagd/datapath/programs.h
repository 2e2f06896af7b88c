/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs by their number in the kernel: whose they are.
 */
#ifndef MLAG_DATAPATH_PROGRAMS_H
#define MLAG_DATAPATH_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

/**
 * programs_is_ours() - whether a program is of this project, of whatever version
 * @id: the kernel's number
 *
 * It is known by its map mlag_domain.  One that went away meanwhile is nobody's.
 */
bool programs_is_ours(uint32_t id);

/**
 * programs_id() - the kernel's number of a loaded program
 * @program_fd: the program
 * @ret_id: filled
 *
 * Return: 0 or -errno.
 */
int programs_id(int program_fd, uint32_t *ret_id);

#endif
