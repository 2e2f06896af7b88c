/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lease of mlagd (see lease.h).  Called by mlagd's guard.c and by mlag-guard; knows no
 * policy: for how long a lease holds, and what then, is the guard's.
 */
#include "common/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LEASE_MAGIC UINT64_C(0x6d6c61676c656173) /* "mlagleas" */
#define LEASE_PATH_SIZE 4096
#define LEASE_BOOT_FILE "/proc/sys/kernel/random/boot_id"

static bool is_name(const char name[IFNAMSIZ])
{
	return memchr(name, '\0', IFNAMSIZ) != NULL;
}

static void read_boot(char ret[40])
{
	int fd = open(LEASE_BOOT_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, 36);

	ret[n > 0 ? n : 0] = '\0';
	if (fd >= 0) {
		(void)close(fd);
	}
}

/* A damaged file must not send the guard beyond its page. */
static bool is_sound(const struct lease_page *page)
{
	uint32_t count = atomic_load_explicit(&page->downs_count, memory_order_relaxed);

	if (page->magic != LEASE_MAGIC || count > LEASE_DOWNS_MAX) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (page->downs[i].leg_ifindex == 0 || page->downs[i].ifindex == 0) {
			return false;
		}
	}
	return true;
}

/* Times of another boot mean nothing, and whatever was down is not down by us any more. */
static void make_fresh(struct lease_page *page)
{
	char boot[40] = {0};

	read_boot(boot);
	if (is_sound(page) && memcmp(page->boot, boot, sizeof(boot)) == 0) {
		return;
	}
	memset(page, 0, sizeof(*page));
	memcpy(page->boot, boot, sizeof(boot));
	page->magic = LEASE_MAGIC;
}

static int map(int fd, struct lease_page **ret)
{
	void *page;
	int r;

	/* Both may come first. */
	if (flock(fd, LOCK_EX) < 0) {
		return -errno;
	}
	/* Room is taken now: a full file system must not end either of us later (SIGBUS). */
	r = posix_fallocate(fd, 0, sizeof(struct lease_page));
	if (r != 0) {
		return -r;
	}
	page = mmap(NULL, sizeof(struct lease_page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED) {
		return -errno;
	}
	make_fresh(page);
	(void)flock(fd, LOCK_UN);
	*ret = page;
	return 0;
}

int lease_open(const char *run_dir, struct lease_page **ret, int *ret_fd)
{
	char path[LEASE_PATH_SIZE];
	int size = snprintf(path, sizeof(path), "%s/" LEASE_FILE, run_dir);
	int fd, r;

	if (size < 0 || (size_t)size >= sizeof(path)) {
		return -ENAMETOOLONG;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return -errno;
	}
	r = map(fd, ret);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

void lease_close(struct lease_page *page, int fd)
{
	if (page != NULL) {
		(void)munmap(page, sizeof(*page));
	}
	if (fd >= 0) {
		(void)close(fd);
	}
}

bool lease_is_gone(int fd)
{
	struct stat info;

	return fstat(fd, &info) == 0 && info.st_nlink == 0;
}

void lease_write(struct lease_page *page, const struct lease_terms *terms, uint64_t now_ns)
{
	uint64_t serial = atomic_load_explicit(&page->terms_serial, memory_order_relaxed) + 1;

	memcpy(&page->terms[serial % 2], terms, sizeof(*terms));
	atomic_store_explicit(&page->terms_serial, serial, memory_order_release);
	atomic_store_explicit(&page->renewed_ns, now_ns, memory_order_release);
}

/* What mlagd can have said: the guard takes names for text, and counts for true. */
static bool is_possible(const struct lease_terms *terms)
{
	if (terms->legs_count > MLAG_LEGS_MAX || terms->hello_size > MLAG_HELLO_SIZE_MAX ||
	    terms->backup_size > sizeof(terms->backup_local) || !is_name(terms->link) ||
	    !is_name(terms->backup_scope)) {
		return false;
	}
	for (uint32_t i = 0; i < terms->legs_count; i++) {
		if (!is_name(terms->legs[i].ifname)) {
			return false;
		}
	}
	return true;
}

bool lease_read(const struct lease_page *page, struct lease_terms *ret)
{
	struct lease_terms terms;
	uint64_t serial;

	/* The slot in use is written again only after the other one: a few times a second. */
	for (uint32_t i = 0; i < 8; i++) {
		serial = atomic_load_explicit(&page->terms_serial, memory_order_acquire);
		if (serial == 0) {
			return false;
		}
		memcpy(&terms, &page->terms[serial % 2], sizeof(terms));
		atomic_thread_fence(memory_order_acquire);
		if (atomic_load_explicit(&page->terms_serial, memory_order_relaxed) != serial) {
			continue;
		}
		if (!is_possible(&terms)) {
			return false;
		}
		*ret = terms;
		return true;
	}
	return false;
}

enum lease_guard lease_guard(const struct lease_page *page, uint64_t now_ns)
{
	uint64_t beat_ns = atomic_load_explicit(&page->beat_ns, memory_order_relaxed);

	if (atomic_load_explicit(&page->fence, memory_order_acquire) != 0) {
		return LEASE_GUARD_FENCED;
	}
	return beat_ns != 0 && now_ns < beat_ns + LEASE_BEAT_OLD_NS ? LEASE_GUARD_RUNNING
								    : LEASE_GUARD_ABSENT;
}
