/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet socket of the peer link (see rawsocket.h).  Called by hellos.c.
 *
 * The destination is 01:80:c2:00:00:02.  A bridge that is told to forward reserved addresses
 * (group_fwd_mask) can be told so of most of them, but not of this one; so what a port of br0 gets
 * for it stays with the port, where this socket is, before the bridge and its VLANs see it.  LACP
 * shares the address and goes by its own ethertype.
 */
#include "peer/rawsocket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hello.h"

#define RAWSOCKET_PRIORITY 7 /* TC_PRIO_CONTROL: before data in the device's queue */

static const uint8_t destination[6] = {0x01, 0x80, 0xc2, 0x00, 0x00, 0x02};

/* Untagged (a tagged frame of no VLAN device is PACKET_OTHERHOST), to our address, with our magic. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_MULTICAST, 0, 7),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_LL_OFF),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0180c200, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, (uint32_t)(SKF_LL_OFF + 4)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x0002, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELLO_MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno
											   : 0;
}

static int join(int fd, uint32_t ifindex)
{
	struct packet_mreq request = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_MULTICAST};

	request.mr_alen = sizeof(destination);
	memcpy(request.mr_address, destination, sizeof(destination));
	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &request, sizeof(request)) < 0
		       ? -errno
		       : 0;
}

static void fill_address(uint32_t ifindex, struct sockaddr_ll *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sll_family = AF_PACKET;
	ret->sll_protocol = htons(RAWSOCKET_ETHERTYPE);
	ret->sll_ifindex = (int)ifindex;
	ret->sll_halen = sizeof(destination);
	memcpy(ret->sll_addr, destination, sizeof(destination));
}

int rawsocket_open(uint32_t ifindex, int *ret_fd)
{
	struct sockaddr_ll address;
	int priority = RAWSOCKET_PRIORITY;
	int fd, r;

	/* Without a protocol it hears nothing before it has its filter and its device. */
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	fill_address(ifindex, &address);
	r = attach_filter(fd);
	if (r == 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = join(fd, ifindex);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
	*ret_fd = fd;
	return 0;
}

int rawsocket_send(int fd, uint32_t ifindex, const uint8_t *data, uint32_t size)
{
	struct sockaddr_ll address;

	fill_address(ifindex, &address);
	return sendto(fd, data, size, 0, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
											   : 0;
}
