// SPDX-License-Identifier: BSD-2-Clause
/*
 * The network of tests/bpf: libnl makes the devices, packet sockets send and receive.  A packet
 * socket gets a frame's tag beside it; here it is put back where it was on the wire, because
 * that is what a test is about.
 */
#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>

#include "datapath/datapath.h"

static struct nl_sock *open_route(void)
{
	struct nl_sock *route = nl_socket_alloc();

	assert_non_null(route);
	assert_int_equal(nl_connect(route, NETLINK_ROUTE), 0);
	return route;
}

/* The kernel's own IPv6 chatter would be counted with what a test sends. */
static void silence_ipv6(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		return; /* a kernel without IPv6 */
	}
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
}

void wire_enter_namespace(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	silence_ipv6();
}

/* Asks something of a device by an ioctl. */
static void ask(const char *name, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(request->ifr_name, sizeof(request->ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, what, request), 0);
	close(fd);
}

static void set_up(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};

	ask(name, SIOCSIFFLAGS, &request);
}

void wire_get_mac(const char *name, uint8_t *ret_mac)
{
	struct ifreq request = {0};

	ask(name, SIOCGIFHWADDR, &request);
	memcpy(ret_mac, request.ifr_hwaddr.sa_data, 6);
}

void wire_set_mtu(const char *name, uint32_t mtu)
{
	struct ifreq request = {.ifr_mtu = (int)mtu};

	ask(name, SIOCSIFMTU, &request);
}

void wire_set_feature(const char *name, uint32_t ethtool_command, bool on)
{
	struct {
		uint32_t command;
		uint32_t data;
	} value = {ethtool_command, on};
	struct ifreq request = {.ifr_data = (char *)&value};

	if (ethtool_command == WIRE_NO_TAGS) {
		enum { GET_FLAGS = 0x25, RXVLAN = 0x100, TXVLAN = 0x80 };

		value.command = GET_FLAGS;
		ask(name, SIOCETHTOOL, &request);
		value.command = ethtool_command;
		value.data = on ? value.data & ~(uint32_t)(RXVLAN | TXVLAN)
				: value.data | RXVLAN | TXVLAN;
	}
	ask(name, SIOCETHTOOL, &request);
}

static void write_if_there(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0) {
		return;
	}
	assert_int_equal(write(fd, value, strlen(value)), strlen(value));
	close(fd);
}

void wire_bypass_netfilter(void)
{
	write_if_there("/proc/sys/net/bridge/bridge-nf-call-iptables", "0");
	write_if_there("/proc/sys/net/bridge/bridge-nf-call-ip6tables", "0");
	write_if_there("/proc/sys/net/bridge/bridge-nf-call-arptables", "0");
}

static void enslave(struct nl_sock *route, const char *name, uint32_t bridge)
{
	assert_int_equal(rtnl_link_enslave_ifindex(route, (int)bridge, (int)if_nametoindex(name)),
			 0);
}

uint32_t wire_make_bridge(const char *name)
{
	struct nl_sock *route = open_route();
	struct rtnl_link *bridge = rtnl_link_bridge_alloc();

	assert_non_null(bridge);
	rtnl_link_set_name(bridge, name);
	assert_int_equal(rtnl_link_add(route, bridge, NLM_F_CREATE | NLM_F_EXCL), 0);
	rtnl_link_put(bridge);
	nl_socket_free(route);
	set_up(name);
	return if_nametoindex(name);
}

uint32_t wire_make_port(const char *name, const char *far_name, uint32_t bridge)
{
	struct nl_sock *route = open_route();

	assert_int_equal(rtnl_link_veth_add(route, name, far_name, getpid()), 0);
	if (bridge) {
		enslave(route, name, bridge);
	}
	nl_socket_free(route);
	set_up(far_name);
	set_up(name);
	return if_nametoindex(name);
}

/* libnl 3.7 cannot say the mode. */
static bool make_bond(const char *name)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "ip link add %s type bond mode 802.3ad 2>&1",
		       name);
	return system(command) == 0;
}

bool wire_make_bond(const char *name, const char *slave_name, const char *far_name)
{
	struct nl_sock *route;

	if (!make_bond(name)) {
		return false;
	}
	route = open_route();
	assert_int_equal(rtnl_link_veth_add(route, slave_name, far_name, getpid()), 0);
	enslave(route, slave_name, if_nametoindex(name));
	nl_socket_free(route);
	set_up(far_name);
	set_up(name);
	return true;
}

void wire_enslave(const char *name, uint32_t bridge)
{
	struct nl_sock *route = open_route();

	enslave(route, name, bridge);
	nl_socket_free(route);
}

void wire_delete(const char *name)
{
	struct nl_sock *route = open_route();
	struct rtnl_link *link = rtnl_link_alloc();

	assert_non_null(link);
	rtnl_link_set_ifindex(link, (int)if_nametoindex(name));
	assert_int_equal(rtnl_link_delete(route, link), 0);
	rtnl_link_put(link);
	nl_socket_free(route);
}

void wire_pin_mac(const char *name, const uint8_t *mac)
{
	struct nl_sock *route = open_route();
	struct nl_addr *address = nl_addr_build(AF_LLC, mac, 6);
	struct rtnl_neigh *entry = rtnl_neigh_alloc();

	assert_non_null(address);
	assert_non_null(entry);
	rtnl_neigh_set_family(entry, AF_BRIDGE);
	rtnl_neigh_set_ifindex(entry, (int)if_nametoindex(name));
	rtnl_neigh_set_lladdr(entry, address);
	rtnl_neigh_set_state(entry, NUD_NOARP);
	rtnl_neigh_set_flags(entry, NTF_MASTER | NTF_STICKY);
	assert_int_equal(rtnl_neigh_add(route, entry, NLM_F_CREATE | NLM_F_REPLACE), 0);
	rtnl_neigh_put(entry);
	nl_addr_put(address);
	nl_socket_free(route);
}

int wire_open_program(uint32_t ifindex, uint32_t point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = (enum bpf_tc_attach_point)point);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = DATAPATH_TC_HANDLE,
		    .priority = DATAPATH_TC_PRIORITY);
	int fd;

	assert_int_equal(bpf_tc_query(&hook, &opts), 0);
	fd = bpf_prog_get_fd_by_id(opts.prog_id);
	assert_true(fd >= 0);
	return fd;
}

void wire_remove_filter(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = DATAPATH_TC_HANDLE,
		    .priority = DATAPATH_TC_PRIORITY);

	assert_int_equal(bpf_tc_detach(&hook, &opts), 0);
}

int wire_open_xdp(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);
	int fd;

	assert_int_equal(bpf_xdp_query((int)ifindex, 0, &opts), 0);
	fd = bpf_prog_get_fd_by_id(opts.drv_prog_id);
	assert_true(fd >= 0);
	return fd;
}

int wire_open(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	int one = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void wire_send(int socket, const struct wire_frame *frame)
{
	assert_int_equal(send(socket, frame->bytes, frame->size, 0), frame->size);
}

void wire_wait_forwarding(int from, int to)
{
	static const uint8_t EVERYBODY[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const uint8_t PROBE[6] = {0x02, 0, 0, 0, 0xff, 0xff};
	struct wire_frame probe, frame;

	wire_frame_make(&probe, EVERYBODY, PROBE, NULL, 0, 46);
	for (uint32_t attempt = 0; attempt < 250; attempt++) {
		wire_send(from, &probe);
		if (wire_receive(to, 20, &frame)) {
			return;
		}
	}
	fail_msg("no frame crosses the bridge");
}

/* Puts the tag of a received frame back where it was. */
static void restore_tag(struct wire_frame *frame, struct msghdr *message)
{
	struct cmsghdr *control;

	for (control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
		struct tpacket_auxdata aux;
		uint16_t tag[2];

		if (control->cmsg_level != SOL_PACKET || control->cmsg_type != PACKET_AUXDATA) {
			continue;
		}
		memcpy(&aux, CMSG_DATA(control), sizeof(aux));
		if (!(aux.tp_status & TP_STATUS_VLAN_VALID)) {
			return;
		}
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									 : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(frame->bytes + 16, frame->bytes + 12, frame->size - 12);
		memcpy(frame->bytes + 12, tag, sizeof(tag));
		frame->size += 4;
		return;
	}
}

/* What the machine says of its own accord is IGMP, MLD and neighbour discovery. */
static bool is_our_packet(const struct wire_frame *frame, uint32_t offset, uint16_t type)
{
	enum { ICMP = 1 };
	const uint8_t *header = frame->bytes + offset;

	if (type == ETH_P_IP && frame->size >= offset + 20) {
		return header[9] == WIRE_IP_PROTOCOL || header[9] == ICMP;
	}
	return type == ETH_P_IPV6 && frame->size >= offset + 40 && header[6] == WIRE_IP_PROTOCOL;
}

static bool is_ours(const struct wire_frame *frame)
{
	for (uint32_t offset = 12; offset + 2 <= frame->size && offset <= 20; offset += 4) {
		uint16_t type = (uint16_t)(frame->bytes[offset] << 8 | frame->bytes[offset + 1]);

		if (type != ETH_P_8021Q && type != ETH_P_8021AD) {
			return type == WIRE_ETHERTYPE || is_our_packet(frame, offset + 2, type);
		}
	}
	return false;
}

/* Reads one frame off a socket that has one.  Return: whether it is one to tell of. */
static bool read_frame(int socket, struct wire_frame *ret)
{
	struct sockaddr_ll from;
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct iovec vector = {ret->bytes, WIRE_FRAME_MAX - 4};
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(socket, &message, MSG_DONTWAIT);

	if (size < 14 || from.sll_pkttype == PACKET_OUTGOING) {
		return false;
	}
	ret->size = (uint32_t)size;
	restore_tag(ret, &message);
	return is_ours(ret);
}

uint32_t wire_receive(int socket, int timeout_ms, struct wire_frame *ret)
{
	struct pollfd ready = {.fd = socket, .events = POLLIN};

	/* Chatter starts the wait anew; there is little of it. */
	while (poll(&ready, 1, timeout_ms) == 1) {
		if (read_frame(socket, ret)) {
			return ret->size;
		}
	}
	return 0;
}

void wire_frame_make(struct wire_frame *ret, const uint8_t *destination, const uint8_t *source,
		     const uint32_t *tags, uint32_t tags_count, uint32_t payload_size)
{
	uint16_t type = htons(WIRE_ETHERTYPE);

	memcpy(ret->bytes, destination, 6);
	memcpy(ret->bytes + 6, source, 6);
	ret->size = 12;
	for (uint32_t index = 0; index < tags_count && tags[index]; index++) {
		uint32_t tag = htonl(tags[index]);

		memcpy(ret->bytes + ret->size, &tag, 4);
		ret->size += 4;
	}
	memcpy(ret->bytes + ret->size, &type, 2);
	ret->size += 2;
	for (uint32_t index = 0; index < payload_size; index++) {
		ret->bytes[ret->size++] = (uint8_t)index;
	}
}
