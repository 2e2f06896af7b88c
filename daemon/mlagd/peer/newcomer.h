/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that came while another one stands.  It may be the peer, who knows better than we
 * that the old one is dead, or anybody else at the peer's address.  Only who says HELLO as his
 * first word is the peer; until then he is nobody, and the old connection does not feel him.
 */
#ifndef MLAGD_PEER_NEWCOMER_H
#define MLAGD_PEER_NEWCOMER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define NEWCOMER_LIMIT_NS UINT64_C(3000000000) /* to say HELLO, from the connection on */
#define NEWCOMER_SIZE_MAX 4096		       /* bytes of a HELLO; today's is below 128 */

/**
 * struct newcomer - room for one
 * @fd: -1 when there is nobody
 * @greeted: a whole HELLO has come; to be answered by newcomer_release() or newcomer_drop()
 * @user: first argument of @greeted
 * @size: bytes of @data heard so far
 */
struct newcomer {
	int fd;
	sd_event *event;
	sd_event_source *source;
	sd_event_source *timer;
	void (*greeted)(void *user);
	void *user;
	uint32_t size;
	uint8_t data[NEWCOMER_SIZE_MAX];
};

/** newcomer_init() - nobody yet; @event is referenced by sources only and outlives @newcomer */
void newcomer_init(struct newcomer *newcomer, sd_event *event, void (*greeted)(void *user),
		   void *user);

/**
 * newcomer_take() - hear somebody out; who was there before is closed
 * @fd: nonblocking; belongs to @newcomer from now on, and is closed when it fails
 *
 * Return: 0, or -errno of the event loop.
 */
int newcomer_take(struct newcomer *newcomer, int fd);

/**
 * newcomer_read() - read what has come, before somebody else takes his place
 *
 * Nothing happens when there is nobody.  May call @greeted.
 */
void newcomer_read(struct newcomer *newcomer);

/**
 * newcomer_release() - hand the connection over
 * @ret_data: room for NEWCOMER_SIZE_MAX bytes: what was heard, the HELLO first
 * @ret_size: bytes of @ret_data
 *
 * Return: the descriptor, which is the caller's now; -1 when there is nobody.
 */
int newcomer_release(struct newcomer *newcomer, uint8_t *ret_data, uint32_t *ret_size);

/** newcomer_drop() - close it; nothing happens when there is nobody */
void newcomer_drop(struct newcomer *newcomer);

#endif
