/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small pair on paper, for walks of frames through it: LAG 1 (port 11) and LAG 2 (port 12), an
 * orphan (port 13) and the peer link (port 10), all in VLAN 10, untagged but on the peer link; VLAN 20
 * is on LAG 2 and the peer link only.
 */
#ifndef MLAG_TESTS_PAPER_H
#define MLAG_TESTS_PAPER_H

#include "explain/explain.h"

enum { PL = 10, LEG1 = 11, LEG2 = 12, ORPHAN = 13, SVI10 = 20, SVI20 = 21, OUTSIDE = 30 };

/* Who sends, who gets. */
enum who {
	OUR_MAC,
	PEER_MAC,
	AT_LAG1,
	AT_LAG2,
	AT_ORPHAN,
	AT_PEERS_ORPHAN,
	AT_LAG3, /* a LAG that only the peer has */
	STRANGER,
	BROADCAST,
	MULTICAST,
	RESERVED,
	WHO_COUNT,
};

extern const struct mlag_mac paper_macs[WHO_COUNT];

#define LAST_RESORT_IP "10.77.0.1" /* where R31 alone has a way, and not for what is marked */

/* What the programs are made to say: nothing, as forward.h, or otherwise. */
enum programs { SILENT, HONEST, WRONG };

extern struct paper {
	struct explain_scene scene;
	struct explain_port ports[4];
	enum programs programs;
	bool is_detached;
	struct explain_redirects redirects;
	uint32_t runs;
	struct mlag_decision honest; /* what HONEST answers, by the test */
} paper;

/** paper_set_up() - the setup of a test: the pair as it should be */
int paper_set_up(void **state);

/** paper_parse_ip() - an address as octets; its family */
uint8_t paper_parse_ip(const char *text, uint8_t ret[16]);

#endif
