/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a program gets onto a port at tc: by a tcx link where the kernel has those and there is a
 * bpffs to pin them in, by a clsact filter elsewhere.  Only datapath.c includes this.
 */
#ifndef MLAG_DATAPATH_ATTACH_H
#define MLAG_DATAPATH_ATTACH_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/pins.h"

enum attach_point {
	ATTACH_NONE,
	ATTACH_INGRESS,
	ATTACH_EGRESS,
};

/**
 * struct attach - how to attach
 * @tcx_is_known: the kernel has tcx
 * @pins: where links are pinned; empty: by clsact
 * @qdisc_made: told of each clsact that was made; may be NULL
 * @user: for @qdisc_made
 */
struct attach {
	bool tcx_is_known;
	void (*qdisc_made)(void *user, uint32_t ifindex);
	void *user;
	char pins[PINS_PATH_SIZE];
};

/**
 * attach_open() - find out how programs can be attached here
 * @ret: filled
 * @directory: of the pair's pins; NULL: by clsact, nothing is pinned
 */
void attach_open(struct attach *ret, const char *directory);

/**
 * attach_program() - put a program on a port, in the place of what we had there
 * @attach: how
 * @ifindex: the port
 * @point: where
 * @program_fd: a loaded program; the attachment keeps it alive
 *
 * What we had there by the other way is taken away afterwards: no frame sees the port without.
 *
 * Return: 0, 1 when the kernel took its time (see tcx_attach()), -ENODEV, or what the kernel answered.
 */
int attach_program(const struct attach *attach, uint32_t ifindex, enum attach_point point,
		   int program_fd);

/**
 * attach_remove() - take ours away, however it came; nothing there, or no such port, is no error
 *
 * Return: 0 or what the kernel answered.
 */
int attach_remove(const struct attach *attach, uint32_t ifindex, enum attach_point point);

/**
 * attach_query() - which program of ours a port has, in the way that attach_program() uses
 * @attach: how
 * @ifindex: the port
 * @point: where
 * @ret_program_id: the kernel's number of the program, 0 when there is none, or none that would
 *	outlive this process
 *
 * Return: 0, -ENODEV, or what the kernel answered.
 */
int attach_query(const struct attach *attach, uint32_t ifindex, enum attach_point point,
		 uint32_t *ret_program_id);

#define ATTACH_WAYS 2

/**
 * attach_find() - which programs of ours a port has, in whatever way an earlier daemon attached them
 * @ifindex: the port
 * @point: where
 * @directory: of the pair's pins, or NULL
 * @ret_program_ids: the kernel's numbers, 0 where there is none
 */
void attach_find(uint32_t ifindex, enum attach_point point, const char *directory,
		 uint32_t ret_program_ids[ATTACH_WAYS]);

#endif
