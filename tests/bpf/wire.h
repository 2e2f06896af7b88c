/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small network of veth pairs in a network namespace of the test's own, frames to send into it
 * and sockets that say what came out.  Whatever fails here fails the running test.
 */
#ifndef MLAG_TESTS_WIRE_H
#define MLAG_TESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define WIRE_FRAME_MAX 128
#define WIRE_ETHERTYPE 0x88b5 /* local experimental, so that the machine's own chatter differs */
#define WIRE_IP_PROTOCOL 253  /* likewise */

/**
 * struct wire_frame - the bytes of an Ethernet frame, tags included
 */
struct wire_frame {
	uint8_t bytes[WIRE_FRAME_MAX];
	uint32_t size;
};

/* Moves the process into a fresh network namespace, which ends with it. */
void wire_enter_namespace(void);

/* Makes a bridge and sets it up.  Return: its ifindex. */
uint32_t wire_make_bridge(const char *name);

/* Makes a veth pair, both ends up, @name a port of @bridge unless that is 0.  Return: ifindex. */
uint32_t wire_make_port(const char *name, const char *far_name, uint32_t bridge);

/*
 * Makes a bond in 802.3ad mode, up, with one slave, whose other end is @far_name; it speaks to nobody
 * and takes what arrives.  Return: false on a kernel that has no bonding.
 */
bool wire_make_bond(const char *name, const char *slave_name, const char *far_name);

/* Makes a device a port of a bridge. */
void wire_enslave(const char *name, uint32_t bridge);

void wire_delete(const char *name);

/* Return: a socket for frames at a device, to be closed by the caller. */
int wire_open(const char *name);

void wire_send(int socket, const struct wire_frame *frame);

/* The bridge's static sticky entry: @mac is behind @name, whatever arrives elsewhere. */
void wire_pin_mac(const char *name, const uint8_t *mac);

void wire_get_mac(const char *name, uint8_t *ret_mac);

void wire_set_mtu(const char *name, uint32_t mtu);

/* A feature of linux/ethtool.h (ETHTOOL_S…), e.g. receive offload: of a veth, NAPI without XDP. */
void wire_set_feature(const char *name, uint32_t ethtool_command, bool on);
#define WIRE_GRO 0x2c	  /* ETHTOOL_SGRO */
#define WIRE_NO_TAGS 0x26 /* ETHTOOL_SFLAGS: tags travel inside frames, in both directions */

/* Whether bridges hand packets to netfilter, which not every machine can tell. */
void wire_bypass_netfilter(void);

/* Return: the program that our filter at this point (a BPF_TC_…) runs, to be closed. */
int wire_open_program(uint32_t ifindex, uint32_t point);

/* Takes our clsact filter at ingress of a port away, as somebody else would. */
void wire_remove_filter(uint32_t ifindex);

/* Return: the program that a device runs at XDP, in the driver, to be closed. */
int wire_open_xdp(uint32_t ifindex);

/*
 * Waits for the next frame of WIRE_ETHERTYPE or WIRE_IP_PROTOCOL, or one with an error of ICMP, its
 * tag where it was on the wire.
 * Return: the frame's size, 0 when none came in time.
 */
uint32_t wire_receive(int socket, int timeout_ms, struct wire_frame *ret);

/* Waits until the bridge carries frames between two sockets: carrier takes the kernel a while. */
void wire_wait_forwarding(int from, int to);

/* Puts an Ethernet header, up to two tags (0 for none) and a payload of @payload_size together. */
void wire_frame_make(struct wire_frame *ret, const uint8_t *destination, const uint8_t *source,
		     const uint32_t *tags, uint32_t tags_count, uint32_t payload_size);

/* A tag for wire_frame_make(). */
#define WIRE_TAG(tpid, vid) (((uint32_t)(tpid) << 16) | (vid))

#endif
