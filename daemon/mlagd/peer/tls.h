/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One end of a TLS 1.3 connection with a pre-shared key, as a transform of bytes: what came from
 * the network goes in, what is to be sent there comes out, and no socket is known here.  So mlagd
 * runs it over TCP, and the simulator and the tests between two ends in memory.
 *
 * Only what two members need is spoken: TLS 1.3, the key by identity, with an ephemeral exchange
 * (psk_dhe_ke, so a key that is lost later opens no old session), AES-128-GCM.  No certificates,
 * no tickets, no early data.
 */
#ifndef MLAGD_PEER_TLS_H
#define MLAGD_PEER_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

#define TLS_KEY_SIZE 32		   /* bytes of the pre-shared key */
#define TLS_FEED_MAX 65536	   /* bytes fed and not read yet */
#define TLS_HANDSHAKE_MAX 16384	   /* bytes of a handshake from one side; some 300 are needed */
#define TLS_OUTPUT_MAX (2 * 65536) /* bytes to be sent: a message, its records, and some of TLS */
#define TLS_RECORDS_PER_KEY 65536  /* written; AES-GCM allows 256 times as many */

/* Why a connection was given up: a stable word of the API, and a sentence for people. */
#define TLS_FAILURES(X)                                                                       \
	X(TLS_FAILURE_NONE, "none", "nothing")                                                \
	X(TLS_FAILURE_KEY, "wrong_key", "the peer has another key")                           \
	X(TLS_FAILURE_IDENTITY, "identity", "the peer is of another domain")                  \
	X(TLS_FAILURE_PLAINTEXT, "plaintext",                                                 \
	  "the peer speaks in the clear, and this member needs TLS")                          \
	X(TLS_FAILURE_ENCRYPTED, "encrypted",                                                 \
	  "the peer speaks TLS, and this member has security = none")                         \
	X(TLS_FAILURE_GARBAGE, "garbage", "what the peer says is not the TLS that is needed") \
	X(TLS_FAILURE_TAMPERED, "tampered", "a record was changed on its way")                \
	X(TLS_FAILURE_CLOSED, "closed", "the peer ended the connection during the handshake") \
	X(TLS_FAILURE_TIMEOUT, "timeout", "the handshake was not done in time")               \
	X(TLS_FAILURE_INTERNAL, "internal", "there is no memory, or the TLS library failed")
#define TLS_FAILURE_VALUE(symbol, word, sentence) symbol,
enum tls_failure { TLS_FAILURES(TLS_FAILURE_VALUE) TLS_FAILURES_COUNT };

/** struct tls_key - what is in the key file */
struct tls_key {
	uint8_t octets[TLS_KEY_SIZE];
};

/**
 * struct tls_counts - connections that were given up
 * @last: why the last one was; none after one that stood
 */
struct tls_counts {
	enum tls_failure last;
	uint64_t count[TLS_FAILURES_COUNT];
};

struct tls_context;
struct tls;

/**
 * tls_context_new() - what all connections of a member have in common
 * @ret: the new object
 * @key: copied; what is used is derived from it, so that it may serve other purposes too
 * @domain_id: part of the identity: who has the key of another pair is refused by name
 *
 * Return: 0, or -ENOMEM when the library cannot do it.
 */
int tls_context_new(struct tls_context **ret, const struct tls_key *key, uint16_t domain_id);

/** tls_context_free() - NULL is fine; connections go before their context */
void tls_context_free(struct tls_context *context);

/**
 * tls_new() - one end of a connection
 * @ret: the new object; it refers to @context
 * @is_client: it is the one that connected
 *
 * Return: 0, or -ENOMEM.
 */
int tls_new(struct tls **ret, const struct tls_context *context, bool is_client);

/** tls_free() - NULL is fine */
void tls_free(struct tls *tls);

/**
 * tls_feed() - bytes came from the network
 *
 * Return: 0; -ENOBUFS when more than TLS_FEED_MAX would wait for tls_read() (nothing was taken);
 * -EPROTO when the connection failed (tls_failure()).
 */
int tls_feed(struct tls *tls, const uint8_t *data, uint32_t size);

/**
 * tls_read() - do what can be done with what was fed, and take plain bytes
 * @ret_data, @size: room for them, not 0
 *
 * To be called once at the start, too: a client has the first word.  Afterwards see tls_output().
 *
 * Return: how many bytes, 0 for none now, -ECONNRESET when the peer has ended the connection in
 * good order, -EPROTO when it failed.
 */
int tls_read(struct tls *tls, uint8_t *ret_data, uint32_t size);

/**
 * tls_write() - plain bytes to be sent
 * @size: MLAG_WIRE_MESSAGE_MAX at most
 *
 * Return: 0, -EAGAIN before tls_is_ready(), -ENOBUFS while there is too much to be sent already
 * (nothing was taken), -EPROTO when the connection failed.
 */
int tls_write(struct tls *tls, const uint8_t *data, uint32_t size);

/** tls_end() - say to the peer that nothing more comes; a last tls_output() has it */
void tls_end(struct tls *tls);

/**
 * tls_output() - bytes for the network
 * @ret_data: valid until the next call of another function
 *
 * Return: how many, 0 for none.  What was sent of them is told by tls_sent().
 */
uint32_t tls_output(const struct tls *tls, const uint8_t **ret_data);

/** tls_sent() - so many bytes of the output were sent; no more than there were */
void tls_sent(struct tls *tls, uint32_t size);

/** tls_is_ready() - the handshake is done: the peer has the key */
bool tls_is_ready(const struct tls *tls);

/** tls_failure() - why the connection failed; none while it did not */
enum tls_failure tls_failure(const struct tls *tls);

/** tls_failure_word() - the word of the API for it */
const char *tls_failure_word(enum tls_failure failure);

/** tls_failure_text() - the sentence for people */
const char *tls_failure_text(enum tls_failure failure);

/** tls_looks_like() - bytes that begin like a record of TLS, in a stream that should have none */
bool tls_looks_like(const uint8_t *data, uint32_t size);

#endif
