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
 * It is known by a map whose name begins with mlag_, or, where the kernel does not let us look (that
 * takes CAP_SYS_ADMIN), by programs_know().  One that went away meanwhile is nobody's.
 */
bool programs_is_ours(uint32_t id);

/**
 * programs_know() - say which programs are ours, by the word of this daemon or of one before it
 * @ids: the kernel's numbers, 0 for none
 * @count: of @ids
 */
void programs_know(const uint32_t *ids, uint32_t count);

/** programs_is_known() - whether programs_know() was told of it */
bool programs_is_known(uint32_t id);

/** programs_is_gone() - whether nothing of that number is loaded; false where one may not look */
bool programs_is_gone(uint32_t id);

/**
 * programs_id() - the kernel's number of a loaded program
 * @program_fd: the program
 * @ret_id: filled
 *
 * Return: 0 or -errno.
 */
int programs_id(int program_fd, uint32_t *ret_id);

#endif
