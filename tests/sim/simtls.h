/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The session of a simulated pair through TLS: mlagd's own (peer/tls.h), by buffers.
 *
 * The handshake takes no virtual time, and a message is delivered when it would be in the clear.
 * TLS draws random numbers that no seed repeats, but they change no length and no time: what
 * happens in a life is the same with TLS and without, octet by octet but on the wire.
 */
#ifndef MLAG_TESTS_SIMTLS_H
#define MLAG_TESTS_SIMTLS_H

#include "world.h"

/** simtls_begin() - this life's session goes through TLS */
void simtls_begin(struct world *world);

/** simtls_end() - give back what it needed, and tell how much passed, if it was so */
void simtls_end(struct world *world);

/** simtls_print() - what all lives together have sent through TLS */
void simtls_print(void);

#endif
