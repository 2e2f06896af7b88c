/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A socket and its TLS (see stream.h).  Called by channel.c and newcomer.c.
 */
#include "peer/stream.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* One thread: what was read of a socket is in TLS, or in the caller's memory, before the next read. */
static uint8_t scratch[STREAM_READ_SIZE];

static int send_some(int fd, const uint8_t *data, uint32_t size, uint32_t *ret_sent)
{
	ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

	*ret_sent = n > 0 ? (uint32_t)n : 0;
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	return 1;
}

/* Send what TLS has to say. */
static int flush(struct stream *stream)
{
	const uint8_t *data = NULL;
	uint32_t size, sent;

	while ((size = tls_output(stream->tls, &data)) > 0) {
		int r = send_some(stream->fd, data, size, &sent);

		if (r <= 0) {
			return r;
		}
		tls_sent(stream->tls, sent);
	}
	return 1;
}

int stream_open(struct stream *stream, int fd, const struct tls_context *context, bool is_client)
{
	int r = 0;

	stream->fd = fd;
	stream->tls = NULL;
	if (context != NULL) {
		r = tls_new(&stream->tls, context, is_client);
	}
	if (r == 0 && is_client && stream->tls != NULL) {
		(void)tls_read(stream->tls, scratch,
			       sizeof(scratch)); /* a client has the first word */
		r = flush(stream) < 0 ? -ECONNRESET : 0;
	}
	if (r < 0) {
		stream_close(stream);
	}
	return r;
}

void stream_close(struct stream *stream)
{
	if (stream->tls != NULL) {
		tls_end(stream->tls);
		(void)flush(stream);
		tls_free(stream->tls);
		stream->tls = NULL;
	}
	if (stream->fd >= 0) {
		close(stream->fd);
		stream->fd = -1;
	}
}

bool stream_is_ready(const struct stream *stream)
{
	return stream->tls == NULL || tls_is_ready(stream->tls);
}

/* Plain bytes out of TLS, as many as there are and fit. */
static int take(struct stream *stream, uint8_t *ret_data, uint32_t room, uint32_t *ret_size)
{
	int n = 1;

	while (*ret_size < room && n > 0) {
		n = tls_read(stream->tls, ret_data + *ret_size, room - *ret_size);
		*ret_size += n > 0 ? (uint32_t)n : 0;
	}
	return n < 0 ? n : 0;
}

/* What TLS has come to: nothing, plain bytes, or its end. */
static int finish_read(struct stream *stream, int r, const uint32_t *size)
{
	if (flush(stream) < 0 && r == 0) {
		r = -ECONNRESET;
	}
	/* What was whole before a bad record was said by the peer, and counts. */
	return r < 0 && *size == 0 ? r : 1;
}

int stream_read(struct stream *stream, uint8_t *ret_data, uint32_t room, uint32_t *ret_size)
{
	bool is_plain = stream->tls == NULL;
	uint32_t size = room < STREAM_READ_SIZE ? room : STREAM_READ_SIZE;
	ssize_t n;
	int r;

	*ret_size = 0;
	if (!is_plain) {
		r = take(stream, ret_data, room, ret_size);
		if (r < 0 || *ret_size > 0) {
			return finish_read(stream, r, ret_size);
		}
	}
	n = recv(stream->fd, is_plain ? ret_data : scratch, is_plain ? size : STREAM_READ_SIZE, 0);
	if (n < 0) {
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	if (n == 0) {
		return -ECONNRESET;
	}
	if (is_plain) {
		*ret_size = (uint32_t)n;
		return 1;
	}
	r = tls_feed(stream->tls, scratch, (uint32_t)n);
	if (r == 0) {
		r = take(stream, ret_data, room, ret_size);
	}
	return finish_read(stream, r, ret_size);
}

int stream_write(struct stream *stream, const uint8_t *data, uint32_t size, uint32_t *ret_size)
{
	int r = 1;

	*ret_size = 0;
	if (stream->tls != NULL) {
		r = flush(stream);
		if (r <= 0 || size == 0) {
			return r;
		}
		r = tls_write(stream->tls, data, size);
		if (r < 0) {
			return r;
		}
		*ret_size = size;
		return flush(stream);
	}
	while (*ret_size < size && r > 0) {
		uint32_t sent;

		r = send_some(stream->fd, data + *ret_size, size - *ret_size, &sent);
		*ret_size += sent;
	}
	return r;
}

enum tls_failure stream_failure(const struct stream *stream, int error)
{
	enum tls_failure failure;

	if (stream->tls == NULL) {
		return TLS_FAILURE_NONE;
	}
	failure = tls_failure(stream->tls);
	if (failure != TLS_FAILURE_NONE || tls_is_ready(stream->tls)) {
		return failure;
	}
	return error == ETIMEDOUT ? TLS_FAILURE_TIMEOUT : TLS_FAILURE_CLOSED;
}
