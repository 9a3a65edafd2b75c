/* SPDX-License-Identifier: Apache-2.0 */
#include "node/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>
#include <mbedtls/platform_util.h>

#define FILE_BYTES_MAX 4096 /* with white space at its end */

struct key {
    mbedtls_md_context_t md; /* keyed, and reset */
    uint64_t cluster;
};

struct holm_secret {
    struct holm_allocator allocator;
    struct key keys[2]; /* the first vouches */
    size_t count;
};

static bool derive(struct holm_bytes bytes, const char *what, struct holm_bytes more,
                   uint8_t key[HOLM_VOUCHER_BYTES])
{
    mbedtls_md_context_t md;
    mbedtls_md_init(&md);
    bool done = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
                mbedtls_md_hmac_starts(&md, bytes.data, bytes.size) == 0 &&
                mbedtls_md_hmac_update(&md, (const unsigned char *)what, strlen(what) + 1) == 0 &&
                mbedtls_md_hmac_update(&md, more.data, more.size) == 0 &&
                mbedtls_md_hmac_finish(&md, key) == 0;
    mbedtls_md_free(&md);
    return done;
}

/* It asks the C library for memory, and that is all that can fail. */
static bool prepare(struct key *made, struct holm_bytes bytes, const char *cluster)
{
    uint8_t key[HOLM_VOUCHER_BYTES];
    bool done = derive(bytes, "holm 1 cluster", holm_str(cluster), key);
    made->cluster = 0;
    mbedtls_md_init(&made->md);
    for (size_t i = 0; done && i < 8; i++)
        made->cluster = made->cluster << 8 | key[i];
    done = done && derive(bytes, "holm 1 announcement", holm_str(""), key) &&
           mbedtls_md_setup(&made->md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
           mbedtls_md_hmac_starts(&made->md, key, sizeof key) == 0;
    mbedtls_platform_zeroize(key, sizeof key);
    if (!done)
        mbedtls_md_free(&made->md);
    return done;
}

static bool has_length(struct holm_bytes bytes)
{
    return bytes.size >= HOLM_SECRET_BYTES_MIN && bytes.size <= HOLM_SECRET_BYTES_MAX;
}

enum holm_status holm_secret_also(struct holm_secret *secret, struct holm_bytes bytes,
                                  const char *cluster)
{
    HOLM_ASSERT(secret->count < 2);
    if (!has_length(bytes))
        return HOLM_EINVAL;
    if (!prepare(&secret->keys[secret->count], bytes, cluster))
        return HOLM_ENOMEM;
    secret->count++;
    return HOLM_OK;
}

enum holm_status holm_secret_new(const struct holm_allocator *allocator, struct holm_bytes bytes,
                                 const char *cluster, struct holm_secret **secret)
{
    *secret = NULL;
    if (!has_length(bytes))
        return HOLM_EINVAL;
    struct holm_secret *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->allocator = *allocator;
    enum holm_status status = holm_secret_also(made, bytes, cluster);
    if (status == HOLM_OK)
        *secret = made;
    else
        holm_secret_free(made);
    return status;
}

void holm_secret_free(struct holm_secret *secret)
{
    if (secret == NULL)
        return;
    struct holm_allocator allocator = secret->allocator;
    for (size_t i = 0; i < secret->count; i++)
        mbedtls_md_free(&secret->keys[i].md);
    mbedtls_platform_zeroize(secret, sizeof *secret);
    holm_deallocate(&allocator, secret, sizeof *secret);
}

/* ---- the file ------------------------------------------------------------------------------- */

/* A group may read it: services are handed secrets so. */
static const char *objection(int fd)
{
    struct stat stat;
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
        return "is no file";
    if ((stat.st_mode & S_IROTH) != 0)
        return "may be read by everyone: chmod 600";
    if ((stat.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "may be written by others than its owner: chmod 600";
    return NULL;
}

/* NULL: that is all of it. One byte of room beyond what may be taken tells that there is more. */
static const char *read_all(int fd, char bytes[FILE_BYTES_MAX + 1], size_t *size)
{
    ssize_t count;
    *size = 0;
    do {
        count = read(fd, bytes + *size, FILE_BYTES_MAX + 1 - *size);
        *size += count > 0 ? (size_t)count : 0;
    } while ((count > 0 && *size <= FILE_BYTES_MAX) || (count < 0 && errno == EINTR));
    if (count < 0)
        return "cannot be read to its end";
    return *size > FILE_BYTES_MAX ? "has more than 4096 bytes, with what is blank" : NULL;
}

static bool is_blank(char byte)
{
    return byte == '\n' || byte == '\r' || byte == ' ' || byte == '\t';
}

static struct holm_bytes trimmed(const char *bytes, size_t size)
{
    while (size > 0 && is_blank(bytes[size - 1]))
        size--;
    return holm_mem(bytes, size);
}

/* Where an empty line begins, or the size. */
static size_t find_gap(const char *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++)
        if (bytes[i] == '\n' && (bytes[i + 1] == '\n' ||
                                 (i + 2 < size && bytes[i + 1] == '\r' && bytes[i + 2] == '\n')))
            return i;
    return size;
}

/* Takes the bytes of a file apart; returns how many secrets there are, up to 3. */
static size_t split(const char *bytes, size_t size, struct holm_bytes secrets[3])
{
    size_t count = 0;
    size = trimmed(bytes, size).size;
    while (count < 3 && (size > 0 || count == 0)) {
        size_t gap = find_gap(bytes, size);
        secrets[count++] = trimmed(bytes, gap);
        while (gap < size && is_blank(bytes[gap]))
            gap++;
        bytes += gap;
        size -= gap;
    }
    return count;
}

static enum holm_status take(const struct holm_allocator *allocator, const char *cluster,
                             struct holm_bytes found, struct holm_secret **secret)
{
    struct holm_bytes secrets[3];
    size_t count = split(found.data, found.size, secrets);
    enum holm_status status = count > 2 ? HOLM_ELIMIT : HOLM_OK;
    if (status == HOLM_OK)
        status = holm_secret_new(allocator, secrets[0], cluster, secret);
    if (status == HOLM_OK && count > 1)
        status = holm_secret_also(*secret, secrets[1], cluster);
    if (status != HOLM_OK) {
        holm_secret_free(*secret);
        *secret = NULL;
    }
    return status;
}

static const char *complaint(struct holm_bytes found)
{
    struct holm_bytes secrets[3];
    size_t count = split(found.data, found.size, secrets);
    if (count > 2)
        return "has more than two secrets, with empty lines between";
    for (size_t i = 0; i < count; i++)
        if (secrets[i].size < HOLM_SECRET_BYTES_MIN)
            return count == 1 ? "has less than 16 bytes" : "has a secret of less than 16 bytes";
    return count == 1 ? "has more than 1024 bytes" : "has a secret of more than 1024 bytes";
}

enum holm_status holm_secret_open(const struct holm_allocator *allocator, const char *path,
                                  const char *cluster, struct holm_secret **secret,
                                  const char **why)
{
    char bytes[FILE_BYTES_MAX + 1];
    size_t size = 0;
    /* A pipe of that name must not keep anybody waiting. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *secret = NULL;
    *why = fd < 0 ? "cannot be read, or is not there" : objection(fd);
    if (*why == NULL)
        *why = read_all(fd, bytes, &size);
    if (fd >= 0)
        (void)close(fd);
    enum holm_status status = HOLM_EINVAL;
    if (*why == NULL) {
        status = take(allocator, cluster, holm_mem(bytes, size), secret);
        if (status == HOLM_EINVAL || status == HOLM_ELIMIT) {
            *why = complaint(holm_mem(bytes, size));
            status = HOLM_EINVAL;
        }
    }
    mbedtls_platform_zeroize(bytes, sizeof bytes);
    return status;
}

/* ---- vouching ------------------------------------------------------------------------------- */

uint64_t holm_secret_cluster(const struct holm_secret *secret)
{
    return secret->keys[0].cluster;
}

static void vouch(struct key *key, struct holm_bytes bytes, uint8_t voucher[HOLM_VOUCHER_BYTES])
{
    /* Nothing here takes memory: it fails for want of a key alone, which is there. */
    bool done = mbedtls_md_hmac_reset(&key->md) == 0 &&
                mbedtls_md_hmac_update(&key->md, bytes.data, bytes.size) == 0 &&
                mbedtls_md_hmac_finish(&key->md, voucher) == 0;
    HOLM_ASSERT(done);
}

void holm_secret_vouch(struct holm_secret *secret, struct holm_bytes bytes,
                       uint8_t voucher[HOLM_VOUCHER_BYTES])
{
    vouch(&secret->keys[0], bytes, voucher);
}

bool holm_secret_vouches(struct holm_secret *secret, struct holm_bytes bytes,
                         const uint8_t voucher[HOLM_VOUCHER_BYTES], uint64_t *cluster)
{
    bool vouches = false;
    *cluster = 0;
    for (size_t i = 0; i < secret->count; i++) {
        uint8_t right[HOLM_VOUCHER_BYTES];
        vouch(&secret->keys[i], bytes, right);
        if (mbedtls_ct_memcmp(right, voucher, sizeof right) == 0) {
            vouches = true;
            *cluster = secret->keys[i].cluster;
        }
    }
    return vouches;
}
