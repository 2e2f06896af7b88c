/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and sockets of the session (see endpoint.h).  Owns nothing; called by channel.c.
 */
#include "peer/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "mlag_limits.h"

/*
 * A leg's message waits behind what is already on its way: no more than some thousand rows.  It is
 * set before the connection is made, when it still can bound the window.
 */
static const int receive_bytes = 64 * 1024;

#define ENDPOINT_NOTSENT_SIZE (2 * MLAG_WIRE_MESSAGE_MAX) /* so that bulk never holds a leg back */
#define ENDPOINT_DSCP_CS6 0xc0
#define ENDPOINT_BACKLOG 4
#define ENDPOINT_PRIORITY 7 /* TC_PRIO_CONTROL */

static const void *address_bytes(const struct sockaddr_storage *address, size_t *ret_size)
{
	if (address->ss_family == AF_INET6) {
		*ret_size = sizeof(struct in6_addr);
		return &((const struct sockaddr_in6 *)address)->sin6_addr;
	}
	*ret_size = sizeof(struct in_addr);
	return &((const struct sockaddr_in *)address)->sin_addr;
}

void endpoint_text(const struct sockaddr_storage *address, char ret_text[INET6_ADDRSTRLEN])
{
	size_t size;
	const void *bytes = address_bytes(address, &size);

	if (inet_ntop(address->ss_family, bytes, ret_text, INET6_ADDRSTRLEN) == NULL) {
		ret_text[0] = '\0';
	}
}

bool endpoint_same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	size_t a_size;
	size_t b_size;
	const void *a_bytes = address_bytes(a, &a_size);
	const void *b_bytes = address_bytes(b, &b_size);

	return a->ss_family == b->ss_family && memcmp(a_bytes, b_bytes, a_size) == 0;
}

bool endpoint_is_lower(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	size_t size;
	const void *a_bytes = address_bytes(a, &size);

	return memcmp(a_bytes, address_bytes(b, &size), size) < 0;
}

static bool has_scope(const struct channel_spec *spec)
{
	return spec->local.ss_family == AF_INET6 && spec->scope[0] != '\0';
}

uint32_t endpoint_scope_index(const struct channel_spec *spec)
{
	return has_scope(spec) ? if_nametoindex(spec->scope) : 0;
}

static void set_scope(const struct channel_spec *spec, uint32_t index,
		      struct sockaddr_storage *address)
{
	if (has_scope(spec)) {
		((struct sockaddr_in6 *)address)->sin6_scope_id = index;
	}
}

/* The port is in the same place in both families. */
static void clear_port(struct sockaddr_storage *address)
{
	((struct sockaddr_in *)address)->sin_port = 0;
}

static int open_socket(const struct channel_spec *spec, uint32_t index, int type, int *ret_fd)
{
	int fd;

	if (has_scope(spec) && index == 0) {
		return -ENODEV;
	}
	fd = socket(spec->local.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	*ret_fd = fd;
	return 0;
}

int endpoint_connect(const struct channel_spec *spec, int *ret_fd)
{
	struct sockaddr_storage local = spec->local;
	struct sockaddr_storage remote = spec->remote;
	uint32_t index = endpoint_scope_index(spec);
	int fd = -1;
	int r = open_socket(spec, index, SOCK_STREAM, &fd);

	if (r < 0) {
		return r;
	}
	set_scope(spec, index, &local);
	set_scope(spec, index, &remote);
	clear_port(&local);
	endpoint_set_options(fd);
	if (bind(fd, (struct sockaddr *)&local, spec->size) < 0 ||
	    (connect(fd, (struct sockaddr *)&remote, spec->size) < 0 && errno != EINPROGRESS)) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int endpoint_listen(const struct channel_spec *spec, uint32_t index, int *ret_fd)
{
	struct sockaddr_storage local = spec->local;
	int one = 1;
	int fd = -1;
	int r = open_socket(spec, index, SOCK_STREAM, &fd);

	if (r < 0) {
		return r;
	}
	set_scope(spec, index, &local);
	/* With freebind an address that comes later is as good as one that is there. */
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	if (bind(fd, (struct sockaddr *)&local, spec->size) < 0 ||
	    listen(fd, ENDPOINT_BACKLOG) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int endpoint_datagram(const struct channel_spec *spec, uint32_t index, int *ret_fd)
{
	struct sockaddr_storage local = spec->local;
	int one = 1;
	int priority = ENDPOINT_PRIORITY;
	int fd = -1;
	int r = open_socket(spec, index, SOCK_DGRAM, &fd);

	if (r < 0) {
		return r;
	}
	set_scope(spec, index, &local);
	(void)setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	if (bind(fd, (struct sockaddr *)&local, spec->size) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	endpoint_set_options(fd);
	(void)setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &priority, sizeof(priority));
	*ret_fd = fd;
	return 0;
}

int endpoint_send(const struct channel_spec *spec, int fd, const uint8_t *data, uint32_t size)
{
	struct sockaddr_storage remote = spec->remote;

	set_scope(spec, endpoint_scope_index(spec), &remote);
	return sendto(fd, data, size, MSG_NOSIGNAL, (struct sockaddr *)&remote, spec->size) < 0
		       ? -errno
		       : 0;
}

void endpoint_set_options(int fd)
{
	int one = 1;
	int notsent = ENDPOINT_NOTSENT_SIZE;
	int dscp = ENDPOINT_DSCP_CS6;

	/* None of these is worth refusing a connection for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &notsent, sizeof(notsent));
	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &dscp, sizeof(dscp));
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &dscp, sizeof(dscp));
}
