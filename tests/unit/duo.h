/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two channels in one process, over real sockets, or one of them and a peer made of bytes.  Run by
 * root they have a network namespace of their own, with devices and addresses to take away; without
 * root they have the loopback of the machine.
 */
#ifndef MLAG_TESTS_DUO_H
#define MLAG_TESTS_DUO_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "mlag_limits.h"
#include "peer/channel.h"

#define DUO_MS UINT64_C(1000000)
#define DUO_SOON_MS 2000 /* what should come does so by then */

#define DUO_LOWER "127.0.0.1" /* connects */
#define DUO_UPPER "127.0.0.2" /* listens */
#define DUO_STRANGER "127.0.0.3"
#define DUO_NEAR_IPV6 "fe80::1:1" /* connects, device near */
#define DUO_FAR_IPV6 "fe80::1:2"  /* listens, device far */

#define DUO_BULK_TYPE 100 /* types that no version has */
#define DUO_URGENT_TYPE 101
#define DUO_TYPES_MAX 64

/**
 * struct duo_end - a channel with its user, who says HELLO first, and what became of it
 * @channel: NULL before it is opened
 * @hello_due, @urgent_due, @bulk_due: messages that wait to be asked for
 * @bulk_given: how many were; also the number in the next
 * @types, @sizes, @types_count: the first messages since the last up; type 0 for a bad header
 * @order_next: the number in the next bulk message that comes; another one fails the test
 * @up_ns: when the last connection stood
 * @end_on_down_ns: when not 0: end the channel in the callback, with this pause
 * @end_on_urgent_ns: the same when an urgent message comes
 * @key: NULL in the clear; @domain_id: with it
 */
struct duo_end {
	struct channel *channel;
	bool hello_due;
	uint32_t urgent_due;
	uint32_t bulk_due;
	uint32_t bulk_given;
	uint32_t ups;
	uint32_t downs;
	uint32_t messages;
	uint16_t types[DUO_TYPES_MAX];
	uint32_t sizes[DUO_TYPES_MAX];
	uint32_t types_count;
	uint32_t order_next;
	uint64_t up_ns;
	uint64_t end_on_down_ns;
	uint64_t end_on_urgent_ns;
	const struct tls_key *key;
	uint16_t domain_id;
};

/**
 * struct duo - the two of them
 * @root: there is a namespace of our own
 * @port: of the session
 * @a, @b: the lower and the upper address
 * @bytes: for anybody, until the next call
 */
struct duo {
	bool root;
	sd_event *event;
	uint16_t port;
	struct duo_end a;
	struct duo_end b;
	uint32_t fds_count;
	uint8_t bytes[2 * MLAG_WIRE_MESSAGE_MAX];
};

extern struct duo duo;

/** duo_enter_namespace(), duo_setup(), duo_teardown() - for cmocka; descriptors are counted */
int duo_enter_namespace(void **state);
int duo_setup(void **state);
int duo_teardown(void **state);

uint64_t duo_now_ns(void);

/* Run the event loop until a condition holds; a test that waits in vain fails. */
#define DUO_WAIT_MS(condition, limit_ms)                                                \
	do {                                                                            \
		uint64_t limit_ns_ = duo_now_ns() + (uint64_t)(limit_ms)*DUO_MS;        \
		while (!(condition)) {                                                  \
			if (duo_now_ns() > limit_ns_) {                                 \
				fail_msg("%s: not within %d ms", #condition, limit_ms); \
			}                                                               \
			assert_true(sd_event_run(duo.event, 2000) >= 0);                \
		}                                                                       \
	} while (0)
#define DUO_WAIT(condition) DUO_WAIT_MS(condition, DUO_SOON_MS)

/** duo_run_ms() - run the event loop for some time; how many events there were */
uint32_t duo_run_ms(uint64_t wait_ms);

/** duo_open() - what channel_open() returns for these addresses; @scope "" for none */
int duo_open(struct duo_end *end, const char *local, const char *remote, const char *scope);

/** duo_open_lower(), duo_open_upper() - the two on the loopback; the upper one listens already */
void duo_open_lower(void);
void duo_open_upper(void);

/** duo_make_message() - a message into @data, with a number when @payload_size is 4 or more */
uint32_t duo_make_message(uint8_t *data, uint16_t type, uint32_t payload_size, uint32_t order);
uint32_t duo_make_hello(uint8_t *data);

/** duo_socket() - a plain socket at an address of the loopback; @port 0 for any */
int duo_socket(const char *local, uint16_t port);

/** duo_connect() - connect it to the upper address, and make it nonblocking */
void duo_connect(int fd);

/** duo_dial() - both */
int duo_dial(const char *local);

/** duo_listen(), duo_accept() - a plain listener at the upper address, and who comes to it */
int duo_listen(int backlog);
int duo_accept(int listener);

void duo_say(int fd, const void *data, size_t size);
void duo_say_hello(int fd);

/** duo_hear() - the next whole message; its type, and its number if @ret_order is not NULL */
uint16_t duo_hear(int fd, uint32_t *ret_order);

/** duo_is_closed() - has the other end closed?  What it said before is thrown away */
bool duo_is_closed(int fd);

/** duo_change_address() - add or delete an address with its prefix length */
void duo_change_address(const char *device, const char *text, bool present);

/** duo_make_pair(), duo_delete_pair() - devices near and far with their link-local addresses */
void duo_make_pair(void);
void duo_delete_pair(void);

#endif
