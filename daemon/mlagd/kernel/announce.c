// SPDX-License-Identifier: BSD-2-Clause
/*
 * Announcements of shared gateways (R28): hosts and the switches between learn the shared MAC from
 * them, and forget what they believed before.  gateway.c says when.
 *
 * The ARP form is a request for the own address, which every host takes as news of an entry it has.
 * No frame is ever received here: the kernel answers questions by itself.
 */
#include "kernel/announce.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"

#define ARP_SIZE 60 /* padded to the least that Ethernet has */
#define NA_SIZE 86
#define NA_PAYLOAD_SIZE 32

struct announce {
	int fd;
};

static void put_octets(struct buf_writer *writer, const uint8_t *octets, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		buf_put_u8(writer, octets[i]);
	}
}

static void put_ethernet(struct buf_writer *writer, const uint8_t *destination,
			 const struct mlag_mac *source, uint16_t type)
{
	put_octets(writer, destination, ETH_ALEN);
	put_octets(writer, source->octets, ETH_ALEN);
	buf_put_u16(writer, type);
}

static uint32_t make_arp(const uint8_t *octets, const struct mlag_mac *mac, uint8_t *ret_frame)
{
	static const uint8_t everybody[ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t nobody[ETH_ALEN];
	struct buf_writer writer;

	memset(ret_frame, 0, ARP_SIZE);
	buf_writer_init(&writer, ret_frame, ARP_SIZE);
	put_ethernet(&writer, everybody, mac, ETHERTYPE_ARP);
	buf_put_u16(&writer, 1); /* Ethernet */
	buf_put_u16(&writer, ETHERTYPE_IP);
	buf_put_u8(&writer, ETH_ALEN);
	buf_put_u8(&writer, 4);
	buf_put_u16(&writer, 1); /* request */
	put_octets(&writer, mac->octets, ETH_ALEN);
	put_octets(&writer, octets, 4);
	put_octets(&writer, nobody, ETH_ALEN);
	put_octets(&writer, octets, 4);
	return ARP_SIZE;
}

/* Of the pseudo-header and the payload, whose checksum field is 0. */
static uint16_t icmp6_checksum(const uint8_t *source, const uint8_t *destination,
			       const uint8_t *payload, uint32_t size)
{
	uint32_t sum = size + IPPROTO_ICMPV6;

	for (uint32_t i = 0; i < 16; i += 2) {
		sum += (uint32_t)source[i] << 8 | source[i + 1];
		sum += (uint32_t)destination[i] << 8 | destination[i + 1];
	}
	for (uint32_t i = 0; i < size; i += 2) {
		sum += (uint32_t)payload[i] << 8 | payload[i + 1];
	}
	while (sum >> 16 != 0) {
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)~sum;
}

static uint32_t make_advertisement(const uint8_t *octets, const struct mlag_mac *mac,
				   uint8_t *ret_frame)
{
	static const uint8_t all_nodes_mac[ETH_ALEN] = {0x33, 0x33, 0, 0, 0, 1};
	static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};
	uint8_t *payload = ret_frame + ETH_HLEN + 40;
	struct buf_writer writer;
	uint16_t checksum;

	buf_writer_init(&writer, ret_frame, NA_SIZE);
	put_ethernet(&writer, all_nodes_mac, mac, ETHERTYPE_IPV6);
	buf_put_u32(&writer, UINT32_C(6) << 28);
	buf_put_u16(&writer, NA_PAYLOAD_SIZE);
	buf_put_u8(&writer, IPPROTO_ICMPV6);
	buf_put_u8(&writer, 255); /* RFC 4861: or nobody believes it */
	put_octets(&writer, octets, 16);
	put_octets(&writer, all_nodes, 16);
	buf_put_u8(&writer, ND_NEIGHBOR_ADVERT);
	buf_put_u8(&writer, 0);
	buf_put_u16(&writer, 0);		    /* the checksum comes here */
	buf_put_u32(&writer, UINT32_C(0xa0000000)); /* router, override */
	put_octets(&writer, octets, 16);
	buf_put_u8(&writer, ND_OPT_TARGET_LINKADDR);
	buf_put_u8(&writer, 1);
	put_octets(&writer, mac->octets, ETH_ALEN);
	checksum = icmp6_checksum(octets, all_nodes, payload, NA_PAYLOAD_SIZE);
	payload[2] = (uint8_t)(checksum >> 8);
	payload[3] = (uint8_t)checksum;
	return NA_SIZE;
}

uint32_t announce_frame(uint8_t family, const uint8_t *octets, const struct mlag_mac *mac,
			uint8_t ret_frame[ANNOUNCE_FRAME_MAX])
{
	return family == 4 ? make_arp(octets, mac, ret_frame)
			   : make_advertisement(octets, mac, ret_frame);
}

int announce_send(struct announce *announce, uint32_t ifindex, uint8_t family,
		  const uint8_t *octets, const struct mlag_mac *mac)
{
	uint8_t frame[ANNOUNCE_FRAME_MAX];
	uint32_t size = announce_frame(family, octets, mac, frame);
	const struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)ifindex,
		.sll_halen = ETH_ALEN,
	};

	if (sendto(announce->fd, frame, size, MSG_DONTWAIT, (const struct sockaddr *)&to,
		   sizeof(to)) < 0) {
		return -errno;
	}
	return 0;
}

int announce_open(struct announce **ret)
{
	struct announce *announce = calloc(1, sizeof(*announce));
	int error;

	if (announce == NULL) {
		return -ENOMEM;
	}
	/* Protocol 0: nothing is received. */
	announce->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (announce->fd < 0) {
		error = -errno;
		free(announce);
		return error;
	}
	*ret = announce;
	return 0;
}

void announce_close(struct announce *announce)
{
	if (announce == NULL) {
		return;
	}
	(void)close(announce->fd);
	free(announce);
}
