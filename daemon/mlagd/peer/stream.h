/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connected socket, and what protects it: with TLS (tls.h) or in the clear, bytes go in and come
 * out the same way.  Whoever has the stream waits for the socket.
 */
#ifndef MLAGD_PEER_STREAM_H
#define MLAGD_PEER_STREAM_H

#include "peer/tls.h"

#define STREAM_READ_SIZE 32768 /* bytes of the socket that are read at once */
/* At least so much room makes sure that nothing is left inside that no socket tells of. */
#define STREAM_ROOM_MIN (2 * STREAM_READ_SIZE)

/**
 * struct stream - all zero but @fd when there is none
 * @fd: -1 for none
 * @tls: NULL in the clear
 */
struct stream {
	int fd;
	struct tls *tls;
};

/**
 * stream_open() - a connection stands
 * @fd: nonblocking; belongs to the stream from now on, also when it fails
 * @context: NULL in the clear
 *
 * Return: 0 or -ENOMEM.
 */
int stream_open(struct stream *stream, int fd, const struct tls_context *context, bool is_client);

/** stream_close() - say good-bye if it can be said at once, close, and be none */
void stream_close(struct stream *stream);

/** stream_is_ready() - bytes can be sent: at once in the clear, otherwise after the handshake */
bool stream_is_ready(const struct stream *stream);

/**
 * stream_read() - what has come; does the handshake too, and sends what that needs
 * @room: STREAM_ROOM_MIN or more; in the clear any
 * @ret_size: how many bytes
 *
 * One read of the socket at most.
 *
 * Return: 1 when the socket had something, 0 when it had not, -ECONNRESET when the peer has ended
 * it, -EPROTO when stream_failure() says more, another -errno of the socket's.
 */
int stream_read(struct stream *stream, uint8_t *ret_data, uint32_t room, uint32_t *ret_size);

/**
 * stream_write() - send bytes, as far as there is room now
 * @ret_size: how many of them need not be given again
 *
 * Return: 1 when all has been sent, 0 when the socket is full, or -errno.
 */
int stream_write(struct stream *stream, const uint8_t *data, uint32_t size, uint32_t *ret_size);

/** stream_failure() - what a stream_read() or stream_write() that failed means; none in the clear */
enum tls_failure stream_failure(const struct stream *stream, int error);

#endif
