// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pieces into a file (see save.h).  What is between pieces stays zero.
 */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "render.h"

#define FILE_SIZE_MAX (64L * 1024 * 1024)

struct save {
	FILE *file;
	const char *path;
	int error;
};

void render_nothing(FILE *out, const json_t *row)
{
	(void)out;
	(void)row;
}

struct save *save_open(const char *path, FILE *err)
{
	struct save *save = calloc(1, sizeof(*save));

	if (save == NULL) {
		fprintf(err, "mlagctl: %s: %s\n", path, strerror(ENOMEM));
		return NULL;
	}
	save->path = path;
	save->file = fopen(path, "wbe");
	if (save->file == NULL) {
		fprintf(err, "mlagctl: %s: %s\n", path, strerror(errno));
		free(save);
		return NULL;
	}
	return save;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void save_row(struct save *save, const json_t *row)
{
	const char *octets = json_string_value(json_object_get(row, "octets"));
	json_int_t offset = json_integer_value(json_object_get(row, "offset"));

	if (octets == NULL || offset < 0 || offset > FILE_SIZE_MAX ||
	    fseek(save->file, (long)offset, SEEK_SET) != 0) {
		save->error = EPROTO;
		return;
	}
	for (; octets[0] != '\0'; octets += 2) {
		int high = digit(octets[0]);
		int low = high < 0 ? -1 : digit(octets[1]);

		if (low < 0) {
			save->error = EPROTO;
			return;
		}
		if (fputc(high << 4 | low, save->file) == EOF) {
			save->error = errno;
			return;
		}
	}
}

int save_close(struct save *save, bool complete, FILE *err)
{
	int error = save->error;

	if (fclose(save->file) != 0 && error == 0) {
		error = errno;
	}
	if (error != 0) {
		fprintf(err, "mlagctl: %s: %s\n", save->path, strerror(error));
	}
	if (error != 0 || !complete) {
		(void)unlink(save->path);
	}
	free(save);
	return -error;
}
