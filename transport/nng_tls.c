/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_tls.h"

#include <stdio.h>

#include "transport/nng_channel.h"

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define TRIES 3
#define TRY_MS 5000

/* A file's text, with a NUL at its end. */
struct text {
    char *bytes;
    size_t capacity;
};

/* Through a volatile pointer, so that the writes stay: a key is not left behind in freed memory. */
static void drop(const struct holm_allocator *allocator, struct text *text)
{
    volatile char *bytes = text->bytes;
    for (size_t i = 0; i < text->capacity; i++)
        bytes[i] = 0;
    holm_deallocate(allocator, text->bytes, text->capacity);
    *text = (struct text){NULL, 0};
}

static enum holm_status read_file(const struct holm_allocator *allocator, const char *path,
                                  struct text *text)
{
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return HOLM_EINVAL;
    /* Unbuffered: the C library would keep a copy of the key. */
    setvbuf(file, NULL, _IONBF, 0);
    enum holm_status status = HOLM_EINVAL;
    text->bytes = holm_allocate(allocator, FILE_BYTES_MAX);
    if (text->bytes == NULL) {
        status = HOLM_ENOMEM;
    } else {
        text->capacity = FILE_BYTES_MAX;
        size_t size = fread(text->bytes, 1, FILE_BYTES_MAX, file);
        if (size > 0 && size < FILE_BYTES_MAX && ferror(file) == 0 &&
            memchr(text->bytes, '\0', size) == NULL) {
            text->bytes[size] = '\0';
            status = HOLM_OK;
        }
    }
    fclose(file);
    return status;
}

struct texts {
    struct text certificate, key, ca;
};

static enum holm_status config_open(nng_tls_config **config, nng_tls_mode mode,
                                    const struct texts *texts, const char **why)
{
    int error = nng_tls_config_alloc(config, mode);
    if (error != 0) {
        *config = NULL;
        *why = error == NNG_ENOTSUP ? "nng was built without TLS" : "out of memory";
        return error == NNG_ENOTSUP ? HOLM_EINVAL : HOLM_ENOMEM;
    }
    *why = "the CA's file has no certificate that can be read";
    const char *crl = strstr(texts->ca.bytes, "-----BEGIN X509 CRL-----") == NULL ? NULL
                                                                                  : texts->ca.bytes;
    error = nng_tls_config_version(*config, NNG_TLS_1_2, NNG_TLS_1_3);
    if (error == 0)
        error = nng_tls_config_auth_mode(*config, NNG_TLS_AUTH_MODE_REQUIRED);
    if (error == 0)
        error = nng_tls_config_ca_chain(*config, texts->ca.bytes, crl);
    if (error == 0) {
        *why = "the certificate or its key cannot be read";
        error = nng_tls_config_own_cert(*config, texts->certificate.bytes, texts->key.bytes, NULL);
    }
    return error == 0 ? HOLM_OK : error == NNG_ENOMEM ? HOLM_ENOMEM : HOLM_EINVAL;
}

/* ---- shown to itself ------------------------------------------------------------------------ */

struct mirror {
    nng_stream_listener *listener;
    nng_stream_dialer *dialer;
    nng_stream *streams[2]; /* accepted, dialled */
    nng_aio *aios[2];
    unsigned char byte[2];
};

static void mirror_close(struct mirror *mirror)
{
    if (mirror->listener != NULL)
        nng_stream_listener_close(mirror->listener);
    if (mirror->dialer != NULL)
        nng_stream_dialer_close(mirror->dialer);
    for (size_t i = 0; i < 2; i++) {
        if (mirror->streams[i] != NULL)
            nng_stream_close(mirror->streams[i]);
        if (mirror->aios[i] != NULL)
            nng_aio_free(mirror->aios[i]);
        if (mirror->streams[i] != NULL)
            nng_stream_free(mirror->streams[i]);
    }
    if (mirror->dialer != NULL)
        nng_stream_dialer_free(mirror->dialer);
    if (mirror->listener != NULL)
        nng_stream_listener_free(mirror->listener);
}

static int mirror_open(struct mirror *mirror, const struct holm_nng_tls *tls)
{
    char address[HOLM_ADDRESS_BYTES_MAX] = "tls+tcp://127.0.0.1:0";
    int port = 0;
    int error = nng_stream_listener_alloc(&mirror->listener, address);
    if (error == 0)
        error = nng_stream_listener_set_ptr(mirror->listener, NNG_OPT_TLS_CONFIG, tls->listen);
    if (error == 0)
        error = nng_stream_listener_listen(mirror->listener);
    if (error == 0)
        error = nng_stream_listener_get_int(mirror->listener, NNG_OPT_TCP_BOUND_PORT, &port);
    if (error != 0)
        return error;
    (void)snprintf(address, sizeof address, "tls+tcp://127.0.0.1:%d", port);
    error = nng_stream_dialer_alloc(&mirror->dialer, address);
    if (error == 0)
        error = nng_stream_dialer_set_ptr(mirror->dialer, NNG_OPT_TLS_CONFIG, tls->dial);
    for (size_t i = 0; i < 2 && error == 0; i++) {
        error = nng_aio_alloc(&mirror->aios[i], NULL, NULL);
        if (error == 0)
            nng_aio_set_timeout(mirror->aios[i], TRY_MS);
    }
    return error;
}

/* Both at once; the first error, the accepted side's before the dialled one's. */
static int mirror_wait(struct mirror *mirror)
{
    nng_aio_wait(mirror->aios[1]);
    if (nng_aio_result(mirror->aios[1]) != 0)
        nng_aio_cancel(mirror->aios[0]);
    nng_aio_wait(mirror->aios[0]);
    int error = nng_aio_result(mirror->aios[0]);
    return error != 0 ? error : nng_aio_result(mirror->aios[1]);
}

/* The accepted side hears a byte only when each has taken the other's certificate. */
static int mirror_look(struct mirror *mirror)
{
    nng_stream_listener_accept(mirror->listener, mirror->aios[0]);
    nng_stream_dialer_dial(mirror->dialer, mirror->aios[1]);
    int error = mirror_wait(mirror);
    for (size_t i = 0; i < 2; i++)
        if (nng_aio_result(mirror->aios[i]) == 0)
            mirror->streams[i] = nng_aio_get_output(mirror->aios[i], 0);
    if (error != 0)
        return error;
    for (size_t i = 0; i < 2; i++) {
        nng_iov iov = {.iov_buf = &mirror->byte[i], .iov_len = 1};
        error = nng_aio_set_iov(mirror->aios[i], 1, &iov);
        if (error != 0)
            return error;
    }
    nng_stream_recv(mirror->streams[0], mirror->aios[0]);
    nng_stream_send(mirror->streams[1], mirror->aios[1]);
    return mirror_wait(mirror);
}

/*
 * Besides the check it has each key of the two configurations used once by one thread alone: with
 * mbed TLS 2.28 the first use of an elliptic curve's key writes to it, without a lock.
 */
static enum holm_status show_itself(const struct holm_nng_tls *tls, const char **why)
{
    bool met = false;
    int error = 0;
    /* Another process may call there first, and be taken for ourselves. */
    for (int i = 0; i < TRIES; i++) {
        struct mirror mirror = {.listener = NULL};
        error = mirror_open(&mirror, tls);
        if (error == 0)
            error = mirror_look(&mirror);
        met = mirror.streams[0] != NULL && mirror.streams[1] != NULL;
        mirror_close(&mirror);
        if (error == 0)
            return HOLM_OK;
    }
    /* Whoever closes first takes the reason along: of a failed handshake every other error may be left. */
    bool refused = met && error != NNG_ENOMEM && error != NNG_ETIMEDOUT;
    *why = refused ? "the certificate is not of this key, not signed by this CA, or out of date"
                   : nng_strerror(error);
    return refused ? HOLM_EINVAL : error == NNG_ENOMEM ? HOLM_ENOMEM : HOLM_EIO;
}

enum holm_status holm_nng_tls_open(struct holm_nng_tls *tls, const struct holm_transport_tls *files,
                                   const struct holm_allocator *allocator, const char **why)
{
    struct texts texts = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    *tls = (struct holm_nng_tls){NULL, NULL};
    if (files->certificate == NULL && files->key == NULL && files->ca == NULL)
        return HOLM_OK;
    *why = "of certificate, key and CA one is missing";
    if (files->certificate == NULL || files->key == NULL || files->ca == NULL)
        return HOLM_EINVAL;
    *why = "the certificate's file cannot be read";
    enum holm_status status = read_file(allocator, files->certificate, &texts.certificate);
    if (status == HOLM_OK) {
        *why = "the key's file cannot be read";
        status = read_file(allocator, files->key, &texts.key);
    }
    if (status == HOLM_OK) {
        *why = "the CA's file cannot be read";
        status = read_file(allocator, files->ca, &texts.ca);
    }
    if (status == HOLM_OK)
        status = config_open(&tls->listen, NNG_TLS_MODE_SERVER, &texts, why);
    if (status == HOLM_OK)
        status = config_open(&tls->dial, NNG_TLS_MODE_CLIENT, &texts, why);
    drop(allocator, &texts.certificate);
    drop(allocator, &texts.key);
    drop(allocator, &texts.ca);
    return status == HOLM_OK ? show_itself(tls, why) : status;
}

void holm_nng_tls_close(struct holm_nng_tls *tls)
{
    if (tls->listen != NULL)
        nng_tls_config_free(tls->listen);
    if (tls->dial != NULL)
        nng_tls_config_free(tls->dial);
    *tls = (struct holm_nng_tls){NULL, NULL};
}
