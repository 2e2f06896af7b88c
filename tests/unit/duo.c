// SPDX-License-Identifier: BSD-2-Clause
/*
 * Two channels, a peer made of bytes, and the namespace they live in (see duo.h).
 */
#include "duo.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include "wire.h"

#define ORDER_SIZE 4 /* bytes of the number that a payload begins with */

struct duo duo;

uint64_t duo_now_ns(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 * DUO_MS + (uint64_t)now.tv_nsec;
}

/* ---- messages ------------------------------------------------------------------------------- */

uint32_t duo_make_message(uint8_t *data, uint16_t type, uint32_t payload_size, uint32_t order)
{
	struct buf_writer writer;

	buf_writer_init(&writer, data, MLAG_WIRE_MESSAGE_MAX);
	wire_begin(&writer);
	if (payload_size >= ORDER_SIZE) {
		buf_put_u32(&writer, order);
		memset(data + writer.offset, (int)(order & 0xff), payload_size - ORDER_SIZE);
		writer.offset += payload_size - ORDER_SIZE;
	}
	return wire_end(&writer, (enum wire_type)type);
}

uint32_t duo_make_hello(uint8_t *data)
{
	struct wire_hello hello = {.version = 1, .version_min = 1, .software = "test"};
	struct buf_writer writer;

	buf_writer_init(&writer, data, MLAG_WIRE_MESSAGE_MAX);
	wire_begin(&writer);
	wire_put_hello(&writer, &hello);
	return wire_end(&writer, WIRE_HELLO);
}

/* ---- the users of the channels -------------------------------------------------------------- */

static void on_up(void *user)
{
	struct duo_end *end = user;

	end->ups++;
	end->up_ns = duo_now_ns();
	end->hello_due = true;
	end->types_count = 0;
	end->order_next = 0;
	channel_pump(end->channel, true);
}

static void on_down(void *user)
{
	struct duo_end *end = user;

	end->downs++;
	if (end->end_on_down_ns != 0) {
		channel_end(end->channel, end->end_on_down_ns);
	}
}

static void on_message(void *user, const uint8_t *data, uint32_t size)
{
	struct duo_end *end = user;
	struct buf_reader reader;
	uint16_t type = WIRE_NONE; /* for a header that is none */

	if (wire_open(data, size, &type, &reader) && type >= DUO_BULK_TYPE &&
	    buf_left(&reader) >= ORDER_SIZE) {
		assert_int_equal(buf_get_u32(&reader), end->order_next);
		assert_int_equal(data[size - 1], buf_left(&reader) > 0
							 ? (end->order_next & 0xff)
							 : data[MLAG_WIRE_HEADER_SIZE + 3]);
		end->order_next++;
	}
	end->messages++;
	if (end->types_count < DUO_TYPES_MAX) {
		end->types[end->types_count] = type;
		end->sizes[end->types_count++] = size;
	}
	if (type == DUO_URGENT_TYPE && end->end_on_urgent_ns != 0) {
		channel_end(end->channel, end->end_on_urgent_ns);
	}
}

static uint32_t on_next(void *user, bool bulk, uint8_t *ret_data)
{
	struct duo_end *end = user;

	if (end->hello_due) {
		end->hello_due = false;
		return duo_make_hello(ret_data);
	}
	if (end->urgent_due > 0) {
		end->urgent_due--;
		return duo_make_message(ret_data, DUO_URGENT_TYPE, 0, 0);
	}
	if (bulk && end->bulk_due > 0) {
		end->bulk_due--;
		return duo_make_message(ret_data, DUO_BULK_TYPE, MLAG_WIRE_PAYLOAD_MAX,
					end->bulk_given++);
	}
	return 0;
}

static const struct channel_handler handler = {on_up, on_down, on_message, on_next};

/* ---- the event loop ------------------------------------------------------------------------- */

uint32_t duo_run_ms(uint64_t wait_ms)
{
	uint64_t end_ns = duo_now_ns() + wait_ms * DUO_MS;
	uint32_t events = 0;

	while (duo_now_ns() < end_ns) {
		int r = sd_event_run(duo.event, 5000);

		assert_true(r >= 0);
		events += r > 0;
	}
	return events;
}

/* ---- addresses and plain sockets ------------------------------------------------------------ */

static socklen_t make_address(const char *text, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_in *sin = (struct sockaddr_in *)ret;

	memset(ret, 0, sizeof(*ret));
	if (inet_pton(AF_INET, text, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		return sizeof(*sin);
	}
	assert_int_equal(inet_pton(AF_INET6, text, &sin6->sin6_addr), 1);
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	return sizeof(*sin6);
}

int duo_open(struct duo_end *end, const char *local, const char *remote, const char *scope)
{
	struct channel_spec spec = {0};

	spec.size = make_address(local, duo.port, &spec.local);
	make_address(remote, duo.port, &spec.remote);
	(void)snprintf(spec.scope, sizeof(spec.scope), "%s", scope);
	spec.key = end->key;
	spec.domain_id = end->domain_id;
	return channel_open(&end->channel, duo.event, &spec, &handler, end);
}

void duo_open_lower(void)
{
	assert_int_equal(duo_open(&duo.a, DUO_LOWER, DUO_UPPER, ""), 0);
}

void duo_open_upper(void)
{
	assert_int_equal(duo_open(&duo.b, DUO_UPPER, DUO_LOWER, ""), 0);
	duo_run_ms(5); /* it listens */
}

int duo_socket(const char *local, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t size = make_address(local, port, &address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

void duo_connect(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = make_address(DUO_UPPER, duo.port, &address);

	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
}

int duo_dial(const char *local)
{
	int fd = duo_socket(local, 0);

	duo_connect(fd);
	return fd;
}

int duo_listen(int backlog)
{
	int fd = duo_socket(DUO_UPPER, duo.port);

	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

int duo_accept(int listener)
{
	int fd = -1;

	DUO_WAIT((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
	return fd;
}

void duo_say(int fd, const void *data, size_t size)
{
	assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), (ssize_t)size);
}

void duo_say_hello(int fd)
{
	duo_say(fd, duo.bytes, duo_make_hello(duo.bytes));
}

bool duo_is_closed(int fd)
{
	ssize_t n;

	do {
		n = recv(fd, duo.bytes, sizeof(duo.bytes), MSG_DONTWAIT);
	} while (n > 0);
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

uint16_t duo_hear(int fd, uint32_t *ret_order)
{
	uint32_t size = 0;
	uint32_t whole_size = MLAG_WIRE_HEADER_SIZE;
	struct buf_reader reader;
	uint16_t type;

	while (size < whole_size) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t n = recv(fd, duo.bytes + size, whole_size - size, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN) {
			assert_true(sd_event_run(duo.event, 0) >= 0);
			(void)poll(&wait, 1, 1);
			continue;
		}
		assert_true(n > 0);
		size += (uint32_t)n;
		if (size == MLAG_WIRE_HEADER_SIZE) {
			whole_size = wire_peek_size(duo.bytes);
		}
	}
	assert_true(wire_open(duo.bytes, size, &type, &reader));
	if (ret_order != NULL) {
		*ret_order = buf_get_u32(&reader);
	}
	return type;
}

/* ---- devices and addresses of the namespace ------------------------------------------------- */

static struct nl_sock *open_route(void)
{
	struct nl_sock *route = nl_socket_alloc();

	assert_non_null(route);
	assert_int_equal(nl_connect(route, NETLINK_ROUTE), 0);
	return route;
}

static void set_up(const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* Addresses are there at once, without duplicate address detection, where IPv6 is. */
static void hasten_ipv6(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_dad", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		assert_int_equal(write(fd, "0", 1), 1);
		close(fd);
	}
}

void duo_change_address(const char *device, const char *text, bool present)
{
	struct nl_sock *route = open_route();
	struct rtnl_addr *address = rtnl_addr_alloc();
	struct nl_addr *local = NULL;

	assert_non_null(address);
	assert_int_equal(nl_addr_parse(text, AF_UNSPEC, &local), 0);
	rtnl_addr_set_ifindex(address, (int)if_nametoindex(device));
	assert_int_equal(rtnl_addr_set_local(address, local), 0);
	assert_int_equal(present ? rtnl_addr_add(route, address, 0)
				 : rtnl_addr_delete(route, address, 0),
			 0);
	nl_addr_put(local);
	rtnl_addr_put(address);
	nl_socket_free(route);
}

void duo_make_pair(void)
{
	struct nl_sock *route = open_route();

	assert_int_equal(rtnl_link_veth_add(route, "near", "far", getpid()), 0);
	nl_socket_free(route);
	set_up("near");
	set_up("far");
	duo_change_address("near", DUO_NEAR_IPV6 "/64", true);
	duo_change_address("far", DUO_FAR_IPV6 "/64", true);
}

void duo_delete_pair(void)
{
	struct nl_sock *route = open_route();
	struct rtnl_link *link = rtnl_link_alloc();

	assert_non_null(link);
	rtnl_link_set_ifindex(link, (int)if_nametoindex("near"));
	assert_int_equal(rtnl_link_delete(route, link), 0);
	rtnl_link_put(link);
	nl_socket_free(route);
}

/* ---- setting up ----------------------------------------------------------------------------- */

static uint32_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint32_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL) {
		count++;
	}
	closedir(dir);
	return count;
}

static void choose_port(void)
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	int fd = duo_socket(DUO_UPPER, 0);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	duo.port = ntohs(address.sin_port);
	close(fd);
}

int duo_setup(void **state)
{
	(void)state;
	memset(&duo.a, 0, sizeof(duo.a));
	memset(&duo.b, 0, sizeof(duo.b));
	duo.fds_count = count_fds();
	choose_port();
	return sd_event_new(&duo.event);
}

int duo_teardown(void **state)
{
	(void)state;
	channel_close(duo.a.channel);
	channel_close(duo.b.channel);
	duo.event = sd_event_unref(duo.event);
	if (count_fds() != duo.fds_count) {
		print_error("descriptors were left open\n");
		return -1;
	}
	return 0;
}

int duo_enter_namespace(void **state)
{
	(void)state;
	duo.root = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
	if (duo.root) {
		hasten_ipv6("default");
		hasten_ipv6("all");
		set_up("lo");
	}
	return 0;
}
