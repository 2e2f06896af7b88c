/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP connection to the peer (see channel.h).  Owns its sockets, the retry timer and two
 * buffers: what was received and is not yet a whole message, and the one message being sent.
 * Called by main.c (reading, closing) and effects.c (sending).
 */
#include "peer/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "wire.h"

#define CHANNEL_RETRY_NS UINT64_C(100000000)
#define CHANNEL_RECEIVE_SIZE (2 * MLAG_WIRE_MESSAGE_MAX)
#define CHANNEL_NOTSENT_SIZE (2 * MLAG_WIRE_MESSAGE_MAX) /* so that bulk never holds a leg back */
#define CHANNEL_READS_MAX 32				 /* reads in one turn of the loop */
#define CHANNEL_MESSAGES_MAX 16				 /* messages sent in one turn */
#define CHANNEL_DSCP_CS6 0xc0

struct channel {
	sd_event *event;
	struct channel_spec spec;
	struct channel_handler handler;
	void *user;
	bool connects; /* the lower address does */
	int listen_fd;
	int fd;
	uint32_t
		fd_serial; /* changes with every connection, to notice one that ended in a callback */
	bool established;
	bool wants_out;
	sd_event_source *listen_source;
	sd_event_source *source;
	sd_event_source *timer;
	int last_error; /* of the last attempt, so that each cause is logged once */
	char text[160];
	uint32_t received_size;
	uint32_t sending_size;
	uint32_t sending_offset;
	uint8_t received[CHANNEL_RECEIVE_SIZE];
	uint8_t sending[MLAG_WIRE_MESSAGE_MAX];
};

static const void *address_bytes(const struct sockaddr_storage *address, size_t *ret_size)
{
	if (address->ss_family == AF_INET6) {
		*ret_size = sizeof(struct in6_addr);
		return &((const struct sockaddr_in6 *)address)->sin6_addr;
	}
	*ret_size = sizeof(struct in_addr);
	return &((const struct sockaddr_in *)address)->sin_addr;
}

static void address_text(const struct sockaddr_storage *address, char text[INET6_ADDRSTRLEN])
{
	size_t size;
	const void *bytes = address_bytes(address, &size);

	if (inet_ntop(address->ss_family, bytes, text, INET6_ADDRSTRLEN) == NULL) {
		text[0] = '\0';
	}
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	size_t a_size;
	size_t b_size;
	const void *a_bytes = address_bytes(a, &a_size);
	const void *b_bytes = address_bytes(b, &b_size);

	return a->ss_family == b->ss_family && memcmp(a_bytes, b_bytes, a_size) == 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user);
static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user);
static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *user);

static void retry_after(struct channel *channel, uint64_t wait_ns)
{
	uint64_t now_usec;

	if (sd_event_now(channel->event, CLOCK_MONOTONIC, &now_usec) < 0 ||
	    sd_event_source_set_time(channel->timer, now_usec + wait_ns / 1000) < 0 ||
	    sd_event_source_set_enabled(channel->timer, SD_EVENT_ONESHOT) < 0) {
		log_error("peer: the retry timer cannot be set; there will be no session");
	}
}

static void log_attempt(struct channel *channel, const char *what, int error)
{
	if (error == channel->last_error) {
		return;
	}
	channel->last_error = error;
	log_info("peer: %s: %s; trying again", what, strerror(error));
}

/* Forget the connection; true when one had stood. */
static bool drop_connection(struct channel *channel)
{
	bool established = channel->established;

	channel->source = sd_event_source_disable_unref(channel->source);
	if (channel->fd >= 0) {
		close(channel->fd);
		channel->fd = -1;
	}
	channel->established = false;
	channel->wants_out = false;
	channel->received_size = 0;
	channel->sending_size = 0;
	channel->sending_offset = 0;
	channel->fd_serial++;
	return established;
}

static void connection_failed(struct channel *channel, int error)
{
	bool established = drop_connection(channel);

	if (channel->connects) {
		retry_after(channel, CHANNEL_RETRY_NS);
	}
	if (established) {
		channel->handler.down(channel->user);
	} else {
		log_attempt(channel, "cannot connect", error);
	}
}

static void set_socket_options(int fd)
{
	int one = 1;
	int notsent = CHANNEL_NOTSENT_SIZE;
	int dscp = CHANNEL_DSCP_CS6;

	/* None of these is worth refusing a connection for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent, sizeof(notsent));
	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &dscp, sizeof(dscp));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &dscp, sizeof(dscp));
}

static int watch(struct channel *channel, uint32_t events)
{
	set_socket_options(channel->fd);
	return sd_event_add_io(channel->event, &channel->source, channel->fd, events, on_io,
			       channel);
}

static void set_wants_out(struct channel *channel, bool wants_out)
{
	if (channel->source != NULL && wants_out != channel->wants_out) {
		channel->wants_out = wants_out;
		(void)sd_event_source_set_io_events(channel->source,
						    EPOLLIN | (wants_out ? EPOLLOUT : 0U));
	}
}

static void established(struct channel *channel)
{
	channel->established = true;
	channel->last_error = 0;
	channel->wants_out = true; /* as it was added; settled below */
	set_wants_out(channel, false);
	channel->handler.up(channel->user);
}

/* Fill in what may have changed since the last attempt: the index of the scope's device. */
static void resolve_scope(struct channel *channel)
{
	if (channel->spec.local.ss_family == AF_INET6 && channel->spec.scope[0] != '\0') {
		uint32_t index = if_nametoindex(channel->spec.scope);

		((struct sockaddr_in6 *)&channel->spec.local)->sin6_scope_id = index;
		((struct sockaddr_in6 *)&channel->spec.remote)->sin6_scope_id = index;
	}
}

static void start_connecting(struct channel *channel)
{
	struct sockaddr_storage local = channel->spec.local;
	int r = 0;

	resolve_scope(channel);
	local = channel->spec.local;
	if (local.ss_family == AF_INET6) {
		((struct sockaddr_in6 *)&local)->sin6_port = 0;
	} else {
		((struct sockaddr_in *)&local)->sin_port = 0;
	}
	channel->fd = socket(local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (channel->fd < 0 ||
	    bind(channel->fd, (struct sockaddr *)&local, channel->spec.size) < 0 ||
	    (connect(channel->fd, (struct sockaddr *)&channel->spec.remote, channel->spec.size) <
		     0 &&
	     errno != EINPROGRESS)) {
		connection_failed(channel, errno);
		return;
	}
	r = watch(channel, EPOLLIN | EPOLLOUT);
	if (r < 0) {
		connection_failed(channel, -r);
	}
}

static int start_listening(struct channel *channel)
{
	int one = 1;
	int fd;

	resolve_scope(channel);
	fd = socket(channel->spec.local.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	/* With freebind an address that comes later is as good as one that is there. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&channel->spec.local, channel->spec.size) < 0 ||
	    listen(fd, 4) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	channel->listen_fd = fd;
	return sd_event_add_io(channel->event, &channel->listen_source, fd, EPOLLIN, on_accept,
			       channel);
}

/* The timer means: the pause is over, or the next attempt is due. */
static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *channel = user;

	(void)source;
	(void)usec;
	if (channel->connects) {
		if (channel->fd < 0) {
			start_connecting(channel);
		}
		return 0;
	}
	if (channel->listen_fd < 0) {
		int r = start_listening(channel);

		if (r < 0) {
			log_attempt(channel, "cannot listen", -r);
			retry_after(channel, CHANNEL_RETRY_NS);
		}
	} else if (channel->listen_source != NULL) {
		(void)sd_event_source_set_enabled(channel->listen_source, SD_EVENT_ON);
	}
	return 0;
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *user)
{
	struct channel *channel = user;
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);
	char text[INET6_ADDRSTRLEN];
	int fd = accept4(listen_fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int r;

	(void)source;
	(void)revents;
	if (fd < 0) {
		return 0;
	}
	if (!same_host(&from, &channel->spec.remote)) {
		address_text(&from, text);
		log_warning("peer: a connection from %s was refused: [peer] remote is another",
			    text);
		close(fd);
		return 0;
	}
	/* The peer connects again only when it holds the old connection for dead. */
	if (drop_connection(channel)) {
		channel->handler.down(channel->user);
	}
	channel->fd = fd;
	r = watch(channel, EPOLLIN);
	if (r < 0) {
		connection_failed(channel, -r);
		return 0;
	}
	established(channel);
	return 0;
}

/* Hand out every whole message received.  False when the connection ended meanwhile. */
static bool deliver(struct channel *channel)
{
	uint32_t serial = channel->fd_serial;
	uint32_t offset = 0;

	while (channel->received_size - offset >= MLAG_WIRE_HEADER_SIZE) {
		uint32_t size = wire_peek_size(channel->received + offset);

		if (size == 0) {
			/* No message is so long: what is handed over is the bad header itself. */
			channel->handler.message(channel->user, channel->received + offset,
						 MLAG_WIRE_HEADER_SIZE);
			return false;
		}
		if (channel->received_size - offset < size) {
			break;
		}
		channel->handler.message(channel->user, channel->received + offset, size);
		if (serial != channel->fd_serial) {
			return false;
		}
		offset += size;
	}
	memmove(channel->received, channel->received + offset, channel->received_size - offset);
	channel->received_size -= offset;
	return true;
}

void channel_read(struct channel *channel)
{
	uint32_t serial = channel->fd_serial;

	for (uint32_t i = 0; i < CHANNEL_READS_MAX && channel->established; i++) {
		ssize_t n = recv(channel->fd, channel->received + channel->received_size,
				 CHANNEL_RECEIVE_SIZE - channel->received_size, 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			return;
		}
		if (n <= 0) {
			connection_failed(channel, n < 0 ? errno : ECONNRESET);
			return;
		}
		channel->received_size += (uint32_t)n;
		if (!deliver(channel) || serial != channel->fd_serial) {
			return;
		}
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct channel *channel = user;

	(void)source;
	if (!channel->established) {
		int error = 0;
		socklen_t size = sizeof(error);

		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0 ||
		    (revents & EPOLLOUT) == 0) {
			connection_failed(channel, error != 0 ? error : ECONNREFUSED);
			return 0;
		}
		established(channel);
		return 0;
	}
	if ((revents & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
		channel_read(channel);
	}
	if ((revents & EPOLLOUT) != 0 && channel->established) {
		channel_pump(channel, true);
	}
	return 0;
}

/* Send what is in the buffer.  1 when it is empty, 0 when the socket is full, -errno. */
static int flush_buffer(struct channel *channel)
{
	while (channel->sending_offset < channel->sending_size) {
		ssize_t n = send(channel->fd, channel->sending + channel->sending_offset,
				 channel->sending_size - channel->sending_offset, MSG_NOSIGNAL);

		if (n < 0) {
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		}
		channel->sending_offset += (uint32_t)n;
	}
	channel->sending_offset = 0;
	channel->sending_size = 0;
	return 1;
}

void channel_pump(struct channel *channel, bool bulk)
{
	if (!channel->established) {
		return;
	}
	for (uint32_t i = 0; i < CHANNEL_MESSAGES_MAX; i++) {
		int r = flush_buffer(channel);

		if (r < 0) {
			/* Reading will find the same and end the connection in one place. */
			set_wants_out(channel, false);
			return;
		}
		if (r == 0) {
			break;
		}
		channel->sending_size =
			channel->handler.next(channel->user, bulk, channel->sending);
		if (channel->sending_size == 0) {
			if (bulk) {
				set_wants_out(channel, false);
			}
			return;
		}
	}
	set_wants_out(channel, true);
}

void channel_end(struct channel *channel, uint64_t retry_ns)
{
	bool was_established = channel->established;

	channel_pump(channel, false);
	if (was_established && !channel->established) {
		return; /* it ended by itself while saying farewell */
	}
	drop_connection(channel);
	if (channel->listen_source != NULL) {
		(void)sd_event_source_set_enabled(channel->listen_source, SD_EVENT_OFF);
	}
	retry_after(channel, retry_ns);
	if (was_established) {
		channel->handler.down(channel->user);
	}
}

const char *channel_describe(const struct channel *channel)
{
	struct channel *writable = (struct channel *)(uintptr_t)channel;
	char remote[INET6_ADDRSTRLEN];

	address_text(&channel->spec.remote, remote);
	(void)snprintf(writable->text, sizeof(writable->text), "%s %s%s%s",
		       channel->established ? "connected to"
		       : channel->connects  ? "connecting to"
					    : "waiting for",
		       remote, channel->last_error != 0 ? ": " : "",
		       channel->last_error != 0 ? strerror(channel->last_error) : "");
	return channel->text;
}

int channel_open(struct channel **ret, sd_event *event, const struct channel_spec *spec,
		 const struct channel_handler *handler, void *user)
{
	struct channel *channel;
	const void *local;
	size_t size;
	int r;

	if (spec->local.ss_family != spec->remote.ss_family ||
	    same_host(&spec->local, &spec->remote)) {
		return -EINVAL;
	}
	channel = calloc(1, sizeof(*channel));
	if (channel == NULL) {
		return -ENOMEM;
	}
	channel->event = sd_event_ref(event);
	channel->spec = *spec;
	channel->handler = *handler;
	channel->user = user;
	channel->fd = -1;
	channel->listen_fd = -1;
	local = address_bytes(&spec->local, &size);
	channel->connects = memcmp(local, address_bytes(&spec->remote, &size), size) < 0;
	r = sd_event_add_time(event, &channel->timer, CLOCK_MONOTONIC, 0, 1000, on_timer, channel);
	if (r < 0) {
		channel_close(channel);
		return r;
	}
	*ret = channel;
	return 0;
}

void channel_close(struct channel *channel)
{
	if (channel == NULL) {
		return;
	}
	drop_connection(channel);
	sd_event_source_disable_unref(channel->timer);
	sd_event_source_disable_unref(channel->listen_source);
	if (channel->listen_fd >= 0) {
		close(channel->listen_fd);
	}
	sd_event_unref(channel->event);
	free(channel);
}
