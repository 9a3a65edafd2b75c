/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - runs a fuzz target over its kept inputs, for builds without libFuzzer.
 *
 *     fuzz_decode tests/fuzz/corpus/decode
 *
 * Every regular file of each directory given is one input. A directory without inputs is a failure: a corpus that was
 * lost must not pass for one that was replayed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The buffer is exactly as large as the input, so that a sanitizer sees each byte read beyond it. */
static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
}

static int replay_directory(const char *directory)
{
    DIR *entries = opendir(directory);
    if (entries == NULL) {
        fprintf(stderr, "replay: cannot open %s\n", directory);
        return 0;
    }
    int count = 0;
    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        char path[4096];
        struct stat status;
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (length < 0 || (size_t)length >= sizeof path || stat(path, &status) != 0 ||
            !S_ISREG(status.st_mode))
            continue;
        replay_file(path, (size_t)status.st_size);
        count++;
    }
    closedir(entries);
    printf("replay: %d inputs from %s\n", count, directory);
    return count;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= replay_directory(argv[i]) == 0;
    return failed;
}
