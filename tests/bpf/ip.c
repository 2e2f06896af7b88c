// SPDX-License-Identifier: BSD-2-Clause
/*
 * Packets byte by byte, so that a test can have wrong ones too; configuration by libnl and by the
 * files of /proc/sys, which show the namespace of whoever opens them.
 */
#include "ip.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/ipv6_route.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vrf.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>

#define PAYLOAD 30

uint8_t ip_parse(const char *text, uint8_t ret_octets[16])
{
	memset(ret_octets, 0, 16);
	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, ret_octets), 1);
		return 6;
	}
	assert_int_equal(inet_pton(AF_INET, text, ret_octets), 1);
	return 4;
}

static void put16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static void set_checksum(uint8_t *header)
{
	uint32_t header_size = (header[0] & 0xfu) * 4;
	uint32_t sum = 0;

	put16(header + 10, 0);
	for (uint32_t index = 0; index < header_size; index += 2) {
		sum += (uint32_t)header[index] << 8 | header[index + 1];
	}
	sum = (sum & 0xffff) + (sum >> 16);
	put16(header + 10, ~(sum + (sum >> 16)));
}

static uint32_t payload_size_of(enum ip_shape shape)
{
	return shape == IP_LARGE ? 2 * PAYLOAD : PAYLOAD;
}

/* Return: the header's size. */
static uint32_t make_ipv4(uint8_t *header, const struct ip_packet *packet)
{
	static const uint8_t NO_OPERATION[4] = {1, 1, 1, 1};
	uint32_t size = packet->shape == IP_WITH_OPTIONS ? 24 : 20;
	uint8_t octets[16];

	memset(header, 0, 20);
	header[0] = (uint8_t)(0x40 | size / 4);
	put16(header + 2, size + payload_size_of(packet->shape));
	if (packet->shape == IP_FIRST_FRAGMENT) {
		put16(header + 6, 0x2000);
	} else if (packet->shape == IP_LATER_FRAGMENT) {
		put16(header + 6, 100);
	}
	header[8] = packet->hop_limit;
	header[9] = packet->shape == IP_REDIRECT ? IPPROTO_ICMP : IP_PROTOCOL;
	assert_int_equal(ip_parse(packet->source, octets), 4);
	memcpy(header + 12, octets, 4);
	(void)ip_parse(packet->destination, octets);
	memcpy(header + 16, octets, 4);
	memcpy(header + 20, NO_OPERATION, size - 20);
	set_checksum(header);
	return size;
}

static uint32_t make_ipv6(uint8_t *header, const struct ip_packet *packet)
{
	bool options = packet->shape == IP_WITH_OPTIONS;
	bool fragment = packet->shape == IP_FIRST_FRAGMENT || packet->shape == IP_LATER_FRAGMENT;
	uint32_t size = options || fragment ? 48 : 40;
	uint8_t octets[16];

	memset(header, 0, 48);
	header[0] = 0x60;
	put16(header + 4, size - 40 + payload_size_of(packet->shape));
	header[6] = packet->shape == IP_REDIRECT ? IPPROTO_ICMPV6 : IP_PROTOCOL;
	header[7] = packet->hop_limit;
	assert_int_equal(ip_parse(packet->source, octets), 6);
	memcpy(header + 8, octets, 16);
	(void)ip_parse(packet->destination, octets);
	memcpy(header + 24, octets, 16);
	if (options) {
		header[6] = 0;
		header[40] = IP_PROTOCOL;
		header[42] = 1; /* PadN, four bytes of it */
		header[43] = 4;
	} else if (fragment) {
		header[6] = 44;
		header[40] = IP_PROTOCOL;
		put16(header + 42, packet->shape == IP_FIRST_FRAGMENT ? 1 : 800);
	}
	return size;
}

static void spoil_ipv4(struct wire_frame *frame, uint8_t *header, enum ip_shape shape)
{
	if (shape == IP_BAD_VERSION) {
		header[0] = 0x55;
	} else if (shape == IP_BAD_HEADER_SIZE) {
		header[0] = 0x44;
	} else if (shape == IP_LONGER_THAN_FRAME) {
		put16(header + 2, 20 + PAYLOAD + 1);
	} else if (shape == IP_SHORTER_THAN_HEADER) {
		put16(header + 2, 19);
	} else if (shape == IP_NO_SIZE) {
		put16(header + 2, 0);
	} else if (shape == IP_CUT_OFF) {
		frame->size = (uint32_t)(header - frame->bytes) + 19;
	}
}

static void spoil_ipv6(struct wire_frame *frame, uint8_t *header, enum ip_shape shape)
{
	if (shape == IP_BAD_VERSION) {
		header[0] = 0x45;
	} else if (shape == IP_LONGER_THAN_FRAME) {
		put16(header + 4, PAYLOAD + 1);
	} else if (shape == IP_CUT_OFF) {
		frame->size = (uint32_t)(header - frame->bytes) + 39;
	}
}

void ip_frame_make(struct wire_frame *ret, const struct ip_packet *packet)
{
	uint8_t octets[16];
	bool is_ipv4 = ip_parse(packet->destination, octets) == 4;
	uint8_t *header;

	wire_frame_make(ret, packet->destination_mac, packet->source_mac, packet->tags, 2, 0);
	header = ret->bytes + ret->size;
	put16(header - 2, is_ipv4 ? ETH_P_IP : ETH_P_IPV6);
	ret->size += is_ipv4 ? make_ipv4(header, packet) : make_ipv6(header, packet);
	for (uint32_t index = 0; index < payload_size_of(packet->shape); index++) {
		ret->bytes[ret->size++] = (uint8_t)index;
	}
	if (packet->shape == IP_REDIRECT) {
		header[is_ipv4 ? 20 : 40] = is_ipv4 ? 5 : 137;
	}
	if (packet->shape == IP_PADDED) {
		memset(ret->bytes + ret->size, 0, 6);
		ret->size += 6;
	}
	if (is_ipv4) {
		spoil_ipv4(ret, header, packet->shape);
	} else {
		spoil_ipv6(ret, header, packet->shape);
	}
}

void ip_set_checksum(struct wire_frame *frame, uint32_t offset)
{
	set_checksum(frame->bytes + offset);
}

void ip_take_hop(struct wire_frame *frame, uint32_t offset)
{
	uint8_t *header = frame->bytes + offset;

	if (header[0] >> 4 == 6) {
		header[7]--;
		return;
	}
	header[8]--;
	set_checksum(header);
}

static void write_setting(const char *family, const char *name, const char *setting,
			  const char *value)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, name, setting);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

void ip_set_forwarding(const char *name, bool on)
{
	write_setting("ipv4", name, "forwarding", on ? "1" : "0");
	write_setting("ipv6", name, "forwarding", on ? "1" : "0");
}

void ip_set_redirects(const char *name, bool on)
{
	write_setting("ipv4", "all", "send_redirects", on ? "1" : "0");
	write_setting("ipv4", name, "send_redirects", on ? "1" : "0");
}

void ip_enable(const char *const *names, uint32_t count)
{
	ip_set_forwarding("all", true);
	for (uint32_t index = 0; index < count; index++) {
		write_setting("ipv6", names[index], "disable_ipv6", "0");
		ip_set_forwarding(names[index], true);
	}
}

static struct nl_sock *open_route(void)
{
	struct nl_sock *route = nl_socket_alloc();

	assert_non_null(route);
	assert_int_equal(nl_connect(route, NETLINK_ROUTE), 0);
	return route;
}

bool ip_make_vrf(const char *name, uint32_t table)
{
	struct nl_sock *socket = open_route();
	struct rtnl_link *vrf = rtnl_link_vrf_alloc();
	int error;

	assert_non_null(vrf);
	rtnl_link_set_name(vrf, name);
	rtnl_link_set_flags(vrf, IFF_UP);
	assert_int_equal(rtnl_link_vrf_set_tableid(vrf, table), 0);
	error = rtnl_link_add(socket, vrf, NLM_F_CREATE | NLM_F_EXCL);
	rtnl_link_put(vrf);
	nl_socket_free(socket);
	assert_true(error == 0 || error == -NLE_OPNOTSUPP);
	return error == 0;
}

void ip_enslave(const char *name, const char *vrf)
{
	struct nl_sock *socket = open_route();

	assert_int_equal(rtnl_link_enslave_ifindex(socket, (int)if_nametoindex(vrf),
						   (int)if_nametoindex(name)),
			 0);
	nl_socket_free(socket);
}

static struct nl_addr *parse_address(const char *text)
{
	struct nl_addr *address;

	assert_int_equal(nl_addr_parse(text, AF_UNSPEC, &address), 0);
	return address;
}

void ip_add_address(const char *name, const char *address)
{
	struct nl_sock *socket = open_route();
	struct nl_addr *local = parse_address(address);
	struct rtnl_addr *request = rtnl_addr_alloc();

	assert_non_null(request);
	rtnl_addr_set_ifindex(request, (int)if_nametoindex(name));
	assert_int_equal(rtnl_addr_set_local(request, local), 0);
	rtnl_addr_set_flags(request, IFA_F_NODAD);
	assert_int_equal(rtnl_addr_add(socket, request, NLM_F_REPLACE), 0);
	rtnl_addr_put(request);
	nl_addr_put(local);
	nl_socket_free(socket);
}

/* Whether the kernel takes what is sent to an address, 32 digits, for its own. */
static bool is_local(const char *digits)
{
	FILE *file = fopen("/proc/thread-self/net/ipv6_route", "re");
	char line[256], destination[33];
	uint32_t flags;
	bool found = false;

	assert_non_null(file);
	while (!found && fgets(line, sizeof(line), file)) {
		found = sscanf(line, "%32s 80 %*s %*s %*s %*s %*s %*s %x", destination, &flags) ==
				2 &&
			(flags & RTF_LOCAL) && strcmp(destination, digits) == 0;
	}
	assert_int_equal(fclose(file), 0);
	return found;
}

static bool are_all_local(void)
{
	FILE *file = fopen("/proc/thread-self/net/if_inet6", "re");
	char line[256], digits[33];
	bool all = true;

	assert_non_null(file);
	while (all && fgets(line, sizeof(line), file)) {
		all = sscanf(line, "%32s", digits) == 1 && is_local(digits);
	}
	assert_int_equal(fclose(file), 0);
	return all;
}

void ip_wait_local(void)
{
	/* The kernel does it in a worker: on a busy machine that was more than ten seconds later. */
	for (uint32_t attempt = 0; attempt < 12000; attempt++) {
		if (are_all_local()) {
			return;
		}
		usleep(5000);
	}
	fail_msg("an address did not become the kernel's own in a minute");
}

void ip_add_route(const char *prefix, uint8_t type, const char *gateway)
{
	struct nl_sock *socket = open_route();
	struct nl_addr *destination = parse_address(prefix);
	struct rtnl_route *route = rtnl_route_alloc();

	assert_non_null(route);
	assert_int_equal(rtnl_route_set_dst(route, destination), 0);
	assert_int_equal(rtnl_route_set_type(route, type), 0);
	if (gateway) {
		struct nl_addr *via = parse_address(gateway);
		struct rtnl_nexthop *hop = rtnl_route_nh_alloc();

		assert_non_null(hop);
		rtnl_route_nh_set_gateway(hop, via);
		rtnl_route_add_nexthop(route, hop);
		nl_addr_put(via);
	}
	assert_int_equal(rtnl_route_add(socket, route, NLM_F_CREATE), 0);
	rtnl_route_put(route);
	nl_addr_put(destination);
	nl_socket_free(socket);
}

void ip_add_neighbor(const char *name, const char *address, const uint8_t *mac)
{
	struct nl_sock *socket = open_route();
	struct nl_addr *destination = parse_address(address);
	struct nl_addr *link = nl_addr_build(AF_LLC, mac, 6);
	struct rtnl_neigh *neighbor = rtnl_neigh_alloc();

	assert_non_null(link);
	assert_non_null(neighbor);
	rtnl_neigh_set_ifindex(neighbor, (int)if_nametoindex(name));
	assert_int_equal(rtnl_neigh_set_dst(neighbor, destination), 0);
	rtnl_neigh_set_lladdr(neighbor, link);
	rtnl_neigh_set_state(neighbor, NUD_PERMANENT);
	assert_int_equal(rtnl_neigh_add(socket, neighbor, NLM_F_CREATE | NLM_F_REPLACE), 0);
	rtnl_neigh_put(neighbor);
	nl_addr_put(link);
	nl_addr_put(destination);
	nl_socket_free(socket);
}
