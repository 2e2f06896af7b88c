/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guard's sockets (see paths.h).  Called by guard.c.  What cannot be made is tried again with the
 * next look; meanwhile nothing is heard there, and who hears nothing fences nobody.
 */
#include "paths.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hello.h"
#include "peer/rawsocket.h"

#define PATHS_READS_MAX 4096
#define PATHS_FRAME_MAX 2048
#define PATHS_PRIORITY 7 /* TC_PRIO_CONTROL */
#define UDP_HEADER_SIZE 8
#define IP6_HEADER_SIZE 40

void paths_init(struct paths *paths)
{
	*paths = (struct paths){.link_fd = -1, .tap_fd = -1, .say_fd = -1};
}

static void shut(int *fd)
{
	if (*fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
}

void paths_close(struct paths *paths)
{
	shut(&paths->link_fd);
	shut(&paths->tap_fd);
	shut(&paths->say_fd);
}

/* The port is in the same place in both families. */
static uint16_t port_of(const struct sockaddr_storage *address)
{
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* Datagrams to our port that begin as a hello does; addresses are looked at by is_backup(). */
static int filter_ip4(int fd, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 10),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 8),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 6, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, UDP_HEADER_SIZE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELLO_MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int filter_ip6(int fd, uint16_t port)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_HOST, 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 5),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, IP6_HEADER_SIZE + 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, IP6_HEADER_SIZE + UDP_HEADER_SIZE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, HELLO_MAGIC, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* Without a protocol it hears nothing before it has its filter. */
static void open_tap(struct paths *paths, const struct lease_terms *terms)
{
	bool ip6 = terms->backup_local.ss_family == AF_INET6;
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	uint16_t port = port_of(&terms->backup_local);

	address.sll_protocol = htons(ip6 ? ETH_P_IPV6 : ETH_P_IP);
	paths->tap_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (paths->tap_fd >= 0 &&
	    ((ip6 ? filter_ip6(paths->tap_fd, port) : filter_ip4(paths->tap_fd, port)) < 0 ||
	     bind(paths->tap_fd, (struct sockaddr *)&address, sizeof(address)) < 0)) {
		shut(&paths->tap_fd);
	}
}

static void set_scope(const struct lease_terms *terms, struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6 && terms->backup_scope[0] != '\0') {
		((struct sockaddr_in6 *)address)->sin6_scope_id =
			if_nametoindex(terms->backup_scope);
	}
}

/* Any port of ours will do: the peer looks at the address. */
static void open_say(struct paths *paths, const struct lease_terms *terms)
{
	struct sockaddr_storage local = terms->backup_local;
	int priority = PATHS_PRIORITY;

	((struct sockaddr_in *)&local)->sin_port = 0;
	set_scope(terms, &local);
	paths->say_fd = socket(local.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (paths->say_fd < 0) {
		return;
	}
	(void)setsockopt(paths->say_fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
	if (bind(paths->say_fd, (struct sockaddr *)&local, terms->backup_size) < 0) {
		shut(&paths->say_fd);
	}
}

void paths_follow(struct paths *paths, const struct lease_terms *terms, bool listens)
{
	uint32_t ifindex = if_nametoindex(terms->link);

	if (ifindex != paths->link_ifindex) {
		shut(&paths->link_fd);
		paths->link_ifindex = ifindex;
	}
	if (paths->link_fd < 0 && ifindex != 0 && rawsocket_open(ifindex, &paths->link_fd) < 0) {
		paths->link_fd = -1;
	}
	if (!listens || terms->backup_size == 0) {
		shut(&paths->tap_fd);
		shut(&paths->say_fd);
		return;
	}
	if (paths->tap_fd < 0) {
		open_tap(paths, terms);
	}
	if (paths->say_fd < 0) {
		open_say(paths, terms);
	}
}

static bool same(const uint8_t *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

/* From the peer's address to ours: what follows the headers, or NULL for somebody else's. */
static const uint8_t *open_datagram(const struct lease_terms *terms, const uint8_t *data,
				    uint32_t size, uint32_t *ret_size)
{
	uint32_t head;

	if (terms->backup_local.ss_family == AF_INET6) {
		const struct sockaddr_in6 *local = (const void *)&terms->backup_local;
		const struct sockaddr_in6 *remote = (const void *)&terms->backup_remote;

		head = IP6_HEADER_SIZE + UDP_HEADER_SIZE;
		if (size <= head || !same(data + 8, &remote->sin6_addr, 16) ||
		    !same(data + 24, &local->sin6_addr, 16)) {
			return NULL;
		}
	} else {
		const struct sockaddr_in *local = (const void *)&terms->backup_local;
		const struct sockaddr_in *remote = (const void *)&terms->backup_remote;

		head = size == 0 ? 0 : (data[0] & 0x0fU) * 4U + UDP_HEADER_SIZE;
		if (size < 20 || size <= head || !same(data + 12, &remote->sin_addr, 4) ||
		    !same(data + 16, &local->sin_addr, 4)) {
			return NULL;
		}
	}
	*ret_size = size - head;
	return data + head;
}

static void read_link(struct paths *paths, paths_heard_fn *heard, void *user)
{
	uint8_t data[PATHS_FRAME_MAX];

	for (uint32_t i = 0; paths->link_fd >= 0 && i < PATHS_READS_MAX; i++) {
		ssize_t n = recv(paths->link_fd, data, sizeof(data), 0);

		if (n < 0 && errno == EAGAIN) {
			return;
		}
		/* An error is told once: the device went down. */
		if (n > 0 && heard != NULL) {
			heard(user, data, (uint32_t)n);
		}
	}
}

static void read_tap(struct paths *paths, const struct lease_terms *terms, paths_heard_fn *heard,
		     void *user)
{
	uint8_t data[PATHS_FRAME_MAX];

	for (uint32_t i = 0; paths->tap_fd >= 0 && i < PATHS_READS_MAX; i++) {
		ssize_t n = recv(paths->tap_fd, data, sizeof(data), 0);
		const uint8_t *hello;
		uint32_t size;

		if (n < 0 && errno == EAGAIN) {
			return;
		}
		hello = n > 0 ? open_datagram(terms, data, (uint32_t)n, &size) : NULL;
		if (hello != NULL && heard != NULL) {
			heard(user, hello, size);
		}
	}
}

void paths_read(struct paths *paths, const struct lease_terms *terms, paths_heard_fn *heard,
		void *user)
{
	read_link(paths, heard, user);
	read_tap(paths, terms, heard, user);
}

void paths_say(struct paths *paths, const struct lease_terms *terms, const uint8_t *data,
	       uint32_t size)
{
	if (paths->link_fd >= 0) {
		(void)rawsocket_send(paths->link_fd, paths->link_ifindex, data, size);
	}
	if (paths->say_fd >= 0) {
		struct sockaddr_storage remote = terms->backup_remote;

		set_scope(terms, &remote);
		if (sendto(paths->say_fd, data, size, MSG_NOSIGNAL, (struct sockaddr *)&remote,
			   terms->backup_size) < 0 &&
		    errno != EAGAIN && errno != ECONNREFUSED) {
			shut(&paths->say_fd); /* made anew with the next look */
		}
	}
}

uint32_t paths_fds(const struct paths *paths, struct pollfd ret[PATHS_FDS_MAX])
{
	uint32_t count = 0;

	if (paths->link_fd >= 0) {
		ret[count++] = (struct pollfd){.fd = paths->link_fd, .events = POLLIN};
	}
	if (paths->tap_fd >= 0) {
		ret[count++] = (struct pollfd){.fd = paths->tap_fd, .events = POLLIN};
	}
	return count;
}
