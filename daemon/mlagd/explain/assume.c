// SPDX-License-Identifier: BSD-2-Clause
/*
 * What if: a scene changed as an operator asks.  What the engines of both members would say when
 * everything has settled is written into what the programs would hold: R1 is lifted for a LAG whose
 * leg the peer reports down, and all of it is back in force when the peer link is lost (R2).  What
 * happens in the seconds between is not told.  control/explain.c calls this.
 */
#include <errno.h>
#include <linux/if_bridge.h>
#include <stdlib.h>
#include <string.h>

#include "explain/explain.h"

#define WORDS_MAX 4
#define WORD_SIZE 24

struct words {
	uint32_t count;
	char text[WORDS_MAX][WORD_SIZE];
};

static bool split(const char *text, struct words *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (;;) {
		size_t length;

		text += strspn(text, " \t");
		length = strcspn(text, " \t");
		if (length == 0) {
			return ret->count > 0;
		}
		if (ret->count == WORDS_MAX || length >= WORD_SIZE) {
			return false;
		}
		memcpy(ret->text[ret->count++], text, length);
		text += length;
	}
}

static bool is_said(const struct words *words, uint32_t index, const char *word)
{
	return index < words->count && strcmp(words->text[index], word) == 0;
}

/* "up" or "down", as the last word. */
static bool get_up(const struct words *words, uint32_t index, bool *ret_up)
{
	*ret_up = is_said(words, index, "up");
	return words->count == index + 1 && (*ret_up || is_said(words, index, "down"));
}

static void set_carrier(struct explain_port *port, bool up)
{
	port->carrier = up;
	port->state = up ? BR_STATE_FORWARDING : BR_STATE_DISABLED;
}

static void set_flood(struct explain_port *port, bool flood)
{
	port->flood = flood;
	port->mcast_flood = flood;
	port->bcast_flood = flood;
}

/*
 * R1 of a leg here: in the VLANs of the peer's while that is up; in all of them while the peer's word
 * does not reach us.
 */
static void set_isolated(struct explain_scene *scene, const struct explain_leg *leg, bool heard)
{
	struct explain_port *port = explain_find_port(scene, leg->ifindex);

	if (port == NULL) {
		return;
	}
	memset(port->program.isolated, heard ? 0 : 0xff, sizeof(port->program.isolated));
	for (uint32_t i = 0; heard && leg->peer_up && i < MLAG_VLAN_WORDS; i++) {
		port->program.isolated[i] = leg->peer_vlans.words[i];
	}
}

/* The peer's word reaches us, so it may lift R1 (R2). */
static bool is_heard(const struct explain_scene *scene)
{
	const struct explain_port *peer_link = explain_peer_link(scene);

	return scene->peer_alive && peer_link != NULL && peer_link->carrier;
}

static void isolate_all(struct explain_scene *scene)
{
	for (uint32_t i = 0; i < scene->legs_count; i++) {
		set_isolated(scene, &scene->legs[i], is_heard(scene));
	}
}

static int assume_leg(struct explain_scene *scene, const char *name, bool up)
{
	struct explain_leg *leg = explain_find_name(scene, name);
	struct explain_port *port = leg != NULL ? explain_find_port(scene, leg->ifindex) : NULL;

	if (port == NULL) {
		return -ENOENT;
	}
	set_carrier(port, up);
	set_flood(port, up);
	port->program.gate = up ? MLAG_GATE_OPEN : MLAG_GATE_CLOSED;
	memset(port->program.held, 0, sizeof(port->program.held));
	leg->peer_isolates = up && scene->peer_alive && leg->peer_present;
	return 0;
}

static int assume_peer_leg(struct explain_scene *scene, const char *name, bool up)
{
	struct explain_leg *leg = explain_find_name(scene, name);

	if (leg == NULL) {
		return -ENOENT;
	}
	if (!leg->peer_present) {
		return -ENOENT;
	}
	leg->peer_up = up;
	leg->peer_open = up;
	set_isolated(scene, leg, is_heard(scene));
	return 0;
}

static int assume_peer_link(struct explain_scene *scene, bool up)
{
	struct explain_port *port = explain_peer_link(scene);

	if (port == NULL) {
		return -ENOENT;
	}
	set_carrier(port, up);
	isolate_all(scene);
	return 0;
}

/* Its whole switch: the peer link loses carrier too. */
static int assume_peer(struct explain_scene *scene, bool alive)
{
	struct explain_port *port = explain_peer_link(scene);

	scene->peer_dead = !alive;
	scene->peer_alive = alive;
	if (port != NULL) {
		set_carrier(port, alive);
	}
	for (uint32_t i = 0; !alive && i < scene->legs_count; i++) {
		scene->legs[i].peer_up = false;
		scene->legs[i].peer_open = false;
		scene->legs[i].peer_isolates = false;
	}
	isolate_all(scene);
	return 0;
}

static int assume_words(struct explain_scene *scene, const struct words *words)
{
	bool up;

	if (is_said(words, 0, "leg") && get_up(words, 2, &up)) {
		return assume_leg(scene, words->text[1], up);
	}
	if (is_said(words, 0, "peer") && is_said(words, 1, "leg") && get_up(words, 3, &up)) {
		return assume_peer_leg(scene, words->text[2], up);
	}
	if (is_said(words, 0, "peer") && is_said(words, 1, "link") && get_up(words, 2, &up)) {
		return assume_peer_link(scene, up);
	}
	if (words->count == 2 && is_said(words, 0, "peer") &&
	    (is_said(words, 1, "dead") || is_said(words, 1, "alive"))) {
		return assume_peer(scene, is_said(words, 1, "alive"));
	}
	if (words->count == 2 && is_said(words, 0, "no") && is_said(words, 1, "route")) {
		scene->without_route = true;
		return 0;
	}
	if (words->count == 2 && is_said(words, 0, "mac") && is_said(words, 1, "unknown")) {
		scene->without_mac = true;
		return 0;
	}
	return -EINVAL;
}

int explain_assume(struct explain_scene *scene, const char *text)
{
	struct words words;

	if (!split(text, &words)) {
		return -EINVAL;
	}
	scene->assumed = true;
	return assume_words(scene, &words);
}
