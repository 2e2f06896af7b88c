/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon's half of the lease (see deadman.h).  Called by main.c and effects.c.
 * A guard that has fenced this member gives the legs back when we say so.
 */
#include "deadman.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/release.h"
#include "log.h"

/**
 * struct deadman - the lease and what was seen in it
 * @fence: the last one seen, 0 for none
 */
struct deadman {
	struct lease_page *page;
	int fd;
	const char *run_dir;
	struct lease_terms terms;
	uint64_t fence;
	struct release release;
};

void deadman_open(struct daemon *daemon)
{
	struct deadman *deadman = calloc(1, sizeof(*deadman));
	int r = deadman == NULL ? -ENOMEM
				: lease_open(daemon->run_dir, &deadman->page, &deadman->fd);

	if (r < 0) {
		log_warning("the lease for mlag-guard cannot be made: %s; nobody watches over this "
			    "daemon",
			    strerror(-r));
		free(deadman);
		return;
	}
	deadman->run_dir = daemon->run_dir;
	daemon->deadman = deadman;
}

void deadman_close(struct daemon *daemon)
{
	if (daemon->deadman != NULL) {
		lease_close(daemon->deadman->page, daemon->deadman->fd);
		free(daemon->deadman);
		daemon->deadman = NULL;
	}
}

static void fill_terms(const struct config *config, struct lease_terms *terms)
{
	terms->hold_ns = config->restart_hold_ns;
	memcpy(terms->link, config->link, sizeof(terms->link));
	terms->backup_size = (uint32_t)config->backup_local.size;
	terms->backup_local = config->backup_local.storage;
	terms->backup_remote = config->backup_remote.storage;
	memcpy(terms->backup_scope, config->backup_local.scope, sizeof(terms->backup_scope));
	terms->legs_count = config->lags_count;
	for (uint32_t i = 0; i < config->lags_count; i++) {
		terms->legs[i].lag_id = config->lags[i].id;
		memcpy(terms->legs[i].ifname, config->lags[i].ifname, IFNAMSIZ);
	}
}

static void look_at_fence(struct daemon *daemon, uint64_t now_ns)
{
	struct deadman *deadman = daemon->deadman;
	uint64_t fence = atomic_load(&deadman->page->fence);
	struct mlag_view view;

	if (fence != deadman->fence && fence != 0) {
		log_warning("mlag-guard has fenced this member; its legs come back when it is in "
			    "sync");
	} else if (fence != deadman->fence) {
		log_notice("mlag-guard has given the legs back");
	}
	deadman->fence = fence;
	if (fence == 0) {
		return;
	}
	mlag_get_view(daemon->engine, &view);
	if (release_look(&deadman->release, fence, &view, now_ns)) {
		deadman->terms.release = fence;
	}
}

void deadman_renew(struct daemon *daemon, const uint8_t *hello, uint32_t size)
{
	struct deadman *deadman = daemon->deadman;
	uint64_t now_ns = daemon_now_ns();

	if (deadman == NULL) {
		return;
	}
	if (lease_is_gone(deadman->fd)) {
		struct lease_page *page;
		int fd;

		if (lease_open(deadman->run_dir, &page, &fd) == 0) {
			lease_close(deadman->page, deadman->fd);
			deadman->page = page;
			deadman->fd = fd;
			deadman->terms.release = 0; /* fences are counted anew */
		}
	}
	fill_terms(daemon->config, &deadman->terms);
	look_at_fence(daemon, now_ns);
	deadman->terms.hello_size = size;
	memcpy(deadman->terms.hello, hello, size);
	lease_write(deadman->page, &deadman->terms, now_ns);
}

void deadman_leave(struct daemon *daemon)
{
	struct deadman *deadman = daemon->deadman;

	if (deadman != NULL) {
		deadman->terms.left = true;
		lease_write(deadman->page, &deadman->terms, daemon_now_ns());
	}
}

bool deadman_has_taken(void *user, uint16_t lag_id)
{
	const struct daemon *daemon = user;
	const struct lease_page *page;
	uint32_t count;

	if (daemon->deadman == NULL) {
		return false;
	}
	page = daemon->deadman->page;
	count = atomic_load(&page->downs_count);
	for (uint32_t i = 0; i < count && i < LEASE_DOWNS_MAX; i++) {
		if (page->downs[i].lag_id == lag_id) {
			return true;
		}
	}
	return false;
}

enum lease_guard deadman_guard(void *user, bool *ret_was_there)
{
	const struct daemon *daemon = user;

	*ret_was_there = false;
	if (daemon->deadman == NULL) {
		return LEASE_GUARD_ABSENT;
	}
	*ret_was_there = atomic_load(&daemon->deadman->page->beat_ns) != 0;
	return lease_guard(daemon->deadman->page, daemon_now_ns());
}
