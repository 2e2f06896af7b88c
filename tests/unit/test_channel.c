// SPDX-License-Identifier: BSD-2-Clause
/*
 * The connection to the peer over real sockets (duo.h): whole messages however they arrive, who may
 * replace whom, when it is tried again, and that it follows addresses and devices that go and come.
 *
 * Times are held against the machine's clock: too early is a fault, too late only when it is so by
 * far.
 */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "duo.h"
#include "wire.h"

#define SILENCE_MS 50 /* what should not come would have come by then */

static void skip_unless_root(const char *what)
{
	if (!duo.root) {
		print_message("needs root, skipped: %s\n", what);
		skip();
	}
}

static void test_two_channels_find_each_other_and_talk(void **state)
{
	(void)state;
	duo.a.bulk_due = 3;
	duo.b.urgent_due = 2;
	duo_open_lower();
	assert_string_equal(channel_describe(duo.a.channel), "connecting to " DUO_UPPER);
	duo_run_ms(SILENCE_MS);
	assert_string_equal(channel_describe(duo.a.channel),
			    "connecting to " DUO_UPPER ": Connection refused");
	duo_open_upper();
	DUO_WAIT(duo.a.messages == 3 && duo.b.messages == 4);
	assert_string_equal(channel_describe(duo.a.channel), "connected to " DUO_UPPER);
	assert_string_equal(channel_describe(duo.b.channel), "connected to " DUO_LOWER);
	assert_int_equal(duo.a.types[0], WIRE_HELLO);
	assert_int_equal(duo.b.types[0], WIRE_HELLO);
	assert_int_equal(duo.a.types[2], DUO_URGENT_TYPE);
	assert_int_equal(duo.b.sizes[3], MLAG_WIRE_MESSAGE_MAX);
	/* A session that stands and has nothing to say costs nothing. */
	assert_int_equal(duo_run_ms(300), 0);
	assert_int_equal(duo.a.ups + duo.b.ups, 2);
	assert_int_equal(duo.a.downs + duo.b.downs, 0);
}

static void test_a_spec_that_cannot_work_is_refused(void **state)
{
	(void)state;
	assert_int_equal(duo_open(&duo.a, DUO_LOWER, DUO_LOWER, ""), -EINVAL);
	assert_int_equal(duo_open(&duo.a, DUO_LOWER, "fd00::1", ""), -EINVAL);
	channel_close(NULL);
}

/* Bytes come as TCP likes: one by one, and several messages at once. */
static void test_messages_are_whole_however_they_arrive(void **state)
{
	uint8_t *stream = malloc(4 * MLAG_WIRE_MESSAGE_MAX);
	uint32_t size = 0;
	int fd;

	(void)state;
	assert_non_null(stream);
	duo_open_upper();
	fd = duo_dial(DUO_LOWER);
	size = duo_make_hello(stream);
	size += duo_make_message(stream + size, DUO_BULK_TYPE, 0, 0);
	size += duo_make_message(stream + size, DUO_BULK_TYPE, 5, 0);
	for (uint32_t i = 0; i < size; i++) {
		duo_say(fd, stream + i, 1);
		assert_true(sd_event_run(duo.event, 2000) >= 0);
	}
	DUO_WAIT(duo.b.messages == 3);
	size = 0;
	for (uint32_t i = 1; i < 40; i++) {
		size += duo_make_message(stream + size, DUO_BULK_TYPE, 4 + 7 * i, i);
	}
	size += duo_make_message(stream + size, DUO_BULK_TYPE, MLAG_WIRE_PAYLOAD_MAX, 40);
	size += duo_make_message(stream + size, DUO_BULK_TYPE, MLAG_WIRE_PAYLOAD_MAX, 41);
	for (uint32_t offset = 0; offset < size;) {
		ssize_t n = send(fd, stream + offset, size - offset, MSG_NOSIGNAL);

		assert_true(n > 0 || errno == EAGAIN);
		offset += n > 0 ? (uint32_t)n : 0;
		assert_true(sd_event_run(duo.event, 0) >= 0);
	}
	DUO_WAIT(duo.b.messages == 44);
	assert_int_equal(duo.b.order_next, 42);
	close(fd);
	free(stream);
}

/* A peer that does not read is owed state, not bytes; and a leg overtakes what was not asked for. */
static void test_a_slow_reader_costs_one_message_and_urgent_goes_first(void **state)
{
	uint32_t given, order, bulk_heard = 0;
	int fd, size = 65536;

	(void)state;
	duo_open_upper();
	duo.b.bulk_due = 2000; /* 131 MB */
	fd = duo_socket(DUO_LOWER, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	duo_connect(fd);
	duo_run_ms(300);
	given = duo.b.bulk_given;
	assert_in_range(given, 1, 20);
	duo_run_ms(SILENCE_MS);
	assert_int_equal(duo.b.bulk_given, given);
	duo.b.urgent_due = 1;
	channel_pump(duo.b.channel, false);
	assert_int_equal(duo_hear(fd, NULL), WIRE_HELLO);
	while (duo_hear(fd, &order) == DUO_BULK_TYPE) {
		assert_int_equal(order, bulk_heard++);
	}
	assert_int_equal(bulk_heard, given);
	while (bulk_heard < 300) {
		assert_int_equal(duo_hear(fd, &order), DUO_BULK_TYPE);
		assert_int_equal(order, bulk_heard++);
	}
	close(fd);
	DUO_WAIT(duo.b.downs == 1);
}

static void test_a_peer_that_closes_is_down_and_may_come_again(void **state)
{
	int fd;

	(void)state;
	duo_open_upper();
	for (uint32_t i = 1; i <= 3; i++) {
		fd = duo_dial(DUO_LOWER);
		duo_say_hello(fd);
		assert_int_equal(duo_hear(fd, NULL), WIRE_HELLO);
		assert_int_equal(duo.b.ups, i);
		close(fd);
		DUO_WAIT_MS(duo.b.downs == i, 500);
	}
	assert_string_equal(channel_describe(duo.b.channel), "waiting for " DUO_LOWER);
}

static void test_retries_begin_fast_and_stay_at_100_ms(void **state)
{
	static const uint32_t gaps_ms[] = {10, 10, 10, 20, 20, 20, 20, 50, 50, 100, 100};
	uint64_t best_us[sizeof(gaps_ms) / sizeof(gaps_ms[0])];
	int listener = duo_listen(4);
	uint64_t ended_ns = 0;
	int fd;

	(void)state;
	duo_open_lower();
	/* Never early; and in time in one of the rounds, for a busy machine may be late in any. */
	memset(best_us, 0xff, sizeof(best_us));
	for (uint32_t round = 0; round < 3; round++) {
		/* A word of the peer's proves the connection: the next retries are the first again. */
		fd = duo_accept(listener);
		duo_say_hello(fd);
		DUO_WAIT(duo.a.types_count > 0);
		for (uint32_t i = 0; i < sizeof(gaps_ms) / sizeof(gaps_ms[0]); i++) {
			uint32_t ups = duo.a.ups;
			uint64_t gap_us;

			close(fd);
			ended_ns = duo_now_ns();
			DUO_WAIT(duo.a.ups == ups + 1);
			gap_us = (duo.a.up_ns - ended_ns) / 1000;
			assert_true(gap_us >= gaps_ms[i] * 1000 - 500);
			best_us[i] = gap_us < best_us[i] ? gap_us : best_us[i];
			fd = duo_accept(listener);
		}
		close(fd);
	}
	for (uint32_t i = 0; i < sizeof(gaps_ms) / sizeof(gaps_ms[0]); i++) {
		assert_true(best_us[i] <= gaps_ms[i] * 1000 + 70000);
	}
	close(listener);
}

/* The kernel alone would send its second SYN after a second, the third after three. */
static void test_an_attempt_without_answer_is_started_afresh(void **state)
{
	int listener = duo_listen(0);
	int filler = duo_dial(DUO_STRANGER); /* with it the backlog is full, and a SYN is dropped */
	int fd;

	(void)state;
	duo_open_lower();
	duo_run_ms(1300);
	assert_int_equal(duo.a.ups, 0);
	assert_string_equal(channel_describe(duo.a.channel),
			    "connecting to " DUO_UPPER ": Connection timed out");
	close(duo_accept(listener));
	close(filler);
	DUO_WAIT_MS(duo.a.ups == 1, 1000);
	fd = duo_accept(listener);
	close(fd);
	close(listener);
}

static void test_a_stranger_is_refused(void **state)
{
	int fd;

	(void)state;
	duo_open_upper();
	fd = duo_dial(DUO_STRANGER);
	DUO_WAIT(duo_is_closed(fd));
	assert_int_equal(duo.b.ups, 0);
	close(fd);
}

/* B7: a newcomer at the peer's address is nobody until he has said HELLO. */
static void test_garbage_of_a_newcomer_does_not_touch_the_session(void **state)
{
	static const uint8_t oversized[] = {0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0};
	static const uint8_t long_hello[] = {0, 0, 0x40, 0, 0, 1, 0, 0};
	static const uint8_t empty_hello[] = {0, 0, 0, 0, 0, 1, 0, 0};
	static const uint8_t keepalive[] = {0, 0, 0, 200, 0, 3, 0, 0};
	static const struct {
		const void *data;
		size_t size;
	} words[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18},	  {oversized, sizeof(oversized)},
		{long_hello, sizeof(long_hello)}, {empty_hello, sizeof(empty_hello)},
		{keepalive, sizeof(keepalive)},
	};
	int fds[20];
	int fd;

	(void)state;
	duo_open_upper();
	duo_open_lower();
	DUO_WAIT(duo.a.messages == 1 && duo.b.messages == 1);
	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		fd = duo_dial(DUO_LOWER);
		duo_say(fd, words[i].data, words[i].size);
		DUO_WAIT(duo_is_closed(fd));
		close(fd);
	}
	/* Who closes, and a crowd that says nothing: only the last one is still listened to. */
	close(duo_dial(DUO_LOWER));
	for (uint32_t i = 0; i < 20; i++) {
		fds[i] = duo_dial(DUO_LOWER);
		duo_run_ms(5);
	}
	for (uint32_t i = 0; i < 19; i++) {
		DUO_WAIT(duo_is_closed(fds[i]));
		close(fds[i]);
	}
	assert_false(duo_is_closed(fds[19]));
	duo.a.urgent_due = duo.b.urgent_due = 1;
	channel_pump(duo.a.channel, false);
	channel_pump(duo.b.channel, false);
	DUO_WAIT(duo.a.messages == 2 && duo.b.messages == 2);
	close(fds[19]);
	duo_run_ms(SILENCE_MS);
	assert_int_equal(duo.a.downs + duo.b.downs, 0);
}

static void test_a_silent_newcomer_has_three_seconds(void **state)
{
	uint64_t begun_ns;
	int fd;

	(void)state;
	duo_open_upper();
	duo_open_lower();
	DUO_WAIT(duo.a.messages == 1 && duo.b.messages == 1);
	begun_ns = duo_now_ns();
	fd = duo_dial(DUO_LOWER);
	duo_say(fd, duo.bytes, duo_make_hello(duo.bytes) - 1);
	DUO_WAIT_MS(duo_is_closed(fd), 5000);
	assert_true(duo_now_ns() - begun_ns >= 2990 * DUO_MS);
	assert_int_equal(duo.a.downs + duo.b.downs, 0);
	close(fd);
}

static void test_a_newcomer_that_says_hello_replaces_the_session(void **state)
{
	uint32_t size;
	int old, idle, new;

	(void)state;
	duo_open_upper();
	old = duo_dial(DUO_LOWER);
	duo_say_hello(old);
	DUO_WAIT(duo.b.messages == 1);
	idle = duo_dial(DUO_LOWER);
	duo_run_ms(SILENCE_MS);
	new = duo_dial(DUO_LOWER);
	size = duo_make_hello(duo.bytes);
	duo_say(new, duo.bytes, 10);
	DUO_WAIT(duo_is_closed(idle));
	assert_int_equal(duo.b.downs, 0);
	size = duo_make_hello(duo.bytes);
	size += duo_make_message(duo.bytes + size, DUO_BULK_TYPE, 100, 0);
	duo_say(new, duo.bytes + 10, size - 10);
	DUO_WAIT(duo.b.messages == 3);
	assert_int_equal(duo.b.downs, 1);
	assert_int_equal(duo.b.ups, 2);
	assert_int_equal(duo.b.types[0], WIRE_HELLO);
	assert_int_equal(duo.b.types[1], DUO_BULK_TYPE);
	assert_int_equal(duo_hear(new, NULL), WIRE_HELLO);
	assert_true(duo_is_closed(old));
	/* It is heard as well as the first one was. */
	duo_say(new, duo.bytes, duo_make_message(duo.bytes, DUO_BULK_TYPE, 9, 1));
	DUO_WAIT(duo.b.messages == 4);
	close(old);
	close(idle);
	close(new);
}

/* Somebody who came first and says nothing does not keep the peer out. */
static void test_a_silent_first_connection_gives_way_to_the_peer(void **state)
{
	int silent;

	(void)state;
	duo_open_upper();
	silent = duo_dial(DUO_LOWER);
	DUO_WAIT(duo.b.ups == 1);
	duo_open_lower();
	DUO_WAIT(duo.b.messages == 1 && duo.a.messages == 1);
	assert_true(duo_is_closed(silent));
	close(silent);
}

static void test_the_session_may_be_ended_while_it_is_replaced(void **state)
{
	int old, new;

	(void)state;
	duo_open_upper();
	duo.b.end_on_down_ns = 100 * DUO_MS;
	old = duo_dial(DUO_LOWER);
	duo_say_hello(old);
	DUO_WAIT(duo.b.messages == 1);
	new = duo_dial(DUO_LOWER);
	duo_say_hello(new);
	DUO_WAIT(duo_is_closed(new));
	assert_int_equal(duo.b.ups, 1);
	assert_int_equal(duo.b.downs, 1);
	close(old);
	close(new);
	new = duo_dial(DUO_LOWER);
	DUO_WAIT(duo.b.ups == 2);
	close(new);
	DUO_WAIT(duo.b.downs == 2);
}

static void test_an_oversized_header_ends_the_connection(void **state)
{
	static const uint8_t header[] = {0, 0, 0xff, 0xf9, 0, 100, 0, 0}; /* one byte too long */
	int fd;

	(void)state;
	duo_open_upper();
	fd = duo_dial(DUO_LOWER);
	duo_say_hello(fd);
	duo_say(fd, header, sizeof(header));
	DUO_WAIT(duo_is_closed(fd));
	assert_int_equal(duo.b.downs, 1);
	assert_int_equal(duo.b.types_count, 2);
	assert_int_equal(duo.b.types[1], WIRE_NONE);
	assert_int_equal(duo.b.sizes[1], MLAG_WIRE_HEADER_SIZE);
	close(fd);
}

static void test_end_says_the_last_word_and_pauses(void **state)
{
	int listener = duo_listen(4);
	uint64_t ended_ns;
	int fd;

	(void)state;
	duo_open_lower();
	fd = duo_accept(listener);
	assert_int_equal(duo_hear(fd, NULL), WIRE_HELLO);
	duo.a.urgent_due = 1;
	ended_ns = duo_now_ns();
	channel_end(duo.a.channel, 300 * DUO_MS);
	assert_int_equal(duo.a.downs, 1);
	assert_int_equal(duo_hear(fd, NULL), DUO_URGENT_TYPE);
	assert_true(duo_is_closed(fd));
	close(fd);
	fd = duo_accept(listener);
	assert_true(duo_now_ns() - ended_ns >= 299 * DUO_MS);
	close(fd);
	close(listener);
}

/* The same from within a callback, on the side that listens, with more waiting to be read. */
static void test_end_while_reading_accepts_nobody_during_the_pause(void **state)
{
	uint32_t size;
	uint64_t ended_ns;
	int old, waiting, new;

	(void)state;
	duo_open_upper();
	old = duo_dial(DUO_LOWER);
	duo.b.end_on_urgent_ns = 300 * DUO_MS;
	waiting = duo_dial(DUO_LOWER);
	duo_run_ms(SILENCE_MS);
	size = duo_make_hello(duo.bytes);
	size += duo_make_message(duo.bytes + size, DUO_URGENT_TYPE, 0, 0);
	size += duo_make_message(duo.bytes + size, DUO_BULK_TYPE, 8, 0);
	duo_say(old, duo.bytes, size);
	ended_ns = duo_now_ns();
	DUO_WAIT(duo.b.downs == 1);
	assert_int_equal(duo.b.messages, 2);
	DUO_WAIT(duo_is_closed(waiting));
	new = duo_dial(DUO_LOWER);
	DUO_WAIT(duo.b.ups == 2);
	assert_true(duo.b.up_ns - ended_ns >= 299 * DUO_MS);
	close(old);
	close(waiting);
	close(new);
	DUO_WAIT(duo.b.downs == 2);
}

static void test_without_descriptors_it_waits_quietly(void **state)
{
	struct rlimit limit, low;
	int fd, lowest, again;

	(void)state;
	duo_open_upper();
	fd = duo_dial(DUO_LOWER);
	lowest = dup(fd);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_true(duo_run_ms(300) < 20);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(duo.b.ups, 0);
	again = duo_dial(DUO_LOWER);
	DUO_WAIT(duo.b.ups == 1);
	close(fd);
	close(again);
}

static void test_addresses_may_come_late_and_go(void **state)
{
	(void)state;
	skip_unless_root("addresses are taken away");
	assert_int_equal(duo_open(&duo.a, "10.9.0.1", "10.9.0.2", ""), 0);
	assert_int_equal(duo_open(&duo.b, "10.9.0.2", "10.9.0.1", ""), 0);
	duo_run_ms(SILENCE_MS);
	assert_string_equal(channel_describe(duo.a.channel),
			    "connecting to 10.9.0.2: Cannot assign requested address");
	assert_string_equal(channel_describe(duo.b.channel), "waiting for 10.9.0.1");
	for (uint32_t i = 1; i <= 2; i++) {
		duo_change_address("lo", "10.9.0.1/32", true);
		duo_change_address("lo", "10.9.0.2/32", true);
		DUO_WAIT(duo.a.messages == i && duo.b.messages == i);
		duo_change_address("lo", "10.9.0.1/32", false);
		duo_change_address("lo", "10.9.0.2/32", false);
		channel_end(duo.a.channel, 100 * DUO_MS); /* as after silence */
		channel_end(duo.b.channel, 100 * DUO_MS);
		duo_run_ms(300);
	}
}

/* B4: the listener is bound to the device that was, and is to follow the name. */
static void test_the_scope_device_may_go_and_come_again(void **state)
{
	uint32_t index, old_index = 0;

	(void)state;
	skip_unless_root("devices are deleted");
	if (access("/proc/sys/net/ipv6", F_OK) != 0) {
		print_message("the kernel has no IPv6, skipped\n");
		skip();
	}
	assert_int_equal(duo_open(&duo.a, DUO_NEAR_IPV6, DUO_FAR_IPV6, "near"), 0);
	assert_int_equal(duo_open(&duo.b, DUO_FAR_IPV6, DUO_NEAR_IPV6, "far"), 0);
	duo_run_ms(SILENCE_MS);
	assert_string_equal(channel_describe(duo.a.channel),
			    "connecting to " DUO_FAR_IPV6 ": No such device");
	assert_string_equal(channel_describe(duo.b.channel),
			    "waiting for " DUO_NEAR_IPV6 ": No such device");
	for (uint32_t i = 1; i <= 3; i++) {
		duo_make_pair();
		index = if_nametoindex("far");
		assert_int_not_equal(index, old_index);
		old_index = index;
		DUO_WAIT_MS(duo.a.messages == i && duo.b.messages == i, 4000);
		if (i < 3) {
			/* Nothing is looked at while the session stands. */
			duo_run_ms(SILENCE_MS);
			assert_int_equal(duo_run_ms(1200), 0);
		}
		duo_delete_pair();
		if (i == 1) { /* the listener hears of it first, then the other way */
			channel_end(duo.b.channel, 100 * DUO_MS);
			duo_run_ms(300);
			channel_end(duo.a.channel, 100 * DUO_MS);
			duo_run_ms(300);
		} else {
			channel_end(duo.a.channel, 0);
			channel_end(duo.b.channel, 0);
		}
	}
}

/* And one that never had a session. */
static void test_an_idle_listener_follows_its_device(void **state)
{
	(void)state;
	skip_unless_root("devices are deleted");
	if (access("/proc/sys/net/ipv6", F_OK) != 0) {
		print_message("the kernel has no IPv6, skipped\n");
		skip();
	}
	duo_make_pair();
	assert_int_equal(duo_open(&duo.b, DUO_FAR_IPV6, DUO_NEAR_IPV6, "far"), 0);
	duo_run_ms(SILENCE_MS);
	assert_string_equal(channel_describe(duo.b.channel), "waiting for " DUO_NEAR_IPV6);
	duo_delete_pair();
	duo_make_pair(); /* between two looks */
	assert_true(duo_run_ms(1300) <= 4);
	assert_int_equal(duo_open(&duo.a, DUO_NEAR_IPV6, DUO_FAR_IPV6, "near"), 0);
	DUO_WAIT(duo.a.messages == 1 && duo.b.messages == 1);
	duo_delete_pair();
}

#define CHANNEL_TEST(name) cmocka_unit_test_setup_teardown(name, duo_setup, duo_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CHANNEL_TEST(test_two_channels_find_each_other_and_talk),
		CHANNEL_TEST(test_a_spec_that_cannot_work_is_refused),
		CHANNEL_TEST(test_messages_are_whole_however_they_arrive),
		CHANNEL_TEST(test_a_slow_reader_costs_one_message_and_urgent_goes_first),
		CHANNEL_TEST(test_a_peer_that_closes_is_down_and_may_come_again),
		CHANNEL_TEST(test_retries_begin_fast_and_stay_at_100_ms),
		CHANNEL_TEST(test_an_attempt_without_answer_is_started_afresh),
		CHANNEL_TEST(test_a_stranger_is_refused),
		CHANNEL_TEST(test_garbage_of_a_newcomer_does_not_touch_the_session),
		CHANNEL_TEST(test_a_silent_newcomer_has_three_seconds),
		CHANNEL_TEST(test_a_newcomer_that_says_hello_replaces_the_session),
		CHANNEL_TEST(test_a_silent_first_connection_gives_way_to_the_peer),
		CHANNEL_TEST(test_the_session_may_be_ended_while_it_is_replaced),
		CHANNEL_TEST(test_an_oversized_header_ends_the_connection),
		CHANNEL_TEST(test_end_says_the_last_word_and_pauses),
		CHANNEL_TEST(test_end_while_reading_accepts_nobody_during_the_pause),
		CHANNEL_TEST(test_without_descriptors_it_waits_quietly),
		CHANNEL_TEST(test_addresses_may_come_late_and_go),
		CHANNEL_TEST(test_the_scope_device_may_go_and_come_again),
		CHANNEL_TEST(test_an_idle_listener_follows_its_device),
	};

	return cmocka_run_group_tests(tests, duo_enter_namespace, NULL);
}
