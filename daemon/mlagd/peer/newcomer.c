/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever connects while a connection stands (see newcomer.h).  Owns his socket, a few bytes and
 * the time he has.  Called by channel.c.
 */
#include "peer/newcomer.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "log.h"
#include "mlag_limits.h"
#include "wire.h"

enum greeting {
	GREETING_NONE, /* not whole yet */
	GREETING_HELLO,
	GREETING_OTHER, /* and not the beginning of a HELLO */
};

static enum greeting judge(const uint8_t *data, uint32_t size)
{
	struct buf_reader reader;
	struct wire_hello hello;
	uint32_t whole_size;
	uint16_t type;

	if (size < MLAG_WIRE_HEADER_SIZE) {
		return GREETING_NONE;
	}
	whole_size = wire_peek_size(data);
	buf_reader_init(&reader, data, MLAG_WIRE_HEADER_SIZE);
	(void)buf_get_u32(&reader);
	type = buf_get_u16(&reader);
	if (type != WIRE_HELLO || whole_size == 0 || whole_size > NEWCOMER_SIZE_MAX) {
		return GREETING_OTHER;
	}
	if (size < whole_size) {
		return GREETING_NONE;
	}
	return wire_open(data, whole_size, &type, &reader) && wire_get_hello(&reader, &hello)
		       ? GREETING_HELLO
		       : GREETING_OTHER;
}

/* TLS has failed, or he is gone. */
static void end(struct newcomer *newcomer, int error)
{
	enum tls_failure failure = stream_failure(&newcomer->stream, error);

	newcomer_drop(newcomer);
	if (failure != TLS_FAILURE_NONE) {
		newcomer->failed(newcomer->user, failure);
	}
}

void newcomer_read(struct newcomer *newcomer)
{
	uint32_t size;
	int r;

	if (newcomer->stream.fd < 0) {
		return;
	}
	r = stream_read(&newcomer->stream, newcomer->data + newcomer->size,
			NEWCOMER_SIZE_MAX - newcomer->size, &size);
	if (r <= 0) {
		if (r < 0) {
			end(newcomer, -r);
		}
		return;
	}
	newcomer->size += size;
	if (!stream_is_ready(&newcomer->stream)) {
		return;
	}
	if (!newcomer->must_greet) {
		newcomer->greeted(newcomer->user);
		return;
	}
	switch (judge(newcomer->data, newcomer->size)) {
	case GREETING_NONE:
		return;
	case GREETING_HELLO:
		newcomer->greeted(newcomer->user);
		return;
	case GREETING_OTHER:
		log_warning("peer: another connection from the peer's address did not begin with "
			    "HELLO and was closed; the session is not affected");
		newcomer_drop(newcomer);
		return;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	(void)source;
	(void)fd;
	(void)revents;
	newcomer_read(user);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct newcomer *newcomer = user;

	(void)source;
	(void)usec;
	if (stream_is_ready(&newcomer->stream)) {
		log_warning(
			"peer: another connection from the peer's address did not say HELLO and "
			"was closed; the session is not affected");
	}
	end(newcomer, ETIMEDOUT);
	return 0;
}

void newcomer_init(struct newcomer *newcomer, sd_event *event, void (*greeted)(void *user),
		   void (*failed)(void *user, enum tls_failure failure), void *user)
{
	memset(newcomer, 0, sizeof(*newcomer));
	newcomer->stream.fd = -1;
	newcomer->event = event;
	newcomer->greeted = greeted;
	newcomer->failed = failed;
	newcomer->user = user;
}

int newcomer_take(struct newcomer *newcomer, int fd, bool must_greet)
{
	int r;

	newcomer_drop(newcomer);
	r = stream_open(&newcomer->stream, fd, newcomer->context, false);
	if (r < 0) {
		return r;
	}
	newcomer->must_greet = must_greet;
	r = sd_event_add_io(newcomer->event, &newcomer->source, fd, EPOLLIN, on_io, newcomer);
	if (r >= 0) {
		r = sd_event_add_time_relative(newcomer->event, &newcomer->timer, CLOCK_MONOTONIC,
					       NEWCOMER_LIMIT_NS / 1000, 0, on_timer, newcomer);
	}
	if (r < 0) {
		newcomer_drop(newcomer);
		return r;
	}
	return 0;
}

/* Let go of the stream without closing it. */
static struct stream detach(struct newcomer *newcomer)
{
	struct stream stream = newcomer->stream;

	newcomer->source = sd_event_source_disable_unref(newcomer->source);
	newcomer->timer = sd_event_source_disable_unref(newcomer->timer);
	newcomer->stream = (struct stream){.fd = -1};
	newcomer->size = 0;
	return stream;
}

bool newcomer_release(struct newcomer *newcomer, struct stream *ret_stream, uint8_t *ret_data,
		      uint32_t *ret_size)
{
	if (newcomer->stream.fd < 0) {
		return false;
	}
	memcpy(ret_data, newcomer->data, newcomer->size);
	*ret_size = newcomer->size;
	*ret_stream = detach(newcomer);
	return true;
}

void newcomer_drop(struct newcomer *newcomer)
{
	struct stream stream = detach(newcomer);

	stream_close(&stream);
}
