/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection to the peer: one TCP stream of framed messages.  The member with the lower address
 * connects, the other listens; what the messages say is none of this module's business.
 *
 * Who connects while a connection stands replaces it only once he has said HELLO: the peer does so
 * when it holds the old one for dead, and nobody else can end a session by connecting.
 *
 * Nothing is queued here but one message: the channel asks for the next when there is room, so the
 * newest state goes out and a peer that reads slowly costs nothing.
 */
#ifndef MLAGD_PEER_CHANNEL_H
#define MLAGD_PEER_CHANNEL_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "peer/tls.h"

struct channel;

/**
 * struct channel_spec - the two ends
 * @local, @remote: sockaddr_in or sockaddr_in6 of one family, not equal; ports are set
 * @size: bytes in use of both
 * @scope: device of an IPv6 link-local address, "" for none; the same for both ends.  Looked up at
 *	every attempt, and each second while listening: it may go, and come as another
 * @key: for TLS, NULL in the clear; not kept
 * @domain_id: with @key
 * @counts: connections that failed before, to go on from
 */
struct channel_spec {
	struct sockaddr_storage local;
	struct sockaddr_storage remote;
	socklen_t size;
	char scope[IFNAMSIZ];
	const struct tls_key *key;
	uint16_t domain_id;
	struct tls_counts counts;
};

/**
 * struct channel_handler - who uses the channel
 * @up: a connection stands
 * @down: it ended
 * @message: one framed message; borrowed for the call
 * @next: fill in the next message to be sent (room for MLAG_WIRE_MESSAGE_MAX bytes); @bulk says
 *	whether a bulky one is welcome.  Return its size, 0 for none
 *
 * Context: from the event loop or from channel_pump(), channel_read(); may call channel_pump() and
 * channel_end().
 */
struct channel_handler {
	void (*up)(void *user);
	void (*down)(void *user);
	void (*message)(void *user, const uint8_t *data, uint32_t size);
	uint32_t (*next)(void *user, bool bulk, uint8_t *ret_data);
};

/**
 * channel_open() - start connecting or listening
 * @ret: the new object
 * @event: the loop; referenced
 * @spec: copied
 * @handler: copied
 * @user: first argument of the callbacks
 *
 * An address that this machine does not have yet is waited for, and a device too.  When a
 * connection ends, the connecting side tries again after 10 ms, then in growing steps, and from
 * 210 ms on every 100 ms; an attempt that is not answered within 500 ms has failed, and so has a
 * handshake of TLS that takes three seconds.
 *
 * Return: 0, -EINVAL for a @spec that cannot work, -ENOMEM, or -errno of the event loop.
 */
int channel_open(struct channel **ret, sd_event *event, const struct channel_spec *spec,
		 const struct channel_handler *handler, void *user);

/**
 * channel_close() - end the connection without a word and free
 * @channel: NULL is fine
 */
void channel_close(struct channel *channel);

/**
 * channel_pump() - send what is due, as far as there is room now
 * @channel: the object; without a connection nothing happens
 * @bulk: bulky messages too
 */
void channel_pump(struct channel *channel, bool bulk);

/**
 * channel_read() - deliver what has arrived: at least a whole message, if one is there
 * @channel: the object
 *
 * To be called before silence is held against the peer.
 */
void channel_read(struct channel *channel);

/**
 * channel_end() - send what is due, end the connection, and pause
 * @channel: the object
 * @retry_ns: neither connect nor accept before this time has passed
 */
void channel_end(struct channel *channel, uint64_t retry_ns);

/** channel_counts() - connections that failed for their protection; valid until channel_close() */
const struct tls_counts *channel_counts(const struct channel *channel);

/**
 * channel_describe() - one line for people on what the channel is doing
 *
 * Return: a text valid until the next call.
 */
const char *channel_describe(const struct channel *channel);

#endif
