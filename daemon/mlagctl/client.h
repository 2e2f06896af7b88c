/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One conversation with mlagd: a request line out, lines of JSON back, each handled as it comes.
 */
#ifndef MLAGCTL_CLIENT_H
#define MLAGCTL_CLIENT_H

#include <jansson.h>
#include <stdio.h>

#define CLIENT_SOCKET_DEFAULT "/run/mlagd/control.sock"

/* Exit codes of mlagctl; stable. */
enum client_exit {
	CLIENT_EXIT_DONE = 0,
	CLIENT_EXIT_DEGRADED = 1,
	CLIENT_EXIT_NO_DAEMON = 2,
	CLIENT_EXIT_USAGE = 3,
	CLIENT_EXIT_REFUSED = 4,
};

/**
 * struct client_call - what to ask, and who hears the answer
 * @socket_path: the control socket
 * @method: the method
 * @params: its parameters, or NULL; borrowed
 * @row: told each row; borrowed.  NULL when none are expected
 * @result: told the result, once, last; borrowed
 * @user: for both
 * @errors: where to say what went wrong
 */
struct client_call {
	const char *socket_path;
	const char *method;
	json_t *params;
	void (*row)(void *user, const json_t *row);
	void (*result)(void *user, const json_t *result);
	void *user;
	FILE *errors;
};

/**
 * client_run() - ask, and hand over the answer
 * @call: the question
 *
 * Return: CLIENT_EXIT_DONE, or after a message on @errors: CLIENT_EXIT_NO_DAEMON (nobody answers,
 * or the answer broke off), CLIENT_EXIT_USAGE (wrong parameters), CLIENT_EXIT_REFUSED.
 */
enum client_exit client_run(const struct client_call *call);

#endif
