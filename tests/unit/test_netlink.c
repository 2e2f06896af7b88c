// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading from a netlink socket, one datagram or many a system call: the kernel's own answers, which
 * nobody has to be root for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "kernel/netlink.h"

#define RECEIVE_BYTES (1024 * 1024)
#define REQUESTS 150 /* two bursts and some */
#define LOOPBACK 1

struct heard {
	uint32_t count;
	uint32_t first_seq;
	uint32_t disordered;
	uint32_t links;
};

static void hear(void *user, const struct nlmsghdr *message)
{
	struct heard *heard = user;

	heard->first_seq = heard->count == 0 ? message->nlmsg_seq : heard->first_seq;
	heard->disordered += message->nlmsg_seq != heard->first_seq + heard->count;
	heard->links += message->nlmsg_type == RTM_NEWLINK;
	heard->count++;
}

/* Ask for a link; the answer to index 0 is a short error. */
static void ask(struct netlink *netlink, int ifindex)
{
	uint8_t buffer[NETLINK_REQUEST_SIZE] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *message = netlink_prepare(netlink, buffer, RTM_GETLINK, 0);
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_index = ifindex;
	assert_int_equal(netlink_send(netlink, message, message->nlmsg_len), 0);
}

static struct netlink open_with_answers(bool small)
{
	struct netlink netlink;

	assert_int_equal(netlink_open(&netlink, RECEIVE_BYTES), 0);
	if (small) {
		netlink_expect_small(&netlink);
	}
	for (uint32_t i = 0; i < REQUESTS; i++) {
		ask(&netlink, 0);
	}
	return netlink;
}

static void read_in_slices(bool small)
{
	struct netlink netlink = open_with_answers(small);
	struct heard heard = {0};

	assert_int_equal(netlink_read(&netlink, 0, hear, &heard), 0);
	assert_int_equal(netlink_read(&netlink, 1, hear, &heard), 1);
	assert_int_equal(netlink_read(&netlink, NETLINK_BURST + 1, hear, &heard),
			 NETLINK_BURST + 1);
	assert_int_equal(heard.count, NETLINK_BURST + 2);
	assert_int_equal(netlink_read(&netlink, REQUESTS, hear, &heard),
			 REQUESTS - NETLINK_BURST - 2);
	assert_int_equal(netlink_read(&netlink, REQUESTS, hear, &heard), 0);
	assert_int_equal(heard.count, REQUESTS);
	assert_int_equal(heard.disordered, 0);
	assert_int_equal(netlink.overruns, 0);
	netlink_close(&netlink);
}

static void test_no_more_is_read_than_was_asked_for_and_in_order(void **state)
{
	(void)state;
	read_in_slices(false);
}

static void test_many_a_call_are_the_same_messages_in_the_same_order(void **state)
{
	(void)state;
	read_in_slices(true);
}

static void test_a_datagram_that_is_not_small_counts_as_lost(void **state)
{
	struct netlink netlink = open_with_answers(true);
	struct heard heard = {0};

	(void)state;
	ask(&netlink, LOOPBACK); /* with all that there is to say of a link */
	ask(&netlink, 0);
	assert_int_equal(netlink_read(&netlink, 2 * REQUESTS, hear, &heard), -ENOBUFS);
	assert_int_equal(netlink.overruns, 1);
	assert_int_equal(heard.links, 0);
	assert_int_equal(heard.count, REQUESTS + 1);
	assert_int_equal(netlink_read(&netlink, 1, hear, &heard), 0);
	netlink_close(&netlink);
}

static void test_what_is_long_comes_whole_by_a_socket_that_expects_it(void **state)
{
	struct netlink netlink = open_with_answers(false);
	struct heard heard = {0};

	(void)state;
	ask(&netlink, LOOPBACK);
	assert_int_equal(netlink_read(&netlink, 2 * REQUESTS, hear, &heard), REQUESTS + 1);
	assert_int_equal(heard.links, 1);
	netlink_close(&netlink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_more_is_read_than_was_asked_for_and_in_order),
		cmocka_unit_test(test_many_a_call_are_the_same_messages_in_the_same_order),
		cmocka_unit_test(test_a_datagram_that_is_not_small_counts_as_lost),
		cmocka_unit_test(test_what_is_long_comes_whole_by_a_socket_that_expects_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
