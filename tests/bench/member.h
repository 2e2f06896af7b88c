/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One member of a pair to be measured: a plain bridge in a namespace of its own, with a leg that
 * frames come by, one that they leave by, and the peer link, whose far ends are sinks.
 */
#ifndef MLAG_TESTS_MEMBER_H
#define MLAG_TESTS_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire.h"
#include "datapath/datapath.h"

struct aid_bpf;

/* How the programs are attached. */
enum member_way {
	MEMBER_BARE, /* not at all */
	MEMBER_CLSACT,
	MEMBER_TCX,
};

struct member {
	uint32_t bridge, in, in_far, out, peer_link;
	bool filtered; /* by nft */
	uint8_t own_mac[6];
	struct aid_bpf *aid;
	struct datapath *dp[MEMBER_TCX + 1]; /* none for bare; tcx: none where it is not possible */
	struct datapath *attached;
	int nothing[3]; /* links */
};

extern const uint8_t MEMBER_HOST[6];	 /* behind the leg that frames come by */
extern const uint8_t MEMBER_NEIGHBOR[6]; /* behind the other one */
extern const uint8_t MEMBER_PEER[6];	 /* the peer's router MAC */

#define MEMBER_THIRD "10.0.20.9" /* an address behind the other leg */
#define MEMBER_PEER_IP "10.0.10.2"

/* Everything but programs. */
void member_make(struct member *ret);

/* Attaches programs, says which shortcuts may be taken, and XDP too or not. */
void member_attach(struct member *member, enum member_way way, uint32_t shortcuts, bool xdp);

/* Says which shortcuts may be taken by what is attached. */
void member_shortcuts(struct member *member, uint32_t shortcuts);

void member_detach(struct member *member);

/*
 * R1 by a filter of nft in the family bridge, as people build it without eBPF, until member_detach().
 * Return: false where there is no nft, or the kernel has no such filter.
 */
bool member_attach_filter(struct member *member);

/* Programs that do nothing, by tcx, where ours would be: what the hooks cost. */
void member_attach_nothing(struct member *member);

/* The bare redirect from leg to leg instead of everything. */
void member_attach_redirect(struct member *member, bool attached);

/* A packet from the host to a MAC and an address. */
void member_packet(struct wire_frame *ret, const uint8_t *destination_mac, const char *destination);

/* Sends @count of a frame into the leg.  Return: ns a frame that arrived at a sink. */
double member_send(const struct member *member, const struct wire_frame *frame, uint32_t count);

void member_free(struct member *member);

#endif
