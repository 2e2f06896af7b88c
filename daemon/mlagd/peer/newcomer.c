/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever connects while a connection stands (see newcomer.h).  Owns his socket, a few bytes and
 * the time he has.  Called by channel.c.
 */
#include "peer/newcomer.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mlag_limits.h"
#include "log.h"
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

void newcomer_read(struct newcomer *newcomer)
{
	ssize_t n;

	if (newcomer->fd < 0) {
		return;
	}
	n = recv(newcomer->fd, newcomer->data + newcomer->size, NEWCOMER_SIZE_MAX - newcomer->size,
		 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n <= 0) {
		newcomer_drop(newcomer);
		return;
	}
	newcomer->size += (uint32_t)n;
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
	(void)source;
	(void)usec;
	log_warning(
		"peer: another connection from the peer's address did not say HELLO and was closed; "
		"the session is not affected");
	newcomer_drop(user);
	return 0;
}

void newcomer_init(struct newcomer *newcomer, sd_event *event, void (*greeted)(void *user),
		   void *user)
{
	memset(newcomer, 0, sizeof(*newcomer));
	newcomer->fd = -1;
	newcomer->event = event;
	newcomer->greeted = greeted;
	newcomer->user = user;
}

int newcomer_take(struct newcomer *newcomer, int fd)
{
	int r;

	newcomer_drop(newcomer);
	newcomer->fd = fd;
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

/* Let go of the socket without closing it. */
static int detach(struct newcomer *newcomer)
{
	int fd = newcomer->fd;

	newcomer->source = sd_event_source_disable_unref(newcomer->source);
	newcomer->timer = sd_event_source_disable_unref(newcomer->timer);
	newcomer->fd = -1;
	newcomer->size = 0;
	return fd;
}

int newcomer_release(struct newcomer *newcomer, uint8_t *ret_data, uint32_t *ret_size)
{
	if (newcomer->fd < 0) {
		return -1;
	}
	memcpy(ret_data, newcomer->data, newcomer->size);
	*ret_size = newcomer->size;
	return detach(newcomer);
}

void newcomer_drop(struct newcomer *newcomer)
{
	int fd = detach(newcomer);

	if (fd >= 0) {
		close(fd);
	}
}
