/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection that came while another one stands.  It may be the peer, who knows better than we
 * that the old one is dead, or anybody else at the peer's address.  Only who says HELLO as his
 * first word is the peer; until then he is nobody, and the old connection does not feel him.
 *
 * With TLS everybody begins here, and who has the key need not greet when nobody stands.
 */
#ifndef MLAGD_PEER_NEWCOMER_H
#define MLAGD_PEER_NEWCOMER_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "peer/stream.h"

#define NEWCOMER_LIMIT_NS UINT64_C(3000000000) /* to say HELLO, from the connection on */
#define NEWCOMER_SIZE_MAX 4096		       /* bytes of a HELLO; today's is below 128 */

/**
 * struct newcomer - room for one
 * @stream: none when there is nobody
 * @context: of TLS, NULL in the clear; borrowed
 * @must_greet: a whole HELLO is needed; otherwise a handshake is
 * @greeted: it has come; to be answered by newcomer_release() or newcomer_drop()
 * @failed: TLS has failed with him, who is gone
 * @user: first argument of both
 * @size: bytes of @data heard so far
 */
struct newcomer {
	struct stream stream;
	const struct tls_context *context;
	bool must_greet;
	sd_event *event;
	sd_event_source *source;
	sd_event_source *timer;
	void (*greeted)(void *user);
	void (*failed)(void *user, enum tls_failure failure);
	void *user;
	uint32_t size;
	uint8_t data[NEWCOMER_SIZE_MAX];
};

/** newcomer_init() - nobody yet; @event is referenced by sources only and outlives @newcomer */
void newcomer_init(struct newcomer *newcomer, sd_event *event, void (*greeted)(void *user),
		   void (*failed)(void *user, enum tls_failure failure), void *user);

/**
 * newcomer_take() - hear somebody out; who was there before is closed
 * @fd: nonblocking; belongs to @newcomer from now on, and is closed when it fails
 * @must_greet: somebody else stands, so a HELLO is needed
 *
 * Return: 0, -ENOMEM, or -errno of the event loop.
 */
int newcomer_take(struct newcomer *newcomer, int fd, bool must_greet);

/**
 * newcomer_read() - read what has come, before somebody else takes his place
 *
 * Nothing happens when there is nobody.  May call @greeted.
 */
void newcomer_read(struct newcomer *newcomer);

/**
 * newcomer_release() - hand the connection over
 * @ret_stream: the caller's from now on; there may be more inside than @ret_data
 * @ret_data: room for NEWCOMER_SIZE_MAX bytes: what was heard, a HELLO first
 * @ret_size: bytes of @ret_data
 *
 * Return: false when there is nobody; then nothing is written.
 */
bool newcomer_release(struct newcomer *newcomer, struct stream *ret_stream, uint8_t *ret_data,
		      uint32_t *ret_size);

/** newcomer_drop() - close it; nothing happens when there is nobody */
void newcomer_drop(struct newcomer *newcomer);

#endif
