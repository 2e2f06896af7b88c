/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * R30 as pure functions of values: which question (ARP request, IPv6 neighbour solicitation) is
 * answered in the peer's name, and with which bytes.  Compiled into ebpf/answer.bpf.c and its tests.
 *
 * The answer is the one that the peer itself would give: its router MAC, solicited, as a router.
 * Whoever only tries whether an address is free (no sender's address) gets none: should the peer
 * itself try that, just as the peer link comes back, it must not be told that its address is taken.
 */
#ifndef MLAG_ANSWER_H
#define MLAG_ANSWER_H

#include "forward.h"

#define MLAG_ANSWER_ETHERNET_SIZE 14
#define MLAG_ANSWER_ARP_SIZE (MLAG_ANSWER_ETHERNET_SIZE + 28)
/* A solicitation without an option, and one with the sender's MAC in it. */
#define MLAG_ANSWER_NS_SHORT_SIZE (MLAG_ANSWER_ETHERNET_SIZE + MLAG_IPV6_HEADER_SIZE + 24)
#define MLAG_ANSWER_NS_SIZE (MLAG_ANSWER_NS_SHORT_SIZE + 8)
/* No question that is answered is longer; a multiple of 8. */
#define MLAG_ANSWER_FRAME_SIZE 88

/* Where things are in a solicitation's frame. */
#define MLAG_ANSWER_IP 14
#define MLAG_ANSWER_ICMP 54
#define MLAG_ANSWER_TARGET 62
#define MLAG_ANSWER_OPTION 78

/**
 * struct mlag_answer_svi - what is to be known of an SVI to answer there in the peer's name
 * @domain: routing domain of the peer's SVI in the VLAN
 * @vlan: 1..4094, or 0 on a plain bridge
 * @peer_mac: its router MAC there
 */
struct mlag_answer_svi {
	__u32 domain;
	__u16 vlan;
	__u8 peer_mac[6];
};

MLAG_INLINE bool mlag_bytes_equal(const __u8 *a, const __u8 *b, __u32 size)
{
	__u8 different = 0;

	for (__u32 index = 0; index < size; index++) {
		different |= a[index] ^ b[index];
	}
	return !different;
}

MLAG_INLINE bool mlag_bytes_zero(const __u8 *bytes, __u32 size)
{
	__u8 any = 0;

	for (__u32 index = 0; index < size; index++) {
		any |= bytes[index];
	}
	return !any;
}

/* A MAC of one host. */
MLAG_INLINE bool mlag_mac_is_host(const __u8 *mac)
{
	return !mlag_mac_is_group(mac) && !mlag_bytes_zero(mac, 6);
}

/* Somebody with an address and a MAC of his own asks who has another address. */
MLAG_INLINE bool mlag_is_arp_question(const __u8 *frame)
{
	const __u8 *arp = frame + MLAG_ANSWER_ETHERNET_SIZE;

	return arp[0] == 0 && arp[1] == 1 /* Ethernet */ && arp[2] == 8 && arp[3] == 0 /* IPv4 */ &&
	       arp[4] == 6 && arp[5] == 4 && arp[6] == 0 && arp[7] == 1 /* request */ &&
	       mlag_mac_is_host(arp + 8) && mlag_bytes_equal(arp + 8, frame + 6, 6) &&
	       !mlag_bytes_zero(arp + 14, 4) && !mlag_bytes_equal(arp + 14, arp + 24, 4);
}

/* The group that a solicitation for @target goes to, or @target itself. */
MLAG_INLINE bool mlag_is_asked_of(const __u8 *destination, const __u8 *target)
{
	return mlag_bytes_equal(destination, target, 16) ||
	       (destination[0] == 0xff && destination[1] == 2 &&
		mlag_bytes_zero(destination + 2, 9) && destination[11] == 1 &&
		destination[12] == 0xff && mlag_bytes_equal(destination + 13, target + 13, 3));
}

/**
 * mlag_is_ns_question() - the same of IPv6
 * @frame: MLAG_ANSWER_NS_SIZE bytes are there to be read, not all of them of the frame
 * @size: of the frame
 *
 * Options that this does not know, and extension headers, are left to who does.
 */
MLAG_INLINE bool mlag_is_ns_question(const __u8 *frame, __u32 size)
{
	const __u8 *ip = frame + MLAG_ANSWER_IP;
	const __u8 *icmp = frame + MLAG_ANSWER_ICMP;
	const __u8 *option = frame + MLAG_ANSWER_OPTION;
	__u32 payload_size = (__u32)ip[4] << 8 | ip[5];

	if (ip[0] >> 4 != 6 || ip[6] != 58 || ip[7] != 255 || icmp[0] != 135 || icmp[1] != 0 ||
	    MLAG_ANSWER_ICMP + payload_size > size) {
		return false;
	}
	if (payload_size == 32) {
		if (option[0] != 1 || option[1] != 1 ||
		    !mlag_bytes_equal(option + 2, frame + 6, 6)) {
			return false;
		}
	} else if (payload_size != 24) {
		return false;
	}
	return mlag_mac_is_host(frame + 6) && !mlag_bytes_zero(ip + 8, 16) && ip[8] != 0xff &&
	       frame[MLAG_ANSWER_TARGET] != 0xff &&
	       !mlag_bytes_equal(ip + 8, frame + MLAG_ANSWER_TARGET, 16) &&
	       mlag_is_asked_of(ip + 24, frame + MLAG_ANSWER_TARGET);
}

/**
 * mlag_question_family() - which kind of question a frame is
 * @frame: MLAG_ANSWER_FRAME_SIZE bytes to be read, as in mlag_is_ns_question()
 * @size: of the frame
 *
 * Return: 4, 6, or 0 for none that is answered.
 */
MLAG_INLINE __u8 mlag_question_family(const __u8 *frame, __u32 size)
{
	__u32 type = (__u32)frame[12] << 8 | frame[13];

	if (type == 0x0806 && size >= MLAG_ANSWER_ARP_SIZE) {
		return mlag_is_arp_question(frame) ? 4 : 0;
	}
	if (type == 0x86dd && size >= MLAG_ANSWER_NS_SHORT_SIZE) {
		return mlag_is_ns_question(frame, size) ? 6 : 0;
	}
	return 0;
}

/**
 * mlag_question_address() - the address asked for, as the map of addresses has it
 * @svi: where the question arrived
 * @frame: a question
 * @family: 4 or 6
 * @ret: filled
 */
MLAG_INLINE void mlag_question_address(const struct mlag_answer_svi *svi, const __u8 *frame,
				       __u8 family, struct mlag_address *ret)
{
	bool link_local;

	__builtin_memset(ret, 0, sizeof(*ret));
	ret->family = family;
	if (family == 4) {
		__builtin_memcpy(ret->octets, frame + MLAG_ANSWER_ETHERNET_SIZE + 24, 4);
		link_local = ret->octets[0] == 169 && ret->octets[1] == 254;
	} else {
		__builtin_memcpy(ret->octets, frame + MLAG_ANSWER_TARGET, 16);
		link_local = ret->octets[0] == 0xfe && (ret->octets[1] & 0xc0) == 0x80;
	}
	if (link_local) {
		ret->vlan = svi->vlan;
	} else {
		ret->domain = svi->domain;
	}
}

/**
 * mlag_answers() - R30: whether the peer's MAC is the answer
 * @svi: where the question arrived
 * @frame: a question
 * @owner: enum mlag_owner, of the address asked for
 */
MLAG_INLINE bool mlag_answers(const struct mlag_answer_svi *svi, const __u8 *frame, __u8 owner)
{
	return owner == MLAG_OWNER_PEER && mlag_mac_is_host(svi->peer_mac) &&
	       !mlag_bytes_equal(frame + 6, svi->peer_mac, 6);
}

/* Back to who asked, from the peer's MAC. */
MLAG_INLINE void mlag_answer_turn(const struct mlag_answer_svi *svi, __u8 *frame)
{
	__builtin_memcpy(frame, frame + 6, 6);
	__builtin_memcpy(frame + 6, svi->peer_mac, 6);
}

/** mlag_answer_arp() - make the reply out of the request; its size stays */
MLAG_INLINE void mlag_answer_arp(const struct mlag_answer_svi *svi, __u8 *frame)
{
	__u8 *arp = frame + MLAG_ANSWER_ETHERNET_SIZE;
	__u8 target[4];

	mlag_answer_turn(svi, frame);
	__builtin_memcpy(target, arp + 24, 4);
	arp[7] = 2;
	__builtin_memcpy(arp + 18, arp + 8, 10); /* who asked is who is told */
	__builtin_memcpy(arp + 8, svi->peer_mac, 6);
	__builtin_memcpy(arp + 14, target, 4);
}

/* The checksum of an ICMPv6 message of @size bytes (24 or 32) and its pseudo header. */
MLAG_INLINE __u16 mlag_answer_checksum(const __u8 *frame, __u32 size)
{
	__u32 sum = size + 58;

	for (__u32 at = MLAG_ANSWER_IP + 8; at < MLAG_ANSWER_OPTION; at += 2) {
		sum += (__u32)frame[at] << 8 | frame[at + 1];
	}
	if (size == 32) {
		for (__u32 at = MLAG_ANSWER_OPTION; at < MLAG_ANSWER_NS_SIZE; at += 2) {
			sum += (__u32)frame[at] << 8 | frame[at + 1];
		}
	}
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (__u16)~sum;
}

/**
 * mlag_answer_ns() - make the advertisement out of the solicitation; its size stays
 *
 * With the sender's MAC in the question there is room for ours in the answer; who did not tell his
 * knows ours already, and only wants to hear that we are there.
 */
MLAG_INLINE void mlag_answer_ns(const struct mlag_answer_svi *svi, __u8 *frame)
{
	__u8 *ip = frame + MLAG_ANSWER_IP;
	__u8 *icmp = frame + MLAG_ANSWER_ICMP;
	__u32 size = ip[5];
	__u16 checksum;

	mlag_answer_turn(svi, frame);
	__builtin_memcpy(ip + 24, ip + 8, 16);
	__builtin_memcpy(ip + 8, frame + MLAG_ANSWER_TARGET, 16);
	icmp[0] = 136;
	icmp[2] = 0;
	icmp[3] = 0;
	icmp[4] = size == 32 ? 0xe0 : 0xc0; /* router, solicited; with a MAC: override */
	icmp[5] = 0;
	icmp[6] = 0;
	icmp[7] = 0;
	if (size == 32) {
		frame[MLAG_ANSWER_OPTION] = 2;
		__builtin_memcpy(frame + MLAG_ANSWER_OPTION + 2, svi->peer_mac, 6);
	}
	checksum = mlag_answer_checksum(frame, size);
	icmp[2] = (__u8)(checksum >> 8);
	icmp[3] = (__u8)checksum;
}

/**
 * mlag_is_question_for_peer() - whether a frame with the peer's MAC is to be ours to look at
 * @frame: MLAG_ANSWER_FRAME_SIZE bytes to be read, without a tag
 * @size: of the frame
 *
 * It would go to the peer link, which does not carry.
 */
MLAG_INLINE bool mlag_is_question_for_peer(const __u8 *frame, __u32 size)
{
	return !mlag_mac_is_group(frame) && mlag_question_family(frame, size) != 0;
}

#endif
