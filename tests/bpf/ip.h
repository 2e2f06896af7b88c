/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IP for the tests of tests/bpf: packets in frames, and addresses, routes and neighbours in the
 * network of wire.h.  Addresses are text; the family is that of the text.
 */
#ifndef MLAG_TESTS_IP_H
#define MLAG_TESTS_IP_H

#include <stdbool.h>
#include <stdint.h>

#include "wire.h"

#define IP_PROTOCOL WIRE_IP_PROTOCOL

/* What a packet is like beyond its addresses. */
enum ip_shape {
	IP_PLAIN,
	IP_LARGE,	   /* twice the payload */
	IP_WITH_OPTIONS,   /* IPv4 options; IPv6 hop-by-hop options */
	IP_FIRST_FRAGMENT, /* more follow */
	IP_LATER_FRAGMENT,
	IP_PADDED,   /* the frame is longer than the packet */
	IP_REDIRECT, /* of ICMP or ICMPv6 */
	/* from here on no header that a router takes */
	IP_BAD_VERSION,
	IP_BAD_HEADER_SIZE, /* IPv4: less than its fixed part */
	IP_LONGER_THAN_FRAME,
	IP_SHORTER_THAN_HEADER, /* IPv4 */
	IP_NO_SIZE,		/* IPv4: total length 0 */
	IP_CUT_OFF,		/* the frame ends inside the header */
	IP_SHAPES_COUNT,
};

/**
 * struct ip_packet - a packet in a frame
 * @tags: as in wire_frame_make(), 0 for none
 */
struct ip_packet {
	const uint8_t *destination_mac;
	const uint8_t *source_mac;
	uint32_t tags[2];
	const char *source;
	const char *destination;
	uint8_t hop_limit;
	enum ip_shape shape;
};

/* The family of an address: 4 or 6; its octets, the rest zero. */
uint8_t ip_parse(const char *text, uint8_t ret_octets[16]);

/* Puts frame and packet together; the IPv4 checksum is right unless the shape makes it moot. */
void ip_frame_make(struct wire_frame *ret, const struct ip_packet *packet);

/* Makes the checksum of the IPv4 header at @offset of the frame right. */
void ip_set_checksum(struct wire_frame *frame, uint32_t offset);

/* What a router does to the packet at @offset of the frame: one hop less, the checksum right. */
void ip_take_hop(struct wire_frame *frame, uint32_t offset);

/* Lets the network namespace route both families; IPv6 on these devices, which wire.h keeps out. */
void ip_enable(const char *const *names, uint32_t count);

/* Forwarding of what arrives at a device, both families. */
void ip_set_forwarding(const char *name, bool on);

/* Whether the kernel tells senders of a shorter way (IPv4); of a device, and of all. */
void ip_set_redirects(const char *name, bool on);

/* Makes a VRF of a routing table and sets it up.  Return: false on a kernel that has none. */
bool ip_make_vrf(const char *name, uint32_t table);

/* Whoever becomes a slave goes down and up, and loses neighbours and IPv6 addresses. */
void ip_enslave(const char *name, const char *vrf);

/* @address has a prefix length; one that is there already stays. */
void ip_add_address(const char *name, const char *address);

/*
 * Until every IPv6 address of the namespace is routed to this machine.  One that was added before the
 * kernel had heard of its device's carrier, as much as a second late, is not: it is tentative.
 */
void ip_wait_local(void);

/* @type is an RTN_…; unicast has a gateway. */
void ip_add_route(const char *prefix, uint8_t type, const char *gateway);

void ip_add_neighbor(const char *name, const char *address, const uint8_t *mac);

#endif
