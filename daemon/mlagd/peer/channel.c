/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP connection to the peer (see channel.h).  Owns its sockets, the timer and two buffers: what
 * was received and is not yet a whole message, and the one message being sent.  Called by main.c
 * (reading, closing) and effects.c (sending).
 *
 * There is one timer, and what it means follows from the state.  The connecting side, without a
 * connection: try now; while connecting: this attempt took too long.  The listening side: the pause
 * is over, or look whether the listener still is where it should be.  While a connection stands
 * there is nothing to wait for.
 *
 * With a key a connection stands when the handshake of TLS is done.  Who connected does it here, with
 * the same timer; who listens leaves it to newcomer.c.
 */
#include "peer/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "log.h"
#include "peer/endpoint.h"
#include "peer/newcomer.h"
#include "peer/stream.h"
#include "wire.h"

#define CHANNEL_MS UINT64_C(1000000)
#define CHANNEL_RETRY_NS (100 * CHANNEL_MS)
/* The kernel would send the next SYN after 1, 3, 7 ... seconds; a new attempt sends one at once. */
#define CHANNEL_ATTEMPT_NS (500 * CHANNEL_MS)
#define CHANNEL_HANDSHAKE_NS (3000 * CHANNEL_MS)
#define CHANNEL_LOOK_NS (1000 * CHANNEL_MS) /* between looks at the scope's device */
#define CHANNEL_RECEIVE_SIZE (2 * MLAG_WIRE_MESSAGE_MAX)
#define CHANNEL_READS_MAX 4	/* the longest message, and what is before it */
#define CHANNEL_MESSAGES_MAX 16 /* messages sent in one turn */
#define CHANNEL_ERRORS_MAX 192	/* above every errno */

/*
 * After a connection that was good its other end is most likely restarting, and listens again within
 * 50 to 150 ms.  Every millisecond until then counts, so the first retries are close together.
 */
static const uint8_t first_retries_ms[] = {10, 10, 10, 20, 20, 20, 20, 50, 50};

struct channel {
	sd_event *event;
	struct channel_spec spec;
	struct channel_handler handler;
	void *user;
	bool connects; /* the lower address does */
	int listen_fd;
	uint32_t listen_index;	     /* of the scope's device when listening began */
	struct tls_context *context; /* NULL in the clear */
	struct tls_counts counts;
	uint32_t failures_logged; /* so that each is logged once */
	struct stream stream;
	uint32_t
		fd_serial; /* changes with every connection, to notice one that ended in a callback */
	uint32_t retries; /* since a message was received */
	bool is_shaking;  /* connected, and the handshake is not done */
	bool established;
	bool heard; /* a message, since it is */
	bool wants_out;
	bool paused; /* nobody is accepted until the timer fires */
	sd_event_source *listen_source;
	sd_event_source *source;
	sd_event_source *timer;
	int last_error;				  /* of the last attempt, 0 for none */
	uint64_t logged[CHANNEL_ERRORS_MAX / 64]; /* so that each cause is logged once */
	char text[160];
	uint32_t received_size;
	uint32_t sending_size;
	uint32_t sending_offset;
	uint8_t received[CHANNEL_RECEIVE_SIZE];
	uint8_t sending[MLAG_WIRE_MESSAGE_MAX];
	struct newcomer newcomer;
};

static int on_timer(sd_event_source *source, uint64_t usec, void *user);
static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user);
static int on_accept(sd_event_source *source, int fd, uint32_t revents, void *user);
static bool deliver(struct channel *channel);
static void read_some(struct channel *channel, uint32_t reads_max);

static void set_timer(struct channel *channel, uint64_t wait_ns)
{
	if (sd_event_source_set_time_relative(channel->timer, wait_ns / 1000) < 0 ||
	    sd_event_source_set_enabled(channel->timer, SD_EVENT_ONESHOT) < 0) {
		log_error("peer: the retry timer cannot be set; there will be no session");
	}
}

static void log_attempt(struct channel *channel, const char *what, int error)
{
	uint64_t *word = &channel->logged[(uint32_t)error % CHANNEL_ERRORS_MAX / 64];
	uint64_t bit = UINT64_C(1) << ((uint32_t)error % 64);

	channel->last_error = error;
	if ((*word & bit) == 0) {
		*word |= bit;
		log_info("peer: %s: %s; trying again", what, strerror(error));
	}
}

/* A connection failed for what should protect it. */
static void note_failure(struct channel *channel, enum tls_failure failure)
{
	uint32_t bit = 1U << failure;

	channel->counts.last = failure;
	channel->counts.count[failure]++;
	if ((channel->failures_logged & bit) == 0) {
		channel->failures_logged |= bit;
		log_warning("peer: a connection was given up: %s", tls_failure_text(failure));
	}
}

static void on_newcomer_failed(void *user, enum tls_failure failure)
{
	note_failure(user, failure);
}

/* Forget the connection; true when one had stood. */
static bool drop_connection(struct channel *channel)
{
	bool established = channel->established;

	channel->source = sd_event_source_disable_unref(channel->source);
	stream_close(&channel->stream);
	channel->is_shaking = false;
	channel->established = false;
	channel->heard = false;
	channel->wants_out = false;
	channel->received_size = 0;
	channel->sending_size = 0;
	channel->sending_offset = 0;
	channel->fd_serial++;
	return established;
}

static uint64_t next_retry_ns(struct channel *channel)
{
	if (channel->retries < sizeof(first_retries_ms)) {
		return first_retries_ms[channel->retries++] * CHANNEL_MS;
	}
	return CHANNEL_RETRY_NS;
}

static void connection_failed(struct channel *channel, int error)
{
	enum tls_failure failure = stream_failure(&channel->stream, error);
	bool established = drop_connection(channel);

	set_timer(channel, channel->connects ? next_retry_ns(channel) : 0);
	if (failure != TLS_FAILURE_NONE) {
		note_failure(channel, failure);
	}
	if (established) {
		channel->handler.down(channel->user);
	} else if (failure == TLS_FAILURE_NONE) {
		log_attempt(channel, "cannot connect", error);
	}
}

static int watch(struct channel *channel, uint32_t events)
{
	return sd_event_add_io(channel->event, &channel->source, channel->stream.fd, events, on_io,
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
	memset(channel->logged, 0, sizeof(channel->logged));
	channel->wants_out = true; /* as it was added; settled below */
	set_wants_out(channel, false);
	if (!channel->paused) {
		(void)sd_event_source_set_enabled(channel->timer, SD_EVENT_OFF);
	}
	channel->handler.up(channel->user);
}

/* ---- connecting -------------------------------------------------------------------------- */

static void start_connecting(struct channel *channel)
{
	int r = endpoint_connect(&channel->spec, &channel->stream.fd);

	if (r >= 0) {
		set_timer(channel, CHANNEL_ATTEMPT_NS);
		r = watch(channel, EPOLLIN | EPOLLOUT);
	}
	if (r < 0) {
		connection_failed(channel, -r);
	}
}

/* Does the handshake go on?  What comes right behind it is kept. */
static void shake_hands(struct channel *channel)
{
	uint32_t serial = channel->fd_serial;
	int r = stream_read(&channel->stream, channel->received, CHANNEL_RECEIVE_SIZE,
			    &channel->received_size);

	if (r < 0) {
		connection_failed(channel, -r);
		return;
	}
	if (stream_is_ready(&channel->stream)) {
		channel->is_shaking = false;
		established(channel);
		if (serial == channel->fd_serial && channel->received_size > 0) {
			(void)deliver(channel);
		}
	}
}

/* The other end is there. */
static void connected(struct channel *channel)
{
	int r;

	if (channel->context == NULL) {
		established(channel);
		return;
	}
	r = stream_open(&channel->stream, channel->stream.fd, channel->context, true);
	if (r < 0) {
		connection_failed(channel, -r);
		return;
	}
	channel->is_shaking = true;
	channel->wants_out = true; /* as it was added */
	set_wants_out(channel, false);
	set_timer(channel, CHANNEL_HANDSHAKE_NS);
}

/* ---- listening --------------------------------------------------------------------------- */

static void stop_listening(struct channel *channel)
{
	channel->listen_source = sd_event_source_disable_unref(channel->listen_source);
	if (channel->listen_fd >= 0) {
		close(channel->listen_fd);
		channel->listen_fd = -1;
	}
}

static int start_listening(struct channel *channel, uint32_t index)
{
	int r = endpoint_listen(&channel->spec, index, &channel->listen_fd);

	if (r < 0) {
		return r;
	}
	channel->listen_index = index;
	r = sd_event_add_io(channel->event, &channel->listen_source, channel->listen_fd, EPOLLIN,
			    on_accept, channel);
	if (r < 0) {
		stop_listening(channel);
	}
	return r;
}

/*
 * A listener is bound to its scope's device by index: when the device was made anew, so must be the
 * listener.  Nobody tells us, so it is looked at, but only while there is no connection; one that
 * stands over the device ends with it, for nothing is heard any more.
 */
static void keep_listening(struct channel *channel)
{
	uint32_t index = channel->established ? channel->listen_index
					      : endpoint_scope_index(&channel->spec);
	int r;

	if (channel->listen_fd >= 0 && index != channel->listen_index) {
		stop_listening(channel);
	}
	if (channel->listen_fd < 0) {
		r = start_listening(channel, index);
		if (r < 0) {
			log_attempt(channel, "cannot listen", -r);
			set_timer(channel, CHANNEL_RETRY_NS);
			return;
		}
		if (channel->last_error != 0) {
			log_info("peer: listening");
			channel->last_error = 0;
			memset(channel->logged, 0, sizeof(channel->logged));
		}
	}
	channel->paused = false;
	(void)sd_event_source_set_enabled(channel->listen_source, SD_EVENT_ON);
	if (index != 0 && !channel->established) {
		set_timer(channel, CHANNEL_LOOK_NS);
	}
}

static int on_timer(sd_event_source *source, uint64_t usec, void *user)
{
	struct channel *channel = user;

	(void)source;
	(void)usec;
	if (!channel->connects) {
		keep_listening(channel);
	} else if (channel->stream.fd < 0) {
		start_connecting(channel);
	} else if (!channel->established) {
		connection_failed(channel, ETIMEDOUT);
	}
	return 0;
}

/* Take over a connection, and with it what of it was heard already. */
static void adopt(struct channel *channel)
{
	uint32_t serial = channel->fd_serial;
	int r = watch(channel, EPOLLIN);

	if (r < 0) {
		connection_failed(channel, -r);
		return;
	}
	established(channel);
	if (serial == channel->fd_serial && channel->received_size > 0 && !deliver(channel)) {
		return;
	}
	if (serial == channel->fd_serial && channel->context != NULL) {
		read_some(channel, 1); /* what is inside no socket tells of */
	}
}

/* The peer connects again only when it holds the old connection for dead. */
static void on_newcomer_greeted(void *user)
{
	struct channel *channel = user;

	if (drop_connection(channel)) {
		log_info("peer: it has connected anew; the old connection is given up");
		channel->handler.down(channel->user);
	}
	/* There is nobody if the callback has ended everything. */
	if (newcomer_release(&channel->newcomer, &channel->stream, channel->received,
			     &channel->received_size)) {
		adopt(channel);
	}
}

/* What cannot be accepted now stays in the backlog, and would be reported again and again. */
static void pause_listening(struct channel *channel, uint64_t pause_ns)
{
	if (channel->listen_source != NULL) {
		(void)sd_event_source_set_enabled(channel->listen_source, SD_EVENT_OFF);
	}
	channel->paused = !channel->connects;
	set_timer(channel, pause_ns);
}

static int accept_peer(struct channel *channel, int listen_fd)
{
	struct sockaddr_storage from = {0};
	socklen_t size = sizeof(from);
	char text[INET6_ADDRSTRLEN];
	int fd = accept4(listen_fd, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		return -errno;
	}
	if (!endpoint_same_host(&from, &channel->spec.remote)) {
		endpoint_text(&from, text);
		log_warning("peer: a connection from %s was refused: [peer] remote is another",
			    text);
		close(fd);
		return -EAGAIN;
	}
	endpoint_set_options(fd);
	return fd;
}

static int on_accept(sd_event_source *source, int listen_fd, uint32_t revents, void *user)
{
	struct channel *channel = user;
	int fd = accept_peer(channel, listen_fd);

	(void)source;
	(void)revents;
	if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
		log_warning("peer: a connection cannot be accepted: %s; trying again",
			    strerror(-fd));
		pause_listening(channel, CHANNEL_RETRY_NS);
	}
	if (fd < 0) {
		return 0;
	}
	/* Whoever came before may have said HELLO; nobody is to push the peer aside. */
	newcomer_read(&channel->newcomer);
	if (channel->paused) {
		close(fd); /* what he said has ended everything */
	} else if (channel->stream.fd < 0 && channel->context == NULL) {
		channel->stream.fd = fd;
		adopt(channel);
	} else {
		int r = newcomer_take(&channel->newcomer, fd, channel->stream.fd >= 0);

		if (r < 0) {
			log_warning("peer: a connection cannot be watched: %s", strerror(-r));
		}
	}
	return 0;
}

/* ---- messages ---------------------------------------------------------------------------- */

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
			if (serial == channel->fd_serial) {
				connection_failed(channel, EBADMSG);
			}
			return false;
		}
		if (channel->received_size - offset < size) {
			break;
		}
		channel->retries = 0;
		channel->heard = true;
		channel->counts.last = TLS_FAILURE_NONE;
		channel->failures_logged = 0;
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

static void read_some(struct channel *channel, uint32_t reads_max)
{
	uint32_t serial = channel->fd_serial;

	for (uint32_t i = 0; i < reads_max && channel->established; i++) {
		uint32_t size;
		int r = stream_read(&channel->stream, channel->received + channel->received_size,
				    CHANNEL_RECEIVE_SIZE - channel->received_size, &size);

		if (r == 0) {
			return;
		}
		if (r < 0) {
			connection_failed(channel, -r);
			return;
		}
		channel->received_size += size;
		if (!channel->heard && channel->context == NULL &&
		    tls_looks_like(channel->received, channel->received_size)) {
			channel->heard = true; /* said once */
			note_failure(channel, TLS_FAILURE_ENCRYPTED);
		}
		if (!deliver(channel) || serial != channel->fd_serial) {
			return;
		}
		if (stream_failure(&channel->stream, 0) != TLS_FAILURE_NONE) {
			connection_failed(channel, EPROTO);
			return;
		}
	}
}

void channel_read(struct channel *channel)
{
	read_some(channel, CHANNEL_READS_MAX);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *user)
{
	struct channel *channel = user;

	(void)source;
	if (channel->is_shaking) {
		shake_hands(channel);
		return 0;
	}
	if (!channel->established) {
		int error = 0;
		socklen_t size = sizeof(error);

		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0 ||
		    (revents & EPOLLOUT) == 0) {
			connection_failed(channel, error != 0 ? error : ECONNREFUSED);
			return 0;
		}
		connected(channel);
		return 0;
	}
	if ((revents & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
		read_some(channel, 1);
	}
	if ((revents & EPOLLOUT) != 0 && channel->established) {
		channel_pump(channel, true);
	}
	return 0;
}

/* Send what is in the buffer.  1 when it is empty, 0 when the socket is full, -errno. */
static int flush_buffer(struct channel *channel)
{
	uint32_t sent;
	int r = stream_write(&channel->stream, channel->sending + channel->sending_offset,
			     channel->sending_size - channel->sending_offset, &sent);

	channel->sending_offset += sent;
	if (channel->sending_offset == channel->sending_size) {
		channel->sending_offset = 0;
		channel->sending_size = 0;
	}
	return r;
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
	bool stood;

	channel_pump(channel, false);
	stood = drop_connection(channel);
	newcomer_drop(&channel->newcomer);
	pause_listening(channel, retry_ns);
	if (stood) {
		channel->handler.down(channel->user);
	}
}

const struct tls_counts *channel_counts(const struct channel *channel)
{
	return &channel->counts;
}

const char *channel_describe(const struct channel *channel)
{
	struct channel *writable = (struct channel *)(uintptr_t)channel;
	char remote[INET6_ADDRSTRLEN];

	endpoint_text(&channel->spec.remote, remote);
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
	int r;

	if (spec->local.ss_family != spec->remote.ss_family ||
	    endpoint_same_host(&spec->local, &spec->remote)) {
		return -EINVAL;
	}
	channel = calloc(1, sizeof(*channel));
	if (channel == NULL) {
		return -ENOMEM;
	}
	channel->event = sd_event_ref(event);
	channel->spec = *spec;
	channel->spec.key = NULL;
	channel->counts = spec->counts;
	channel->handler = *handler;
	channel->user = user;
	channel->stream.fd = -1;
	channel->listen_fd = -1;
	channel->connects = endpoint_is_lower(&spec->local, &spec->remote);
	newcomer_init(&channel->newcomer, event, on_newcomer_greeted, on_newcomer_failed, channel);
	r = spec->key != NULL ? tls_context_new(&channel->context, spec->key, spec->domain_id) : 0;
	if (r < 0) {
		channel_close(channel);
		return r;
	}
	channel->newcomer.context = channel->context;
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
	newcomer_drop(&channel->newcomer);
	stop_listening(channel);
	tls_context_free(channel->context);
	sd_event_source_disable_unref(channel->timer);
	sd_event_unref(channel->event);
	free(channel);
}
