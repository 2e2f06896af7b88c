// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counting moves (see flap.h).  A small cache, so that a storm of moves of many MACs costs no
 * memory: who was counted longest ago makes room, but nobody who is damped.  Called by mac.c.
 */
#include "flap.h"

#define XXH_INLINE_ALL
#define XXH_NO_STREAM
#include <string.h>
#include <xxhash.h>

static struct flap *bucket_of(const struct flaps *flaps, const struct mlag_mac_key *key,
			      uint64_t seed)
{
	uint64_t hash = XXH3_64bits_withSeed(key, sizeof(*key), seed);
	uint32_t place = (uint32_t)(hash % (FLAP_SLOTS / FLAP_WAYS)) * FLAP_WAYS;

	return (struct flap *)&flaps->slots[place];
}

static struct flap *find(const struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed)
{
	struct flap *bucket = bucket_of(flaps, key, seed);

	for (uint32_t i = 0; i < FLAP_WAYS; i++) {
		if (bucket[i].moves > 0 && memcmp(&bucket[i].key, key, sizeof(*key)) == 0) {
			return &bucket[i];
		}
	}
	return NULL;
}

/* A place for one more, or NULL when all there are damped. */
static struct flap *add(const struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed)
{
	struct flap *bucket = bucket_of(flaps, key, seed);
	struct flap *oldest = NULL;

	for (uint32_t i = 0; i < FLAP_WAYS; i++) {
		if (bucket[i].until_ns == 0 &&
		    (oldest == NULL || bucket[i].window_ns < oldest->window_ns)) {
			oldest = &bucket[i];
		}
	}
	if (oldest != NULL) {
		memset(oldest, 0, sizeof(*oldest));
		oldest->key = *key;
	}
	return oldest;
}

bool flap_move(struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed, uint64_t now_ns,
	       bool *ret_began)
{
	struct flap *flap = find(flaps, key, seed);

	*ret_began = false;
	flap = flap != NULL ? flap : add(flaps, key, seed);
	if (flap == NULL) {
		return false;
	}
	if (flap->until_ns > now_ns) {
		return true;
	}
	if (flap->moves == 0 || now_ns - flap->window_ns > FLAP_WINDOW_NS) {
		flap->moves = 0;
		flap->window_ns = now_ns;
	}
	if (flap->moves++ < FLAP_MOVES_MAX) {
		return false;
	}
	flaps->damped_count += flap->until_ns == 0;
	flap->until_ns = now_ns + FLAP_HOLD_NS;
	*ret_began = true;
	return true;
}

bool flap_is_damped(const struct flaps *flaps, const struct mlag_mac_key *key, uint64_t seed,
		    uint64_t now_ns)
{
	const struct flap *flap = flaps->damped_count > 0 ? find(flaps, key, seed) : NULL;

	return flap != NULL && flap->until_ns > now_ns;
}

void flap_expire(struct flaps *flaps, uint64_t now_ns)
{
	for (uint32_t i = 0; i < FLAP_SLOTS && flaps->damped_count > 0; i++) {
		struct flap *flap = &flaps->slots[i];

		if (flap->until_ns != 0 && flap->until_ns <= now_ns) {
			memset(flap, 0, sizeof(*flap));
			flaps->damped_count--;
		}
	}
}
