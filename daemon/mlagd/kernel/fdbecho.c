// SPDX-License-Identifier: BSD-2-Clause
/*
 * Each write to the FDB comes back as an event.  To read 50 000 of them costs half as much again as
 * to write the entries, so the socket drops those that can be nothing else
 * (docs/decisions/0025-echoes-of-own-writes.md), and the acknowledgement says what they would
 * have said.  With that the order of a write and of an event that crossed it is lost: of a key that
 * was written since the events were last read dry an event is not believed, but the kernel asked.
 * fdb.c and fdbbatch.c call this.
 */
#include "kernel/fdbecho.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define AT(field) (NLMSG_HDRLEN + (uint32_t)offsetof(struct ndmsg, field))
#define AT_ATTRIBUTES (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ndmsg)))
#define ATTRIBUTE ((uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR))
#define NESTED_ATTRIBUTE ((uint32_t)(SKF_AD_OFF + SKF_AD_NLATTR_NEST))
#define ECHO_NOTIFY (FDB_NOTIFY_BIT | FDB_NOTIFY_INACTIVE_BIT)

/* Places in the filter. */
enum { IS_EXTERNAL = 26, ACCEPT = 30, DROP = 31 };

#define LOAD(size, mode, from) BPF_STMT(BPF_LD | BPF_##size | BPF_##mode, (uint32_t)(from))
#define LOAD_INDEX(value) BPF_STMT(BPF_LDX | BPF_IMM, value)
#define IF(test, at, value, then, otherwise)                                             \
	[at] = BPF_JUMP(BPF_JMP | BPF_##test | BPF_K, value, (uint8_t)((then) - (at)-1), \
			(uint8_t)((otherwise) - (at)-1))

/* Fields are in this machine's order, and a filter loads them as if they came from the network. */
int fdbecho_filter(struct netlink *events, uint32_t peer_link_ifindex)
{
	struct sock_filter code[] = {
		[0] = LOAD(B, ABS, AT(ndm_family)),
		IF(JEQ, 1, AF_BRIDGE, 2, DROP),
		[2] = LOAD(H, ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		IF(JEQ, 3, htons(RTM_NEWNEIGH), 4, ACCEPT),
		[4] = LOAD(B, ABS, AT(ndm_flags)),
		IF(JEQ, 5, NTF_EXT_LEARNED, IS_EXTERNAL, 6),
		IF(JEQ, 6, 0, 7, ACCEPT),
		/* Static, and not seen here, as it says itself. */
		[7] = LOAD(H, ABS, AT(ndm_state)),
		IF(JEQ, 8, htons(NUD_NOARP), 9, ACCEPT),
		[9] = LOAD(W, IMM, AT_ATTRIBUTES),
		[10] = LOAD_INDEX(NDA_FDB_EXT_ATTRS),
		[11] = LOAD(W, ABS, ATTRIBUTE),
		IF(JEQ, 12, 0, ACCEPT, 13),
		[13] = LOAD_INDEX(NFEA_ACTIVITY_NOTIFY),
		[14] = LOAD(W, ABS, NESTED_ATTRIBUTE),
		IF(JEQ, 15, 0, ACCEPT, 16),
		[16] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
		[17] = LOAD(B, IND, sizeof(struct nlattr)),
		IF(JEQ, 18, ECHO_NOTIFY, 19, ACCEPT),
		/* What fell silent was seen an ageing time ago; what was created just now, now. */
		[19] = LOAD(W, IMM, AT_ATTRIBUTES),
		[20] = LOAD_INDEX(NDA_CACHEINFO),
		[21] = LOAD(W, ABS, ATTRIBUTE),
		IF(JEQ, 22, 0, ACCEPT, 23),
		[23] = BPF_STMT(BPF_MISC | BPF_TAX, 0),
		[24] = LOAD(W, IND,
			    sizeof(struct nlattr) + offsetof(struct nda_cacheinfo, ndm_updated)),
		IF(JEQ, 25, 0, DROP, ACCEPT),
		/* Nothing is learned on the peer link (R7): what is there was written. */
		[IS_EXTERNAL] = LOAD(H, ABS, AT(ndm_state)),
		IF(JSET, 27, htons(NUD_NOARP | NUD_PERMANENT), ACCEPT, 28),
		[28] = LOAD(W, ABS, AT(ndm_ifindex)),
		IF(JEQ, 29, htonl(peer_link_ifindex), DROP, ACCEPT),
		[ACCEPT] = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		[DROP] = BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	if (setsockopt(netlink_fd(events), SOL_SOCKET, SO_ATTACH_FILTER, &program,
		       sizeof(program)) < 0) {
		return -errno;
	}
	return 0;
}

bool fdbecho_is_silent(const struct mlag_fdb_entry *entry)
{
	switch (entry->kind) {
	case MLAG_FDB_INACTIVE:
	case MLAG_FDB_EXTERNAL:
		return true;
	case MLAG_FDB_NONE:
	case MLAG_FDB_DYNAMIC:
	case MLAG_FDB_ACTIVE:
	case MLAG_FDB_OPERATOR:
	case MLAG_FDB_STICKY:
		break;
	}
	return false;
}

/* Somebody who finds keys that share a bit makes us ask more often, and nothing else. */
static uint32_t bit_of(const struct mlag_mac_key *key)
{
	uint64_t value = key->vlan;

	for (uint32_t i = 0; i < sizeof(key->mac.octets); i++) {
		value = value << 8 | key->mac.octets[i];
	}
	return (uint32_t)((value * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % FDBECHO_BITS;
}

void fdbecho_mark(struct fdbecho *echo, const struct mlag_mac_key *key)
{
	uint32_t bit = bit_of(key);

	echo->words[bit / 64] |= UINT64_C(1) << bit % 64;
	echo->marked = true;
}

void fdbecho_clear(struct fdbecho *echo)
{
	if (echo->marked) {
		memset(echo, 0, sizeof(*echo));
	}
}

bool fdbecho_outdates(const struct fdbecho *echo, const struct mlag_mac_key *key,
		      const struct mlag_fdb_entry *entry)
{
	uint32_t bit = bit_of(key);

	return echo->marked && entry->kind != MLAG_FDB_INACTIVE &&
	       (echo->words[bit / 64] >> bit % 64 & 1) != 0;
}
