/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lease: a page that mlagd and its guard share, a file in the run directory that both have mapped.
 * mlagd renews it with every hello, and writes with it all that the guard needs to know should there
 * be no next one: nothing is read, parsed or allocated when the daemon is dead.  The guard writes
 * what it does, and what it took down, before it does so: a guard that is killed goes on.
 *
 * Each half has one writer.  What mlagd says is in two slots, of which the one not in use is
 * written and then taken into use by one store: who dies in between has said nothing.
 */
#ifndef MLAG_COMMON_LEASE_H
#define MLAG_COMMON_LEASE_H

#include <net/if.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "mlag.h"

/* The layout is in the name: another one is another file. */
#define LEASE_FILE "lease.2"
#define LEASE_LOCK_FILE "guard.lock"
#define LEASE_DOWNS_MAX 1024		       /* devices that are down by the guard */
#define LEASE_BEAT_OLD_NS UINT64_C(5000000000) /* no guard is there; it beats once a second */

/** struct lease_leg - a leg of this member: the device of a LAG */
struct lease_leg {
	char ifname[IFNAMSIZ];
	uint16_t lag_id;
};

/**
 * struct lease_terms - what mlagd tells the guard
 * @hold_ns: restart-hold: for how long a lease holds
 * @release: the fence, by number, whose legs may be given back; 0 for none
 * @left: not 0: this member has left the pair: there is nothing to guard (no bool, for a file may hold
 *	any octet)
 * @link: the peer link
 * @backup_size: of @backup_local and @backup_remote, 0 for no backup path
 * @backup_scope: the device of link-local addresses, "" for none
 * @hello_size: of @hello, the last one that was said
 * @legs_count: how many of @legs there are
 */
struct lease_terms {
	uint64_t hold_ns;
	uint64_t release;
	uint8_t left;
	char link[IFNAMSIZ];
	uint32_t backup_size;
	struct sockaddr_storage backup_local;
	struct sockaddr_storage backup_remote;
	char backup_scope[IFNAMSIZ];
	uint32_t hello_size;
	uint8_t hello[MLAG_HELLO_SIZE_MAX];
	uint32_t legs_count;
	struct lease_leg legs[MLAG_LEGS_MAX];
};

/** struct lease_down - a device that was up, and is down by the guard: of which leg and LAG */
struct lease_down {
	uint32_t leg_ifindex;
	uint32_t ifindex;
	uint32_t lag_id;
};

/**
 * struct lease_page - the file
 * @magic: LEASE_MAGIC when it is complete
 * @boot: the boot of the kernel that it is about
 * @renewed_ns: when mlagd last renewed it, by the monotonic clock; 0 for never
 * @terms_serial: how often @terms were written; the slot is the number modulo 2
 * @beat_ns: when the guard last looked; 0 for never
 * @fence: the fence that the guard keeps, by number, 0 for none
 * @fences: how many there were
 * @said: the sequence number of the last hello that the guard said
 * @downs_count: how many of @downs count; written before a device is taken down.  lease_open() takes
 *	a page with an impossible number for none
 */
struct lease_page {
	uint64_t magic;
	char boot[40];
	_Atomic uint64_t renewed_ns;
	_Atomic uint64_t terms_serial;
	struct lease_terms terms[2];
	_Atomic uint64_t beat_ns;
	_Atomic uint64_t fence;
	_Atomic uint64_t fences;
	_Atomic uint32_t said;
	_Atomic uint32_t downs_count;
	struct lease_down downs[LEASE_DOWNS_MAX];
};

/**
 * lease_open() - map the lease of a run directory, and make it if there is none of this boot
 * @run_dir: exists
 * @ret: the page; lease_close() it
 * @ret_fd: the file
 *
 * Return: 0 or -errno.
 */
int lease_open(const char *run_dir, struct lease_page **ret, int *ret_fd);

void lease_close(struct lease_page *page, int fd);

/** lease_is_gone() - somebody removed the file: whoever opens it anew has another */
bool lease_is_gone(int fd);

/** lease_write() - mlagd: say this, and renew */
void lease_write(struct lease_page *page, const struct lease_terms *terms, uint64_t now_ns);

/**
 * lease_read() - guard: what mlagd said last
 *
 * Return: false when it never said anything, or what it cannot have said (a damaged file); @ret is then
 * as it was.
 */
bool lease_read(const struct lease_page *page, struct lease_terms *ret);

/* What mlagd sees of its guard. */
enum lease_guard {
	LEASE_GUARD_ABSENT,
	LEASE_GUARD_RUNNING,
	LEASE_GUARD_FENCED, /* it has taken legs down, and has not given them back yet */
};

enum lease_guard lease_guard(const struct lease_page *page, uint64_t now_ns);

#endif
