/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Makes the Nth call of something fail, in a program that knows nothing of it (LD_PRELOAD): memory
 * that is not there, and system calls that the kernel refuses, as the libraries make them too.
 *
 *	FAIL_COUNT=FILE		fail nothing; at the end write a line for each place of a call:
 *				number of its first call, what is called, a hash of who calls
 *	FAIL_AT=N		the call with this number fails
 *	FAIL_REPEAT=1		and every later one from the same place
 *	FAIL_LOG=FILE		write down what was made to fail
 *	FAIL_KINDS=LETTERS	which calls count: m memory, s everything else (both when not set)
 *
 * A place is a call with the callers that led to it, so one of each kind of failure is enough: a
 * thousand allocations of one loop are one place.  Calls of system functions within the C library
 * itself do not come by here, but those of every other library do.
 *
 * Errors are those that really happen there.  A request of netlink is not dropped but spoiled, so
 * that the kernel itself refuses it and answers.
 */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PLACES_MAX 65536
#define DEPTH 10 /* callers that make a place: more are more of the same */

static struct place {
	uint64_t hash;
	uint64_t first;
	const char *what;
} places[PLACES_MAX];

static struct {
	bool ready;
	bool repeat;
	bool memory;
	bool calls;
	uint64_t at;
	uint64_t count;
	uint64_t place; /* of the one that failed */
	const char *count_path;
	const char *log_path;
} fail;

static __thread bool inside; /* what this file itself calls is not counted */

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	if (found == NULL) {
		abort();
	}
	return found;
}

static uint64_t number(const char *name)
{
	const char *text = getenv(name);

	return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* Of the sanitizer, where there is one: what the loader keeps for good is no leak. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

static void __attribute__((constructor)) start(void)
{
	const char *kinds = getenv("FAIL_KINDS");
	void *warm[2];

	inside = true;
	if (__lsan_disable != NULL) {
		__lsan_disable();
	}
	(void)backtrace(warm, 2); /* loads the unwinder now */
	if (__lsan_enable != NULL) {
		__lsan_enable();
	}
	fail.at = number("FAIL_AT");
	fail.repeat = number("FAIL_REPEAT") != 0;
	fail.count_path = getenv("FAIL_COUNT");
	fail.log_path = getenv("FAIL_LOG");
	fail.memory = kinds == NULL || strchr(kinds, 'm') != NULL;
	fail.calls = kinds == NULL || strchr(kinds, 's') != NULL;
	(void)unsetenv("LD_PRELOAD"); /* what this program starts is not meant */
	fail.ready = fail.at != 0 || fail.count_path != NULL;
	inside = false;
}

/* Who calls: addresses in their files, so that it is the same in every run. */
static uint64_t where(const char *what)
{
	void *frames[DEPTH];
	int count = backtrace(frames, DEPTH);
	uint64_t hash = 1469598103934665603U;

	for (const char *c = what; *c != '\0'; c++) {
		hash = (hash ^ (uint8_t)*c) * 1099511628211U;
	}
	for (int i = 2; i < count; i++) {
		Dl_info info;
		uint64_t address = (uint64_t)(uintptr_t)frames[i];

		if (dladdr(frames[i], &info) != 0) {
			address -= (uint64_t)(uintptr_t)info.dli_fbase;
		}
		hash = (hash ^ address) * 1099511628211U;
	}
	return hash != 0 ? hash : 1;
}

static bool note_place(uint64_t hash, const char *what)
{
	for (uint32_t i = (uint32_t)(hash % PLACES_MAX), n = 0; n < PLACES_MAX;
	     n++, i = (i + 1) % PLACES_MAX) {
		if (places[i].hash == hash) {
			return false;
		}
		if (places[i].hash == 0) {
			places[i] = (struct place){hash, fail.count, what};
			return true;
		}
	}
	return false;
}

static void __attribute__((destructor)) end(void)
{
	FILE *file;

	inside = true;
	file = fail.count_path != NULL ? fopen(fail.count_path, "we") : NULL;
	for (uint32_t i = 0; file != NULL && i < PLACES_MAX; i++) {
		if (places[i].hash != 0) {
			(void)fprintf(file, "%llu %s %016llx\n",
				      (unsigned long long)places[i].first, places[i].what,
				      (unsigned long long)places[i].hash);
		}
	}
	if (file != NULL) {
		(void)fclose(file);
	}
	inside = false;
}

static void note_failure(const char *what)
{
	char line[128];
	int fd = fail.log_path != NULL
			 ? (int)syscall(SYS_openat, AT_FDCWD, fail.log_path,
					O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
			 : -1;
	int size = snprintf(line, sizeof(line), "%llu %s\n", (unsigned long long)fail.count, what);

	if (fd >= 0) {
		(void)!write(fd, line, (size_t)size);
		(void)syscall(SYS_close, fd);
	}
}

/* Is this call to fail? */
static bool due(const char *what, bool is_memory)
{
	bool hit = false;

	if (!fail.ready || inside || !(is_memory ? fail.memory : fail.calls)) {
		return false;
	}
	inside = true;
	fail.count++;
	if (fail.count_path != NULL) {
		(void)note_place(where(what), what);
	} else if (fail.count == fail.at) {
		hit = true;
		fail.place = fail.repeat ? where(what) : 0;
	} else if (fail.place != 0 && fail.count > fail.at) {
		hit = where(what) == fail.place;
	}
	if (hit) {
		note_failure(what);
	}
	inside = false;
	return hit;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void *(*real_malloc)(size_t);
static void *(*real_calloc)(size_t, size_t);
static void *(*real_realloc)(void *, size_t);
static void (*real_free)(void *);
/* What dlsym() itself may ask for before there is anything. */
static uint8_t early[8192] __attribute__((aligned(16)));
static size_t early_used;
static bool looking;

static void *take_early(size_t size)
{
	void *taken = early + early_used;

	size = (size + 15) / 16 * 16;
	if (early_used + size > sizeof(early)) {
		abort();
	}
	early_used += size;
	return taken;
}

static bool is_early(const void *pointer)
{
	return (const uint8_t *)pointer >= early &&
	       (const uint8_t *)pointer < early + sizeof(early);
}

static bool look_up(void)
{
	if (real_realloc == NULL && !looking) {
		looking = true;
		real_free = REAL(free);
		real_malloc = REAL(malloc);
		real_calloc = REAL(calloc);
		real_realloc = REAL(realloc);
		looking = false;
	}
	return real_realloc != NULL;
}

void *malloc(size_t size)
{
	if (!look_up()) {
		return take_early(size);
	}
	if (due("malloc", true)) {
		errno = ENOMEM;
		return NULL;
	}
	return real_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (!look_up()) {
		return take_early(count * size);
	}
	if (due("calloc", true)) {
		errno = ENOMEM;
		return NULL;
	}
	return real_calloc(count, size);
}

void *realloc(void *pointer, size_t size)
{
	if (!look_up() || is_early(pointer)) {
		void *fresh = malloc(size);

		if (pointer != NULL && fresh != NULL) {
			size_t kept = (size_t)(early + sizeof(early) - (uint8_t *)pointer);

			memcpy(fresh, pointer, size < kept ? size : kept);
		}
		return fresh;
	}
	if (due("realloc", true)) {
		errno = ENOMEM;
		return NULL;
	}
	return real_realloc(pointer, size);
}

void free(void *pointer)
{
	if (pointer == NULL || is_early(pointer)) {
		return;
	}
	(void)look_up();
	if (real_free != NULL) {
		real_free(pointer);
	} /* else: what dlsym() gives back while it is asked for free() itself is lost */
}

/* The C library's own, for it calls its own malloc(). */
char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);

	return copy != NULL ? memcpy(copy, text, size) : NULL;
}

char *strndup(const char *text, size_t size_max)
{
	size_t size = strnlen(text, size_max);
	char *copy = malloc(size + 1);

	if (copy == NULL) {
		return NULL;
	}
	copy[size] = '\0';
	return memcpy(copy, text, size);
}

int vasprintf(char **ret, const char *format, va_list list)
{
	va_list again;
	int size;

	va_copy(again, list);
	size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	*ret = size >= 0 ? malloc((size_t)size + 1) : NULL;
	return *ret != NULL ? vsnprintf(*ret, (size_t)size + 1, format, list) : -1;
}

int asprintf(char **ret, const char *format, ...)
{
	va_list list;
	int size;

	va_start(list, format);
	size = vasprintf(ret, format, list);
	va_end(list);
	return size;
}

/* The C library asserts that it has memory for its databases (nss_database.c): not counted. */
struct group *getgrnam(const char *name)
{
	bool was = inside;
	struct group *group;

	inside = true;
	group = REAL(getgrnam)(name);
	inside = was;
	return group;
}

/* ---- the kernel ------------------------------------------------------------------------------ */

#define FAIL(error, value)       \
	do {                     \
		errno = (error); \
		return (value);  \
	} while (0)

/* A function that returns -1 with an errno. */
#define WRAP(type, name, error, parameters, arguments) \
	type name parameters                           \
	{                                              \
		static __typeof__(&name) next;         \
		if (next == NULL) {                    \
			next = REAL(name);             \
		}                                      \
		if (due(#name, false)) {               \
			FAIL(error, (type)-1);         \
		}                                      \
		return next arguments;                 \
	}

WRAP(int, socket, EMFILE, (int domain, int type, int protocol), (domain, type, protocol))
WRAP(int, bind, EADDRINUSE, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(int, listen, EADDRINUSE, (int fd, int backlog), (fd, backlog))
WRAP(int, connect, ECONNREFUSED, (int fd, const struct sockaddr *address, socklen_t size),
     (fd, address, size))
WRAP(int, accept4, EMFILE, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags))
WRAP(int, setsockopt, ENOPROTOOPT, (int fd, int level, int name, const void *value, socklen_t size),
     (fd, level, name, value, size))
WRAP(int, getsockopt, EBADF, (int fd, int level, int name, void *value, socklen_t *size),
     (fd, level, name, value, size))
WRAP(int, getsockname, EBADF, (int fd, struct sockaddr *address, socklen_t *size),
     (fd, address, size))
WRAP(int, epoll_create1, EMFILE, (int flags), (flags))
WRAP(int, epoll_ctl, ENOSPC, (int epoll, int operation, int fd, struct epoll_event *event),
     (epoll, operation, fd, event))
WRAP(int, epoll_wait, EINTR, (int epoll, struct epoll_event *events, int max, int timeout),
     (epoll, events, max, timeout))
WRAP(int, timerfd_create, EMFILE, (int clock, int flags), (clock, flags))
WRAP(int, timerfd_settime, EINVAL,
     (int fd, int flags, const struct itimerspec *fresh, struct itimerspec *old),
     (fd, flags, fresh, old))
WRAP(int, signalfd, EMFILE, (int fd, const sigset_t *mask, int flags), (fd, mask, flags))
WRAP(int, flock, EIO, (int fd, int operation), (fd, operation))
WRAP(int, ftruncate, EIO, (int fd, off_t size), (fd, size))
WRAP(int, rename, EROFS, (const char *from, const char *to), (from, to))
WRAP(int, unlink, EROFS, (const char *path), (path))
WRAP(int, mkdir, ENOSPC, (const char *path, mode_t mode), (path, mode))
WRAP(int, rmdir, EBUSY, (const char *path), (path))
WRAP(int, chmod, EPERM, (const char *path, mode_t mode), (path, mode))
WRAP(int, fstat, EIO, (int fd, struct stat *ret), (fd, ret))
WRAP(int, stat, EIO, (const char *path, struct stat *ret), (path, ret))
WRAP(ssize_t, read, EIO, (int fd, void *data, size_t size), (fd, data, size))
WRAP(ssize_t, pread, EIO, (int fd, void *data, size_t size, off_t offset), (fd, data, size, offset))
WRAP(ssize_t, write, ENOSPC, (int fd, const void *data, size_t size), (fd, data, size))
WRAP(ssize_t, getrandom, ENOSYS, (void *data, size_t size, unsigned int flags), (data, size, flags))
WRAP(ssize_t, recv, ENETDOWN, (int fd, void *data, size_t size, int flags), (fd, data, size, flags))

/* Those of netlink mean that messages were lost; others that the network went away. */
static int receive_error(int fd)
{
	struct sockaddr_storage address;
	socklen_t size = sizeof(address);

	return REAL(getsockname)(fd, (struct sockaddr *)&address, &size) == 0 &&
			       address.ss_family == AF_NETLINK
		       ? ENOBUFS
		       : ENETDOWN;
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address,
		 socklen_t *address_size)
{
	if (due("recvfrom", false)) {
		FAIL(receive_error(fd), -1);
	}
	return REAL(recvfrom)(fd, data, size, flags, address, address_size);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	if (due("recvmsg", false)) {
		FAIL(receive_error(fd), -1);
	}
	return REAL(recvmsg)(fd, message, flags);
}

/* The kernel refuses a request of a type that there is not. */
static void spoil(void *data, size_t size)
{
	struct nlmsghdr *message = data;

	if (size >= sizeof(*message)) {
		message->nlmsg_type = 0x7fff;
	}
}

static bool is_netlink(int fd)
{
	return receive_error(fd) == ENOBUFS;
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
	       socklen_t address_size)
{
	if (due("sendto", false)) {
		if (!is_netlink(fd)) {
			FAIL(ENETUNREACH, -1);
		}
		spoil((void *)(uintptr_t)data, size);
	}
	return REAL(sendto)(fd, data, size, flags, address, address_size);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
	if (due("send", false)) {
		if (!is_netlink(fd)) {
			FAIL(EPIPE, -1);
		}
		spoil((void *)(uintptr_t)data, size);
	}
	return REAL(send)(fd, data, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (due("sendmsg", false)) {
		if (!is_netlink(fd) || message->msg_iovlen == 0) {
			FAIL(ENETUNREACH, -1);
		}
		spoil(message->msg_iov[0].iov_base, message->msg_iov[0].iov_len);
	}
	return REAL(sendmsg)(fd, message, flags);
}

static mode_t mode_of(int flags, va_list list)
{
	return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(list, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = mode_of(flags, list);
	va_end(list);
	if (due("open", false)) {
		FAIL(EMFILE, -1);
	}
	return REAL(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	va_list list;
	mode_t mode;

	va_start(list, flags);
	mode = mode_of(flags, list);
	va_end(list);
	if (due("open", false)) {
		FAIL(EMFILE, -1);
	}
	return REAL(open64)(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	if (due("fopen", false)) {
		FAIL(EMFILE, NULL);
	}
	return REAL(fopen)(path, mode);
}

int fflush(FILE *file)
{
	if (due("fflush", false)) {
		FAIL(ENOSPC, EOF);
	}
	return REAL(fflush)(file);
}

int fclose(FILE *file)
{
	if (due("fclose", false)) {
		(void)REAL(fclose)(file); /* what it could not write is gone, the file is closed */
		FAIL(ENOSPC, EOF);
	}
	return REAL(fclose)(file);
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
	return due("posix_fallocate", false) ? ENOSPC : REAL(posix_fallocate)(fd, offset, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	/* The allocator's own and the sanitizer's do not come by here; the programs' do. */
	if (due("mmap", false)) {
		FAIL(ENOMEM, MAP_FAILED);
	}
	return REAL(mmap)(address, size, protection, flags, fd, offset);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list list;
	void *argument;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (due("ioctl", false)) {
		FAIL(ENODEV, -1);
	}
	return REAL(ioctl)(fd, request, argument);
}

/* libbpf, and others, by number. */
long syscall(long which, ...)
{
	long arguments[6];
	va_list list;

	va_start(list, which);
	for (int i = 0; i < 6; i++) {
		arguments[i] = va_arg(list, long);
	}
	va_end(list);
	if (which == SYS_bpf && due("bpf", false)) {
		FAIL(EPERM, -1);
	}
	return REAL(syscall)(which, arguments[0], arguments[1], arguments[2], arguments[3],
			     arguments[4], arguments[5]);
}
