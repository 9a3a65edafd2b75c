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

struct holm_secret {
    struct holm_allocator allocator;
    mbedtls_md_context_t md; /* keyed, and reset */
    uint64_t cluster;
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
static bool prepare(struct holm_secret *secret, struct holm_bytes bytes, const char *cluster)
{
    uint8_t key[HOLM_VOUCHER_BYTES];
    bool done = derive(bytes, "holm 1 cluster", holm_str(cluster), key);
    for (size_t i = 0; done && i < 8; i++)
        secret->cluster = secret->cluster << 8 | key[i];
    done = done && derive(bytes, "holm 1 announcement", holm_str(""), key) &&
           mbedtls_md_setup(&secret->md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) == 0 &&
           mbedtls_md_hmac_starts(&secret->md, key, sizeof key) == 0;
    mbedtls_platform_zeroize(key, sizeof key);
    return done;
}

enum holm_status holm_secret_new(const struct holm_allocator *allocator, struct holm_bytes bytes,
                                 const char *cluster, struct holm_secret **secret)
{
    *secret = NULL;
    if (bytes.size < HOLM_SECRET_BYTES_MIN || bytes.size > HOLM_SECRET_BYTES_MAX)
        return HOLM_EINVAL;
    struct holm_secret *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->allocator = *allocator;
    mbedtls_md_init(&made->md);
    if (!prepare(made, bytes, cluster)) {
        holm_secret_free(made);
        return HOLM_ENOMEM;
    }
    *secret = made;
    return HOLM_OK;
}

void holm_secret_free(struct holm_secret *secret)
{
    if (secret == NULL)
        return;
    struct holm_allocator allocator = secret->allocator;
    mbedtls_md_free(&secret->md);
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
    while (size > 0 && is_blank(bytes[size - 1]))
        size--;
    enum holm_status status = HOLM_EINVAL;
    if (*why == NULL)
        status = holm_secret_new(allocator, holm_mem(bytes, size), cluster, secret);
    if (*why == NULL && status == HOLM_EINVAL)
        *why = size < HOLM_SECRET_BYTES_MIN ? "has less than 16 bytes" : "has more than 1024 bytes";
    mbedtls_platform_zeroize(bytes, sizeof bytes);
    return status;
}

/* ---- vouching ------------------------------------------------------------------------------- */

uint64_t holm_secret_cluster(const struct holm_secret *secret)
{
    return secret->cluster;
}

void holm_secret_vouch(struct holm_secret *secret, struct holm_bytes bytes,
                       uint8_t voucher[HOLM_VOUCHER_BYTES])
{
    /* Nothing here takes memory: it fails for want of a key alone, which is there. */
    bool done = mbedtls_md_hmac_reset(&secret->md) == 0 &&
                mbedtls_md_hmac_update(&secret->md, bytes.data, bytes.size) == 0 &&
                mbedtls_md_hmac_finish(&secret->md, voucher) == 0;
    HOLM_ASSERT(done);
}

bool holm_secret_vouches(struct holm_secret *secret, struct holm_bytes bytes,
                         const uint8_t voucher[HOLM_VOUCHER_BYTES])
{
    uint8_t right[HOLM_VOUCHER_BYTES];
    holm_secret_vouch(secret, bytes, right);
    return mbedtls_ct_memcmp(right, voucher, sizeof right) == 0;
}
