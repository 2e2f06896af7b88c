// SPDX-License-Identifier: BSD-2-Clause
/*
 * Single questions to the kernel (see lookup.h).  Each is one request on a socket that is subscribed
 * to nothing, and the wait for its answer, which the kernel gives from within the system call.
 * control/explain.c asks.
 */
#include "kernel/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kernel/fdbmsg.h"
#include "kernel/netlink.h"

#define LOOKUP_RECEIVE_BYTES (1 << 20)
#define LOOKUP_ATTRIBUTES_MAX 80
#define LOOKUP_FLAG_LOWER_UP 0x10000 /* IFF_LOWER_UP; linux/if.h and net/if.h exclude each other */

struct lookup {
	struct netlink netlink;
};

/* A request under way. */
struct request {
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message;
};

int lookup_open(struct lookup **ret)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	int error;

	if (lookup == NULL) {
		return -ENOMEM;
	}
	error = netlink_open(&lookup->netlink, LOOKUP_RECEIVE_BYTES);
	if (error < 0) {
		free(lookup);
		return error;
	}
	*ret = lookup;
	return 0;
}

void lookup_close(struct lookup *lookup)
{
	if (lookup == NULL) {
		return;
	}
	netlink_close(&lookup->netlink);
	free(lookup);
}

/* Begin a request with its fixed part; returns that, zeroed. */
static void *begin(struct lookup *lookup, struct request *request, uint16_t type, uint16_t flags,
		   size_t header_size)
{
	request->message = netlink_prepare(&lookup->netlink, request->buffer, type, flags);
	return mnl_nlmsg_put_extra_header(request->message, header_size);
}

static int ask(struct lookup *lookup, const struct request *request, netlink_handler handler,
	       void *user)
{
	int error = netlink_send(&lookup->netlink, request->buffer, request->message->nlmsg_len);

	if (error < 0) {
		return error;
	}
	return netlink_collect(&lookup->netlink, request->message->nlmsg_seq, handler, user);
}

static uint32_t address_size(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

static uint8_t address_family(uint8_t family)
{
	return family == 4 ? AF_INET : AF_INET6;
}

/* What is behind the fixed part of a message; NULL for one that is cut short. */
static const void *header_of(const struct nlmsghdr *message, size_t size)
{
	return message->nlmsg_len < NLMSG_LENGTH(size) ? NULL : mnl_nlmsg_get_payload(message);
}

/* Attributes by type; of one that comes twice the last. */
struct table {
	const struct nlattr *attributes[LOOKUP_ATTRIBUTES_MAX];
};

static int table_add(const struct nlattr *attribute, void *user)
{
	struct table *table = user;
	uint16_t type = mnl_attr_get_type(attribute);

	if (type < LOOKUP_ATTRIBUTES_MAX) {
		table->attributes[type] = attribute;
	}
	return MNL_CB_OK;
}

/* Not mnl_attr_parse(), which rounds the length of the message up. */
static struct table table_of(const struct nlmsghdr *message, size_t header_size)
{
	struct table table = {{NULL}};

	(void)mnl_attr_parse_payload(mnl_nlmsg_get_payload_offset(message, header_size),
				     message->nlmsg_len - NLMSG_LENGTH(header_size), table_add,
				     &table);
	return table;
}

/* The bytes of an attribute, as many as wanted; false when it is not there or too short. */
static bool get_bytes(const struct nlattr *attribute, void *ret, size_t size)
{
	if (attribute == NULL || mnl_attr_get_payload_len(attribute) < size) {
		return false;
	}
	memcpy(ret, mnl_attr_get_payload(attribute), size);
	return true;
}

static uint32_t get_u32(const struct nlattr *attribute)
{
	uint32_t value = 0;

	(void)get_bytes(attribute, &value, sizeof(value));
	return value;
}

static uint8_t get_u8(const struct nlattr *attribute)
{
	uint8_t value = 0;

	(void)get_bytes(attribute, &value, sizeof(value));
	return value;
}

/* ---- ports ---------------------------------------------------------------------------------- */

struct ports_walk {
	uint32_t bridge_ifindex;
	void (*on_port)(void *user, const struct lookup_port *port);
	void *user;
};

static void read_port(const struct table *table, struct lookup_port *ret)
{
	struct table port = {{NULL}};
	const struct nlattr *name = table->attributes[IFLA_IFNAME];

	if (name != NULL && mnl_attr_get_payload_len(name) < IFNAMSIZ) {
		(void)get_bytes(name, ret->ifname, mnl_attr_get_payload_len(name));
	}
	if (table->attributes[IFLA_PROTINFO] != NULL) {
		(void)mnl_attr_parse_nested(table->attributes[IFLA_PROTINFO], table_add, &port);
	}
	ret->state = get_u8(port.attributes[IFLA_BRPORT_STATE]);
	ret->locked = get_u8(port.attributes[IFLA_BRPORT_LOCKED]) != 0;
	ret->is_isolated = get_u8(port.attributes[IFLA_BRPORT_ISOLATED]) != 0;
}

static void on_port_message(void *user, const struct nlmsghdr *message)
{
	struct ports_walk *walk = user;
	const struct ifinfomsg *header = header_of(message, sizeof(*header));
	const uint32_t carrier = IFF_UP | LOOKUP_FLAG_LOWER_UP;
	struct lookup_port port = {0};
	struct table table;
	uint32_t ifindex;

	if (message->nlmsg_type != RTM_NEWLINK || header == NULL) {
		return;
	}
	table = table_of(message, sizeof(*header));
	port.ifindex = (uint32_t)header->ifi_index;
	port.carrier = (header->ifi_flags & carrier) == carrier;
	port.is_bridge = port.ifindex == walk->bridge_ifindex;
	read_port(&table, &port);
	if (!port.is_bridge && get_u32(table.attributes[IFLA_MASTER]) != walk->bridge_ifindex) {
		return;
	}
	if (linkmsg_parse_vlans(message, &ifindex, &port.vlans) == 0 &&
	    (port.is_bridge || linkmsg_parse_settings(message, &ifindex, &port.settings) == 0)) {
		walk->on_port(walk->user, &port);
	}
}

int lookup_ports(struct lookup *lookup, uint32_t bridge_ifindex,
		 void (*on_port)(void *user, const struct lookup_port *port), void *user)
{
	struct ports_walk walk = {
		.bridge_ifindex = bridge_ifindex,
		.on_port = on_port,
		.user = user,
	};
	struct ifinfomsg *header;
	struct request request;

	header = begin(lookup, &request, RTM_GETLINK, NLM_F_DUMP, sizeof(*header));
	header->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(request.message, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
	return ask(lookup, &request, on_port_message, &walk);
}

struct link_answer {
	struct linkmsg link;
	bool found;
};

static void on_link_message(void *user, const struct nlmsghdr *message)
{
	struct link_answer *answer = user;

	if (message->nlmsg_type == RTM_NEWLINK && linkmsg_parse(message, &answer->link) == 0) {
		answer->found = true;
	}
}

int lookup_link(struct lookup *lookup, uint32_t ifindex, struct linkmsg *ret)
{
	struct link_answer answer = {.found = false};
	struct ifinfomsg *header;
	struct request request;
	int error;

	header = begin(lookup, &request, RTM_GETLINK, NLM_F_ACK, sizeof(*header));
	header->ifi_index = (int)ifindex;
	mnl_attr_put_u32(request.message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	error = ask(lookup, &request, on_link_message, &answer);
	if (error < 0) {
		return error;
	}
	*ret = answer.link;
	return answer.found ? 0 : -ENODEV;
}

/* ---- FDB ------------------------------------------------------------------------------------ */

struct fdb_answer {
	struct fdbmsg_bridge bridge;
	struct mlag_fdb_entry entry;
	int result;
};

static void on_fdb_message(void *user, const struct nlmsghdr *message)
{
	struct fdb_answer *answer = user;
	struct mlag_mac_key key;

	if (message->nlmsg_type == RTM_NEWNEIGH) {
		answer->result = fdbmsg_parse(message, &answer->bridge, &key, &answer->entry);
	}
}

int lookup_fdb(struct lookup *lookup, uint32_t bridge_ifindex, bool vlan_aware,
	       const struct mlag_mac_key *key, struct mlag_fdb_entry *ret)
{
	struct fdb_answer answer = {
		.bridge = {.ifindex = bridge_ifindex, .vlan_aware = vlan_aware},
		.result = -ENOENT,
	};
	struct request request;
	int error;

	request.message =
		netlink_prepare(&lookup->netlink, request.buffer, RTM_GETNEIGH, NLM_F_ACK);
	fdbmsg_put_get(request.message, key, &answer.bridge);
	error = ask(lookup, &request, on_fdb_message, &answer);
	if (error < 0) {
		return error;
	}
	*ret = answer.entry;
	/* What is not spoken of elsewhere (an entry of the bridge itself) is this machine's. */
	return answer.result == -ENOMSG ? -EADDRINUSE : answer.result;
}

/* ---- routes --------------------------------------------------------------------------------- */

/* A next hop of another family than the packet's. */
static void read_via(const struct nlattr *attribute, struct lookup_route *ret)
{
	const struct rtvia *via;
	uint32_t size;

	if (attribute == NULL || mnl_attr_get_payload_len(attribute) < sizeof(*via)) {
		return;
	}
	via = mnl_attr_get_payload(attribute);
	size = address_size(via->rtvia_family == AF_INET ? 4 : 6);
	if (mnl_attr_get_payload_len(attribute) >= sizeof(*via) + size) {
		ret->gateway_family = via->rtvia_family == AF_INET ? 4 : 6;
		memcpy(ret->gateway, via->rtvia_addr, size);
	}
}

static void on_route_message(void *user, const struct nlmsghdr *message)
{
	struct lookup_route *route = user;
	const struct rtmsg *header = header_of(message, sizeof(*header));
	struct table table;
	uint8_t family;

	if (message->nlmsg_type != RTM_NEWROUTE || header == NULL) {
		return;
	}
	table = table_of(message, sizeof(*header));
	family = header->rtm_family == AF_INET ? 4 : 6;
	route->type = header->rtm_type;
	route->prefix_size = header->rtm_dst_len;
	route->table = table.attributes[RTA_TABLE] != NULL ? get_u32(table.attributes[RTA_TABLE])
							   : header->rtm_table;
	route->metric = get_u32(table.attributes[RTA_PRIORITY]);
	route->ifindex = get_u32(table.attributes[RTA_OIF]);
	(void)get_bytes(table.attributes[RTA_DST], route->prefix, address_size(family));
	if (get_bytes(table.attributes[RTA_GATEWAY], route->gateway, address_size(family))) {
		route->gateway_family = family;
	}
	read_via(table.attributes[RTA_VIA], route);
}

/* @flags: RTM_F_FIB_MATCH for the route as it was configured, else the way it really takes. */
static int ask_route(struct lookup *lookup, const struct lookup_packet *packet, uint32_t flags,
		     struct lookup_route *ret)
{
	uint16_t size = (uint16_t)address_size(packet->family);
	struct request request;
	struct rtmsg *header;

	header = begin(lookup, &request, RTM_GETROUTE, NLM_F_ACK, sizeof(*header));
	header->rtm_family = address_family(packet->family);
	header->rtm_dst_len = (uint8_t)(size * 8);
	header->rtm_src_len = (uint8_t)(size * 8);
	header->rtm_tos = packet->family == 4 ? (uint8_t)(packet->tos & ~3u) : 0;
	header->rtm_flags = flags;
	mnl_attr_put(request.message, RTA_DST, size, packet->destination);
	mnl_attr_put(request.message, RTA_SRC, size, packet->source);
	mnl_attr_put_u32(request.message, RTA_IIF, packet->ifindex);
	if (packet->mark != 0) {
		mnl_attr_put_u32(request.message, RTA_MARK, packet->mark);
	}
	if (packet->source_port != 0 &&
	    (packet->protocol == IPPROTO_UDP || packet->protocol == IPPROTO_TCP)) {
		mnl_attr_put_u8(request.message, RTA_IP_PROTO, packet->protocol);
		mnl_attr_put_u16(request.message, RTA_SPORT, htons(packet->source_port));
		mnl_attr_put_u16(request.message, RTA_DPORT, htons(packet->destination_port));
	}
	memset(ret, 0, sizeof(*ret));
	return ask(lookup, &request, on_route_message, ret);
}

/* What an answer of IPv6 says in its type, IPv4 says by an error. */
static int type_error(uint8_t type)
{
	switch (type) {
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_PROHIBIT:
		return -EACCES;
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_UNSPEC:
		return -ENETUNREACH;
	default:
		return 0;
	}
}

int lookup_route(struct lookup *lookup, const struct lookup_packet *packet,
		 struct lookup_route *ret)
{
	struct lookup_route matched;
	int error = ask_route(lookup, packet, 0, ret);

	if (error == 0) {
		error = type_error(ret->type);
	}
	if (error < 0) {
		return error;
	}
	ret->table = 0;
	ret->metric = 0;
	if (ask_route(lookup, packet, RTM_F_FIB_MATCH, &matched) == 0) {
		ret->table = matched.table;
		ret->metric = matched.metric;
		ret->prefix_size = matched.prefix_size;
		memcpy(ret->prefix, matched.prefix, sizeof(ret->prefix));
	}
	return 0;
}

struct forwarding_answer {
	bool is_on;
};

static void on_netconf_message(void *user, const struct nlmsghdr *message)
{
	struct forwarding_answer *answer = user;
	struct table table;

	if (message->nlmsg_type == RTM_NEWNETCONF &&
	    header_of(message, sizeof(struct netconfmsg)) != NULL) {
		table = table_of(message, sizeof(struct netconfmsg));
		answer->is_on = get_u32(table.attributes[NETCONFA_FORWARDING]) != 0;
	}
}

int lookup_forwarding(struct lookup *lookup, uint32_t ifindex, uint8_t family, bool *ret)
{
	struct forwarding_answer answer = {.is_on = false};
	struct netconfmsg *header;
	struct request request;
	int error;

	header = begin(lookup, &request, RTM_GETNETCONF, NLM_F_ACK, sizeof(*header));
	header->ncm_family = address_family(family);
	mnl_attr_put_u32(request.message, NETCONFA_IFINDEX, ifindex);
	error = ask(lookup, &request, on_netconf_message, &answer);
	*ret = answer.is_on;
	return error;
}

static int read_redirects(const char *ifname, bool *ret)
{
	char path[64 + IFNAMSIZ];
	char word[2] = "";
	int fd, error = 0;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/send_redirects", ifname);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	if (read(fd, word, 1) != 1) {
		error = -EIO;
	}
	(void)close(fd);
	*ret = word[0] != '0';
	return error;
}

int lookup_redirects(const char *ifname, bool *ret)
{
	bool here = false, all = false;
	int error = read_redirects(ifname, &here);

	if (error == 0) {
		error = read_redirects("all", &all);
	}
	if (error == 0) {
		*ret = here || all;
	}
	return error;
}

/* ---- neighbours and addresses --------------------------------------------------------------- */

/* What is looked for, and what was found. */
struct neighbor_walk {
	uint32_t ifindex;
	uint8_t family;
	const struct mlag_mac *mac_wanted;
	bool found;
	struct mlag_mac mac;
	uint8_t address[16];
};

static void on_neighbor_message(void *user, const struct nlmsghdr *message)
{
	struct neighbor_walk *walk = user;
	const struct ndmsg *header = header_of(message, sizeof(*header));
	uint8_t address[16] = {0};
	struct table table;
	struct mlag_mac mac = {0};

	if (message->nlmsg_type != RTM_NEWNEIGH || header == NULL ||
	    (uint32_t)header->ndm_ifindex != walk->ifindex ||
	    (header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE)) != 0 || walk->found) {
		return;
	}
	table = table_of(message, sizeof(*header));
	(void)get_bytes(table.attributes[NDA_DST], address, address_size(walk->family));
	if (!get_bytes(table.attributes[NDA_LLADDR], mac.octets, sizeof(mac.octets)) ||
	    (walk->mac_wanted != NULL && memcmp(walk->mac_wanted, &mac, sizeof(mac)) != 0)) {
		return;
	}
	/* A link-local address is not what a packet for elsewhere has as its source. */
	if (walk->mac_wanted != NULL && walk->family == 6 && address[0] == 0xfe) {
		return;
	}
	walk->found = true;
	walk->mac = mac;
	memcpy(walk->address, address, sizeof(walk->address));
}

int lookup_neighbor(struct lookup *lookup, uint32_t ifindex, uint8_t family, const uint8_t *address,
		    struct mlag_mac *ret)
{
	struct neighbor_walk walk = {.ifindex = ifindex, .family = family};
	struct ndmsg *header;
	struct request request;
	int error;

	header = begin(lookup, &request, RTM_GETNEIGH, NLM_F_ACK, sizeof(*header));
	header->ndm_family = address_family(family);
	header->ndm_ifindex = (int)ifindex;
	mnl_attr_put(request.message, NDA_DST, address_size(family), address);
	error = ask(lookup, &request, on_neighbor_message, &walk);
	if (error < 0) {
		return error;
	}
	*ret = walk.mac;
	return walk.found ? 0 : -ENOENT;
}

int lookup_neighbor_of(struct lookup *lookup, uint32_t ifindex, uint8_t family,
		       const struct mlag_mac *mac, uint8_t ret[16])
{
	struct neighbor_walk walk = {.ifindex = ifindex, .family = family, .mac_wanted = mac};
	struct ndmsg *header;
	struct request request;
	int error;

	header = begin(lookup, &request, RTM_GETNEIGH, NLM_F_DUMP, sizeof(*header));
	header->ndm_family = address_family(family);
	mnl_attr_put_u32(request.message, NDA_IFINDEX, ifindex);
	error = ask(lookup, &request, on_neighbor_message, &walk);
	if (error < 0) {
		return error;
	}
	memcpy(ret, walk.address, sizeof(walk.address));
	return walk.found ? 0 : -ENOENT;
}

struct address_walk {
	uint32_t ifindex;
	uint8_t family;
	uint8_t prefix_size;
	bool found;
	uint8_t address[16];
};

static void on_address_message(void *user, const struct nlmsghdr *message)
{
	struct address_walk *walk = user;
	const struct ifaddrmsg *header = header_of(message, sizeof(*header));
	uint32_t size = address_size(walk->family);
	struct table table;

	if (message->nlmsg_type != RTM_NEWADDR || header == NULL || walk->found ||
	    header->ifa_index != walk->ifindex || header->ifa_scope != RT_SCOPE_UNIVERSE) {
		return;
	}
	table = table_of(message, sizeof(*header));
	walk->found = get_bytes(table.attributes[IFA_LOCAL], walk->address, size) ||
		      get_bytes(table.attributes[IFA_ADDRESS], walk->address, size);
	walk->prefix_size = header->ifa_prefixlen;
}

int lookup_address(struct lookup *lookup, uint32_t ifindex, uint8_t family, uint8_t ret[16],
		   uint8_t *ret_prefix_size)
{
	struct address_walk walk = {.ifindex = ifindex, .family = family};
	struct ifaddrmsg *header;
	struct request request;
	int error;

	header = begin(lookup, &request, RTM_GETADDR, NLM_F_DUMP, sizeof(*header));
	header->ifa_family = address_family(family);
	error = ask(lookup, &request, on_address_message, &walk);
	if (error < 0) {
		return error;
	}
	memcpy(ret, walk.address, sizeof(walk.address));
	*ret_prefix_size = walk.prefix_size;
	return walk.found ? 0 : -ENOENT;
}
