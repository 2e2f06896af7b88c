/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network settings under /proc/sys/net that this daemon changes on other people's devices, and puts
 * back.  What was found is kept in a file, for a change may outlive the daemon that made it.
 */
#ifndef MLAGD_KERNEL_KNOBS_H
#define MLAGD_KERNEL_KNOBS_H

#include <stdbool.h>
#include <stdint.h>

enum knobs_knob {
	KNOBS_NONE,
	KNOBS_SEND_REDIRECTS, /* 0: no IPv4 redirects (R27) */
	KNOBS_ARP_IGNORE,     /* at least 1: answers only for addresses of the device asked */
	KNOBS_ARP_ANNOUNCE,   /* at least 2: asks only with an address of the device */
	KNOBS_ARP_EVICT,      /* 0: the neighbours outlive a loss of carrier (R29) */
	KNOBS_NDISC_EVICT,    /* 0: the same of IPv6 */
	KNOBS_KEEP_ADDRESSES, /* 1: IPv6 addresses outlive that the device is set down */
	KNOBS_COUNT,
};

#define KNOBS_ALL 0 /* in place of an ifindex: conf/all */

struct knobs;

/**
 * knobs_open() - read what an earlier daemon left
 * @ret: the new object
 * @directory: where the file "settings" is; it must belong to this daemon alone
 *
 * What was written in another boot or another network namespace does not count.
 *
 * Return: 0 or -ENOMEM.
 */
int knobs_open(struct knobs **ret, const char *directory);

/** knobs_close() - free; settings stay as they are.  NULL is fine */
void knobs_close(struct knobs *knobs);

/** knobs_begin() - what knobs_want() does not name until knobs_end() is put back there */
void knobs_begin(struct knobs *knobs);

/**
 * knobs_want() - a setting must be as it has to be
 * @ifindex: the device, or KNOBS_ALL
 * @ifname: its name, "all" with KNOBS_ALL
 * @knob: which one
 *
 * A value that does as well is left alone.
 *
 * Return: 0, -ENOENT when there is no such device or setting, another -errno of it, or -ENOSPC.
 */
int knobs_want(struct knobs *knobs, uint32_t ifindex, const char *ifname, enum knobs_knob knob);

/**
 * knobs_end() - write down what was found, change what is wanted, and put back what is wanted no
 * more, unless somebody changed it since
 *
 * Return: 0, or the first -errno of a setting or of the file; logged.
 */
int knobs_end(struct knobs *knobs);

/**
 * knobs_read() - a setting, now
 * @path: below /proc/sys/net
 *
 * Return: its value, or -errno; a value below 0 is -ERANGE.
 */
int knobs_read(const char *path);

/** knobs_write() - 0 or -errno */
int knobs_write(const char *path, int value);

#endif
