// SPDX-License-Identifier: BSD-2-Clause
/*
 * The connection to the peer with a key, over real sockets (duo.h): the session is what it is in the
 * clear, who lacks the key does not disturb it, and why there is none is counted by both members.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "duo.h"
#include "peer/stream.h"
#include "wire.h"

#define SILENCE_MS 50

static const struct tls_key key = {{7, 7, 9}};
static const struct tls_key other_key = {{7, 7, 8}};

static uint64_t failures(const struct duo_end *end, enum tls_failure failure)
{
	return channel_counts(end->channel)->count[failure];
}

static void open_both(void)
{
	duo.a.key = duo.b.key = &key;
	duo_open_upper();
	duo_open_lower();
}

static void test_two_members_with_one_key_talk(void **state)
{
	(void)state;
	duo.a.bulk_due = 40; /* 2.6 MB each way */
	duo.b.bulk_due = 40;
	duo.b.urgent_due = 2;
	open_both();
	DUO_WAIT_MS(duo.a.messages == 43 && duo.b.messages == 41, 5000);
	assert_int_equal(duo.a.types[0], WIRE_HELLO);
	assert_int_equal(duo.b.types[0], WIRE_HELLO);
	assert_int_equal(duo.a.order_next, 40);
	assert_int_equal(duo.b.order_next, 40);
	assert_string_equal(channel_describe(duo.a.channel), "connected to " DUO_UPPER);
	/* A session that stands and has nothing to say costs nothing. */
	assert_int_equal(duo_run_ms(300), 0);
	assert_int_equal(duo.a.ups + duo.b.ups, 2);
	assert_int_equal(duo.a.downs + duo.b.downs, 0);
	for (uint32_t i = 0; i < TLS_FAILURES_COUNT; i++) {
		assert_int_equal(failures(&duo.a, (enum tls_failure)i), 0);
		assert_int_equal(failures(&duo.b, (enum tls_failure)i), 0);
	}
}

static void test_a_session_that_ends_comes_again(void **state)
{
	(void)state;
	open_both();
	for (uint32_t i = 1; i <= 3; i++) {
		struct duo_end *end = i % 2 != 0 ? &duo.a : &duo.b;

		DUO_WAIT(duo.a.ups == i && duo.b.ups == i && duo.a.types_count > 0 &&
			 duo.b.types_count > 0);
		channel_end(end->channel, 20 * DUO_MS);
		DUO_WAIT(duo.a.downs == i && duo.b.downs == i);
	}
}

/* What both say of a pair that cannot talk; and nobody was ever up. */
static void check_failures(enum tls_failure of_a, enum tls_failure of_b)
{
	DUO_WAIT(failures(&duo.a, of_a) > 1 && failures(&duo.b, of_b) > 1);
	assert_int_equal(channel_counts(duo.a.channel)->last, of_a);
	assert_int_equal(channel_counts(duo.b.channel)->last, of_b);
	assert_int_equal(duo.a.messages + duo.b.messages, 0);
}

static void test_another_key_or_domain_is_named_on_both_and_cured_by_the_right_one(void **state)
{
	(void)state;
	duo.a.key = &key;
	duo.b.key = &other_key;
	duo_open_upper();
	duo_open_lower();
	check_failures(TLS_FAILURE_KEY, TLS_FAILURE_KEY);
	channel_close(duo.b.channel);
	duo.b.key = &key;
	duo.b.domain_id = 2;
	duo_open_upper();
	check_failures(TLS_FAILURE_IDENTITY, TLS_FAILURE_IDENTITY);
	assert_int_equal(duo.a.ups + duo.b.ups, 0);
	channel_close(duo.b.channel);
	duo.b.domain_id = 0;
	duo_open_upper();
	DUO_WAIT(duo.a.messages == 1 && duo.b.messages == 1);
	assert_int_equal(channel_counts(duo.a.channel)->last, TLS_FAILURE_NONE);
	assert_true(failures(&duo.a, TLS_FAILURE_KEY) > 0); /* not forgotten */
}

static void test_one_in_the_clear_is_named_on_both_whoever_it_is(void **state)
{
	(void)state;
	duo.a.key = &key;
	duo_open_upper();
	duo_open_lower();
	DUO_WAIT(failures(&duo.a, TLS_FAILURE_PLAINTEXT) > 1 &&
		 failures(&duo.b, TLS_FAILURE_ENCRYPTED) > 1);
	assert_int_equal(duo.a.ups, 0);
	channel_close(duo.a.channel);
	channel_close(duo.b.channel);
	duo.a.key = NULL;
	duo.b.key = &key;
	duo.b.ups = 0;
	duo_open_upper();
	duo_open_lower();
	DUO_WAIT(failures(&duo.a, TLS_FAILURE_ENCRYPTED) > 1 &&
		 failures(&duo.b, TLS_FAILURE_PLAINTEXT) > 1);
	assert_int_equal(duo.b.ups, 0);
}

static void test_who_has_no_key_does_not_disturb_the_session(void **state)
{
	int fds[20], fd;

	(void)state;
	open_both();
	DUO_WAIT(duo.a.messages == 1 && duo.b.messages == 1);
	fd = duo_dial(DUO_LOWER);
	duo_say_hello(fd);
	DUO_WAIT(duo_is_closed(fd));
	close(fd);
	fd = duo_dial(DUO_LOWER);
	duo_say(fd, "\x16\x03\x01\x40\x01\x01", 6); /* a record of 16 kB and a byte, and so on */
	for (uint32_t i = 0; i < 40 && !duo_is_closed(fd); i++) {
		(void)send(fd, duo.bytes, sizeof(duo.bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
		duo_run_ms(2);
	}
	DUO_WAIT(duo_is_closed(fd));
	close(fd);
	close(duo_dial(DUO_LOWER));
	for (uint32_t i = 0; i < 20; i++) {
		fds[i] = duo_dial(DUO_LOWER);
		duo_run_ms(5);
	}
	for (uint32_t i = 0; i < 20; i++) {
		close(fds[i]);
	}
	duo.a.urgent_due = duo.b.urgent_due = 1;
	channel_pump(duo.a.channel, false);
	channel_pump(duo.b.channel, false);
	DUO_WAIT(duo.a.messages == 2 && duo.b.messages == 2);
	assert_int_equal(duo.a.downs + duo.b.downs, 0);
	assert_int_equal(failures(&duo.b, TLS_FAILURE_PLAINTEXT), 1);
	assert_int_equal(failures(&duo.b, TLS_FAILURE_GARBAGE), 1);
	assert_true(failures(&duo.b, TLS_FAILURE_CLOSED) > 0);
}

static void test_a_handshake_has_three_seconds_on_both_sides(void **state)
{
	int listener = duo_listen(4), silent, fd;
	uint64_t begun_ns;

	(void)state;
	duo.a.key = &key;
	duo_open_lower();
	silent = duo_accept(listener); /* and says nothing */
	begun_ns = duo_now_ns();
	DUO_WAIT_MS(failures(&duo.a, TLS_FAILURE_TIMEOUT) == 1, 5000);
	assert_true(duo_now_ns() - begun_ns >= 2800 * DUO_MS);
	close(silent);
	close(listener);
	channel_close(duo.a.channel);
	duo.a.channel = NULL;
	duo.b.key = &key;
	duo_open_upper();
	fd = duo_dial(DUO_LOWER);
	DUO_WAIT_MS(failures(&duo.b, TLS_FAILURE_TIMEOUT) == 1, 5000);
	assert_true(duo_is_closed(fd));
	assert_int_equal(duo.a.ups + duo.b.ups, 0);
	close(fd);
}

/* A peer made of bytes that has the key. */
struct dialer {
	struct tls_context *context;
	struct stream stream;
	uint32_t heard_size;
};

static void dial(struct dialer *dialer)
{
	static uint8_t bytes[STREAM_ROOM_MIN];
	uint64_t end_ns = duo_now_ns() + DUO_SOON_MS * DUO_MS;
	uint32_t size;

	assert_int_equal(tls_context_new(&dialer->context, &key, 0), 0);
	assert_int_equal(stream_open(&dialer->stream, duo_dial(DUO_LOWER), dialer->context, true),
			 0);
	while (!stream_is_ready(&dialer->stream)) {
		assert_true(duo_now_ns() < end_ns);
		assert_true(sd_event_run(duo.event, 1000) >= 0);
		assert_true(stream_read(&dialer->stream, bytes, sizeof(bytes), &size) >= 0);
	}
}

static void say(struct dialer *dialer, const uint8_t *data, uint32_t size)
{
	uint32_t sent;

	assert_int_equal(stream_write(&dialer->stream, data, size, &sent), 1);
}

static void hang_up(struct dialer *dialer)
{
	stream_close(&dialer->stream);
	tls_context_free(dialer->context);
}

static void test_the_peer_replaces_its_old_connection_by_its_first_word(void **state)
{
	struct dialer first = {0}, second = {0};
	uint32_t size;

	(void)state;
	duo.b.key = &key;
	duo_open_upper();
	dial(&first);
	DUO_WAIT(duo.b.ups == 1); /* the key is enough where nobody stands */
	say(&first, duo.bytes, duo_make_hello(duo.bytes));
	DUO_WAIT(duo.b.messages == 1);
	dial(&second);
	duo_run_ms(SILENCE_MS);
	assert_int_equal(duo.b.downs, 0);
	/* HELLO, and much more behind it at once: nothing of it is left lying. */
	size = duo_make_hello(duo.bytes);
	size += duo_make_message(duo.bytes + size, DUO_BULK_TYPE, 30000, 0);
	size += duo_make_message(duo.bytes + size, DUO_BULK_TYPE, 20000, 1);
	say(&second, duo.bytes, size);
	DUO_WAIT(duo.b.messages == 4);
	assert_int_equal(duo.b.downs, 1);
	assert_int_equal(duo.b.ups, 2);
	hang_up(&first);
	hang_up(&second);
	DUO_WAIT(duo.b.downs == 2);
}

static void test_a_session_whose_bytes_are_changed_ends_and_says_so(void **state)
{
	struct dialer peer = {0};

	(void)state;
	duo.b.key = &key;
	duo_open_upper();
	dial(&peer);
	say(&peer, duo.bytes, duo_make_hello(duo.bytes));
	DUO_WAIT(duo.b.messages == 1);
	duo_say(peer.stream.fd, "\x17\x03\x03\x00\x20 none of this is of the session ", 5 + 32);
	DUO_WAIT(duo.b.downs == 1);
	assert_int_equal(failures(&duo.b, TLS_FAILURE_TAMPERED), 1);
	assert_int_equal(duo.b.messages, 1);
	hang_up(&peer);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, duo_setup, duo_teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_two_members_with_one_key_talk),
		TEST(test_a_session_that_ends_comes_again),
		TEST(test_another_key_or_domain_is_named_on_both_and_cured_by_the_right_one),
		TEST(test_one_in_the_clear_is_named_on_both_whoever_it_is),
		TEST(test_who_has_no_key_does_not_disturb_the_session),
		TEST(test_a_handshake_has_three_seconds_on_both_sides),
		TEST(test_the_peer_replaces_its_old_connection_by_its_first_word),
		TEST(test_a_session_whose_bytes_are_changed_ends_and_says_so),
	};

	return cmocka_run_group_tests(tests, duo_enter_namespace, NULL);
}
