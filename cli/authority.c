/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>

#define PEM_BYTES 4096
#define PATH_BYTES 4096
#define DAY_S 86400
#define AUTHORITY_DAYS 3650

struct holm_authority {
    char directory[PATH_BYTES - HOLM_AUTHORITY_NAME_BYTES_MAX - 8];
    unsigned days;
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context random;
    mbedtls_pk_context key;
    mbedtls_x509_crt certificate;
};

static bool path_of(const struct holm_authority *authority, const char *name, const char *end,
                    char path[PATH_BYTES])
{
    int size = snprintf(path, PATH_BYTES, "%s/%s%s", authority->directory, name, end);
    return size > 0 && size < PATH_BYTES;
}

static bool is_there(const struct holm_authority *authority, const char *name, const char *end)
{
    char path[PATH_BYTES];
    struct stat status;
    return path_of(authority, name, end, path) && lstat(path, &status) == 0;
}

/* A file that was not there before. */
static enum holm_status write_file(const struct holm_authority *authority, const char *name,
                                   const char *end, mode_t mode, const unsigned char *text)
{
    char path[PATH_BYTES];
    size_t size = strlen((const char *)text);
    if (!path_of(authority, name, end, path))
        return HOLM_EIO;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (file < 0)
        return errno == EEXIST ? HOLM_EBUSY : HOLM_EIO;
    bool well = write(file, text, size) == (ssize_t)size;
    well = fsync(file) == 0 && well;
    return close(file) == 0 && well ? HOLM_OK : HOLM_EIO;
}

static enum holm_status of_mbedtls(int error)
{
    if (error == 0)
        return HOLM_OK;
    return error == MBEDTLS_ERR_PK_ALLOC_FAILED || error == MBEDTLS_ERR_X509_ALLOC_FAILED
               ? HOLM_ENOMEM
               : HOLM_EIO;
}

static int draw_key(struct holm_authority *authority, mbedtls_pk_context *key)
{
    int error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (error == 0)
        error = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
                                    mbedtls_ctr_drbg_random, &authority->random);
    return error;
}

/* ---- certificates --------------------------------------------------------------------------- */

static void date(char text[16], time_t when)
{
    struct tm parts;
    (void)gmtime_r(&when, &parts);
    (void)strftime(text, 16, "%Y%m%d%H%M%S", &parts);
}

/* A day before now, so that a node whose clock is behind can be let in at once. */
static int set_dates(mbedtls_x509write_cert *draft, unsigned days)
{
    char from[16], to[16];
    time_t now = time(NULL);
    date(from, now - DAY_S);
    date(to, now + (time_t)days * DAY_S);
    return mbedtls_x509write_crt_set_validity(draft, from, to);
}

static int set_serial(struct holm_authority *authority, mbedtls_x509write_cert *draft)
{
    unsigned char bytes[16];
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    int error = mbedtls_ctr_drbg_random(&authority->random, bytes, sizeof bytes);
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and never zero */
    if (error == 0)
        error = mbedtls_mpi_read_binary(&serial, bytes, sizeof bytes);
    if (error == 0)
        error = mbedtls_x509write_crt_set_serial(draft, &serial);
    mbedtls_mpi_free(&serial);
    return error;
}

/* Who may be shown a certificate: both ends of a link. As in RFC 5280, 4.2.1.12. */
static int set_purposes(mbedtls_x509write_cert *draft)
{
    static const unsigned char both[] = {0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05,
                                         0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06,
                                         0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
    return mbedtls_x509write_crt_set_extension(draft, MBEDTLS_OID_EXTENDED_KEY_USAGE,
                                               MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
                                               both, sizeof both);
}

static int set_rights(mbedtls_x509write_cert *draft, bool authority)
{
    int error = mbedtls_x509write_crt_set_basic_constraints(draft, authority, authority ? 0 : -1);
    if (error == 0)
        error = mbedtls_x509write_crt_set_key_usage(
            draft, authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                             : MBEDTLS_X509_KU_DIGITAL_SIGNATURE | MBEDTLS_X509_KU_KEY_AGREEMENT);
    if (error == 0 && !authority)
        error = set_purposes(draft);
    if (error == 0)
        error = mbedtls_x509write_crt_set_subject_key_identifier(draft);
    if (error == 0)
        error = mbedtls_x509write_crt_set_authority_key_identifier(draft);
    return error;
}

/* Of `key`, signed by the authority, which signs its own as well. */
static int sign(struct holm_authority *authority, const char *name, mbedtls_pk_context *key,
                unsigned char text[PEM_BYTES])
{
    bool own = key == &authority->key;
    char subject[HOLM_AUTHORITY_NAME_BYTES_MAX + 16];
    mbedtls_x509write_cert draft;
    mbedtls_x509write_crt_init(&draft);
    mbedtls_x509write_crt_set_version(&draft, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(&draft, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(&draft, key);
    mbedtls_x509write_crt_set_issuer_key(&draft, &authority->key);
    (void)snprintf(subject, sizeof subject, "CN=%s,O=holm", own ? "holm test authority" : name);
    int error = mbedtls_x509write_crt_set_subject_name(&draft, subject);
    if (error == 0)
        error = mbedtls_x509write_crt_set_issuer_name(&draft, "CN=holm test authority,O=holm");
    if (error == 0)
        error = set_serial(authority, &draft);
    if (error == 0)
        error = set_dates(&draft, own ? AUTHORITY_DAYS : authority->days);
    if (error == 0)
        error = set_rights(&draft, own);
    if (error == 0)
        error = mbedtls_x509write_crt_pem(&draft, text, PEM_BYTES, mbedtls_ctr_drbg_random,
                                          &authority->random);
    mbedtls_x509write_crt_free(&draft);
    return error;
}

/* The key first: a certificate without one is of no use, and says so at once. */
static enum holm_status write_pair(struct holm_authority *authority, const char *name,
                                   mbedtls_pk_context *key)
{
    unsigned char text[PEM_BYTES];
    enum holm_status status = of_mbedtls(mbedtls_pk_write_key_pem(key, text, sizeof text));
    if (status == HOLM_OK)
        status = write_file(authority, name, ".key", 0600, text);
    mbedtls_platform_zeroize(text, sizeof text);
    if (status == HOLM_OK)
        status = of_mbedtls(sign(authority, name, key, text));
    return status == HOLM_OK ? write_file(authority, name, ".crt", 0644, text) : status;
}

/* ---- the authority -------------------------------------------------------------------------- */

static enum holm_status make(struct holm_authority *authority)
{
    enum holm_status status = of_mbedtls(draw_key(authority, &authority->key));
    return status == HOLM_OK ? write_pair(authority, "ca", &authority->key) : status;
}

static enum holm_status load(struct holm_authority *authority)
{
    char path[PATH_BYTES];
    if (!path_of(authority, "ca", ".key", path) ||
        mbedtls_pk_parse_keyfile(&authority->key, path, NULL) != 0)
        return HOLM_EMALFORMED;
    if (!path_of(authority, "ca", ".crt", path) ||
        mbedtls_x509_crt_parse_file(&authority->certificate, path) != 0)
        return HOLM_EMALFORMED;
    return mbedtls_pk_check_pair(&authority->certificate.pk, &authority->key) == 0
               ? HOLM_OK
               : HOLM_EMALFORMED;
}

static enum holm_status prepare(struct holm_authority *authority, const char *directory)
{
    size_t size = strlen(directory);
    mbedtls_entropy_init(&authority->entropy);
    mbedtls_ctr_drbg_init(&authority->random);
    mbedtls_pk_init(&authority->key);
    mbedtls_x509_crt_init(&authority->certificate);
    if (size == 0 || size >= sizeof authority->directory) {
        errno = ENAMETOOLONG;
        return HOLM_EIO;
    }
    memcpy(authority->directory, directory, size + 1);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST)
        return HOLM_EIO;
    return of_mbedtls(mbedtls_ctr_drbg_seed(&authority->random, mbedtls_entropy_func,
                                            &authority->entropy, NULL, 0));
}

enum holm_status holm_authority_open(const char *directory, unsigned days,
                                     struct holm_authority **authority, bool *made)
{
    struct holm_authority *opened = calloc(1, sizeof *opened);
    *authority = NULL;
    if (opened == NULL)
        return HOLM_ENOMEM;
    opened->days = days;
    enum holm_status status = prepare(opened, directory);
    bool key = status == HOLM_OK && is_there(opened, "ca", ".key");
    bool certificate = status == HOLM_OK && is_there(opened, "ca", ".crt");
    *made = !key && !certificate;
    if (status == HOLM_OK && key != certificate)
        status = HOLM_EBUSY;
    else if (status == HOLM_OK)
        status = key ? load(opened) : make(opened);
    if (status != HOLM_OK) {
        holm_authority_close(opened);
        return status;
    }
    *authority = opened;
    return HOLM_OK;
}

void holm_authority_close(struct holm_authority *authority)
{
    if (authority == NULL)
        return;
    mbedtls_x509_crt_free(&authority->certificate);
    mbedtls_pk_free(&authority->key);
    mbedtls_ctr_drbg_free(&authority->random);
    mbedtls_entropy_free(&authority->entropy);
    free(authority);
}

bool holm_authority_names(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(name);
    return size > 0 && size <= HOLM_AUTHORITY_NAME_BYTES_MAX && strspn(name, allowed) == size &&
           name[0] != '.' && name[0] != '-' && strcmp(name, "ca") != 0;
}

enum holm_status holm_authority_issue(struct holm_authority *authority, const char *name)
{
    mbedtls_pk_context key;
    if (!holm_authority_names(name))
        return HOLM_EINVAL;
    if (is_there(authority, name, ".key") || is_there(authority, name, ".crt"))
        return HOLM_EBUSY;
    mbedtls_pk_init(&key);
    enum holm_status status = of_mbedtls(draw_key(authority, &key));
    if (status == HOLM_OK)
        status = write_pair(authority, name, &key);
    mbedtls_pk_free(&key);
    return status;
}
