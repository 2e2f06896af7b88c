/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a key (see genkey.h).  Called by commands.c.
 */
#include "genkey.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_SIZE 32
#define LINE_SIZE (2 * KEY_SIZE + 1) /* hexadecimal, with its newline */

static int make_line(char ret_line[LINE_SIZE + 1])
{
	uint8_t key[KEY_SIZE];

	if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
		return errno != 0 ? -errno : -EIO;
	}
	for (size_t i = 0; i < KEY_SIZE; i++) {
		(void)snprintf(ret_line + 2 * i, 3, "%02x", key[i]);
	}
	memcpy(ret_line + LINE_SIZE - 1, "\n", 2);
	explicit_bzero(key, sizeof(key));
	return 0;
}

static int write_all(int fd, const char *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		done += (size_t)n;
	}
	return 0;
}

/* Written beside its place, then linked there: link() does not replace what is there. */
static int write_file(const char *path, const char *line)
{
	char beside[PATH_MAX];
	int length = snprintf(beside, sizeof(beside), "%s.XXXXXX", path);
	int fd, r;

	if (length < 0 || (size_t)length >= sizeof(beside)) {
		return -ENAMETOOLONG;
	}
	fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	r = fchmod(fd, S_IRUSR | S_IWUSR) < 0 ? -errno : write_all(fd, line, LINE_SIZE);
	if (r == 0 && fsync(fd) < 0) {
		r = -errno;
	}
	if (close(fd) < 0 && r == 0) {
		r = -errno;
	}
	if (r == 0 && link(beside, path) < 0) {
		r = -errno;
	}
	(void)unlink(beside);
	return r;
}

static void warn_if_open(FILE *out, FILE *err)
{
	struct stat status;

	if (fileno(out) >= 0 && fstat(fileno(out), &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		fprintf(err, "mlagctl: genkey: others may read this file, so mlagd will refuse it: "
			     "'mlagctl genkey FILE' makes one that only its owner can read\n");
	}
}

int genkey_run(const char *path, FILE *out, FILE *err)
{
	char line[LINE_SIZE + 1];
	int r;

	errno = 0;
	r = make_line(line);
	if (r == 0 && path != NULL) {
		r = write_file(path, line);
	} else if (r == 0) {
		warn_if_open(out, err);
		r = fputs(line, out) < 0 || fflush(out) != 0 ? -EIO : 0;
	}
	explicit_bzero(line, sizeof(line));
	if (r == -EEXIST) {
		fprintf(err,
			"mlagctl: genkey: %s: is there already and is left as it is; move it away "
			"first if the pair is to have another key\n",
			path);
	} else if (r < 0) {
		fprintf(err, "mlagctl: genkey: %s: %s\n", path != NULL ? path : "the key",
			strerror(-r));
	}
	return r;
}
