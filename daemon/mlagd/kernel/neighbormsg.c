// SPDX-License-Identifier: BSD-2-Clause
/*
 * Neighbour messages.  What an entry proves is in two places of a message: the state (who confirmed
 * it, and when) and the protocol (who wrote it).  neighbors.c calls this for events, dumps and
 * batches; nothing else in the daemon knows these encodings.
 */
#include "kernel/neighbormsg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

struct neighbormsg_attributes {
	const struct nlattr *address;
	const struct nlattr *mac;
	const struct nlattr *protocol;
};

static int neighbormsg_index(const struct nlattr *attribute, void *user)
{
	struct neighbormsg_attributes *attributes = user;

	switch (mnl_attr_get_type(attribute)) {
	case NDA_DST:
		attributes->address = attribute;
		break;
	case NDA_LLADDR:
		attributes->mac = attribute;
		break;
	case NDA_PROTOCOL:
		attributes->protocol = attribute;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* A state with no MAC that a person set (NOARP) is his word as much as a permanent one. */
static enum mlag_neighbor_state neighbormsg_state(const struct nlmsghdr *message, uint16_t state)
{
	if (message->nlmsg_type == RTM_DELNEIGH) {
		return MLAG_NEIGHBOR_NONE;
	}
	if ((state & (NUD_PERMANENT | NUD_NOARP)) != 0) {
		return MLAG_NEIGHBOR_STATIC;
	}
	if ((state & NUD_REACHABLE) != 0) {
		return MLAG_NEIGHBOR_CONFIRMED;
	}
	if ((state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) != 0) {
		return MLAG_NEIGHBOR_KNOWN;
	}
	return (state & NUD_FAILED) != 0 ? MLAG_NEIGHBOR_FAILED : MLAG_NEIGHBOR_NONE;
}

static int neighbormsg_fill(const struct nlmsghdr *message, const struct ndmsg *header,
			    const struct neighbormsg_attributes *attributes,
			    struct neighbormsg *ret)
{
	size_t size = header->ndm_family == AF_INET ? 4 : 16;

	if (header->ndm_ifindex <= 0 || attributes->address == NULL ||
	    mnl_attr_get_payload_len(attributes->address) != size) {
		return -EBADMSG;
	}
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (uint32_t)header->ndm_ifindex;
	ret->family = header->ndm_family == AF_INET ? 4 : 6;
	memcpy(ret->octets, mnl_attr_get_payload(attributes->address), size);
	ret->entry.state = neighbormsg_state(message, header->ndm_state);
	/* Who writes it anew without the flag makes it his own; the protocol would stay. */
	ret->entry.marked = (header->ndm_flags & NTF_EXT_LEARNED) != 0 &&
			    attributes->protocol != NULL &&
			    mnl_attr_get_payload_len(attributes->protocol) >= sizeof(uint8_t) &&
			    mnl_attr_get_u8(attributes->protocol) == NEIGHBORMSG_PROTOCOL;
	if (ret->entry.state < MLAG_NEIGHBOR_KNOWN) {
		return 0;
	}
	if (attributes->mac == NULL ||
	    mnl_attr_get_payload_len(attributes->mac) != sizeof(ret->entry.mac)) {
		return -EBADMSG;
	}
	memcpy(&ret->entry.mac, mnl_attr_get_payload(attributes->mac), sizeof(ret->entry.mac));
	return 0;
}

int neighbormsg_parse(const struct nlmsghdr *message, struct neighbormsg *ret)
{
	struct neighbormsg_attributes attributes = {0};
	const struct ndmsg *header;

	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if ((header->ndm_family != AF_INET && header->ndm_family != AF_INET6) ||
	    (header->ndm_flags & NTF_PROXY) != 0 || header->ndm_type != RTN_UNICAST ||
	    (message->nlmsg_type == RTM_NEWNEIGH && header->ndm_state == NUD_INCOMPLETE)) {
		return -ENOMSG;
	}
	/* Not mnl_attr_parse(), which rounds the length of the message up. */
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     neighbormsg_index, &attributes);
	return neighbormsg_fill(message, header, &attributes, ret);
}

/* The kernel loads words in network order, but netlink is in that of the machine. */
void neighbormsg_make_filter(uint32_t portid, struct sock_filter *ret_code)
{
	const uint32_t body = NLMSG_HDRLEN;
	const struct sock_filter code[NEIGHBORMSG_FILTER_SIZE] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 0, 10),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(portid), 8, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, body + offsetof(struct ndmsg, ndm_family)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, body + offsetof(struct ndmsg, ndm_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, RTN_UNICAST, 0, 3),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, body + offsetof(struct ndmsg, ndm_flags)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NTF_PROXY, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};

	memcpy(ret_code, code, sizeof(code));
}

static struct ndmsg *neighbormsg_put(struct nlmsghdr *message, const struct neighbormsg *neighbor)
{
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndm_family = neighbor->family == 4 ? AF_INET : AF_INET6;
	header->ndm_ifindex = (int)neighbor->ifindex;
	mnl_attr_put(message, NDA_DST, neighbor->family == 4 ? 4 : 16, neighbor->octets);
	return header;
}

void neighbormsg_put_set(struct nlmsghdr *message, const struct neighbormsg *neighbor)
{
	struct ndmsg *header = neighbormsg_put(message, neighbor);

	header->ndm_state = NUD_STALE;
	header->ndm_flags = NTF_EXT_LEARNED;
	mnl_attr_put(message, NDA_LLADDR, sizeof(neighbor->entry.mac), &neighbor->entry.mac);
	mnl_attr_put_u8(message, NDA_PROTOCOL, NEIGHBORMSG_PROTOCOL);
}

void neighbormsg_put_keep(struct nlmsghdr *message, const struct neighbormsg *neighbor)
{
	struct ndmsg *header = neighbormsg_put(message, neighbor);

	header->ndm_state = NUD_REACHABLE;
	mnl_attr_put_u8(message, NDA_PROTOCOL, RTPROT_KERNEL);
}

void neighbormsg_put_key(struct nlmsghdr *message, const struct neighbormsg *neighbor)
{
	(void)neighbormsg_put(message, neighbor);
}

void neighbormsg_put_dump(struct nlmsghdr *message, uint8_t family)
{
	struct ndmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndm_family = family == 4 ? AF_INET : AF_INET6;
}

/* ---- the tables as such --------------------------------------------------------------------- */

void neighbormsg_put_tables(struct nlmsghdr *message)
{
	struct ndtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ndtm_family = AF_UNSPEC;
}

struct neighbormsg_table_attributes {
	const struct nlattr *config;
	const struct nlattr *statistics;
	const struct nlattr *threshold;
};

static int neighbormsg_index_table(const struct nlattr *attribute, void *user)
{
	struct neighbormsg_table_attributes *attributes = user;
	uint16_t size = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case NDTA_CONFIG:
		attributes->config = size >= sizeof(struct ndt_config) ? attribute : NULL;
		break;
	case NDTA_STATS:
		attributes->statistics = size >= sizeof(struct ndt_stats) ? attribute : NULL;
		break;
	case NDTA_THRESH3:
		attributes->threshold = size >= sizeof(uint32_t) ? attribute : NULL;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

int neighbormsg_parse_table(const struct nlmsghdr *message, struct neighbormsg_table *ret)
{
	struct neighbormsg_table_attributes attributes = {0};
	const struct ndtmsg *header;
	struct ndt_statistics_copy {
		struct ndt_config config;
		struct ndt_stats statistics;
	} copy;

	if (message->nlmsg_type != RTM_NEWNEIGHTBL) {
		return -ENOMSG;
	}
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof(*header))) {
		return -EBADMSG;
	}
	header = mnl_nlmsg_get_payload(message);
	if (header->ndtm_family != AF_INET && header->ndtm_family != AF_INET6) {
		return -ENOMSG;
	}
	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, sizeof(*header)),
				     message->nlmsg_len - NLMSG_LENGTH(sizeof(*header)),
				     neighbormsg_index_table, &attributes);
	if (attributes.config == NULL || attributes.statistics == NULL ||
	    attributes.threshold == NULL) {
		return -ENOMSG;
	}
	/* Attributes are aligned to four octets only. */
	memcpy(&copy.config, mnl_attr_get_payload(attributes.config), sizeof(copy.config));
	memcpy(&copy.statistics, mnl_attr_get_payload(attributes.statistics),
	       sizeof(copy.statistics));
	ret->family = header->ndtm_family == AF_INET ? 4 : 6;
	ret->entries = copy.config.ndtc_entries;
	ret->threshold = mnl_attr_get_u32(attributes.threshold);
	ret->fulls = copy.statistics.ndts_table_fulls;
	return 0;
}
