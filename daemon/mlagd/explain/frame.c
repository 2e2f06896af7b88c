// SPDX-License-Identifier: BSD-2-Clause
/*
 * Frames of `mlagctl explain`: taken as octets or made of a few fields, and read again the way the
 * kernel and the programs read them.  The outer tag is kept beside the frame, as the kernel does
 * before any program at tc sees it.  walk.c and control/explain.c call this.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "explain/explain.h"

#define TAG_SIZE 4
#define UDP_SIZE 8
#define PAYLOAD_SIZE 18 /* an IPv4 packet then fills the smallest frame */
#define SOURCE_PORT 49152
#define DESTINATION_PORT 33434 /* where traceroute begins: nobody listens */

static uint16_t get_u16(const uint8_t *octets)
{
	return (uint16_t)(octets[0] << 8 | octets[1]);
}

static void put_u16(uint8_t *octets, uint32_t value)
{
	octets[0] = (uint8_t)(value >> 8);
	octets[1] = (uint8_t)value;
}

static void pad(struct explain_frame *frame)
{
	if (frame->size < EXPLAIN_FRAME_MIN) {
		memset(frame->bytes + frame->size, 0, EXPLAIN_FRAME_MIN - frame->size);
		frame->size = EXPLAIN_FRAME_MIN;
	}
	frame->ethertype = get_u16(frame->bytes + 2 * ETH_ALEN);
}

int explain_frame_read(struct explain_frame *ret, const uint8_t *octets, uint32_t size)
{
	bool tagged;

	if (size < ETH_HLEN || size > EXPLAIN_FRAME_MAX) {
		return -EINVAL;
	}
	tagged = get_u16(octets + 2 * ETH_ALEN) == ETH_P_8021Q;
	if (tagged && size < ETH_HLEN + TAG_SIZE) {
		return -EINVAL;
	}
	memset(ret, 0, sizeof(*ret));
	ret->tagged = tagged;
	memcpy(ret->bytes, octets, 2 * ETH_ALEN);
	octets += 2 * ETH_ALEN;
	size -= 2 * ETH_ALEN;
	if (tagged) {
		ret->tci = get_u16(octets + 2);
		octets += TAG_SIZE;
		size -= TAG_SIZE;
	}
	memcpy(ret->bytes + 2 * ETH_ALEN, octets, size);
	ret->size = 2 * ETH_ALEN + size;
	pad(ret);
	return 0;
}

/* The checksum of an IPv4 header without options. */
static uint16_t checksum(const uint8_t *header)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < MLAG_IPV4_HEADER_SIZE; i += 2) {
		sum += get_u16(header + i);
	}
	while (sum >> 16) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static uint32_t put_ipv4(uint8_t *header, const struct explain_ip *ip)
{
	header[0] = 0x45;
	header[1] = ip->tos;
	put_u16(header + 2, MLAG_IPV4_HEADER_SIZE + UDP_SIZE + PAYLOAD_SIZE);
	header[6] = 0x40; /* do not fragment */
	header[8] = ip->hop_limit;
	header[9] = IPPROTO_UDP;
	memcpy(header + 12, ip->source, 4);
	memcpy(header + 16, ip->destination, 4);
	put_u16(header + 10, checksum(header));
	return MLAG_IPV4_HEADER_SIZE;
}

static uint32_t put_ipv6(uint8_t *header, const struct explain_ip *ip)
{
	header[0] = 0x60;
	put_u16(header + 4, UDP_SIZE + PAYLOAD_SIZE);
	header[6] = IPPROTO_UDP;
	header[7] = ip->hop_limit;
	memcpy(header + 8, ip->source, 16);
	memcpy(header + 24, ip->destination, 16);
	return MLAG_IPV6_HEADER_SIZE;
}

void explain_frame_make(struct explain_frame *ret, const struct mlag_mac *destination,
			const struct mlag_mac *source, const struct explain_ip *ip)
{
	uint8_t *packet = ret->bytes + ETH_HLEN;
	uint32_t size = 0;

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->bytes, destination->octets, ETH_ALEN);
	memcpy(ret->bytes + ETH_ALEN, source->octets, ETH_ALEN);
	if (ip->family == 4) {
		put_u16(ret->bytes + 2 * ETH_ALEN, ETH_P_IP);
		size = put_ipv4(packet, ip);
	} else if (ip->family == 6) {
		put_u16(ret->bytes + 2 * ETH_ALEN, ETH_P_IPV6);
		size = put_ipv6(packet, ip);
	} else {
		put_u16(ret->bytes + 2 * ETH_ALEN, 0x88b5); /* local experimental */
	}
	if (size != 0) {
		put_u16(packet + size, SOURCE_PORT);
		put_u16(packet + size + 2, DESTINATION_PORT);
		put_u16(packet + size + 4, UDP_SIZE + PAYLOAD_SIZE);
		size += UDP_SIZE + PAYLOAD_SIZE;
	}
	ret->size = ETH_HLEN + size;
	pad(ret);
}

static void read_ports(const struct explain_frame *frame, uint32_t offset, struct explain_ip *ret)
{
	if ((ret->protocol != IPPROTO_UDP && ret->protocol != IPPROTO_TCP) ||
	    frame->size < offset + 4) {
		return;
	}
	ret->source_port = get_u16(frame->bytes + offset);
	ret->destination_port = get_u16(frame->bytes + offset + 2);
}

void explain_frame_ip(const struct explain_frame *frame, struct explain_ip *ret)
{
	const uint8_t *header = frame->bytes + ETH_HLEN;

	memset(ret, 0, sizeof(*ret));
	if (frame->ethertype == ETH_P_IP && frame->size >= ETH_HLEN + MLAG_IPV4_HEADER_SIZE) {
		ret->family = 4;
		ret->tos = header[1];
		ret->hop_limit = header[8];
		ret->protocol = header[9];
		memcpy(ret->source, header + 12, 4);
		memcpy(ret->destination, header + 16, 4);
		/* Of a later fragment the ports are not there. */
		if ((get_u16(header + 6) & 0x1fff) == 0) {
			read_ports(frame, ETH_HLEN + (header[0] & 0xfu) * 4, ret);
		}
	} else if (frame->ethertype == ETH_P_IPV6 &&
		   frame->size >= ETH_HLEN + MLAG_IPV6_HEADER_SIZE) {
		ret->family = 6;
		ret->tos = (uint8_t)(get_u16(header) >> 4);
		ret->protocol = header[6];
		ret->hop_limit = header[7];
		memcpy(ret->source, header + 8, 16);
		memcpy(ret->destination, header + 24, 16);
		read_ports(frame, ETH_HLEN + MLAG_IPV6_HEADER_SIZE, ret);
	}
}
